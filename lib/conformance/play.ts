/** Plays one scenario on this thread. */
import { release } from 'node:os';
import { hostArch, type HostArch } from '../kernel/arch/host.js';
import { type Missing, tracingForbidden, unmet } from './needs.js';
import type { Scenario } from './scenario.js';
import { OutOfTime, Skip, Stage } from './stage.js';
import { beside, expectationOf } from './transcript.js';
import { troubleOf } from './trouble.js';

export type Verdict = 'pass' | 'fail' | 'skip' | 'recorded';

/** What has become of a scenario. Plain data. */
export interface Outcome {
  readonly id: string;
  readonly verdict: Verdict;
  /** Why it was skipped, is only recorded, or failed in another way than by its observations. */
  readonly reason?: string;
  /** What this kernel did. */
  readonly observations: readonly string[];
  /** What is right on this kernel; absent when nothing is expected. */
  readonly expected?: readonly string[];
  /** Why that is expected of this kernel and not of every one. */
  readonly because?: string;
  readonly durationMs: number;
  /** On a virtual ptrace: how many requests were made of it. Without any the scenario says nothing of it: its tracers are other processes. */
  readonly requests?: number;
  /** Who could not be ended; absent when nobody is left. */
  readonly left?: readonly string[];
}

export interface PlayOptions {
  /** What the probe found missing. */
  readonly missing: Missing;
  /** Milliseconds that a wait may take, before scaling. */
  readonly patience?: number | undefined;
}

/** Why a scenario does not apply here. */
export function inapplicable(scenario: Scenario, arch: HostArch | undefined, missing: Missing): string | undefined {
  if (arch === undefined) return `no code for ${process.arch}`;
  if (scenario.arch !== undefined && !scenario.arch.includes(arch)) return `it is for ${scenario.arch.join(' and ')}`;
  const forbidden = scenario.needs?.includes('no-tracing') === true ? undefined : tracingForbidden();
  if (forbidden !== undefined) return forbidden;
  for (const need of scenario.needs ?? []) {
    const why = unmet(need, missing);
    if (why !== undefined) return why;
  }
  return undefined;
}

const elapsed = (begin: number): number => Math.round((performance.now() - begin) * 10) / 10;

/** Plays a scenario, and ends and reaps all that took part in it. Never throws for what the scenario does. */
export function play(scenario: Scenario, { missing, patience }: PlayOptions): Outcome {
  const begin = performance.now();
  const arch = hostArch(process.arch);
  const { id } = scenario;
  const why = inapplicable(scenario, arch, missing);
  if (why !== undefined || arch === undefined) {
    return { id, verdict: 'skip', reason: why ?? '', observations: [], durationMs: elapsed(begin) };
  }
  const stage = new Stage(patience);
  let skipped: string | undefined;
  let trouble: string | undefined;
  try {
    scenario.play(stage);
  } catch (error) {
    if (error instanceof Skip) skipped = error.message;
    else if (!(error instanceof OutOfTime)) trouble = troubleOf(error);
  }
  const left = stage.close();
  if (left.length > 0) trouble = `${trouble === undefined ? '' : `${trouble}; `}not to be ended: ${left.join(', ')}`;
  const observations = stage.lines;
  const durationMs = elapsed(begin);
  if (trouble !== undefined) {
    const expectation = expectationOf(scenario, release(), arch);
    const expected = 'lines' in expectation ? { expected: expectation.lines } : {};
    const remains = left.length > 0 ? { left } : {};
    return { id, verdict: 'fail', reason: trouble, observations, ...expected, durationMs, ...remains };
  }
  if (skipped !== undefined) return { id, verdict: 'skip', reason: skipped, observations, durationMs };
  const expectation = expectationOf(scenario, release(), arch);
  if ('recorded' in expectation) {
    return { id, verdict: 'recorded', reason: expectation.recorded, observations, durationMs };
  }
  const { lines: expected, because } = expectation;
  const passed = beside(expected, observations).every(({ agrees }) => agrees);
  return {
    id,
    verdict: passed ? 'pass' : 'fail',
    observations,
    expected,
    ...(because === undefined ? {} : { because }),
    durationMs,
  };
}
