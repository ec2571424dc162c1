/** What differs between reports, for a terminal. */
import { beside } from '../transcript.js';
import type { PrettyOptions } from '../report/pretty.js';
import { VERDICTS } from '../report/report.js';
import { plural, sideBySide, wrap } from '../report/text.js';
import { variantsOf, type Matrix, type MatrixRow } from './matrix.js';
import { summaryOf } from './summary.js';

/** `A`, `B`, ..., `Z`, `AA`: what a column is called where there is no room for its name. */
export function letterOf(index: number): string {
  const rest = Math.floor(index / 26);
  return `${rest === 0 ? '' : letterOf(rest - 1)}${String.fromCharCode(65 + (index % 26))}`;
}

/** A verdict, and which of the observations it is where there are several. */
export function cellWords(row: MatrixRow): string[] {
  const variants = variantsOf(row);
  return row.cells.map((cell, index) => {
    if (cell === undefined) return 'absent';
    const variant = variants.findIndex(({ columns }) => columns.includes(index));
    return variants.length < 2 || variant < 0 ? cell.verdict : `${cell.verdict} ${variant + 1}`;
  });
}

function legend({ columns }: Matrix): string[] {
  return columns.map(({ name, file, report, counts }, index) => {
    const from = file === undefined || name.includes('(') ? '' : ` (${file})`;
    const verdicts = VERDICTS.filter((verdict) => counts[verdict] > 0).map(
      (verdict) => `${counts[verdict]} ${verdict}`,
    );
    const partial = report.interrupted ? ', interrupted' : '';
    return `${letterOf(index).padEnd(2)} Linux ${name}${from}, ${report.date.slice(0, 10)}: ${verdicts.join(', ')}${partial}`;
  });
}

/** The first observation beside each of the others. */
function observationsText(row: MatrixRow, { width, paint }: PrettyOptions): string[] {
  const [first, ...others] = variantsOf(row);
  if (first === undefined) return [];
  const names = (columns: readonly number[]): string => columns.map(letterOf).join(' ');
  return others.flatMap(({ lines, columns }) =>
    sideBySide(beside(first.lines, lines), { left: names(first.columns), right: names(columns) }, width - 4).map(
      ({ text, agrees }) => `  ${agrees ? text : paint('fail', text)}`,
    ),
  );
}

function reasonsText({ cells }: MatrixRow, { width, paint }: PrettyOptions): string[] {
  return cells.flatMap((cell, index) =>
    cell?.reason === undefined
      ? []
      : wrap(`${letterOf(index)}: ${cell.reason}`, width - 4).map((line) => `  ${paint('quiet', line)}`),
  );
}

export interface ComparisonOptions extends PrettyOptions {
  /** Rows without a difference, too. */
  readonly all?: boolean;
}

const HEADINGS = {
  verdict: 'different verdicts',
  observation: 'different observations',
  missing: 'not in all reports',
  none: 'the same',
} as const;

export function comparisonText(matrix: Matrix, options: ComparisonOptions): string[] {
  const { paint, all = false } = options;
  const kinds = (['verdict', 'observation', 'missing', 'none'] as const).filter((kind) => kind !== 'none' || all);
  const id = Math.max('behaviour'.length, ...matrix.rows.map((row) => row.id.length));
  const column = 'recorded 1'.length + 2;
  const sections = kinds.flatMap((kind) => {
    const rows = matrix.rows.filter(({ difference }) => difference === kind);
    if (rows.length === 0) return [];
    const head = matrix.columns.map((_, index) => letterOf(index).padEnd(column)).join('');
    return [
      '',
      paint('heading', `${HEADINGS[kind].padEnd(id)}  ${head}`.trimEnd()),
      ...rows.flatMap((row) => {
        const words = cellWords(row).map((word, index) =>
          paint(row.cells[index]?.verdict ?? 'quiet', word.padEnd(column)),
        );
        const line = `${row.id.padEnd(id)}  ${words.join('')}`.trimEnd();
        if (kind === 'none' || kind === 'missing') return [line];
        return [line, ...reasonsText(row, options), ...observationsText(row, options)];
      }),
    ];
  });
  return [...legend(matrix), ...sections, '', summaryText(matrix)];
}

/** How many differ, in one line. */
export function summaryText(matrix: Matrix): string {
  const { rows, differing, verdict, observation, missing } = summaryOf(matrix);
  if (differing === 0) return `${plural(rows, 'behaviour')}, none differs`;
  const parts = [
    ...(verdict === 0 ? [] : [`${verdict} in verdict`]),
    ...(observation === 0 ? [] : [`${observation} only in observation`]),
    ...(missing === 0 ? [] : [`${missing} not in all reports`]),
  ];
  return `${differing} of ${plural(rows, 'behaviour')} ${differing === 1 ? 'differs' : 'differ'}: ${parts.join(', ')}`;
}
