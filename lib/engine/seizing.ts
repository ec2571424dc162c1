/** Seizing a thread for its first engine, and what an attach says that comes to nothing. */
import { fromErrno } from '../errors.js';
import { ERRNO } from '../kernel/errno.js';
import { PTRACE } from '../kernel/requests.js';
import { procIsKernelThread, procState, procStatus, procSyscall, procTasks } from '../proc.js';
import { requestFailed } from '../raw/failure.js';
import { hostSyscallNumber } from '../raw/host-syscalls.js';
import type { KernelLayer } from '../raw/kernel-layer.js';
import { refuseNodesChild, refuseOwnTracer } from '../tracer/own-child.js';

/** What is refused, in the words of an error. */
export const ATTACHING = 'attach an engine';

const EXECS = ['execve', 'execveat'].map(hostSyscallNumber);

/** The error of an attach that found nothing, too much, or nobody. */
export function attachFailed(tid: number, failure: 'ENOENT' | 'EEXIST' | 'ESRCH'): Error {
  switch (failure) {
    case 'ENOENT':
      return fromErrno(ATTACHING, tid, ERRNO.ENOENT, 'bad-input', 'no engine on this thread matches');
    case 'EEXIST':
      return fromErrno(ATTACHING, tid, ERRNO.EEXIST, 'denied', 'an engine that matches is on this thread already');
    case 'ESRCH':
      return fromErrno(ATTACHING, tid, ERRNO.ESRCH, 'gone');
  }
}

/**
 * PTRACE_SEIZE, of which the thread notices nothing.
 *
 * @param options PTRACE_O bits
 * @param isOurProcess whether threads of a process are traced here already
 * @returns the process that it belongs to
 * @throws PtraceError as {@link Engines.attach}
 */
export function seize(
  layer: KernelLayer,
  tid: number,
  options: number,
  isOurProcess: (pid: number) => boolean,
): number {
  const status = procStatus(tid);
  if (status === undefined || 'ZX'.includes(status.state)) throw attachFailed(tid, 'ESRCH');
  if (procIsKernelThread(tid) === true) {
    throw fromErrno(ATTACHING, tid, ERRNO.EPERM, 'denied', 'it is a thread of the kernel');
  }
  refuseNodesChild(ATTACHING, tid);
  refuseOwnTracer(ATTACHING, tid);
  if (isOurProcess(status.tgid)) refuseExecuting(tid, status.tgid);
  const result = layer.ptrace(PTRACE.SEIZE, tid, 0, options);
  if (result < 0) {
    if (procStatus(tid) === undefined) throw attachFailed(tid, 'ESRCH');
    throw requestFailed(PTRACE.SEIZE, tid, -result);
  }
  return status.tgid;
}

/**
 * An execve holds the lock that SEIZE takes until the other threads of its process have ended. If some of them are ours they stop at their exit and wait
 * for this very thread, which would sleep in SEIZE for ever. What begins between this look and SEIZE is not seen.
 */
function refuseExecuting(tid: number, pid: number): void {
  const waits = (each: number): boolean => {
    if (procState(each) !== 'D') return false;
    const number = procSyscall(each);
    return typeof number !== 'number' || EXECS.includes(number);
  };
  if (procTasks(pid)?.some(waits) !== true) return;
  const why = 'a thread of its process executes a program and waits for the others to end; attach when that is over';
  throw fromErrno(ATTACHING, tid, ERRNO.EAGAIN, 'denied', why);
}
