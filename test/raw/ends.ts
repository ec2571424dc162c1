import { readFileSync } from 'node:fs';
import { binding } from '../../lib/binding.js';
import { limit } from '../helpers/scale.js';

const WNOHANG = 1;
const WUNTRACED = 2;
const WALL = 0x40000000;

/** Sleeps without an event loop: what is waited for here is another process. */
export function nap(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** Waits until something is so. */
export function until(what: string, check: () => boolean, milliseconds = 5000): void {
  const end = Date.now() + limit(milliseconds);
  while (!check()) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    nap(1);
  }
}

/** The next wait status of a child; kills it when none comes in time. */
export function waitFor(pid: number, options = WUNTRACED): number {
  const status = new Int32Array(1);
  const end = Date.now() + limit(5000);
  for (;;) {
    const waited = binding().wait4(pid, options | WALL | WNOHANG, status, null);
    if (waited === pid) return status[0] ?? -1;
    if (waited < 0) throw new Error(`wait4(${pid}): errno ${-waited}`);
    if (Date.now() > end) {
      binding().kill(pid, 9);
      binding().wait4(pid, WALL, status, null);
      throw new Error(`no status of ${pid} in time`);
    }
    nap(1);
  }
}

/** The end of a child as its wait status; stops on the way are an error. */
export function waitEnd(pid: number): number {
  return waitFor(pid, 0);
}

/** Kills a child and reaps it. */
export function end(pid: number): void {
  binding().kill(pid, 9);
  const status = new Int32Array(1);
  // A traced child may have something to tell before its end.
  while (binding().wait4(pid, WALL, status, null) === pid && ((status[0] ?? 0) & 0xff) === 0x7f);
}

/** The state letter in /proc, or undefined when there is no such process. */
export function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  } catch {
    return undefined;
  }
}
