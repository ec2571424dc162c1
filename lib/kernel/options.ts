/**
 * The options of PTRACE_SETOPTIONS and PTRACE_SEIZE. SETOPTIONS replaces all options; children that are attached
 * automatically inherit them.
 *
 * Source: ptrace(2), PTRACE_SETOPTIONS; uapi/linux/ptrace.h.
 */
export const PTRACE_O = {
  /** Mark system call stops with bit 7 of the signal number. */
  TRACESYSGOOD: 1 << 0,
  TRACEFORK: 1 << 1,
  TRACEVFORK: 1 << 2,
  TRACECLONE: 1 << 3,
  TRACEEXEC: 1 << 4,
  TRACEVFORKDONE: 1 << 5,
  TRACEEXIT: 1 << 6,
  /** Stop where a seccomp filter returns SECCOMP_RET_TRACE. Since Linux 3.5. */
  TRACESECCOMP: 1 << 7,
  /** Kill the tracee when the tracer ends. Since Linux 3.8. */
  EXITKILL: 1 << 20,
  /**
   * Suspend the tracee's seccomp filters. Since Linux 4.3; needs CAP_SYS_ADMIN and a kernel with
   * CONFIG_CHECKPOINT_RESTORE.
   */
  SUSPEND_SECCOMP: 1 << 21,
} as const;

/** Name of an option, without the prefix. */
export type PtraceOptionName = keyof typeof PTRACE_O;

/** Every option bit that is known. The kernel refuses the others with EINVAL (SETOPTIONS) or EIO (SEIZE). */
export const PTRACE_O_MASK: number = Object.values(PTRACE_O).reduce((mask, bit) => mask | bit, 0);

/**
 * The names of the options in a mask, such as `['PTRACE_O_TRACEFORK']`. Bits without a name come last as one
 * hexadecimal number.
 *
 * @param mask option bits; taken as 32 bits, unsigned
 */
export function optionNames(mask: number): string[] {
  const names: string[] = [];
  for (const [name, bit] of Object.entries(PTRACE_O)) {
    if ((mask & bit) !== 0) names.push(`PTRACE_O_${name}`);
  }
  const unknown = (mask & ~PTRACE_O_MASK) >>> 0;
  if (unknown !== 0) names.push(`0x${unknown.toString(16)}`);
  return names;
}
