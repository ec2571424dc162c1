/** Options and the message of an event: SETOPTIONS, OLDSETOPTIONS, GETEVENTMSG. */
import { checkOptions } from '../arguments.js';
import { PTRACE_X64 } from '../kernel/arch/x64/requests.js';
import { PTRACE } from '../kernel/requests.js';
import { invoke, invokeBuffer, tidOf } from './invoke.js';
import { onlyOn } from './unsupported.js';

/**
 * PTRACE_SETOPTIONS: replaces all options of a tracee. Children that the kernel attaches by itself inherit them.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param options PTRACE_O bits
 * @throws PtraceError 'kernel' (EINVAL) for an option that this kernel does not have; 'denied' (EPERM) for PTRACE_O_SUSPEND_SECCOMP without
 * CAP_SYS_ADMIN; 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH); 'bad-input' for bits that are no option
 *
 * Since Linux 2.4.6; each option has its own first kernel, see PTRACE_O. Source: ptrace(2), PTRACE_SETOPTIONS.
 */
export function setOptions(tid: number, options: number): void {
  invoke(PTRACE.SETOPTIONS, tidOf(PTRACE.SETOPTIONS, tid), 0, checkOptions('PTRACE_SETOPTIONS', options));
}

/**
 * PTRACE_OLDSETOPTIONS: {@link setOptions} by the number it had first. The kernel does the same for both.
 *
 * @throws PtraceError as {@link setOptions}; 'not-supported' on any machine but x86-64
 *
 * x86-64, every kernel. Source: uapi/asm/ptrace-abi.h.
 */
export function oldSetOptions(tid: number, options: number): void {
  const request = PTRACE_X64.OLDSETOPTIONS;
  const checkedTid = tidOf(request, tid);
  onlyOn('x64', 'PTRACE_OLDSETOPTIONS', checkedTid, 'setOptions');
  invoke(request, checkedTid, 0, checkOptions('PTRACE_OLDSETOPTIONS', options));
}

const message = new BigUint64Array(1);

/**
 * PTRACE_GETEVENTMSG: the number that came with the last event: the new tid of a fork, vfork or clone, the former tid of an exec, the wait
 * status of an exit, the data of a seccomp filter, and at a system call stop which one it is (PTRACE_EVENTMSG, since Linux 5.3).
 *
 * @param tid the tracee, in a ptrace-stop
 * @throws PtraceError 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * Since Linux 2.5.46. Source: ptrace(2), PTRACE_GETEVENTMSG.
 */
export function getEventMessage(tid: number): bigint {
  invokeBuffer(PTRACE.GETEVENTMSG, tidOf(PTRACE.GETEVENTMSG, tid), 0, message);
  return message[0] ?? 0n;
}
