/** Verdicts by a sign, and never by their colour alone. */
import type { PageRow } from '../data.js';
import { verdictAt } from '../model.js';
import { h } from './dom.js';

const SIGNS = { pass: '✓', fail: '✗', skip: '–', recorded: '○', missing: ' ' } as const;

export type Shown = keyof typeof SIGNS;

export const sign = (verdict: Shown): string => SIGNS[verdict];

export function badge(verdict: Shown): HTMLElement {
  return h('span', { class: `badge ${verdict}` }, `${sign(verdict)} ${verdict}`);
}

/** What a kernel's cell says, in words. */
export function cellText(row: PageRow, kernel: number): string {
  const variants = Math.max(0, ...row.kinds.map(({ variant }) => variant));
  const variant = row.kinds[row.cells[kernel] ?? -1]?.variant ?? 0;
  const verdict = verdictAt(row, kernel);
  return variants > 1 && variant > 0 ? `${verdict}, observation ${variant}` : verdict;
}
