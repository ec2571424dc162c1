/** A tracee's registers: GETREGSET and SETREGSET everywhere, GETREGS, SETREGS, GETFPREGS, SETFPREGS on x86. */
import { checkBuffer, checkUint32 } from '../arguments.js';
import { PTRACE_X64 } from '../kernel/arch/x64/requests.js';
import { PTRACE } from '../kernel/requests.js';
import { invokeBuffer, invokeIovec, tidOf } from './invoke.js';
import { onlyOn } from './unsupported.js';
import { prefixOf } from './views.js';

/** `struct user_regs_struct` of x86-64: 27 words. */
export const USER_REGS_SIZE = 216;
/** `struct user_fpregs_struct` of x86-64: the FXSAVE area. */
export const USER_FPREGS_SIZE = 512;

// The largest known set, ZA of arm64 at its largest vector length, is a little more than 64 KiB.
const LARGEST_REGSET = 128 * 1024;
let roomy: Uint8Array | undefined;

/**
 * PTRACE_GETREGSET into a buffer of the caller's: the form that allocates nothing.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param type one of NT
 * @param buffer takes as much of the set as it has room for; its length must be a multiple of the set's word (8 bytes in PRSTATUS)
 * @returns how many bytes the kernel wrote: the whole set, or all of the buffer
 * @throws PtraceError 'not-supported' (EINVAL: no such set, or a length that is no multiple; ENODEV: the CPU does not have it); 'running',
 * 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * Since Linux 2.6.34. Source: ptrace(2), PTRACE_GETREGSET.
 */
export function getRegsetInto(tid: number, type: number, buffer: NodeJS.ArrayBufferView): number {
  const checkedTid = tidOf(PTRACE.GETREGSET, tid);
  const checkedType = checkUint32('PTRACE_GETREGSET', type, 'type');
  return invokeIovec(PTRACE.GETREGSET, checkedTid, checkedType, checkBuffer('PTRACE_GETREGSET', buffer));
}

/**
 * PTRACE_GETREGSET: reads a register set.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param type one of NT
 * @param buffer where to; without it new memory of the set's size
 * @returns the bytes that are there: the whole set, or what the buffer had room for, as a view of the buffer's memory
 * @throws PtraceError 'not-supported' (EINVAL: no such set, or the buffer's length is no multiple of the set's word; ENODEV: the CPU does not
 * have it); 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * Since Linux 2.6.34. Source: ptrace(2), PTRACE_GETREGSET.
 */
export function getRegset(tid: number, type: number, buffer?: NodeJS.ArrayBufferView): Uint8Array {
  if (buffer === undefined) {
    roomy ??= new Uint8Array(LARGEST_REGSET);
    return roomy.slice(0, getRegsetInto(tid, type, roomy));
  }
  const bytes = checkBuffer('PTRACE_GETREGSET', buffer);
  const length = getRegsetInto(tid, type, bytes);
  return prefixOf(bytes, length);
}

/**
 * PTRACE_SETREGSET: writes a register set, or the first part of one.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param type one of NT
 * @param bytes what to write; a multiple of the set's word, and not longer than the set
 * @returns how many bytes the kernel took
 * @throws PtraceError 'not-supported' (EINVAL: no such set, a length that is no multiple, or a content that is refused; ENODEV: the CPU does
 * not have it; EOPNOTSUPP: it is read-only); 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * Since Linux 2.6.34. Source: ptrace(2), PTRACE_SETREGSET.
 */
export function setRegset(tid: number, type: number, bytes: NodeJS.ArrayBufferView): number {
  const checkedTid = tidOf(PTRACE.SETREGSET, tid);
  const checkedType = checkUint32('PTRACE_SETREGSET', type, 'type');
  return invokeIovec(PTRACE.SETREGSET, checkedTid, checkedType, checkBuffer('PTRACE_SETREGSET', bytes, 0, 'bytes'));
}

function read(name: string, request: number, size: number, tid: unknown, buffer: unknown): Uint8Array {
  const checkedTid = tidOf(request, tid);
  onlyOn('x64', name, checkedTid, 'getRegset');
  const bytes = buffer === undefined ? new Uint8Array(size) : checkBuffer(name, buffer, size);
  invokeBuffer(request, checkedTid, 0, bytes);
  return buffer === undefined ? bytes : prefixOf(bytes, size);
}

function write(name: string, request: number, size: number, tid: unknown, bytes: unknown): void {
  const checkedTid = tidOf(request, tid);
  onlyOn('x64', name, checkedTid, 'setRegset');
  invokeBuffer(request, checkedTid, 0, checkBuffer(name, bytes, size, 'bytes'));
}

/**
 * PTRACE_GETREGS: reads the general registers, as `struct user_regs_struct`, also of a 32-bit tracee.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param buffer where to, at least 216 bytes; without it new memory
 * @returns the 216 bytes
 * @throws PtraceError 'not-supported' on any machine but x86-64; 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * x86-64, every kernel. Source: ptrace(2), PTRACE_GETREGS.
 */
export function getRegs(tid: number, buffer?: NodeJS.ArrayBufferView): Uint8Array {
  return read('PTRACE_GETREGS', PTRACE_X64.GETREGS, USER_REGS_SIZE, tid, buffer);
}

/**
 * PTRACE_SETREGS: writes the general registers.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param bytes a `struct user_regs_struct`, 216 bytes; more is not looked at
 * @throws PtraceError 'kernel' (EIO) for a value that a register cannot have (a segment selector, a base outside user space); 'not-supported'
 * on any machine but x86-64; 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * x86-64, every kernel. Source: ptrace(2), PTRACE_SETREGS.
 */
export function setRegs(tid: number, bytes: NodeJS.ArrayBufferView): void {
  write('PTRACE_SETREGS', PTRACE_X64.SETREGS, USER_REGS_SIZE, tid, bytes);
}

/**
 * PTRACE_GETFPREGS: reads the x87 and SSE registers, as the FXSAVE area.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param buffer where to, at least 512 bytes; without it new memory
 * @returns the 512 bytes
 * @throws PtraceError 'not-supported' on any machine but x86-64; 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * x86-64, every kernel. Source: ptrace(2), PTRACE_GETFPREGS.
 */
export function getFpRegs(tid: number, buffer?: NodeJS.ArrayBufferView): Uint8Array {
  return read('PTRACE_GETFPREGS', PTRACE_X64.GETFPREGS, USER_FPREGS_SIZE, tid, buffer);
}

/**
 * PTRACE_SETFPREGS: writes the x87 and SSE registers.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param bytes the FXSAVE area, 512 bytes; more is not looked at
 * @throws PtraceError 'kernel' (EINVAL) for a reserved bit in MXCSR; 'not-supported' on any machine but x86-64; 'running', 'listening',
 * 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * x86-64, every kernel. Source: ptrace(2), PTRACE_SETFPREGS.
 */
export function setFpRegs(tid: number, bytes: NodeJS.ArrayBufferView): void {
  write('PTRACE_SETFPREGS', PTRACE_X64.SETFPREGS, USER_FPREGS_SIZE, tid, bytes);
}
