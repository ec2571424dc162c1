/**
 * Why there is no report of another kernel.
 *
 * - `missing-tool`: a program of the machine is not there. The message tells what to install.
 * - `bad-input`: an argument makes no sense. Nothing was started.
 * - `bad-kernel`: the file is no kernel, or one of another architecture.
 * - `unavailable`: it cannot be had from here (any more): no package, no network. Not a failure of what was to be tried.
 * - `no-space`: a disk of this machine is full.
 * - `unsupported-kernel`: the kernel lacks something that the guest needs, a driver most often; the message names it.
 * - `panic`: the kernel gave up; the message holds its words.
 * - `silent`: nothing came from the serial console.
 * - `timed-out`: the kernel did not come to its first program within its time.
 * - `too-long`: the command in the guest did not end within its time.
 * - `out-of-memory`: the guest had too little memory.
 * - `machine-failed`: QEMU ended, or the guest ended, without a result.
 */
export type VmFailure =
  | 'missing-tool'
  | 'bad-input'
  | 'bad-kernel'
  | 'unavailable'
  | 'no-space'
  | 'unsupported-kernel'
  | 'panic'
  | 'silent'
  | 'timed-out'
  | 'too-long'
  | 'out-of-memory'
  | 'machine-failed';

/** The failures that another try may mend: the machine's, not the user's. */
export const WORTH_A_RETRY: ReadonlySet<VmFailure> = new Set(['panic', 'silent', 'timed-out', 'machine-failed']);

/** The error that this floor throws: one sentence that says what is wrong and what to do. */
export class VmError extends Error {
  readonly reason: VmFailure;
  /** The console's log, where one was kept. */
  readonly log: string | undefined;

  constructor(reason: VmFailure, message: string, options: { readonly cause?: unknown; readonly log?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.log = options.log;
  }

  static {
    Object.defineProperty(this.prototype, 'name', {
      value: 'VmError',
      writable: true,
      configurable: true,
      enumerable: false,
    });
  }
}

export const isVmError = (error: unknown): error is VmError => error instanceof VmError;
