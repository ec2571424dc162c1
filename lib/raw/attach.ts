/** Becoming and ceasing to be a tracer: TRACEME, ATTACH, SEIZE, INTERRUPT, LISTEN, DETACH, KILL. */
import { checkOptions } from '../arguments.js';
import { PTRACE } from '../kernel/requests.js';
import { forgetAttached, noteAttached } from './attached.js';
import { invoke, signalOf, tidOf } from './invoke.js';

/**
 * PTRACE_TRACEME: makes **the calling thread** the tracee of its parent process.
 *
 * This is the one request that a tracee makes. Called in Node it hands this very thread over: from then on every signal that reaches the
 * thread stops it until the parent, which must wait and resume, says otherwise, and an execve stops it with SIGTRAP. A parent that does not
 * know (a shell, npm, a test runner) leaves the thread stopped for ever. It cannot be undone from here. Children that trace themselves are
 * made with `script().traceme()`; programs to be traced are better seized.
 *
 * @throws PtraceError 'denied' (EPERM) when the thread is traced already, or a policy forbids the parent to trace it
 *
 * Every kernel. Source: ptrace(2), PTRACE_TRACEME.
 */
export function traceme(): void {
  invoke(PTRACE.TRACEME, 0, 0, 0);
}

/**
 * PTRACE_ATTACH: makes a task the tracee of the calling thread and sends it SIGSTOP.
 *
 * It returns at once; the stop comes by a wait, possibly after stops for other signals. Prefer {@link seize}: ATTACH disturbs the signals of
 * the tracee, cannot be interrupted afterwards, and shows group-stops that cannot be told from signals without GETSIGINFO.
 *
 * @param tid the thread to trace; only this one of its process
 * @throws PtraceError 'gone' (ESRCH: no such thread; EPERM: it is a zombie); 'denied' (EPERM: it is traced already, it is a thread of this
 * process or a kernel thread, or access is refused: `explainAccess` says why)
 *
 * Every kernel. Source: ptrace(2), PTRACE_ATTACH.
 */
export function attach(tid: number): void {
  invoke(PTRACE.ATTACH, tidOf(PTRACE.ATTACH, tid), 0, 0);
  noteAttached(tid);
}

/**
 * PTRACE_SEIZE: makes a task the tracee of the calling thread without stopping it.
 *
 * @param tid the thread to trace; only this one of its process
 * @param options PTRACE_O bits, as {@link setOptions} takes them, in force from the first moment
 * @throws PtraceError 'gone' (ESRCH: no such thread; EPERM: it is a zombie); 'denied' (EPERM, as for {@link attach}, or
 * PTRACE_O_SUSPEND_SECCOMP without CAP_SYS_ADMIN); 'kernel' (EIO) for an option that this kernel does not know; 'bad-input' for bits that are
 * no option
 *
 * Since Linux 3.4. Source: ptrace(2), PTRACE_SEIZE.
 */
export function seize(tid: number, options = 0): void {
  const checked = options === 0 ? 0 : checkOptions('PTRACE_SEIZE', options);
  invoke(PTRACE.SEIZE, tidOf(PTRACE.SEIZE, tid), 0, checked);
  noteAttached(tid);
}

/**
 * PTRACE_INTERRUPT: stops a seized tracee, with PTRACE_EVENT_STOP, as soon as it can stop. No signal is sent.
 *
 * It returns at once; the stop comes by a wait. If the tracee stops for another reason first, that stop uses the interruption up. In a stop
 * already, it stops again when it is resumed. While it listens, it ends that.
 *
 * @param tid the tracee, in any state
 * @throws PtraceError 'not-supported' (EIO) for a tracee that was not seized; 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * Since Linux 3.4. Source: ptrace(2), PTRACE_INTERRUPT.
 */
export function interrupt(tid: number): void {
  invoke(PTRACE.INTERRUPT, tidOf(PTRACE.INTERRUPT, tid), 0, 0);
}

/**
 * PTRACE_LISTEN: leaves a seized tracee in its group-stop, and has it report when the stop ends.
 *
 * The tracee does not run, and no request but INTERRUPT works on it until it reports PTRACE_EVENT_STOP: when SIGCONT ends the group-stop, or a
 * new one begins.
 *
 * @param tid the tracee, in a stop with PTRACE_EVENT_STOP
 * @throws PtraceError 'kernel' (EIO) in any other stop, or when it was not seized; 'running', 'listening', 'gone', 'not-tracee',
 * 'wrong-thread' (ESRCH)
 *
 * Since Linux 3.4. Source: ptrace(2), PTRACE_LISTEN and "Group-stop".
 */
export function listen(tid: number): void {
  invoke(PTRACE.LISTEN, tidOf(PTRACE.LISTEN, tid), 0, 0);
}

/**
 * PTRACE_DETACH: gives the tracee up and lets it go on as {@link cont} would. A stopped process stays stopped.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param signal in a signal-delivery-stop the signal to deliver, or 0 for none
 * @throws PtraceError 'running', 'listening' (interrupt it and wait first), 'gone', 'not-tracee', 'wrong-thread' (ESRCH); 'bad-input' for what
 * is no signal
 *
 * Every kernel. Source: ptrace(2), PTRACE_DETACH.
 */
export function detach(tid: number, signal = 0): void {
  invoke(PTRACE.DETACH, tidOf(PTRACE.DETACH, tid), 0, signalOf(PTRACE.DETACH, signal));
  forgetAttached(tid);
}

/**
 * PTRACE_KILL, by its own name since `kill` is kill(2): sends SIGKILL to the tracee.
 *
 * Obsolete. Since Linux 5.19 it kills in any state. Before, it resumed a *stopped* tracee with SIGKILL, did nothing to a running one, and
 * said 0 either way. {@link kill} with SIGKILL does what is wanted everywhere.
 *
 * @param tid the tracee
 * @throws PtraceError 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * Every kernel. Source: ptrace(2), PTRACE_KILL; kernel commit 6a2d90ba027a.
 */
export function ptraceKill(tid: number): void {
  invoke(PTRACE.KILL, tidOf(PTRACE.KILL, tid), 0, 0);
}
