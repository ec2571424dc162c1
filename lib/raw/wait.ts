/**
 * waitid(2) and wait4(2), synchronous.
 *
 * Without WNOHANG they **block the thread**, event loop and all, and cannot be interrupted: not by a timer, not by `worker.terminate()`, which
 * then waits for them, too. The promise forms are {@link waitidAsync} and {@link wait4Async}.
 *
 * A wait consumes what it answers with. P_ALL, P_PGID and a pid of -1, 0 or below also consume what belongs to others: children that Node
 * started (it will never learn their exit code), tracees of other Workers. Wait by id, or with `__WNOTHREAD | __WCLONE`, which leaves ordinary
 * children and other threads out.
 *
 * Tracees are found without `__WALL` and `__WCLONE` since Linux 4.7; untraced clone children need them.
 */
import { checkBag, checkBoolean, checkBuffer, checkFlags, checkInt32, checkTid, describe } from '../arguments.js';
import { badInput, fromErrno, type PtraceError, type PtraceReason, reasonOfErrno } from '../errors.js';
import { ERRNO } from '../kernel/errno.js';
import { type IdType, P_ALL, P_PGID, P_PID, P_PIDFD, W, WAIT4_MASK, WAITID_MASK } from '../kernel/wait-flags.js';
import { type WaitStatus, decodeWaitStatus, waitStatusFromSiginfo } from '../kernel/wait-status.js';
import { noteEnd } from './attached.js';
import { kernelLayer } from './kernel-layer.js';
import { type ResourceUsage, RUSAGE_WORDS, decodeRusage } from './resource-usage.js';
import { isInt32Array } from './views.js';

/** What else a wait can be asked for. */
export interface WaitExtras {
  /** Ask for the resources that the child has used. */
  readonly rusage?: boolean | undefined;
}

/** What waitid(2) answered. */
export interface WaitidResult {
  /** The child or tracee that has something to report. */
  readonly pid: number;
  /** Its real user id. */
  readonly uid: number;
  /** `si_code`: one of CLD. Every stop of a tracee is CLD_TRAPPED. */
  readonly code: number;
  /** `si_status` in full: an exit code, or a signal, with PTRACE_EVENT bits from bit 8 and 0x80 at a system call stop. */
  readonly status: number;
  readonly decoded: WaitStatus;
  /** Only if asked for. */
  readonly rusage?: ResourceUsage;
}

/** What wait4(2) answered. */
export interface Wait4Result {
  readonly pid: number;
  /** The whole status word. */
  readonly status: number;
  readonly decoded: WaitStatus;
  /** Only if asked for. */
  readonly rusage?: ResourceUsage;
}

const CONTINUED = 0xffff;

function isEnd(status: number): boolean {
  return (status & 0xff) !== 0x7f && status !== CONTINUED;
}

/** The error for a failed wait. */
export function waitFailed(name: string, id: number, errno: number): PtraceError {
  let reason: PtraceReason = reasonOfErrno(errno);
  let detail: string | undefined;
  if (errno === ERRNO.ECHILD) {
    detail = 'there is no such child or tracee of this thread to wait for';
  } else if (errno === ERRNO.EBADF) {
    reason = 'kernel';
    detail = 'that is not a pidfd';
  } else if (errno === ERRNO.EINVAL && name === 'waitid') {
    detail = 'it wants at least one of WEXITED, WSTOPPED and WCONTINUED, and an idtype that this kernel knows';
  }
  return fromErrno(name, id > 0 ? id : 0, errno, reason, detail);
}

/** A wait with its arguments checked, ready to be made again and again. Gives null when nothing was there. */
export type Look<T> = (nohang: boolean) => T | null;

/** Checks the arguments of wait4(2). */
export function lookWithWait4(pid: unknown, options: unknown, rusage: boolean): Look<Wait4Result> {
  const checkedPid = checkInt32('wait4', pid, 'pid');
  const flags = checkFlags('wait4', options, WAIT4_MASK, 'options');
  const words = rusage ? new BigInt64Array(RUSAGE_WORDS) : null;
  const word = new Int32Array(1);
  return (nohang) => {
    const found = kernelLayer().wait4(checkedPid, nohang ? flags | W.WNOHANG : flags, word, words);
    if (found === 0) return null;
    if (found < 0) throw waitFailed('wait4', checkedPid, -found);
    const status = word[0] ?? 0;
    if (isEnd(status)) noteEnd(found);
    const result = { pid: found, status, decoded: decodeWaitStatus(status) };
    return words === null ? result : { ...result, rusage: decodeRusage(words) };
  };
}

/**
 * wait4(2): waits for a child or tracee, and tells the whole status word.
 *
 * @param pid a child's or tracee's id; -1 any; 0 any of this process group; below -1 any of that process group
 * @param options flags of W: WNOHANG, WUNTRACED, WCONTINUED, `__WALL`, `__WCLONE`, `__WNOTHREAD`
 * @returns null when WNOHANG was given and nothing was there
 * @throws PtraceError 'not-tracee' (ECHILD) when there is nothing to wait for; 'kernel' (EINTR) when a signal handler that is not libuv's
 * interrupted it; 'bad-input'
 *
 * Every kernel. Source: wait4(2), waitpid(2).
 */
export function wait4(pid: number, options = 0, extras?: WaitExtras): Wait4Result | null {
  return lookWithWait4(pid, options, wantsRusage('wait4', extras))(false);
}

// The buffer of the last call need not be checked again. Should it have been detached since, the addon says EINVAL.
let lastStatus: Int32Array | undefined;

function checkStatus(status: unknown): void {
  if (!isInt32Array(status)) throw badInput('wait4', `status is ${describe(status)}, want an Int32Array`);
  checkBuffer('wait4', status, 4, 'status');
  lastStatus = status;
}

/**
 * wait4(2) for a loop over many stops: the status word goes to a buffer of the caller's, and nothing is allocated.
 *
 * @param pid as for {@link wait4}
 * @param options as for {@link wait4}
 * @param status its first element takes the status word; `decodeWaitStatus` reads it
 * @returns the pid that has something to report, or 0 when WNOHANG was given and nothing was there
 * @throws PtraceError as {@link wait4}
 *
 * Every kernel. Source: wait4(2), waitpid(2).
 */
export function wait4Into(pid: number, options: number, status: Int32Array): number {
  // Each check is for the case that all is well: the full one says what is wrong.
  if (typeof pid !== 'number' || (pid | 0) !== pid) checkInt32('wait4', pid, 'pid');
  if (options !== W.__WALL && options !== 0) checkFlags('wait4', options, WAIT4_MASK, 'options');
  if (status !== lastStatus) checkStatus(status);
  const found = kernelLayer().wait4(pid, options, status, null);
  if (found > 0) {
    if (isEnd(status[0] ?? 0)) noteEnd(found);
  } else if (found < 0) {
    throw waitFailed('wait4', pid, -found);
  }
  return found;
}

function checkId(idtype: unknown, id: unknown): number {
  switch (idtype) {
    case P_ALL:
      return checkInt32('waitid', id ?? 0, 'id');
    case P_PID:
      return checkTid('waitid', id, 'id');
    case P_PGID:
    case P_PIDFD: {
      const checked = checkInt32('waitid', id, 'id');
      if (checked >= 0) return checked;
      throw badInput('waitid', `id is ${checked}, want an integer of 0 to 2147483647`);
    }
    default:
      throw badInput('waitid', 'idtype is not one of P_ALL, P_PID, P_PGID, P_PIDFD');
  }
}

/** Checks the arguments of waitid(2). */
export function lookWithWaitid(idtype: unknown, id: unknown, options: unknown, rusage: boolean): Look<WaitidResult> {
  const checkedId = checkId(idtype, id);
  const checkedType = idtype as IdType;
  const flags = checkFlags('waitid', options, WAITID_MASK, 'options');
  const words = rusage ? new BigInt64Array(RUSAGE_WORDS) : null;
  const siginfo = new Uint8Array(128);
  const fields = new Int32Array(siginfo.buffer);
  return (nohang) => {
    const layer = kernelLayer();
    const error = layer.waitid(checkedType, checkedId, nohang ? flags | W.WNOHANG : flags, siginfo, words);
    if (error < 0) throw waitFailed('waitid', checkedType === P_PID ? checkedId : 0, -error);
    const [pid = 0, uid = 0, status = 0] = fields.subarray(4, 7);
    if (pid === 0) return null;
    const code = fields[2] ?? 0;
    const decoded = waitStatusFromSiginfo(code, status);
    if ((flags & W.WNOWAIT) === 0 && (decoded.kind === 'exited' || decoded.kind === 'killed')) noteEnd(pid);
    const result = { pid, uid: uid >>> 0, code, status, decoded };
    return words === null ? result : { ...result, rusage: decodeRusage(words) };
  };
}

/**
 * waitid(2): waits for a child or tracee.
 *
 * @param idtype P_PID, P_PGID, P_PIDFD or P_ALL: what `id` means
 * @param id a pid or tid; a process group, 0 for the own one; a pidfd; not used with P_ALL
 * @param options flags of W: at least one of WEXITED, WSTOPPED, WCONTINUED; WNOHANG, WNOWAIT, `__WALL`, `__WCLONE`, `__WNOTHREAD`
 * @returns null when WNOHANG was given and nothing was there
 * @throws PtraceError 'not-tracee' (ECHILD) when there is nothing to wait for; 'kernel' (EINVAL: none of the three flags; EBADF: no pidfd;
 * EINTR: a signal handler that is not libuv's interrupted it); 'bad-input'
 *
 * Every kernel; P_PIDFD, and P_PGID with 0, since Linux 5.4. Source: waitid(2).
 */
export function waitid(idtype: IdType, id: number, options: number, extras?: WaitExtras): WaitidResult | null {
  return lookWithWaitid(idtype, id, options, wantsRusage('waitid', extras))(false);
}

function wantsRusage(name: string, extras: unknown): boolean {
  if (extras === undefined) return false;
  return checkBoolean(name, checkBag(name, extras, ['rusage'], 'extras').rusage, 'rusage', false);
}
