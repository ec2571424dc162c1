/**
 * Room for the register sets of stops.
 *
 * A tracer may read one at every stop, and it must stay readable after the tracee has gone on. A buffer of its own would cost more than the
 * request: it is allocated outside the heap and has to be collected. So sets take their places one after the other in a larger buffer,
 * which lives as long as one of them does.
 */
const PLACES = 32;

export class RegisterRoom {
  readonly #size: number;
  #chunk: ArrayBuffer;
  #next = 0;

  /** @param size bytes of the largest set: a multiple of 8 */
  constructor(size: number) {
    this.#size = size;
    this.#chunk = new ArrayBuffer(size * PLACES);
  }

  /** The next place, for a set to be read into. It is given again and again until it is taken. */
  place(): Uint8Array {
    if (this.#next === this.#chunk.byteLength) {
      this.#chunk = new ArrayBuffer(this.#chunk.byteLength);
      this.#next = 0;
    }
    return new Uint8Array(this.#chunk, this.#next, this.#size);
  }

  /** The place given last belongs to a set from now on. */
  take(): void {
    this.#next += this.#size;
  }
}
