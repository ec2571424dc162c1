/**
 * A tracee's memory and user area word by word: PEEKTEXT, PEEKDATA, PEEKUSER, POKETEXT, POKEDATA, POKEUSER.
 *
 * These are the kernel's own requests: a word read is a value of its own, never mixed up with an error as the C library's wrapper has it. For
 * more than a word, see {@link processVmRead}. Writing goes through write protection, as a debugger needs it.
 */
import { checkAddress, checkWord } from '../arguments.js';
import { PTRACE } from '../kernel/requests.js';
import { nameOfRequest } from './failure.js';
import { invoke, invokeBuffer, tidOf } from './invoke.js';

const word = new BigUint64Array(1);

function peek(request: number, tid: unknown, address: unknown, what?: string): bigint {
  const checkedTid = tidOf(request, tid);
  invokeBuffer(request, checkedTid, checkAddress(nameOfRequest(request), address, what), word);
  return word[0] ?? 0n;
}

function poke(request: number, tid: unknown, address: unknown, value: unknown, what?: string): void {
  const checkedTid = tidOf(request, tid);
  const name = nameOfRequest(request);
  invoke(request, checkedTid, checkAddress(name, address, what), checkWord(name, value));
}

/**
 * PTRACE_PEEKTEXT: reads 8 bytes of the tracee's memory. On Linux the same as {@link peekData}.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param address where; need not be aligned
 * @returns the word, unsigned
 * @throws PtraceError 'kernel' (EIO) where nothing can be read; 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * Every kernel. Source: ptrace(2), PTRACE_PEEKTEXT.
 */
export function peekText(tid: number, address: bigint | number): bigint {
  return peek(PTRACE.PEEKTEXT, tid, address);
}

/**
 * PTRACE_PEEKDATA: reads 8 bytes of the tracee's memory.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param address where; need not be aligned
 * @returns the word, unsigned
 * @throws PtraceError 'kernel' (EIO) where nothing can be read; 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * Every kernel. Source: ptrace(2), PTRACE_PEEKDATA.
 */
export function peekData(tid: number, address: bigint | number): bigint {
  return peek(PTRACE.PEEKDATA, tid, address);
}

/**
 * PTRACE_PEEKUSER: reads a word of the tracee's `struct user`: its registers, and on x86 the debug registers.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param offset where in the structure, in bytes; a multiple of 8
 * @returns the word, unsigned
 * @throws PtraceError 'kernel' (EIO) for an offset that is outside or not aligned; 'not-supported' (EIO) on arm64, which has no such area;
 * 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * x86. Every kernel. Source: ptrace(2), PTRACE_PEEKUSER.
 */
export function peekUser(tid: number, offset: bigint | number): bigint {
  return peek(PTRACE.PEEKUSER, tid, offset, 'offset');
}

/**
 * PTRACE_POKETEXT: writes 8 bytes to the tracee's memory, read-only mappings included. On Linux the same as {@link pokeData}.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param address where; need not be aligned
 * @param value the word; a negative one stands for its two's complement
 * @throws PtraceError 'kernel' (EIO) where nothing can be written; 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * Every kernel. Source: ptrace(2), PTRACE_POKETEXT.
 */
export function pokeText(tid: number, address: bigint | number, value: bigint | number): void {
  poke(PTRACE.POKETEXT, tid, address, value);
}

/**
 * PTRACE_POKEDATA: writes 8 bytes to the tracee's memory, read-only mappings included.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param address where; need not be aligned
 * @param value the word; a negative one stands for its two's complement
 * @throws PtraceError 'kernel' (EIO) where nothing can be written; 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * Every kernel. Source: ptrace(2), PTRACE_POKEDATA.
 */
export function pokeData(tid: number, address: bigint | number, value: bigint | number): void {
  poke(PTRACE.POKEDATA, tid, address, value);
}

/**
 * PTRACE_POKEUSER: writes a word of the tracee's `struct user`: a register, or on x86 a debug register.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param offset where in the structure, in bytes; a multiple of 8
 * @param value the word; a negative one stands for its two's complement
 * @throws PtraceError 'kernel' (EIO, EINVAL) for an offset that is outside or not aligned, or a value that the register cannot have;
 * 'not-supported' (EIO) on arm64; 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * x86. Every kernel. Source: ptrace(2), PTRACE_POKEUSER.
 */
export function pokeUser(tid: number, offset: bigint | number, value: bigint | number): void {
  poke(PTRACE.POKEUSER, tid, offset, value, 'offset');
}
