import { setTimeout as delay } from 'node:timers/promises';
import { afterAll } from 'vitest';
import { processes } from './leftovers.js';
import { limit } from './scale.js';

// Registered before a file's own hooks, so that it runs after them: a test file that leaves a child alive fails by name, also when
// the child has an environment without the run's marker.
const before = new Set(children().map(({ pid }) => pid));

function children(): { pid: number; command: string }[] {
  return processes().filter(({ ppid, state }) => ppid === process.pid && state !== 'Z' && state !== 'X');
}

afterAll(async () => {
  const left = (): { pid: number; command: string }[] => children().filter(({ pid }) => !before.has(pid));
  // What was killed a moment ago may still be on its way out.
  const end = Date.now() + limit(3000);
  let found = left();
  while (found.length > 0 && Date.now() < end) {
    await delay(20);
    found = left();
  }
  for (const { pid } of found) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // gone meanwhile
    }
  }
  if (found.length > 0) {
    throw new Error(`left behind: ${found.map(({ pid, command }) => `${pid} ${command}`).join(', ')}`);
  }
}, limit(10_000));
