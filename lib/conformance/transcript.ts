/**
 * Transcripts: lines of the form `who: what = value`.
 *
 * An expected value may name alternatives, `0 | ESRCH`, and `*` stands for any: what is not to be asserted there. Lines of `#` are comments.
 */
import type { HostArch } from '../kernel/arch/host.js';
import { isBefore } from './release.js';
import type { Scenario, Variant } from './scenario.js';

const SEPARATOR = ' = ';

/** The lines of a transcript as written in a source: without indentation, empty lines and comments. */
export function transcriptLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function split(line: string): readonly [what: string, value: string] {
  const at = line.indexOf(SEPARATOR);
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + SEPARATOR.length)];
}

/** Whether an observed line is what the expected one says. */
export function lineAgrees(expected: string, observed: string): boolean {
  if (expected === observed) return true;
  const [what, value] = split(expected);
  const [observedWhat, observedValue] = split(observed);
  if (what !== observedWhat) return false;
  return value === '*' || value.split(' | ').includes(observedValue);
}

/** A line of the one beside the line of the other; undefined where one has none. */
export interface Row {
  readonly expected: string | undefined;
  readonly observed: string | undefined;
  readonly agrees: boolean;
}

/** Two transcripts side by side: as many lines as possible stand beside the one they agree with. */
export function beside(expected: readonly string[], observed: readonly string[]): Row[] {
  const [n, m] = [expected.length, observed.length];
  // best[i][j]: the most agreeing lines of expected from i and observed from j on.
  const best = Array.from({ length: n + 1 }, () => new Uint16Array(m + 1));
  const at = (i: number, j: number): number => best[i]?.[j] ?? 0;
  const agree = (i: number, j: number): boolean => lineAgrees(expected[i] ?? '', observed[j] ?? '');
  for (let i = n - 1; i >= 0; i--) {
    for (let j = m - 1; j >= 0; j--) {
      const row = best[i];
      if (row !== undefined) row[j] = agree(i, j) ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const rows: Row[] = [];
  let [i, j] = [0, 0];
  while (i < n || j < m) {
    if (i < n && j < m && agree(i, j)) {
      rows.push({ expected: expected[i++], observed: observed[j++], agrees: true });
    } else if (i < n && j < m && at(i + 1, j + 1) === at(i, j)) {
      // Neither line is needed for the best fit: they are each other's counterpart.
      rows.push({ expected: expected[i++], observed: observed[j++], agrees: false });
    } else if (j >= m || (i < n && at(i + 1, j) >= at(i, j + 1))) {
      rows.push({ expected: expected[i++], observed: undefined, agrees: false });
    } else {
      rows.push({ expected: undefined, observed: observed[j++], agrees: false });
    }
  }
  return rows;
}

/** What is right on a kernel, and why if it is not so on every one. */
export interface Expectation {
  readonly lines: readonly string[];
  readonly because?: string;
}

/** Why nothing is right or wrong on a kernel. */
export interface NoExpectation {
  readonly recorded: string;
}

function fits(variant: Variant, release: string, arch: HostArch): boolean {
  if (variant.arch !== undefined && variant.arch !== arch) return false;
  if (variant.since !== undefined && isBefore(release, variant.since)) return false;
  return variant.before === undefined || isBefore(release, variant.before);
}

/** What a scenario expects of a kernel. */
export function expectationOf(
  { expect, recorded, since }: Pick<Scenario, 'expect' | 'recorded' | 'since'>,
  release: string,
  arch: HostArch,
): Expectation | NoExpectation {
  if (recorded !== undefined) return { recorded };
  if (since !== undefined && isBefore(release, since)) return { recorded: `the rule holds since Linux ${since}` };
  if (expect === undefined) return { recorded: 'nothing is expected' };
  if (typeof expect === 'string') return { lines: transcriptLines(expect) };
  const variant = expect.find((each) => fits(each, release, arch));
  if (variant === undefined) return { recorded: `nothing is known of Linux ${release} on ${arch}` };
  return { lines: transcriptLines(variant.transcript), because: variant.because };
}
