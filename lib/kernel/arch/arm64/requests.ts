/**
 * The ptrace requests that only arm64 numbers this way. SYSEMU and SYSEMU_SINGLESTEP have the numbers of x86 (since
 * 5.3); 33 does not.
 *
 * Source: arch/arm64 uapi/asm/ptrace.h.
 */
export const PTRACE_ARM64 = {
  /** Resume, stop at the next system call entry and do not run that call. Since Linux 5.3. */
  SYSEMU: 31,
  SYSEMU_SINGLESTEP: 32,
  /**
   * Read memory allocation tags, one byte a 16-byte granule; data points to an iovec. Since Linux 5.10, where the CPU
   * has MTE.
   */
  PEEKMTETAGS: 33,
  POKEMTETAGS: 34,
} as const;
