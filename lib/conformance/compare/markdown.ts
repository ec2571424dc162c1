/** What differs between reports, for a pull request. */
import { escapeMarkup } from '../report/escape.js';
import { diffBlock, markdownTable, markdownText } from '../report/markdown.js';
import { variantsOf, type Matrix, type MatrixRow } from './matrix.js';
import { cellWords, summaryText } from './text.js';

function observations(row: MatrixRow, names: readonly string[]): string[] {
  const [first, ...others] = variantsOf(row);
  if (first === undefined || others.length === 0) return [];
  const list = (columns: readonly number[]): string => columns.map((column) => names[column] ?? '').join(', ');
  return [
    `<details><summary><code>${escapeMarkup(row.id)}</code> ${escapeMarkup(row.about.title)}</summary>`,
    '',
    ...others.flatMap(({ lines, columns }) => [
      `\`-\` ${markdownText(list(first.columns))}, \`+\` ${markdownText(list(columns))}`,
      '',
      ...diffBlock(first.lines, lines),
      '',
    ]),
    '</details>',
    '',
  ];
}

export function comparisonMarkdown(matrix: Matrix, all: boolean): string {
  const names = matrix.columns.map(({ name }) => name);
  const rows = matrix.rows.filter(({ difference }) => all || difference !== 'none');
  const lines = [
    '### ptrace, compared',
    '',
    summaryText(matrix),
    '',
    ...(rows.length === 0
      ? []
      : [
          ...markdownTable(
            ['behaviour', ...names.map(markdownText)],
            rows.map((row) => [`\`${row.id}\``, ...cellWords(row)]),
          ),
          '',
        ]),
    ...rows.flatMap((row) => observations(row, names)),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}
