/**
 * A new report of a kernel against the one that is known. Not everything that differs is news: a race may end otherwise, an expectation may
 * leave a line open, a scenario may be new. What is left over is unexplained.
 *
 * - Another verdict than any known one is unexplained.
 * - Where both pass, another observation is explained if the known one is right by what is expected today; so an expectation that was bent
 *   towards a new behaviour is noticed.
 * - Where nobody is right or wrong by the scenario's own words (a race), only the verdict counts. A kernel that is only older than the rule has
 *   to do what it is known to do.
 * - What fails has to fail as it is known to.
 * - A scenario that is not known yet is explained unless it fails. The minor version of the kernel plays no part.
 */
import { observationKey } from '../compare/matrix.js';
import type { Report, ScenarioReport } from '../report/report.js';
import type { Scenario } from '../scenario.js';
import { beside } from '../transcript.js';

/** A behaviour that is not as it is known. */
export interface Deviation {
  readonly id: string;
  readonly known?: ScenarioReport;
  readonly now: ScenarioReport;
  /** What is unexplained, or what explains it. */
  readonly why: string;
}

export interface Check {
  /** How many are as they are known. */
  readonly same: number;
  readonly explained: readonly Deviation[];
  readonly unexplained: readonly Deviation[];
  /** Known behaviours that the new report does not have. */
  readonly notPlayed: readonly string[];
}

type Judgement = 'same' | { readonly explained: boolean; readonly why: string };

const explained = (why: string): Judgement => ({ explained: true, why });
const unexplained = (why: string): Judgement => ({ explained: false, why });

function verdictsOf({ verdict, runs }: ScenarioReport): readonly string[] {
  return runs === undefined ? [verdict] : [verdict, ...Object.keys(runs.verdicts)];
}

const isKnownObservation = (known: ScenarioReport, now: ScenarioReport): boolean =>
  [known.observations, ...(known.runs?.others ?? [])].some(
    (observations) => observationKey({ observations }) === observationKey(now),
  );

function judge(known: ScenarioReport, now: ScenarioReport, races: ReadonlySet<string>): Judgement {
  if (!verdictsOf(known).includes(now.verdict))
    return unexplained(`${known.verdict} is known, now it is ${now.verdict}`);
  if (now.verdict === 'skip' || isKnownObservation(known, now)) return 'same';
  if (races.has(now.id)) return explained('nobody is right or wrong here, and runs may differ');
  if (now.verdict !== 'pass') {
    return unexplained(`it is ${now.verdict} as is known, but something else was observed`);
  }
  const open = beside(now.expected ?? [], known.observations).every(({ agrees }) => agrees);
  return open
    ? explained('what is expected leaves open which of the two it is')
    : unexplained('it passes, but what is known would not: the expectation has changed with the behaviour');
}

/** The ids of scenarios in which runs of one kernel may differ. */
export const racesOf = (scenarios: readonly Scenario[]): ReadonlySet<string> =>
  new Set(scenarios.filter(({ recorded }) => recorded !== undefined).map(({ id }) => id));

/**
 * @param races the ids of scenarios in which runs of one kernel may differ
 */
export function check(known: Report, now: Report, races: ReadonlySet<string>): Check {
  const byId = new Map(known.scenarios.map((each) => [each.id, each]));
  const deviations: { readonly explained: boolean; readonly deviation: Deviation }[] = [];
  let same = 0;
  for (const scenario of now.scenarios) {
    const { id, verdict } = scenario;
    const before = byId.get(id);
    byId.delete(id);
    const judgement =
      before === undefined
        ? { explained: verdict !== 'fail', why: verdict === 'fail' ? 'a new scenario that fails' : 'a new scenario' }
        : judge(before, scenario, races);
    if (judgement === 'same') same++;
    else {
      const { why } = judgement;
      const deviation = { id, now: scenario, why, ...(before === undefined ? {} : { known: before }) };
      deviations.push({ explained: judgement.explained, deviation });
    }
  }
  const those = (wanted: boolean): Deviation[] =>
    deviations.filter((each) => each.explained === wanted).map(({ deviation }) => deviation);
  return { same, explained: those(true), unexplained: those(false), notPlayed: [...byId.keys()] };
}
