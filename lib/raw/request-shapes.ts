/**
 * What `addr` and `data` of each request are: words, or pointers to memory of the tracer that the kernel reads or writes, and how much of it.
 * The escape for unknown requests must not become a way to have the kernel write anywhere in this process by a known one.
 */
import { PTRACE_ARM64 } from '../kernel/arch/arm64/requests.js';
import { PTRACE_X64 } from '../kernel/arch/x64/requests.js';
import { PTRACE, STRUCT_SIZE } from '../kernel/requests.js';
import { USER_FPREGS_SIZE, USER_REGS_SIZE } from './registers.js';
import { USER_DESC_SIZE } from './thread-area.js';
import { HOST } from './unsupported.js';

export type RequestShape =
  /** addr and data are words. */
  | { readonly kind: 'words' }
  /** data points to a structure of this size. */
  | { readonly kind: 'buffer'; readonly size: number }
  /** data points to a structure; addr says how long the caller thinks it is, and the kernel touches no more than that. */
  | { readonly kind: 'sized-buffer' }
  /** data points to an iovec over a buffer of any length. */
  | { readonly kind: 'iovec' }
  /** addr points to struct ptrace_peeksiginfo_args, data to room for as many siginfo as it says. */
  | { readonly kind: 'peeksiginfo' }
  /** addr is a number, data points to room for a filter of unknown length. */
  | { readonly kind: 'filter' }
  /** Not to be had this way; what to use. */
  | { readonly kind: 'refused'; readonly instead: string };

const WORDS: RequestShape = { kind: 'words' };
const buffer = (size: number): RequestShape => ({ kind: 'buffer', size });
const SIZED: RequestShape = { kind: 'sized-buffer' };
const IOVEC: RequestShape = { kind: 'iovec' };

const everywhere: readonly (readonly [number, RequestShape])[] = [
  // It would make this thread the tracee of this process's parent.
  [PTRACE.TRACEME, { kind: 'refused', instead: 'traceme()' }],
  [PTRACE.PEEKTEXT, buffer(8)],
  [PTRACE.PEEKDATA, buffer(8)],
  [PTRACE.PEEKUSER, buffer(8)],
  [PTRACE.POKETEXT, WORDS],
  [PTRACE.POKEDATA, WORDS],
  [PTRACE.POKEUSER, WORDS],
  [PTRACE.CONT, WORDS],
  [PTRACE.KILL, WORDS],
  [PTRACE.SINGLESTEP, WORDS],
  [PTRACE.ATTACH, WORDS],
  [PTRACE.DETACH, WORDS],
  [PTRACE.SYSCALL, WORDS],
  [PTRACE.SETOPTIONS, WORDS],
  [PTRACE.GETEVENTMSG, buffer(8)],
  [PTRACE.GETSIGINFO, buffer(STRUCT_SIZE.SIGINFO)],
  [PTRACE.SETSIGINFO, buffer(STRUCT_SIZE.SIGINFO)],
  [PTRACE.GETREGSET, IOVEC],
  [PTRACE.SETREGSET, IOVEC],
  [PTRACE.SEIZE, WORDS],
  [PTRACE.INTERRUPT, WORDS],
  [PTRACE.LISTEN, WORDS],
  [PTRACE.PEEKSIGINFO, { kind: 'peeksiginfo' }],
  // The kernel takes no other size than 8, and refuses before it touches the memory.
  [PTRACE.GETSIGMASK, buffer(STRUCT_SIZE.SIGSET)],
  [PTRACE.SETSIGMASK, buffer(STRUCT_SIZE.SIGSET)],
  [PTRACE.SECCOMP_GET_FILTER, { kind: 'filter' }],
  [PTRACE.SECCOMP_GET_METADATA, SIZED],
  [PTRACE.GET_SYSCALL_INFO, SIZED],
  [PTRACE.GET_RSEQ_CONFIGURATION, SIZED],
  [PTRACE.SET_SYSCALL_USER_DISPATCH_CONFIG, SIZED],
  [PTRACE.GET_SYSCALL_USER_DISPATCH_CONFIG, SIZED],
  [PTRACE.SET_SYSCALL_INFO, SIZED],
];

const x64: readonly (readonly [number, RequestShape])[] = [
  [PTRACE_X64.GETREGS, buffer(USER_REGS_SIZE)],
  [PTRACE_X64.SETREGS, buffer(USER_REGS_SIZE)],
  [PTRACE_X64.GETFPREGS, buffer(USER_FPREGS_SIZE)],
  [PTRACE_X64.SETFPREGS, buffer(USER_FPREGS_SIZE)],
  [PTRACE_X64.GETFPXREGS, buffer(USER_FPREGS_SIZE)],
  [PTRACE_X64.SETFPXREGS, buffer(USER_FPREGS_SIZE)],
  [PTRACE_X64.OLDSETOPTIONS, WORDS],
  [PTRACE_X64.GET_THREAD_AREA, buffer(USER_DESC_SIZE)],
  [PTRACE_X64.SET_THREAD_AREA, buffer(USER_DESC_SIZE)],
  // addr is a word or a pointer into this process, by the command.
  [PTRACE_X64.ARCH_PRCTL, { kind: 'refused', instead: 'archPrctlGet() or archPrctlSet()' }],
  [PTRACE_X64.SYSEMU, WORDS],
  [PTRACE_X64.SYSEMU_SINGLESTEP, WORDS],
  [PTRACE_X64.SINGLEBLOCK, WORDS],
];

const arm64: readonly (readonly [number, RequestShape])[] = [
  [PTRACE_ARM64.SYSEMU, WORDS],
  [PTRACE_ARM64.SYSEMU_SINGLESTEP, WORDS],
  [PTRACE_ARM64.PEEKMTETAGS, IOVEC],
  [PTRACE_ARM64.POKEMTETAGS, IOVEC],
];

const shapes: ReadonlyMap<number, RequestShape> = new Map([...everywhere, ...(HOST === 'arm64' ? arm64 : x64)]);

/** What a request of this machine takes; undefined for one that is not known. */
export function requestShape(request: number): RequestShape | undefined {
  return shapes.get(request);
}
