/** AArch32 tracees under arm64. */
import type { Scenario } from '../../../scenario.js';
import { arm32Debug } from './arm32-debug.js';
import { arm32Registers } from './arm32-registers.js';
import { arm32Syscalls } from './arm32-syscalls.js';

export const arm32: readonly Scenario[] = [...arm32Registers, ...arm32Syscalls, ...arm32Debug];
