/** A matrix against what its kernels are known to do: the counts of a CI step. */
import { check } from '../conformance/kernels/check.js';
import { checkText } from '../conformance/kernels/check-text.js';
import { countVerdicts, type Report } from '../conformance/report/report.js';
import type { GuestArch } from './guest-arch.js';
import type { MatrixKernel, MatrixOutcome } from './matrix.js';

/** What is said of a kernel. */
export interface KernelCheck {
  readonly id: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Whether the kernel was played at all. */
  readonly played: boolean;
  readonly lines: readonly string[];
}

/**
 * One count for each scenario: failed is what is unexplained. A machine that gave no report is one failure, a kernel that cannot be had one skip.
 *
 * @param known the known report; without one, every scenario is new
 * @param races the ids of scenarios in which runs of one kernel may differ
 */
export function checkOutcome(
  outcome: MatrixOutcome,
  known: Report | undefined,
  races: ReadonlySet<string>,
): KernelCheck {
  const { id } = outcome;
  if (outcome.state === 'unavailable') {
    return { id, passed: 0, failed: 0, skipped: 1, played: false, lines: [`unavailable: ${outcome.why}`] };
  }
  if (outcome.state === 'failed') {
    return { id, passed: 0, failed: 1, skipped: 0, played: false, lines: [outcome.why] };
  }
  const { report, version } = outcome;
  const result = check(known ?? { ...report, scenarios: [] }, report, races);
  const { skip } = countVerdicts(report.scenarios);
  const skipsThatFailed = result.unexplained.filter(({ now }) => now.verdict === 'skip').length;
  const failed = result.unexplained.length;
  const skipped = skip - skipsThatFailed;
  const versions =
    known === undefined
      ? `${report.kernel.release} (${version}), nothing is known of it`
      : `${report.kernel.release} (${version}), known is ${known.kernel.release}`;
  return {
    id,
    passed: report.scenarios.length - failed - skipped,
    failed,
    skipped,
    played: true,
    lines: [versions, ...checkText(result)],
  };
}

/** What is amiss when too few kernels of an architecture were played: a check of nothing is none. */
export function tooFew(
  checks: readonly KernelCheck[],
  kernels: readonly MatrixKernel[],
  least: Readonly<Partial<Record<GuestArch, number>>>,
): string[] {
  return Object.entries(least).flatMap(([arch, number]) => {
    const played = checks.filter(
      ({ id, played: was }) => was && kernels.some((kernel) => kernel.id === id && kernel.arch === arch),
    );
    return played.length >= number ? [] : [`${played.length} kernels of ${arch} were played, want ${number} or more`];
  });
}
