/** Several reports of one kernel as one. */
import { groupBy } from '../report/group.js';
import type { Report, ScenarioReport } from '../report/report.js';
import { mergeRuns } from '../report/runs.js';

/**
 * The first report, with what the others observed. A scenario whose verdict was not always the same has failed, as it has in a run that repeats.
 *
 * @throws Error when there is none, or they are not of one kernel
 */
export function mergedReport(reports: readonly Report[]): Report {
  const [first, ...others] = reports;
  if (first === undefined) throw new Error('there is no report to merge');
  for (const { kernel } of others) {
    if (kernel.release !== first.kernel.release || kernel.machine !== first.kernel.machine) {
      throw new Error(
        `reports of ${first.kernel.release} and ${kernel.release} cannot be merged: they are of different kernels`,
      );
    }
  }
  if (others.length === 0) return first;
  const runs = groupBy(
    reports.flatMap(({ scenarios }) => scenarios),
    ({ id }) => id,
  );
  const scenarios = [...runs.values()].flatMap(([one, ...more]): ScenarioReport[] =>
    one === undefined ? [] : [{ ...one, ...mergeRuns([one, ...more]) }],
  );
  return { ...first, scenarios, planned: scenarios.length };
}

/**
 * A report of a kernel with rows of a newer one in the place of its own: so the scenarios of a set, or a new one, can be played again alone. A
 * report of another release of the kernel is taken as a whole.
 */
export function renewedReport(known: Report | undefined, now: Report): Report {
  if (known?.kernel.release !== now.kernel.release) return now;
  const fresh = new Set(now.scenarios.map(({ id }) => id));
  const scenarios = [...known.scenarios.filter(({ id }) => !fresh.has(id)), ...now.scenarios];
  return { ...now, scenarios, planned: scenarios.length };
}
