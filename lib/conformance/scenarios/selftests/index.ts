import type { Scenario } from '../../scenario.js';

export const selftests: readonly Scenario[] = [];
