/** Steps on this machine: what the processor can do, and the system call instruction that a step must not pass. */
import { PTRACE } from '../kernel/requests.js';
import { PTRACE_X64 } from '../kernel/arch/x64/requests.js';
import { HOST } from '../tracer/host.js';
import type { Stepping } from './arbitration.js';
import { isSyscallInstructionArm64, SYSCALL_STEP_CODE_ARM64 } from './arch/arm64/syscall-instruction.js';
import { isSyscallInstructionX64, SYSCALL_STEP_CODE_X64 } from './arch/x64/syscall-instruction.js';

export const STEPPING: Stepping = { single: true, block: HOST === 'x64' };

/** The request for one branch, or where there is none for one instruction. */
export const BLOCKSTEP: number = HOST === 'x64' ? PTRACE_X64.SINGLEBLOCK : PTRACE.SINGLESTEP;

export const isSyscallInstruction = HOST === 'x64' ? isSyscallInstructionX64 : isSyscallInstructionArm64;

/** The si_code of the trap of a step over a system call. */
export const SYSCALL_STEP_CODE: number = HOST === 'x64' ? SYSCALL_STEP_CODE_X64 : SYSCALL_STEP_CODE_ARM64;
