/** Comparing transcripts, and showing a difference. */

/** A row of two transcripts beside each other: a line of both, or of one alone. */
export interface Row {
  readonly expected: string | undefined;
  readonly seen: string | undefined;
}

/**
 * Lays two transcripts beside each other so that as many lines as possible agree.
 *
 * @param key what of a line is compared
 */
export function beside(
  expected: readonly string[],
  seen: readonly string[],
  key: (line: string) => string = (line) => line,
): Row[] {
  const wanted = expected.map(key);
  const got = seen.map(key);
  // common[i][j]: how many lines of expected from i on and seen from j on can agree
  const common = Array.from({ length: wanted.length + 1 }, () => new Array<number>(got.length + 1).fill(0));
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0;
  for (let i = wanted.length - 1; i >= 0; i--) {
    for (let j = got.length - 1; j >= 0; j--) {
      const best = wanted[i] === got[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
      (common[i] ?? [])[j] = best;
    }
  }
  const rows: Row[] = [];
  let i = 0;
  let j = 0;
  while (i < wanted.length || j < got.length) {
    if (i < wanted.length && j < got.length && wanted[i] === got[j]) {
      rows.push({ expected: expected[i++], seen: seen[j++] });
    } else if (j >= got.length || (i < wanted.length && at(i + 1, j) >= at(i, j + 1))) {
      rows.push({ expected: expected[i++], seen: undefined });
    } else {
      rows.push({ expected: undefined, seen: seen[j++] });
    }
  }
  return rows;
}

export function agrees(rows: readonly Row[]): boolean {
  return rows.every(({ expected, seen }) => expected !== undefined && seen !== undefined);
}

/** Rows that agree and are further than this from one that does not are left out. */
const CONTEXT = 2;

/** The difference as text: expected on the left, seen on the right, `>` before the lines that differ. */
export function differenceOf(rows: readonly Row[]): string[] {
  const differs = rows.map(({ expected, seen }) => expected === undefined || seen === undefined);
  const near = rows.map((_, index) => differs.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).includes(true));
  const width = Math.max('expected'.length, ...rows.map(({ expected }) => expected?.length ?? 0));
  const line = (mark: string, left: string, right: string): string =>
    `${mark} ${left.padEnd(width)} | ${right}`.trimEnd();
  const lines = [line(' ', 'expected', 'seen')];
  let skipped = false;
  for (const [index, { expected, seen }] of rows.entries()) {
    if (near[index] === true) {
      if (skipped) lines.push(line(' ', '...', '...'));
      lines.push(line(differs[index] === true ? '>' : ' ', expected ?? '', seen ?? ''));
    }
    skipped = near[index] !== true;
  }
  return lines;
}
