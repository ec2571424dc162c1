/** Tries the suite on kernels that lie: which scenario notices which fault. */
import type { Missing } from '../needs.js';
import { run } from '../runner.js';
import type { Scenario } from '../scenario.js';
import type { Fault } from './index.js';

/** Waits on a lying kernel are often in vain. */
const PATIENCE_MILLIS = 250;

export interface Trial {
  readonly fault: Fault;
  /** The scenarios that failed, by their ids. */
  readonly caughtBy: readonly string[];
}

export interface TrialOptions {
  readonly missing: Missing;
  readonly jobs: number;
  readonly signal?: AbortSignal | undefined;
  readonly onTrial?: ((trial: Trial) => void) | undefined;
}

/**
 * Plays scenarios on a kernel with each fault.
 *
 * @param scenarios those that pass on the kernel as it is
 */
export async function tryFaults(
  faults: readonly Fault[],
  scenarios: readonly Scenario[],
  { missing, jobs, signal, onTrial }: TrialOptions,
): Promise<Trial[]> {
  const trials: Trial[] = [];
  const order = new Map(scenarios.map(({ id }, index) => [id, index]));
  for (const fault of faults) {
    if (signal?.aborted === true) break;
    const caughtBy: string[] = [];
    await run(scenarios, {
      missing,
      jobs,
      signal,
      fault: fault.id,
      patience: PATIENCE_MILLIS,
      onOutcome: ({ id, verdict }) => {
        if (verdict === 'fail') caughtBy.push(id);
      },
    });
    caughtBy.sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
    const trial = { fault, caughtBy };
    trials.push(trial);
    onTrial?.(trial);
  }
  return trials;
}
