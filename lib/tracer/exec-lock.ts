/**
 * When SEIZE would never return.
 *
 * An execve in a process with threads kills the others and waits until all of them are gone, holding the lock (cred_guard_mutex) that SEIZE and
 * ATTACH take. One that is traced goes when its tracer has resumed it at its exit and has reaped it. A tracer that holds one and seizes another
 * meanwhile sleeps in the kernel, waiting for the execve, which waits for the tracer. Nothing but SIGKILL ends that.
 */
import { binding } from '../binding.js';
import { fromErrno, isPtraceError, type PtraceError } from '../errors.js';
import { ERRNO } from '../kernel/errno.js';
import { SIG, signalSetHas } from '../kernel/signals.js';
import { procIsExiting, procState, procStatus, procSyscall, procTasks } from '../proc.js';
import { hostSyscallNumber } from '../raw/host-syscalls.js';

const EXECS = ['execve', 'execveat'].map(hostSyscallNumber);

/** While it waits for the other threads it sleeps like this. Where the kernel does not tell the call of others, it may be any. */
function waitsInExec(tid: number): boolean {
  if (procState(tid) !== 'D') return false;
  const number = procSyscall(tid);
  return typeof number !== 'number' || EXECS.includes(number);
}

/** Every thread of a process in that state is either the one that executes or was killed by it. */
function mayBePartOf(tid: number): boolean {
  const status = procStatus(tid);
  if (status === undefined) return false;
  return status.state === 'D' || signalSetHas(status.sigPnd, SIG.SIGKILL) || procIsExiting(tid) === true;
}

/**
 * Whether an execve of the process of `tid` waits for threads that this thread traces, so that SEIZE of `tid` would sleep for ever. An execve that
 * begins between this look and SEIZE is not seen.
 */
export function execWaitsForUs(tid: number, tgid: number): boolean {
  if (!mayBePartOf(tid)) return false;
  const tasks = procTasks(tgid) ?? [];
  if (!tasks.some(waitsInExec)) return false;
  const self = binding().gettid();
  return tasks.some((each) => procStatus(each)?.tracerPid === self);
}

/** Whether this is what {@link refusedForExec} made. */
export function isRefusedForExec(error: unknown): error is PtraceError {
  return isPtraceError(error) && error.errno === ERRNO.EAGAIN && error.reason === 'denied';
}

/** The refusal to make such a SEIZE. */
export function refusedForExec(request: string, tid: number): PtraceError {
  const why = 'a thread of its process executes a program and waits for the others to end; attach when that is over';
  return fromErrno(request, tid, ERRNO.EAGAIN, 'denied', why);
}
