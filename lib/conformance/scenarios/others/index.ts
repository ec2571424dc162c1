import type { Scenario } from '../../scenario.js';

export const others: readonly Scenario[] = [];
