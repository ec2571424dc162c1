/** The results for a reader. */
import type { Result } from './measure.js';

const WIDTHS = { id: 19, ours: 11, reference: 11, ratio: 7, spread: 15, target: 12 } as const;

function number(value: number | null): string {
  if (value === null) return '-';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function targetOf({ target, compared, unit }: Result): string {
  if (target === null) return '-';
  if (compared === 'ratio') return `<= ${String(target)}`;
  return `<= ${compared === 'difference' ? '+' : ''}${String(target)} ${unit}`;
}

function line(cells: Readonly<Record<keyof typeof WIDTHS, string>>, rest: string): string {
  const { id, ...others } = WIDTHS;
  const numbers = (Object.keys(others) as (keyof typeof others)[]).map((key) => cells[key].padStart(WIDTHS[key]));
  return `${cells.id.padEnd(id)}${numbers.join('')}  ${rest}`.trimEnd();
}

export function heading(): string {
  const cells = { id: 'id', ours: 'ours', reference: 'reference', ratio: 'ratio', spread: 'spread', target: 'target' };
  return line(cells, 'met  what');
}

/** One result. The spread is that of what the target is held against. */
export function format(result: Result): string {
  const { id, title, against, unit, ours, reference, ratio, spread, ok, note, skipped, failed } = result;
  const empty = { id, ours: '-', reference: '-', ratio: '-', spread: '-', target: targetOf(result) };
  if (skipped !== undefined) return line(empty, `-    skipped: ${skipped}`);
  if (failed !== undefined) return line(empty, `-    FAILED: ${failed}`);
  const cells = {
    ...empty,
    ours: `${number(ours)} ${unit}`,
    reference: reference === null ? '-' : `${number(reference)} ${unit}`,
    ratio: number(ratio),
    spread: spread === null ? '-' : `${number(spread.least)}..${number(spread.greatest)}`,
  };
  const what = `${title}${against === '-' ? '' : ` / ${against}`}${note === undefined ? '' : ` (${note})`}`;
  return line(cells, `${ok === null ? '-  ' : ok ? 'yes' : 'NO '}  ${what}`);
}
