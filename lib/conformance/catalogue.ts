/** All scenarios, in the order of reports. */
import { matrix } from './matrix/index.js';
import type { Scenario } from './scenario.js';
import { allScenarios } from './scenarios/index.js';

export interface Catalogue {
  /** The scenarios that were written one by one. */
  readonly all: readonly Scenario[];
  /** Those that are generated from rules. */
  readonly matrix: readonly Scenario[];
  /** Both, by their ids and by their other names. */
  readonly byId: ReadonlyMap<string, Scenario>;
}

function indexed(all: readonly Scenario[]): Catalogue {
  const byId = new Map<string, Scenario>();
  for (const scenario of [...all, ...matrix]) {
    for (const name of [scenario.id, ...(scenario.also ?? [])]) {
      const other = byId.get(name);
      if (other !== undefined) throw new Error(`two scenarios are called ${name}`);
      byId.set(name, scenario);
    }
  }
  return { all, matrix, byId };
}

let scenarios: Catalogue | undefined;

/** All that can be played. */
export function catalogue(): Catalogue {
  return (scenarios ??= indexed(allScenarios));
}
