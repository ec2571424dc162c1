/**
 * Threads that were let into execve(2) beside other threads of their process a moment ago.
 *
 * The call kills the others out of whatever stop they stand in, and each of them stops at its exit. A request that was meant for the stop before
 * may end that one, which then nobody has seen. No request says which stop it is for; but the kernel comes to the killing soon, and that can be waited for.
 */
import { scaledMillis } from '../time-scale.js';
import type { EngineThread } from './thread.js';

/** An execve of a file that is in memory has killed by then. Longer than that nobody is kept waiting: it may be blocked, by those who are to be killed. */
const MILLIS = 5;

export class Executing {
  /** When each was let go, in the milliseconds of performance.now(). */
  readonly #since = new Map<EngineThread, number>();

  add(thread: EngineThread): void {
    this.#since.set(thread, performance.now());
  }

  /** It has stopped, or ended. */
  delete(thread: EngineThread): void {
    this.#since.delete(thread);
  }

  /** Whether another thread of its process may be about to kill this one. */
  endangers(thread: EngineThread): boolean {
    if (this.#since.size === 0) return false;
    const now = performance.now();
    for (const [other, since] of this.#since) {
      if (other !== thread && other.pid === thread.pid && now - since < scaledMillis(MILLIS)) return true;
    }
    return false;
  }
}
