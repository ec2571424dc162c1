/** A report out of a collection. */
import { catalogue } from '../catalogue.js';
import { described, SCHEMA, type Report, type ScenarioReport } from '../report/report.js';
import type { Runs } from '../report/runs.js';
import type { Scenario } from '../scenario.js';
import { expectationOf } from '../transcript.js';
import { behaviourOn, type Behaviour, type Collection, type KernelHead } from './collection.js';

/** The runs that a row with several observations came from, as far as they are known. */
function runsOf({ verdict, verdicts = [verdict], others = [] }: Behaviour): Runs | undefined {
  const observations = others.length + 1;
  const count = Math.max(observations, verdicts.length);
  if (count === 1) return undefined;
  const [first = verdict, ...rest] = verdicts;
  return {
    count,
    verdicts: { [first]: count - rest.length, ...Object.fromEntries(rest.map((each) => [each, 1])) },
    observations,
    ...(others.length === 0 ? {} : { others }),
  };
}

function rowOf(scenario: Scenario, behaviour: Behaviour, { kernel, arch }: KernelHead): ScenarioReport {
  const { verdict, reason, observations } = behaviour;
  const expectation = verdict === 'skip' ? undefined : expectationOf(scenario, kernel.release, arch);
  const runs = runsOf(behaviour);
  return {
    ...described(scenario),
    verdict,
    ...(reason === undefined ? {} : { reason }),
    observations,
    ...(expectation !== undefined && 'lines' in expectation ? { expected: expectation.lines } : {}),
    ...(expectation !== undefined && 'because' in expectation ? { because: expectation.because } : {}),
    durationMs: 0,
    ...(runs === undefined ? {} : { runs }),
  };
}

/**
 * The report of a kernel, with what the catalogue of today says of its scenarios. Behaviours that the catalogue has no more are left out.
 *
 * @param byId the scenarios by their ids
 */
export function restore(
  head: KernelHead,
  { behaviours }: Collection,
  byId: ReadonlyMap<string, Scenario> = catalogue().byId,
): Report {
  const { id, package: made, kernel, arch, node, date, probe } = head;
  const scenarios = behaviours.flatMap((row): ScenarioReport[] => {
    const scenario = byId.get(row.id);
    const behaviour = behaviourOn(row, id);
    return scenario === undefined || behaviour === undefined ? [] : [rowOf(scenario, behaviour, head)];
  });
  return {
    schema: SCHEMA,
    package: made,
    kernel,
    arch,
    node,
    date,
    durationMs: 0,
    interrupted: false,
    planned: scenarios.length,
    probe,
    scenarios,
  };
}
