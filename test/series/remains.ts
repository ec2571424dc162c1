import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { processes } from '../helpers/leftovers.js';
import { limit } from '../helpers/scale.js';

const VARIABLE = 'LINUX_PTRACE_TEST_SERIES';

/** An environment that marks everything started with it. */
export function marked(mark: string): NodeJS.ProcessEnv {
  return { ...process.env, [VARIABLE]: mark };
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return [];
  }
}

/** The processes that carry a mark at this moment. */
export function carriers(mark: string): string[] {
  return processes()
    .filter(({ pid, state }) => state !== 'Z' && environmentOf(pid).includes(`${VARIABLE}=${mark}`))
    .map(({ pid, state, command }) => `${pid} ${state} ${command}`);
}

/** The processes with a mark that do not go away by themselves. */
export async function remains(mark: string): Promise<string[]> {
  const end = Date.now() + limit(5000);
  let left = carriers(mark);
  while (left.length > 0 && Date.now() < end) {
    await delay(20);
    left = carriers(mark);
  }
  return left;
}
