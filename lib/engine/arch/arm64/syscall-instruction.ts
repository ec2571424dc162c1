import { SI } from '../../../kernel/siginfo.js';

/** si_code of the trap of a step over a system call. */
export const SYSCALL_STEP_CODE_ARM64 = SI.USER;

/** Whether an instruction enters the kernel: svc. Its first word, little-endian. */
export function isSyscallInstructionArm64(word: bigint): boolean {
  return (word & 0xffe0001fn) === 0xd4000001n;
}
