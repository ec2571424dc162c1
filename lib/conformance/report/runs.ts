/** Several runs of one scenario as one outcome. */
import type { Outcome, Verdict } from '../play.js';

export interface Runs {
  readonly count: number;
  /** How often each verdict came; those that never came are absent. */
  readonly verdicts: Partial<Readonly<Record<Verdict, number>>>;
  /** How many different observations there were. */
  readonly observations: number;
  /** The observations that are not shown as the scenario's, at most {@link MOST_OTHERS}. */
  readonly others?: readonly (readonly string[])[];
}

const MOST_OTHERS = 8;

type Merged = Outcome & { readonly runs?: Runs };

function countsOf(outcomes: readonly Outcome[]): Partial<Record<Verdict, number>> {
  const counts: Partial<Record<Verdict, number>> = {};
  for (const { verdict } of outcomes) counts[verdict] = (counts[verdict] ?? 0) + 1;
  return counts;
}

/** A scenario whose verdict depends on the run has failed, whatever its verdicts were. */
export function mergeRuns(outcomes: readonly [Outcome, ...Outcome[]]): Merged {
  const shown = outcomes.find(({ verdict }) => verdict === 'fail') ?? outcomes[0];
  if (outcomes.length === 1) return shown;

  const verdicts = countsOf(outcomes);
  const distinct = new Map(outcomes.map(({ observations }) => [observations.join('\n'), observations]));
  distinct.delete(shown.observations.join('\n'));
  const others = [...distinct.values()].slice(0, MOST_OTHERS);
  const runs: Runs = {
    count: outcomes.length,
    verdicts,
    observations: distinct.size + 1,
    ...(others.length === 0 ? {} : { others }),
  };

  const steady = Object.keys(verdicts).length === 1;
  if (steady && distinct.size === 0) return { ...shown, runs };
  const unstable = steady
    ? `unstable: ${runs.observations} different observations in ${runs.count} runs`
    : `unstable: ${Object.entries(verdicts)
        .map(([verdict, count]) => `${verdict} ${count}`)
        .join(', ')}`;
  return {
    ...shown,
    verdict: steady ? shown.verdict : 'fail',
    reason: shown.reason === undefined ? unstable : `${unstable}; ${shown.reason}`,
    runs,
  };
}
