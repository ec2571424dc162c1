/** Who waits for a callback to be over: utrace_barrier() as promises. */
import type { Seat } from './seat.js';

export class Barriers<O> {
  #waiting: { readonly seat: Seat<O>; readonly resolve: (result: 0) => void }[] = [];

  /** Whether anybody waits. */
  get hasAny(): boolean {
    return this.#waiting.length > 0;
  }

  /** Resolves when the callback to the engine that is under way is over, its vote applied, or the thread is gone. */
  wait(seat: Seat<O>): Promise<0> {
    return new Promise((resolve) => {
      this.#waiting.push({ seat, resolve });
    });
  }

  /** A callback to the engine is over. */
  settle(seat: Seat<O>): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((barrier) => barrier.seat !== seat);
    for (const barrier of waiting) if (barrier.seat === seat) barrier.resolve(0);
  }

  /** The thread is gone, and no callback is under way any more. */
  settleAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const barrier of waiting) barrier.resolve(0);
  }
}
