import type { Stop } from './stop.js';

/** What gives the next stop: a tracee. */
interface Source {
  wait(): Promise<Stop>;
}

/**
 * The next stop of one tracee, to be awaited or not.
 *
 * It is a promise that begins when it is asked. Awaited, the stop goes to who awaits. Not awaited, the stop goes the way of all stops: to
 * `for await (const stop of tracer)` or `tracer.wait()`. So one can resume many tracees in a loop and take their stops in another.
 */
export class NextStop implements PromiseLike<Stop> {
  readonly #source: Source;
  constructor(source: Source) {
    this.#source = source;
  }
  then<A = Stop, B = never>(
    fulfilled?: ((stop: Stop) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#source.wait().then(fulfilled, rejected);
  }
  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Stop | B> {
    return this.#source.wait().catch(rejected);
  }
  finally(settled?: (() => void) | null): Promise<Stop> {
    return this.#source.wait().finally(settled);
  }
}
