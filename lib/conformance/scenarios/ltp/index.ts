import type { Scenario } from '../../scenario.js';

export const ltp: readonly Scenario[] = [];
