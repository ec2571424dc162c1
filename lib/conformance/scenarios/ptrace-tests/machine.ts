import type { Scenario } from '../../scenario.js';

export const machineTests: readonly Scenario[] = [];
