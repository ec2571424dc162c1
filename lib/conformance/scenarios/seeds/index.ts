/** What the discussions of 2009 to 2011 imply, from which utrace, and then PTRACE_SEIZE and PTRACE_LISTEN, came. */
import type { Scenario } from '../../scenario.js';
import { quiescence } from './quiescence.js';
import { stackedEventScenarios } from './stacked-events.js';
import { visibility } from './visibility.js';

export const seeds: readonly Scenario[] = [...stackedEventScenarios, ...quiescence, ...visibility];
