/**
 * Register set types of PTRACE_GETREGSET and PTRACE_SETREGSET: the note types of core files.
 *
 * Source: uapi/linux/elf.h.
 */
export const NT = {
  /** General registers. Every architecture. */
  PRSTATUS: 1,
  /** Floating-point registers. Every architecture. */
  PRFPREG: 2,

  /** i386: the FXSAVE area, 512 bytes. */
  PRXFPREG: 0x46e62b7f,
  /** i386: TLS descriptors. */
  '386_TLS': 0x200,
  /** x86: I/O permission bitmap. */
  '386_IOPERM': 0x201,
  /** x86: the XSAVE area. */
  X86_XSTATE: 0x202,
  /** x86-64: user shadow stack pointer. Since Linux 6.6. */
  X86_SHSTK: 0x204,

  /** AArch32: VFP registers. */
  ARM_VFP: 0x400,
  /** arm64: TPIDR_EL0, and TPIDR2_EL0 with SME. */
  ARM_TLS: 0x401,
  /** arm64: hardware breakpoints. */
  ARM_HW_BREAK: 0x402,
  /** arm64: hardware watchpoints. */
  ARM_HW_WATCH: 0x403,
  /** arm64: the number of the system call that is being entered. */
  ARM_SYSTEM_CALL: 0x404,
  ARM_SVE: 0x405,
  ARM_PAC_MASK: 0x406,
  ARM_PACA_KEYS: 0x407,
  ARM_PACG_KEYS: 0x408,
  ARM_TAGGED_ADDR_CTRL: 0x409,
  ARM_PAC_ENABLED_KEYS: 0x40a,
  /** arm64: streaming SVE. Since Linux 5.19, as ARM_ZA. */
  ARM_SSVE: 0x40b,
  ARM_ZA: 0x40c,
  /** arm64: SME2. Since Linux 6.3. */
  ARM_ZT: 0x40d,
  /** arm64: floating-point mode. Since Linux 6.9. */
  ARM_FPMR: 0x40e,
  /** arm64: permission overlays. Since Linux 6.12. */
  ARM_POE: 0x40f,
  /** arm64: guarded control stack. Since Linux 6.13. */
  ARM_GCS: 0x410,
} as const;

/** Name of a register set, without the prefix. */
export type RegsetName = keyof typeof NT;

const names: ReadonlyMap<number, string> = new Map(Object.entries(NT).map(([name, type]) => [type, `NT_${name}`]));

/** The name of a register set type, such as `NT_PRSTATUS`. An unknown number gives `NT_0x…`. */
export function regsetName(type: number): string {
  return names.get(type) ?? `NT_0x${(type >>> 0).toString(16)}`;
}
