/** How much of a matrix differs. */
import type { Difference, Matrix } from './matrix.js';

export interface Summary extends Readonly<Record<Exclude<Difference, 'none'>, number>> {
  readonly rows: number;
  readonly differing: number;
}

export function summaryOf({ rows }: Matrix): Summary {
  const count = (kind: Difference): number => rows.filter(({ difference }) => difference === kind).length;
  return {
    rows: rows.length,
    differing: rows.length - count('none'),
    verdict: count('verdict'),
    observation: count('observation'),
    missing: count('missing'),
  };
}
