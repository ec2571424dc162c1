import type { Scenario } from '../../scenario.js';

export const processTests: readonly Scenario[] = [];
