/** gVisor's test/syscalls/linux/ptrace.cc, which is written to pass on Linux. */
import type { Scenario } from '../../scenario.js';
import { gvisorMachine } from '../arch/x64/gvisor-machine.js';
import { attach } from './attach.js';
import { execVfork } from './exec-vfork.js';
import { registers } from './registers.js';
import { seize } from './seize.js';
import { setPtracerLasts } from './set-ptracer-lasts.js';
import { setPtracerScenarios } from './set-ptracer.js';
import { signals } from './signals.js';
import { yama } from './yama.js';

export const gvisor: readonly Scenario[] = [
  ...attach,
  ...yama,
  ...setPtracerScenarios,
  ...setPtracerLasts,
  ...signals,
  ...registers,
  ...execVfork,
  ...seize,
  ...gvisorMachine,
];
