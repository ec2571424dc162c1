import type { Scenario } from '../../scenario.js';

export const kernelCommits: readonly Scenario[] = [];
