/**
 * The report of a run: what each scenario observed, and the kernel, policy and CPU that it ran on. Plain data, the same in JSON; schema.ts
 * describes it.
 */
import type { HostArch } from '../../kernel/arch/host.js';
import type { ProbeReport } from '../../probe/index.js';
import type { Backend } from '../backend/index.js';
import type { Outcome, Verdict } from '../play.js';
import type { ScenarioEntry, Source } from '../scenario.js';
import { groupBy } from './group.js';
import { mergeRuns, type Runs } from './runs.js';

/** The last part grows when a field changes its meaning or goes; new fields do not make it grow. */
export const SCHEMA = 'linux-ptrace/conformance/1';

export const VERDICTS = ['pass', 'fail', 'skip', 'recorded'] as const satisfies readonly Verdict[];

/** A scenario, and what has become of it. */
export interface ScenarioReport {
  readonly id: string;
  readonly title: string;
  /** The first is where it comes from. */
  readonly source: readonly [Source, ...Source[]];
  readonly tags: readonly string[];
  readonly rule: string;
  readonly history?: string;
  /** The first release with this behaviour. */
  readonly since?: string;
  /** The only architectures that have it. */
  readonly arch?: readonly HostArch[];
  readonly verdict: Verdict;
  /** Why it was skipped, is only recorded, or failed in another way than by its observations. */
  readonly reason?: string;
  /** What this kernel did; of several runs, the first that failed or else the first. */
  readonly observations: readonly string[];
  /** What is right on this kernel; absent when nothing is expected. */
  readonly expected?: readonly string[];
  /** Why that is expected of this kernel and not of every one. */
  readonly because?: string;
  readonly durationMs: number;
  /** On a virtual ptrace: how many requests were made of it. */
  readonly requests?: number;
  /** Only where it ran more than once. */
  readonly runs?: Runs;
}

export interface Report {
  readonly schema: typeof SCHEMA;
  readonly package: { readonly name: string; readonly version: string };
  readonly kernel: { readonly release: string; readonly version: string; readonly machine: string };
  readonly arch: HostArch;
  /** What the scenarios were played on, if not on the kernel itself. */
  readonly backend?: Backend;
  /** Node's version. */
  readonly node: string;
  /** When the run began, in UTC. */
  readonly date: string;
  readonly durationMs: number;
  /** The run was ended before all scenarios had been played. */
  readonly interrupted: boolean;
  /** How many scenarios were to be played. */
  readonly planned: number;
  /** What brings back the order in which they were played; absent when they were not shuffled. */
  readonly shuffle?: number;
  readonly probe: ProbeReport;
  readonly scenarios: readonly ScenarioReport[];
}

/** What a report is made of. */
export interface Material {
  readonly package: Report['package'];
  readonly probe: ProbeReport;
  readonly begin: Date;
  readonly durationMs: number;
  readonly interrupted: boolean;
  readonly shuffle?: number | undefined;
  readonly backend?: Backend | undefined;
  /** What was to be played, in the order of the report. */
  readonly scenarios: readonly ScenarioEntry[];
  /** What has become of them, in any order; several of a scenario that was repeated. */
  readonly outcomes: readonly Outcome[];
}

/** What can be said of a scenario without playing it. */
export function described({ id, title, source, tags, rule, history, since, arch }: ScenarioEntry) {
  return {
    id,
    title,
    source,
    tags,
    rule,
    ...(history === undefined ? {} : { history }),
    ...(since === undefined ? {} : { since }),
    ...(arch === undefined ? {} : { arch }),
  } satisfies Partial<ScenarioReport>;
}

/** Puts a report together. What was not played, because the run was interrupted, is not in it. */
export function makeReport(material: Material): Report {
  const { probe, scenarios, shuffle } = material;
  const outcomes = groupBy(material.outcomes, ({ id }) => id);
  return {
    schema: SCHEMA,
    package: material.package,
    kernel: probe.kernel,
    arch: probe.arch,
    ...(material.backend === undefined || material.backend === 'kernel' ? {} : { backend: material.backend }),
    node: probe.node,
    date: material.begin.toISOString(),
    durationMs: Math.round(material.durationMs),
    interrupted: material.interrupted,
    planned: scenarios.length,
    ...(shuffle === undefined ? {} : { shuffle }),
    probe,
    scenarios: scenarios.flatMap((scenario): ScenarioReport[] => {
      const [first, ...others] = outcomes.get(scenario.id) ?? [];
      return first === undefined ? [] : [{ ...described(scenario), ...mergeRuns([first, ...others]) }];
    }),
  };
}

export type Counts = Readonly<Record<Verdict, number>>;

export function countVerdicts(scenarios: readonly { readonly verdict: Verdict }[]): Counts {
  const counts = { pass: 0, fail: 0, skip: 0, recorded: 0 };
  for (const { verdict } of scenarios) counts[verdict]++;
  return counts;
}
