/** Scenarios by where they come from. */
import { groupBy } from './group.js';
import { countVerdicts, type Counts, type ScenarioReport } from './report.js';
import { sourceGroup } from './sources.js';

export interface Group {
  readonly name: string;
  readonly scenarios: readonly ScenarioReport[];
  readonly counts: Counts;
}

/** In the order in which the sources first come. */
export function groupsOf(scenarios: readonly ScenarioReport[]): Group[] {
  return [...groupBy(scenarios, ({ source }) => sourceGroup(source[0]))].map(([name, members]) => ({
    name,
    scenarios: members,
    counts: countVerdicts(members),
  }));
}
