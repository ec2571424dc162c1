import { PTRACE_ARM64 } from './arch/arm64/requests.js';
import type { HostArch } from './arch/host.js';
import { PTRACE_X64 } from './arch/x64/requests.js';

/**
 * The ptrace requests whose number is the same on every architecture this package knows. The others are in {@link
 * PTRACE_X64} and {@link PTRACE_ARM64}.
 *
 * Source: ptrace(2); uapi/linux/ptrace.h.
 */
export const PTRACE = {
  TRACEME: 0,
  PEEKTEXT: 1,
  PEEKDATA: 2,
  PEEKUSER: 3,
  POKETEXT: 4,
  POKEDATA: 5,
  POKEUSER: 6,
  CONT: 7,
  /** Obsolete: it does nothing to a running tracee. Send SIGKILL with kill(2) instead. */
  KILL: 8,
  SINGLESTEP: 9,
  ATTACH: 16,
  DETACH: 17,
  SYSCALL: 24,
  SETOPTIONS: 0x4200,
  GETEVENTMSG: 0x4201,
  GETSIGINFO: 0x4202,
  SETSIGINFO: 0x4203,
  /** Since Linux 2.6.34. */
  GETREGSET: 0x4204,
  SETREGSET: 0x4205,
  /** Since Linux 3.4. */
  SEIZE: 0x4206,
  INTERRUPT: 0x4207,
  LISTEN: 0x4208,
  /** Since Linux 3.10. */
  PEEKSIGINFO: 0x4209,
  /** Since Linux 3.11. */
  GETSIGMASK: 0x420a,
  SETSIGMASK: 0x420b,
  /** Since Linux 4.4. */
  SECCOMP_GET_FILTER: 0x420c,
  /** Since Linux 4.16. */
  SECCOMP_GET_METADATA: 0x420d,
  /** Since Linux 5.3. */
  GET_SYSCALL_INFO: 0x420e,
  /** Since Linux 5.13. */
  GET_RSEQ_CONFIGURATION: 0x420f,
  /** Since Linux 6.4. */
  SET_SYSCALL_USER_DISPATCH_CONFIG: 0x4210,
  GET_SYSCALL_USER_DISPATCH_CONFIG: 0x4211,
  /** Since Linux 6.16. */
  SET_SYSCALL_INFO: 0x4212,
} as const;

/** Flag of PEEKSIGINFO: look at the signals pending for the whole thread group, not at those for the thread. */
export const PTRACE_PEEKSIGINFO_SHARED = 1;

/** What GETEVENTMSG answers at a system call stop, since Linux 5.3 (older kernels leave the last event's message). */
export const PTRACE_EVENTMSG = { SYSCALL_ENTRY: 1, SYSCALL_EXIT: 2 } as const;

/** Sizes in bytes of the structures that requests read and write; the same on x86-64 and arm64. */
export const STRUCT_SIZE = {
  /** `siginfo_t` */
  SIGINFO: 128,
  /** `struct ptrace_syscall_info` */
  SYSCALL_INFO: 88,
  /** `struct ptrace_peeksiginfo_args` */
  PEEKSIGINFO_ARGS: 16,
  /** `struct seccomp_metadata` */
  SECCOMP_METADATA: 16,
  /** `struct ptrace_rseq_configuration` */
  RSEQ_CONFIGURATION: 24,
  /** `struct ptrace_sud_config` */
  SYSCALL_USER_DISPATCH_CONFIG: 32,
  /** `struct sock_filter`, one instruction of a seccomp filter */
  SOCK_FILTER: 8,
  /** The kernel's signal set: 64 bits */
  SIGSET: 8,
} as const;

function namesOf(table: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(table).map(([name, number]) => [number, `PTRACE_${name}`]));
}

const genericNames = namesOf(PTRACE);
const archNames: Readonly<Record<HostArch, ReadonlyMap<number, string>>> = {
  x64: namesOf(PTRACE_X64),
  arm64: namesOf(PTRACE_ARM64),
};

/**
 * The name of a request, such as `PTRACE_SEIZE`. An unknown number gives `PTRACE_0x…`.
 *
 * @param request the request number
 * @param arch the architecture of the tracer; without it, a number that two architectures name differently counts as
 * unknown
 */
export function requestName(request: number, arch?: HostArch): string {
  const generic = genericNames.get(request);
  if (generic !== undefined) return generic;
  if (arch === undefined) {
    const onX64 = archNames.x64.get(request);
    const onArm64 = archNames.arm64.get(request);
    if (onX64 !== undefined && (onArm64 === undefined || onArm64 === onX64)) return onX64;
    if (onArm64 !== undefined && onX64 === undefined) return onArm64;
  } else {
    const name = archNames[arch].get(request);
    if (name !== undefined) return name;
  }
  return `PTRACE_0x${(request >>> 0).toString(16)}`;
}
