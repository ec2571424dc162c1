/** The parts of Red Hat's ptrace-tests that are about the machine: steps, registers, memory, restarts. And the x86 selftests of the kernel. */
import type { Scenario } from '../../scenario.js';
import { watchpoints } from '../arch/x64/debug-registers-watch.js';
import { fpuRegisters } from '../arch/x64/registers-fpu.js';
import { armRegisters } from '../arch/arm64/machine-registers.js';
import { armSlots } from '../arch/arm64/machine-slots.js';
import { armSteps } from '../arch/arm64/machine-step.js';
import { armWatchpoints } from '../arch/arm64/machine-watch.js';
import { featureRegisters } from '../arch/x64/registers-features.js';
import { i386Registers } from '../arch/x64/registers-i386.js';
import { syscallRegisters } from '../arch/x64/registers-syscalls.js';
import { segments } from '../arch/x64/registers-segments.js';
import { userArea } from '../arch/x64/registers-user-area.js';
import { restartBlock } from '../arch/x64/restart-block.js';
import { terminalRestarts } from '../arch/x64/restart-terminal.js';
import { stepsAndDebugRegisters } from '../arch/x64/step-debug-registers.js';
import { stepFlags } from '../arch/x64/step-flags.js';
import { machineSteps } from './machine-step.js';

export const machineTests: readonly Scenario[] = [
  ...machineSteps,
  ...stepFlags,
  ...stepsAndDebugRegisters,
  ...userArea,
  ...segments,
  ...fpuRegisters,
  ...watchpoints,
  ...syscallRegisters,
  ...i386Registers,
  ...featureRegisters,
  ...terminalRestarts,
  ...restartBlock,
  ...armWatchpoints,
  ...armSlots,
  ...armSteps,
  ...armRegisters,
];
