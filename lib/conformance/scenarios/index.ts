/** The scenarios of all files, in the order of reports. */
import type { Scenario } from '../scenario.js';
import { interrupt } from './commits/interrupt.js';
import { listen } from './commits/listen.js';

export const allScenarios: readonly Scenario[] = [...interrupt, ...listen];
