import type { Scenario } from '../../scenario.js';

export const seeds: readonly Scenario[] = [];
