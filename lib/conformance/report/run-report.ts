/** Probes this machine, plays scenarios, and reports. */
import { availableParallelism } from 'node:os';
import { probe as probeMachine, type ProbeReport } from '../../probe/index.js';
import type { Missing } from '../needs.js';
import type { Outcome } from '../play.js';
import { run, type RunOptions } from '../runner.js';
import type { ScenarioEntry } from '../scenario.js';
import { manifest } from './manifest.js';
import { makeReport, type Report } from './report.js';
import { shuffled } from './shuffle.js';

export interface RunReportOptions extends Omit<RunOptions, 'jobs' | 'missing'> {
  /** What is to be played, in the order of the report. */
  readonly scenarios: readonly ScenarioEntry[];
  /** How many play at once. Default: as many as there are CPUs. */
  readonly jobs?: number | undefined;
  /** How often each is played. Default 1. */
  readonly repeat?: number | undefined;
  /** Plays them in another order, which this number brings back. */
  readonly shuffle?: number | undefined;
  /** What is known of this machine already. */
  readonly probe?: ProbeReport | undefined;
}

/** What the probe found missing, and why. */
export function missingOf({ capabilities }: ProbeReport): Missing {
  return Object.fromEntries(
    capabilities.filter(({ status }) => status !== 'yes').map(({ id, detail }) => [id, `${id}: ${detail}`]),
  );
}

/**
 * A run and its report. When the signal ends it, the report is of what had been played, and says so.
 *
 * @throws Error when a worker process does not start
 */
export async function runReport(options: RunReportOptions): Promise<Report> {
  const { scenarios, repeat = 1, shuffle, jobs = availableParallelism(), signal, onOutcome } = options;
  const begin = new Date();
  const start = performance.now();
  const probe = options.probe ?? probeMachine();
  const outcomes: Outcome[] = [];
  const rounds = Array.from({ length: repeat }, (_, round) =>
    shuffle === undefined ? scenarios : shuffled(scenarios, shuffle + round),
  );
  try {
    await run(rounds.flat(), {
      ...options,
      jobs,
      missing: missingOf(probe),
      onOutcome: (outcome) => {
        outcomes.push(outcome);
        onOutcome?.(outcome);
      },
    });
  } catch (error) {
    // A worker that was starting when the signal came did not come up.
    if (signal?.aborted !== true) throw error;
  }
  return makeReport({
    package: manifest(),
    probe,
    begin,
    durationMs: performance.now() - start,
    interrupted: signal?.aborted === true && outcomes.length < scenarios.length * repeat,
    shuffle,
    backend: options.backend,
    scenarios,
    outcomes,
  });
}
