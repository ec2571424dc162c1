import { X64_REGISTER_NAMES } from './registers.js';

/**
 * Offsets in bytes of `struct user`, the address space of PTRACE_PEEKUSER and PTRACE_POKEUSER for a 64-bit tracer,
 * whatever the tracee.
 *
 * Source: asm/user_64.h.
 */
export const USER_AREA = {
  /** `struct user_regs_struct`, 27 words. */
  regs: 0,
  u_fpvalid: 216,
  i387: 224,
  u_tsize: 736,
  u_dsize: 744,
  u_ssize: 752,
  start_code: 760,
  start_stack: 768,
  signal: 776,
  u_ar0: 792,
  u_fpstate: 800,
  magic: 808,
  u_comm: 816,
  /** DR0 to DR7, 8 bytes each. 4 and 5 do not exist: they read as 0 and a write fails with EIO. */
  u_debugreg: 848,
  error_code: 912,
  fault_address: 920,
} as const;

/** The size of `struct user`. PEEKUSER at or beyond it fails with EIO; every offset must be a multiple of 8. */
export const USER_AREA_SIZE = 928;

/**
 * The offset of a general register in the user area.
 *
 * @param name a register of x86_64, such as `rip`
 * @throws RangeError when there is none of that name
 */
export function userRegisterOffset(name: (typeof X64_REGISTER_NAMES)[number]): number {
  const index = X64_REGISTER_NAMES.indexOf(name);
  if (index < 0) throw new RangeError(`x86_64 has no such register, want one of ${X64_REGISTER_NAMES.join(', ')}`);
  return USER_AREA.regs + index * 8;
}

/**
 * The offset of a debug register in the user area.
 *
 * @param index 0 to 7
 * @throws RangeError for another
 */
export function debugRegisterOffset(index: number): number {
  if (!Number.isInteger(index) || index < 0 || index > 7) {
    throw new RangeError(`debug registers are numbered 0 to 7, not ${String(index)}`);
  }
  return USER_AREA.u_debugreg + index * 8;
}
