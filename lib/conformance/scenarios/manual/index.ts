import type { Scenario } from '../../scenario.js';

export const manualPage: readonly Scenario[] = [];
