import type { Abi } from './arch/host.js';

const LITTLE_ENDIAN = 0x4000_0000;
const IS_64BIT = 0x8000_0000;

/**
 * The architecture numbers of struct ptrace_syscall_info, of SIGSYS and of seccomp data: the ELF machine plus a bit for
 * little-endian and a bit for 64-bit.
 *
 * Source: uapi/linux/audit.h.
 */
export const AUDIT_ARCH = {
  X86_64: IS_64BIT + LITTLE_ENDIAN + 62,
  I386: LITTLE_ENDIAN + 3,
  AARCH64: IS_64BIT + LITTLE_ENDIAN + 183,
  ARM: LITTLE_ENDIAN + 40,
  ARMEB: 40,
  RISCV64: IS_64BIT + LITTLE_ENDIAN + 243,
  RISCV32: LITTLE_ENDIAN + 243,
  PPC: 20,
  PPC64: IS_64BIT + 21,
  PPC64LE: IS_64BIT + LITTLE_ENDIAN + 21,
  S390: 22,
  S390X: IS_64BIT + 22,
  LOONGARCH64: IS_64BIT + LITTLE_ENDIAN + 258,
} as const;

/** The bit that marks a system call number of x32. */
export const X32_SYSCALL_BIT = 0x4000_0000;

const names: ReadonlyMap<number, string> = new Map(
  Object.entries(AUDIT_ARCH).map(([name, arch]) => [arch, `AUDIT_ARCH_${name}`]),
);

/** The name of an architecture number, such as `AUDIT_ARCH_X86_64`. An unknown number gives `AUDIT_ARCH_0x…`. */
export function auditArchName(arch: number): string {
  return names.get(arch >>> 0) ?? `AUDIT_ARCH_0x${(arch >>> 0).toString(16)}`;
}

/**
 * The system call interface that a call uses. x32 shares the architecture number of x86-64 and is told by a bit of the
 * system call number.
 *
 * @param arch the architecture number, signed or unsigned
 * @param syscall the system call number; -1 (no call) counts as x86_64
 */
export function abiOfAuditArch(arch: number, syscall: number): Abi | 'unknown' {
  switch (arch >>> 0) {
    case AUDIT_ARCH.X86_64:
      return syscall >= 0 && (syscall & X32_SYSCALL_BIT) !== 0 ? 'x32' : 'x86_64';
    case AUDIT_ARCH.I386:
      return 'i386';
    case AUDIT_ARCH.AARCH64:
      return 'aarch64';
    case AUDIT_ARCH.ARM:
      return 'arm';
    default:
      return 'unknown';
  }
}
