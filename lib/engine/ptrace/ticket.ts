import type { Vote } from '../callbacks.js';

/**
 * The answer of a callback that is still to come, and comes synchronously: a thenable whose owner settles it. The thread stays where it stands, in the very stop
 * that the kernel has made, until {@link Ticket.settle}, which goes on with the pass before it returns.
 */
export class Ticket {
  #goOn: ((vote: Vote) => void) | undefined;
  #settled = false;

  /** For the engines: who waits for the answer. */
  then(goOn: (vote: Vote) => void): void {
    this.#goOn = goOn;
  }

  get isSettled(): boolean {
    return this.#settled;
  }

  /** Gives the answer. A second one is nothing. */
  settle(vote: Vote): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#goOn?.(vote);
  }

  /** As what a callback may give. */
  get answer(): Promise<Vote> {
    return this as unknown as Promise<Vote>;
  }
}
