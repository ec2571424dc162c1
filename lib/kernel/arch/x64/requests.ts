/**
 * The ptrace requests that only x86 has. A number here may mean another request on another architecture (33 is
 * PEEKMTETAGS on arm64).
 *
 * Source: uapi/asm/ptrace-abi.h.
 */
export const PTRACE_X64 = {
  /** Read all general registers as `struct user_regs_struct`. Prefer GETREGSET, which tells the size. */
  GETREGS: 12,
  SETREGS: 13,
  /** Read the legacy FXSAVE area, 512 bytes (`struct user_fpregs_struct`). */
  GETFPREGS: 14,
  SETFPREGS: 15,
  /** Only for 32-bit tracers; a 64-bit tracer gets EIO. */
  GETFPXREGS: 18,
  SETFPXREGS: 19,
  /** The old number of SETOPTIONS; the kernel still takes it. */
  OLDSETOPTIONS: 21,
  /** Read a TLS descriptor of a tracee (`struct user_desc`, 16 bytes); addr is the GDT entry number. */
  GET_THREAD_AREA: 25,
  SET_THREAD_AREA: 26,
  /** arch_prctl(2) on the tracee; 64-bit tracers only. addr and data are exchanged in comparison with the call. */
  ARCH_PRCTL: 30,
  /** Resume, stop at the next system call entry and do not run that call. */
  SYSEMU: 31,
  SYSEMU_SINGLESTEP: 32,
  /** Resume until the next taken branch. */
  SINGLEBLOCK: 33,
} as const;
