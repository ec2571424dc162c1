/** All scenarios, in the order of reports: for what looks at the whole suite. */
import { GENERATED, loadParts, WRITTEN } from './parts-of-suite.js';
import type { Scenario } from './scenario.js';

export interface Catalogue {
  /** The scenarios that were written one by one. */
  readonly all: readonly Scenario[];
  /** Those that are generated from rules. */
  readonly matrix: readonly Scenario[];
  /** Both, by their ids and by their other names. */
  readonly byId: ReadonlyMap<string, Scenario>;
}

const all = await loadParts(WRITTEN);
const matrix = await loadParts(GENERATED);
const byId = new Map<string, Scenario>();
for (const scenario of [...all, ...matrix]) {
  for (const name of [scenario.id, ...(scenario.also ?? [])]) {
    if (byId.has(name)) throw new Error(`two scenarios are called ${name}`);
    byId.set(name, scenario);
  }
}

/** All that can be played. */
export function catalogue(): Catalogue {
  return { all, matrix, byId };
}
