/** All scenarios, in the order of reports. */
import type { Scenario } from './scenario.js';
import { allScenarios } from './scenarios/index.js';

export interface Catalogue {
  readonly all: readonly Scenario[];
  readonly byId: ReadonlyMap<string, Scenario>;
}

function indexed(all: readonly Scenario[]): Catalogue {
  const byId = new Map<string, Scenario>();
  for (const scenario of all) {
    for (const name of [scenario.id, ...(scenario.also ?? [])]) {
      const other = byId.get(name);
      if (other !== undefined) throw new Error(`two scenarios are called ${name}`);
      byId.set(name, scenario);
    }
  }
  return { all, byId };
}

let scenarios: Catalogue | undefined;

/** The scenarios, by their ids and by their other names. */
export function catalogue(): Catalogue {
  return (scenarios ??= indexed(allScenarios));
}
