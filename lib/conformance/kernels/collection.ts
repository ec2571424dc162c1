/**
 * Reports of many kernels in little room, for a repository: what kernels do alike is written once, and a kernel that changes its ways changes
 * the lines of these behaviours and no others.
 *
 * `behaviours.json` has for each behaviour what most kernels do, and what the others do; a file for each kernel has what it is. What a scenario
 * says of itself (title, rule, expectation) is the catalogue's and is not in them. Durations are left out.
 */
import type { Verdict } from '../play.js';
import { groupBy } from '../report/group.js';
import type { Report, ScenarioReport } from '../report/report.js';

export const COLLECTION_SCHEMA = 'linux-ptrace/kernels/1';
export const KERNEL_SCHEMA = 'linux-ptrace/kernel/1';

/** What a kernel is, and how it was looked at: a report without its scenarios. */
export interface KernelHead extends Omit<
  Report,
  'schema' | 'scenarios' | 'interrupted' | 'planned' | 'shuffle' | 'durationMs'
> {
  readonly schema: typeof KERNEL_SCHEMA;
  readonly id: string;
}

/** What a kernel did in a scenario. */
export interface Behaviour {
  readonly verdict: Verdict;
  readonly reason?: string;
  readonly observations: readonly string[];
  /** What it did in other runs. */
  readonly others?: readonly (readonly string[])[];
  /** All verdicts, where they were not the same in all runs. */
  readonly verdicts?: readonly Verdict[];
}

export interface BehaviourRow {
  readonly id: string;
  /** What most kernels do. */
  readonly usual: Behaviour;
  /** What the named kernels do instead. */
  readonly unusual?: readonly (Behaviour & { readonly kernels: readonly string[] })[];
  /** The kernels whose reports do not have it. */
  readonly absent?: readonly string[];
}

export interface Collection {
  readonly schema: typeof COLLECTION_SCHEMA;
  readonly kernels: readonly string[];
  readonly behaviours: readonly BehaviourRow[];
}

/** A kernel by the name of its series, and its report. */
export interface Member {
  readonly id: string;
  readonly report: Report;
}

/** What is kept of a report's row. */
export function behaviourOf({ verdict, reason, observations, runs }: ScenarioReport): Behaviour {
  const verdicts = Object.keys(runs?.verdicts ?? {}) as Verdict[];
  return {
    verdict,
    ...(reason === undefined ? {} : { reason }),
    observations,
    ...(runs?.others === undefined ? {} : { others: runs.others }),
    ...(verdicts.length < 2 ? {} : { verdicts }),
  };
}

function rowOf(id: string, kernels: readonly string[], cells: readonly (ScenarioReport | undefined)[]): BehaviourRow {
  const absent = kernels.filter((_, index) => cells[index] === undefined);
  const there = cells.flatMap((cell, index) =>
    cell === undefined ? [] : [{ kernel: kernels[index] ?? '', behaviour: behaviourOf(cell) }],
  );
  const groups = [...groupBy(there, ({ behaviour }) => JSON.stringify(behaviour)).values()];
  // The sort is stable: of equally many, those of the first kernel are the usual.
  const [usual, ...unusual] = groups.sort((a, b) => b.length - a.length);
  return {
    id,
    usual: usual?.[0]?.behaviour ?? { verdict: 'recorded', observations: [] },
    ...(unusual.length === 0
      ? {}
      : {
          unusual: unusual.flatMap((group) =>
            group[0] === undefined ? [] : [{ kernels: group.map(({ kernel }) => kernel), ...group[0].behaviour }],
          ),
        }),
    ...(absent.length === 0 ? {} : { absent }),
  };
}

/** Puts reports together. The behaviours are in the order of the ids given. */
export function collect(members: readonly Member[], ids: readonly string[]): Collection {
  const kernels = members.map(({ id }) => id);
  const rows = members.map(({ report }) => new Map(report.scenarios.map((each) => [each.id, each])));
  return {
    schema: COLLECTION_SCHEMA,
    kernels,
    behaviours: ids.flatMap((id) => {
      const cells = rows.map((row) => row.get(id));
      return cells.every((cell) => cell === undefined) ? [] : [rowOf(id, kernels, cells)];
    }),
  };
}

/** What is said of a kernel beside the behaviours. */
export function headOf({ id, report }: Member): KernelHead {
  const { package: made, kernel, arch, node, date, probe } = report;
  return { schema: KERNEL_SCHEMA, id, package: made, kernel, arch, node, date, probe };
}

/** What a kernel does; undefined where it is not known. */
export function behaviourOn({ usual, unusual = [], absent = [] }: BehaviourRow, kernel: string): Behaviour | undefined {
  if (absent.includes(kernel)) return undefined;
  return unusual.find(({ kernels }) => kernels.includes(kernel)) ?? usual;
}
