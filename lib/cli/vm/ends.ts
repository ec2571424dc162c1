/** How the commands of `vm` end. */
import { isVmError, type VmFailure } from '../../vm/failure.js';
import { fail, USAGE } from '../ends.js';

/** Something cannot be had from here: nothing was tried that could have failed. */
export const UNAVAILABLE = 3;
/** There is no result of the other kernel. The codes of the commands that run there are 0, 1 and 2. */
const NO_RESULT = 4;

const usage: ReadonlySet<VmFailure> = new Set(['bad-input', 'bad-kernel']);

/** The exit code that tells why. */
export function exitCodeOf(reason: VmFailure): number {
  if (usage.has(reason)) return USAGE;
  return reason === 'unavailable' ? UNAVAILABLE : NO_RESULT;
}

/** Says a failure in one sentence, and sets the exit code. Anything but a VmError is passed on. */
export function failVm(error: unknown): void {
  if (!isVmError(error)) throw error;
  fail(error);
  process.exitCode = exitCodeOf(error.reason);
}
