/** Seizing a thread for its first engine, and what an attach says that comes to nothing. */
import { fromErrno } from '../errors.js';
import { ERRNO } from '../kernel/errno.js';
import { PTRACE } from '../kernel/requests.js';
import { procIsKernelThread, procStatus } from '../proc.js';
import { requestFailed } from '../raw/failure.js';
import type { KernelLayer } from '../raw/kernel-layer.js';
import { execWaitsForUs, refusedForExec } from '../tracer/exec-lock.js';
import { refuseNodesChild, refuseOwnTracer } from '../tracer/own-child.js';

/** What is refused, in the words of an error. */
export const ATTACHING = 'attach an engine';

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
 * @returns the process that it belongs to
 * @throws PtraceError as {@link Engines.attach}
 */
export function seize(layer: KernelLayer, tid: number, options: number): number {
  const status = procStatus(tid);
  if (status === undefined || 'ZX'.includes(status.state)) throw attachFailed(tid, 'ESRCH');
  if (procIsKernelThread(tid) === true) {
    throw fromErrno(ATTACHING, tid, ERRNO.EPERM, 'denied', 'it is a thread of the kernel');
  }
  refuseNodesChild(ATTACHING, tid);
  refuseOwnTracer(ATTACHING, tid);
  if (execWaitsForUs(tid, status.tgid)) throw refusedForExec(ATTACHING, tid);
  const result = layer.ptrace(PTRACE.SEIZE, tid, 0, options);
  if (result < 0) {
    if (procStatus(tid) === undefined) throw attachFailed(tid, 'ESRCH');
    throw requestFailed(PTRACE.SEIZE, tid, -result);
  }
  return status.tgid;
}
