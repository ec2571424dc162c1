import type { Stop } from './stop.js';
import type { Tracee } from './tracee.js';

/** Stops that nobody has taken yet, oldest first. */
export class StopQueue {
  #stops: Stop[] = [];
  #head = 0;

  get size(): number {
    return this.#stops.length - this.#head;
  }

  push(stop: Stop): void {
    this.#stops.push(stop);
  }

  shift(): Stop | undefined {
    const stop = this.#stops[this.#head];
    if (stop === undefined) return undefined;
    this.#head++;
    if (this.#head === this.#stops.length) {
      this.#stops = [];
      this.#head = 0;
    }
    return stop;
  }

  /** Whether there is one of this tracee. */
  has(tracee: Tracee): boolean {
    for (let index = this.#head; index < this.#stops.length; index++) {
      if (this.#stops[index]?.tracee === tracee) return true;
    }
    return false;
  }

  /** The oldest of this tracee. */
  take(tracee: Tracee): Stop | undefined {
    for (let index = this.#head; index < this.#stops.length; index++) {
      const stop = this.#stops[index];
      if (stop?.tracee !== tracee) continue;
      this.#stops.splice(index, 1);
      return stop;
    }
    return undefined;
  }
}
