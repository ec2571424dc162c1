/** What system call a stop is about: GET_SYSCALL_INFO and SET_SYSCALL_INFO. */
import { checkBuffer } from '../arguments.js';
import { PTRACE, STRUCT_SIZE } from '../kernel/requests.js';
import { type SyscallInfo, decodeSyscallInfo } from '../kernel/syscall-info.js';
import { invokeBuffer, tidOf } from './invoke.js';

const SIZE = STRUCT_SIZE.SYSCALL_INFO;

/**
 * PTRACE_GET_SYSCALL_INFO into a buffer of the caller's: the form for a loop over many stops. `new SyscallInfoView(buffer)` or
 * `syscallInfoOp(buffer)` reads it.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param buffer at least 88 bytes. What the kernel does not write stays as it is.
 * @returns how many bytes the kernel has for this stop: 24 when it is not at a system call, 33 at an exit, 80 at an entry, 84 at a seccomp
 * stop; later kernels may say more, and write no more than 88
 * @throws PtraceError as {@link getSyscallInfo}
 *
 * Since Linux 5.3. Source: ptrace(2), PTRACE_GET_SYSCALL_INFO.
 */
export function getSyscallInfoInto(tid: number, buffer: NodeJS.ArrayBufferView): number {
  const bytes = checkBuffer('PTRACE_GET_SYSCALL_INFO', buffer, SIZE);
  return invokeBuffer(PTRACE.GET_SYSCALL_INFO, tidOf(PTRACE.GET_SYSCALL_INFO, tid), SIZE, bytes);
}

const scratch = new Uint8Array(SIZE);

/**
 * PTRACE_GET_SYSCALL_INFO: the system call that the tracee enters, leaves or is held at by a seccomp filter, the same on every architecture.
 *
 * @param tid the tracee, in a ptrace-stop; in one that is not about a system call the answer has `op: 'none'`
 * @throws PtraceError 'not-supported' (EIO) before Linux 5.3; 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * Since Linux 5.3. Source: ptrace(2), PTRACE_GET_SYSCALL_INFO.
 */
export function getSyscallInfo(tid: number): SyscallInfo {
  scratch.fill(0);
  getSyscallInfoInto(tid, scratch);
  return decodeSyscallInfo(scratch);
}

/**
 * PTRACE_SET_SYSCALL_INFO: changes the system call that is entered (number and arguments) or its result (at the exit).
 *
 * @param tid the tracee, in a system call stop or a seccomp stop
 * @param info a `struct ptrace_syscall_info`, 88 bytes, most easily what {@link getSyscallInfoInto} gave, changed; `encodeSyscallInfo` makes
 * one. Its op must be that of the stop; instruction and stack pointer are not written.
 * @throws PtraceError 'kernel' (EINVAL: another op than the stop's, or reserved fields that are not zero; ERANGE: a system call number
 * beyond an int); 'not-supported' (EIO) before Linux 6.16; 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * Since Linux 6.16. Source: uapi/linux/ptrace.h; kernel commit 26bb32768fe6.
 */
export function setSyscallInfo(tid: number, info: NodeJS.ArrayBufferView): void {
  const checkedTid = tidOf(PTRACE.SET_SYSCALL_INFO, tid);
  invokeBuffer(PTRACE.SET_SYSCALL_INFO, checkedTid, SIZE, checkBuffer('PTRACE_SET_SYSCALL_INFO', info, SIZE, 'info'));
}
