import { ERRNO, errnoMessage, errnoName } from './kernel/errno.js';

/**
 * Why an operation failed, in terms of tracing.
 *
 * - `gone`: the tracee has died or is about to (SIGKILL breaks every stop except EVENT_EXIT). Wait for its end; there
 *   is nothing else to do.
 * - `running`: the tracee is not in a ptrace-stop. Interrupt it, or wait for its next stop first.
 * - `listening`: the tracee is in a group-stop under PTRACE_LISTEN, where nearly no request works. Interrupt it and
 *   wait for the stop.
 * - `not-tracee`: the process is alive but not traced by this tracer, or not a child that could be waited for. Seize it
 *   first.
 * - `wrong-thread`: another thread (main thread or Worker) owns the tracer. The kernel ties a tracee to the thread that
 *   attached: call there.
 * - `denied`: the kernel or a policy (Yama, capabilities, another tracer, uid, dumpable, seccomp) refuses. Ask
 *   `explainAccess(pid)` why.
 * - `used-up`: the stop was resumed or listened to already, or the tracee left it. Use the stop that the resume
 *   answered with.
 * - `bad-input`: an argument has the wrong type or range. No system call was made. Mend the call.
 * - `disposed`: the tracer was closed. Make a new one.
 * - `not-supported`: this kernel, CPU or architecture lacks the feature. Ask `probe()` what there is.
 * - `own-child`: the process is a child that Node started (`child_process`): Node takes any stop for its death. Start
 *   it with `tracer.spawn`.
 * - `exec-failed`: the program of a spawn could not be executed. `errno` tells why, the message names the path.
 * - `second-copy`: another copy of this package lives in the process and would take our tracees' stops. Make the two
 *   one (`npm ls linux-ptrace`).
 * - `unavailable`: there is no usable addon here (not Linux, no binary and no compiler). The message tells what to
 *   install.
 * - `aborted`: an AbortSignal ended the wait. `cause` is its reason.
 * - `timed-out`: a time limit passed. The tracee is as it was.
 * - `kernel`: any other refusal of the kernel; `errno` and `request` tell which.
 */
export type PtraceReason =
  | 'gone'
  | 'running'
  | 'listening'
  | 'not-tracee'
  | 'wrong-thread'
  | 'denied'
  | 'used-up'
  | 'bad-input'
  | 'disposed'
  | 'not-supported'
  | 'own-child'
  | 'exec-failed'
  | 'second-copy'
  | 'unavailable'
  | 'aborted'
  | 'timed-out'
  | 'kernel';

/** What a message says when the place that failed knows nothing better: the reason, then what to do. */
const explanations: Readonly<Record<PtraceReason, string>> = {
  gone: 'the tracee is gone, wait for its end',
  running: 'the tracee is running, wait for its next stop first',
  listening: 'the tracee is listening in a group-stop, interrupt it and wait for the stop first',
  'not-tracee': 'it is not a tracee of this tracer, seize it first',
  'wrong-thread': 'another thread owns this tracer, call it from the thread that created it',
  denied: 'permission denied, explainAccess(pid) tells why',
  'used-up': 'this stop was used up by an earlier resume, use the stop that followed',
  'bad-input': 'bad input',
  disposed: 'the tracer was disposed, create a new one',
  'not-supported': 'this kernel or CPU does not support it, probe() tells what is there',
  'own-child': 'Node started this child and would take its stops for its death, start it with tracer.spawn instead',
  'exec-failed': 'the program could not be executed',
  'second-copy': 'another copy of linux-ptrace is loaded in this process, remove one of them (npm ls linux-ptrace)',
  unavailable: 'linux-ptrace is not available here',
  aborted: 'the wait was aborted',
  'timed-out': 'the time limit has passed',
  kernel: 'the kernel refused',
};

const brand: unique symbol = Symbol.for('linux-ptrace.PtraceError') as never;

/** What a {@link PtraceError} is made of. */
export interface PtraceErrorInit {
  /** The request or call that failed: `PTRACE_SEIZE`, `waitid`, `spawn`. */
  readonly request: string;
  readonly reason: PtraceReason;
  /** The thread id the request was for; 0 or absent if none. */
  readonly tid?: number | undefined;
  /** The error number of the failed system call; 0 or absent if none failed. */
  readonly errno?: number | undefined;
  /** The reason and the remedy in words, in place of the usual ones. */
  readonly detail?: string | undefined;
  readonly cause?: unknown;
}

function messageOf(init: PtraceErrorInit, tid: number, errno: number): string {
  const target = tid === 0 ? '' : ` ${tid}`;
  const because =
    init.detail ??
    (init.reason === 'kernel' && errno !== 0
      ? `${explanations.kernel}: ${errnoMessage(errno)}`
      : explanations[init.reason]);
  const code = errno === 0 ? '' : ` (${errnoName(errno)})`;
  return `cannot ${init.request}${target}: ${because}${code}`;
}

/**
 * The only error this package throws. `reason` says what the failure means here, `code` and `errno` what the kernel
 * said.
 *
 * The message reads: `cannot PTRACE_CONT 1234: the tracee is running, wait for its next stop first (ESRCH)`.
 */
export class PtraceError extends Error {
  /** The name of the errno (`ESRCH`), or `ERR_` and the reason (`ERR_BAD_INPUT`) where no system call failed. */
  readonly code: string;
  /** The error number of the failed system call; 0 if none failed. */
  readonly errno: number;
  /** The request or call that failed, such as `PTRACE_SEIZE`, `waitid`, `spawn`. */
  readonly request: string;
  /** The thread id the request was for; 0 if none. */
  readonly tid: number;
  /** What the failure means and so what to do. */
  readonly reason: PtraceReason;

  constructor(init: PtraceErrorInit) {
    const tid = init.tid ?? 0;
    const errno = init.errno ?? 0;
    super(messageOf(init, tid, errno), init.cause === undefined ? undefined : { cause: init.cause });
    this.code = errno === 0 ? `ERR_${init.reason.toUpperCase().replaceAll('-', '_')}` : errnoName(errno);
    this.errno = errno;
    this.request = init.request;
    this.tid = tid;
    this.reason = init.reason;
  }

  get [brand](): true {
    return true;
  }

  static {
    // On the prototype, as the built-in errors have it: an own property would show in every console.log of an error.
    Object.defineProperty(this.prototype, 'name', {
      value: 'PtraceError',
      writable: true,
      configurable: true,
      enumerable: false,
    });
  }
}

/**
 * Whether a value is a PtraceError, also one of another copy of this package. Never throws.
 */
export function isPtraceError(value: unknown): value is PtraceError {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return (value as { readonly [brand]?: unknown })[brand] === true;
  } catch {
    return false;
  }
}

/** Whether this says that a tracee is not there any more, or not in its stop because SIGKILL has ended that. */
export function isGone(error: unknown): error is PtraceError {
  return isPtraceError(error) && error.reason === 'gone';
}

/**
 * An argument of the wrong type or range, found before any system call.
 *
 * @param what what was given and what is wanted: `tid is -1, want an integer of 1 to 2147483647`
 */
export function badInput(request: string, what: string, tid = 0): PtraceError {
  return new PtraceError({ request, reason: 'bad-input', tid, detail: what });
}

/**
 * A failure known before any system call: the stop is used up, the tracer disposed, the thread wrong, the feature
 * missing.
 */
export function refused(
  reason: PtraceReason,
  request: string,
  tid = 0,
  detail?: string,
  options?: { readonly cause?: unknown },
): PtraceError {
  return new PtraceError({ request, reason, tid, detail, cause: options?.cause });
}

/** What an error number of ptrace(2) most often means, when the caller knows nothing more. */
export function reasonOfErrno(errno: number): PtraceReason {
  switch (errno) {
    case ERRNO.ESRCH:
      return 'gone';
    case ERRNO.ECHILD:
      return 'not-tracee';
    case ERRNO.EPERM:
    case ERRNO.EACCES:
      return 'denied';
    case ERRNO.ENOSYS:
    case ERRNO.EOPNOTSUPP:
      return 'not-supported';
    default:
      return 'kernel';
  }
}

/**
 * A failed system call.
 *
 * @param reason what it means here; without it the usual meaning of the errno. ESRCH alone cannot tell gone from
 * running: callers that can, should.
 * @param detail the reason and remedy in words, in place of the usual ones
 */
export function fromErrno(
  request: string,
  tid: number,
  errno: number,
  reason: PtraceReason = reasonOfErrno(errno),
  detail?: string,
  options?: { readonly cause?: unknown },
): PtraceError {
  return new PtraceError({ request, tid, errno, reason, detail, cause: options?.cause });
}
