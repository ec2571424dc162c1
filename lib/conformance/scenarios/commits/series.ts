/** The two patch series of 2011: job control and ptrace, then SEIZE, INTERRUPT and LISTEN. */
import type { Scenario } from '../../scenario.js';
import { interrupt } from './interrupt.js';
import { listen } from './listen.js';

export const series: readonly Scenario[] = [...interrupt, ...listen];
