import type { Scenario } from '../../scenario.js';

export const gvisor: readonly Scenario[] = [];
