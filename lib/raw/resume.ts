/**
 * Resuming a stopped tracee: CONT, SYSCALL, SINGLESTEP, SINGLEBLOCK, SYSEMU, SYSEMU_SINGLESTEP.
 *
 * All take the tracee, in a ptrace-stop, and a signal. In a signal-delivery-stop the signal is delivered, 0 suppresses it. After other stops
 * most signals are ignored; after a stop of a system call the signal is sent.
 */
import { PTRACE_ARM64 } from '../kernel/arch/arm64/requests.js';
import { PTRACE_X64 } from '../kernel/arch/x64/requests.js';
import { PTRACE } from '../kernel/requests.js';
import { invoke, signalOf, tidOf } from './invoke.js';
import { HOST, onlyOn } from './unsupported.js';

/**
 * PTRACE_CONT: resumes the tracee until something stops it.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param signal the signal to deliver, 0 for none
 * @throws PtraceError 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH); 'bad-input' for what is no signal
 *
 * Every kernel. Source: ptrace(2), PTRACE_CONT.
 */
export function cont(tid: number, signal = 0): void {
  invoke(PTRACE.CONT, tidOf(PTRACE.CONT, tid), 0, signalOf(PTRACE.CONT, signal));
}

/**
 * PTRACE_SYSCALL: resumes the tracee until the next entry to or exit from a system call, or something else that stops it.
 *
 * Set PTRACE_O_TRACESYSGOOD, so that these stops can be told from a SIGTRAP.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param signal the signal to deliver, 0 for none
 * @throws PtraceError 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH); 'bad-input' for what is no signal
 *
 * Every kernel. Source: ptrace(2), PTRACE_SYSCALL and "Syscall-stops".
 */
export function syscall(tid: number, signal = 0): void {
  invoke(PTRACE.SYSCALL, tidOf(PTRACE.SYSCALL, tid), 0, signalOf(PTRACE.SYSCALL, signal));
}

/**
 * PTRACE_SINGLESTEP: resumes the tracee for one instruction; it stops with SIGTRAP. With a signal that has a handler: to the first
 * instruction of the handler.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param signal the signal to deliver, 0 for none
 * @throws PtraceError 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH); 'bad-input' for what is no signal;
 * 'not-supported' (EIO) when the CPU cannot step
 *
 * Every kernel. Source: ptrace(2), PTRACE_SINGLESTEP.
 */
export function singlestep(tid: number, signal = 0): void {
  invoke(PTRACE.SINGLESTEP, tidOf(PTRACE.SINGLESTEP, tid), 0, signalOf(PTRACE.SINGLESTEP, signal));
}

/**
 * PTRACE_SINGLEBLOCK: resumes the tracee until it has taken a branch. Virtual machines often lack what it needs and then step one
 * instruction.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param signal the signal to deliver, 0 for none
 * @throws PtraceError 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH); 'bad-input' for what is no signal;
 * 'not-supported' (EIO) when the CPU has no block step, and on every machine but x86-64
 *
 * x86-64. Since Linux 2.6.25. Source: uapi/asm/ptrace-abi.h.
 */
export function singleblock(tid: number, signal = 0): void {
  const request = PTRACE_X64.SINGLEBLOCK;
  onlyOn('x64', 'PTRACE_SINGLEBLOCK', tidOf(request, tid), 'singlestep');
  invoke(request, tid, 0, signalOf(request, signal));
}

const SYSEMU = HOST === 'arm64' ? PTRACE_ARM64.SYSEMU : PTRACE_X64.SYSEMU;
const SYSEMU_SINGLESTEP = HOST === 'arm64' ? PTRACE_ARM64.SYSEMU_SINGLESTEP : PTRACE_X64.SYSEMU_SINGLESTEP;

/**
 * PTRACE_SYSEMU: resumes the tracee until the next entry to a system call, which will not be executed: the tracer plays the kernel.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param signal the signal to deliver, 0 for none
 * @throws PtraceError 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH); 'bad-input' for what is no signal;
 * 'not-supported' (EIO) where the kernel lacks it
 *
 * x86 since Linux 2.6.14, arm64 since 5.3. Source: ptrace(2), PTRACE_SYSEMU.
 */
export function sysemu(tid: number, signal = 0): void {
  invoke(SYSEMU, tidOf(SYSEMU, tid), 0, signalOf(SYSEMU, signal));
}

/**
 * PTRACE_SYSEMU_SINGLESTEP: as {@link sysemu}, and stops after one instruction if that is no system call.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param signal the signal to deliver, 0 for none
 * @throws PtraceError 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH); 'bad-input' for what is no signal;
 * 'not-supported' (EIO) where the kernel lacks it
 *
 * x86 since Linux 2.6.14, arm64 since 5.3. Source: ptrace(2), PTRACE_SYSEMU_SINGLESTEP.
 */
export function sysemuSinglestep(tid: number, signal = 0): void {
  invoke(SYSEMU_SINGLESTEP, tidOf(SYSEMU_SINGLESTEP, tid), 0, signalOf(SYSEMU_SINGLESTEP, signal));
}
