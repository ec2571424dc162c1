import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { leftovers, MARKER, processes, type Process } from './leftovers.js';
import { limit } from './scale.js';

/** vitest's own worker processes, which may still be there while the run is torn down, and the bundler's helper. */
function isWorker({ command }: Process): boolean {
  return /[/\\]vitest[/\\]dist[/\\]workers[/\\]/.test(command) || /\besbuild\b.*--service/.test(command);
}

/** Marks every process of the run, and fails the run when one is left at its end. */
export default function setup(): () => Promise<void> {
  const marker = randomUUID();
  process.env[MARKER] = marker;
  const before = new Set(processes().map(({ pid }) => pid));

  return async () => {
    const left = (): Process[] => leftovers(marker, process.pid, before, isWorker);
    // What was killed a moment ago may still be on its way out.
    const end = Date.now() + limit(3000);
    let found = left();
    while (found.length > 0 && Date.now() < end) {
      await delay(50);
      found = left();
    }
    if (found.length === 0) return;
    for (const { pid } of found) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // gone meanwhile
      }
    }
    const lines = found.map(({ pid, ppid, state, command }) => `  ${pid} (parent ${ppid}, state ${state}) ${command}`);
    process.exitCode = 1; // vitest prints what a teardown throws, and calls the run a success
    throw new Error(`the tests left ${found.length} process(es) behind:\n${lines.join('\n')}`);
  };
}
