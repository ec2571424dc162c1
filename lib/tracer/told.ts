/**
 * What a tracee tells, a stop or its end: known from what only looks like it, or is a proxy of it, without running any code of the value.
 */
export abstract class Told {
  readonly #told = true;

  /** @internal */
  static is(value: unknown): boolean {
    return typeof value === 'object' && value !== null && #told in value && value.#told;
  }
}
