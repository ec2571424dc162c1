/** What the manual page ptrace(2) says and no other source has said before. */
import type { Scenario } from '../../scenario.js';
import { x64ManualRegisters } from '../arch/x64/manual-registers.js';
import { x64ManualStep } from '../arch/x64/manual-step.js';
import { accessModes } from './access.js';
import { deaths } from './death.js';
import { taskEvents } from './event-stops.js';
import { execs } from './exec.js';
import { exits } from './exit.js';
import { groupStops } from './group-stop.js';
import { injection } from './injection.js';
import { memory } from './memory.js';
import { requestsAndErrors } from './requests-errors.js';
import { restarts } from './restart.js';
import { seizeAndOptions } from './seize-options.js';
import { syscallStopScenarios } from './syscall-stops.js';
import { tracerDeaths } from './tracer-death.js';
import { tracerThreads } from './tracer-threads.js';
import { waits } from './waits.js';
import { yamaScopes } from './yama.js';

export const manualPage: readonly Scenario[] = [
  ...requestsAndErrors,
  ...seizeAndOptions,
  ...tracerThreads,
  ...memory,
  ...injection,
  ...restarts,
  ...groupStops,
  ...taskEvents,
  ...execs,
  ...exits,
  ...syscallStopScenarios,
  ...x64ManualStep,
  ...deaths,
  ...waits,
  ...tracerDeaths,
  ...accessModes,
  ...yamaScopes,
  ...x64ManualRegisters,
];
