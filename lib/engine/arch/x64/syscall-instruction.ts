import { TRAP } from '../../../kernel/siginfo.js';

/** si_code of the trap of a step over a system call. */
export const SYSCALL_STEP_CODE_X64 = TRAP.BRKPT;

/** Whether an instruction enters the kernel: syscall, sysenter, int $0x80. Its first word, little-endian. */
export function isSyscallInstructionX64(word: bigint): boolean {
  const two = word & 0xffffn;
  return two === 0x050fn || two === 0x340fn || two === 0x80cdn;
}
