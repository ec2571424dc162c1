/** The scenarios of all files, in the order of reports. */
import type { Scenario } from '../scenario.js';
import { otherAbis } from './abis/index.js';
import { kernelCommits } from './commits/kernel.js';
import { series } from './commits/series.js';
import { gvisor } from './gvisor/index.js';
import { ltp } from './ltp/index.js';
import { manualPage } from './manual/index.js';
import { others } from './others/index.js';
import { machineTests } from './ptrace-tests/machine.js';
import { processTests } from './ptrace-tests/processes.js';
import { seeds } from './seeds/index.js';
import { selftests } from './selftests/index.js';

export const allScenarios: readonly Scenario[] = [
  ...series,
  ...kernelCommits,
  ...seeds,
  ...processTests,
  ...machineTests,
  ...selftests,
  ...ltp,
  ...gvisor,
  ...others,
  ...manualPage,
  ...otherAbis,
];
