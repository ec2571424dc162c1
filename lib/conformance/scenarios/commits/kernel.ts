/** Single commits before and after the series of 2011. */
import type { Scenario } from '../../scenario.js';
import { kernelStepX64 } from '../arch/x64/kernel-step.js';
import { kernelSyscallsX64 } from '../arch/x64/kernel-syscalls.js';
import { kernelClone } from './kernel-clone.js';
import { kernelExec } from './kernel-exec.js';
import { kernelSignals } from './kernel-signals.js';
import { kernelStep } from './kernel-step.js';
import { kernelTracer } from './kernel-tracer.js';
import { kernelWait } from './kernel-wait.js';

export const kernelCommits: readonly Scenario[] = [
  ...kernelTracer,
  ...kernelWait,
  ...kernelClone,
  ...kernelExec,
  ...kernelSignals,
  ...kernelStep,
  ...kernelStepX64,
  ...kernelSyscallsX64,
];
