/** Arrays that come from outside. */
import { describe } from '../arguments.js';
import { PtraceError, badInput, isPtraceError } from '../errors.js';

/** A copy of an array that may be anything: its elements are read once, and nothing of it runs later. */
export function copyOfArray(name: string, value: unknown, what: string, most: number): unknown[] {
  const copy: unknown[] = [];
  try {
    // Also this throws: on a revoked proxy.
    if (!Array.isArray(value)) throw badInput(name, `${what} is ${describe(value)}, want an array`);
    const length: unknown = value.length;
    if (typeof length !== 'number' || length > most) {
      throw badInput(name, `${what} has ${describe(length)} elements, want at most ${most}`);
    }
    for (let index = 0; index < length; index++) copy.push(value[index]);
  } catch (error) {
    if (isPtraceError(error)) throw error;
    throw new PtraceError({ request: name, reason: 'bad-input', detail: `${what} cannot be read`, cause: error });
  }
  return copy;
}
