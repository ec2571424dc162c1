/** The forms that a comparison can be written in. */
import { pageText } from '../report/page/html.js';
import { comparisonJson } from './json.js';
import { comparisonMarkdown } from './markdown.js';
import type { Matrix } from './matrix.js';
import { comparisonText, type ComparisonOptions } from './text.js';

export const COMPARISON_FORMATS = ['table', 'md', 'json', 'html'] as const;

export type ComparisonFormat = (typeof COMPARISON_FORMATS)[number];

/** The comparison in a form, with its last line end. The page always has all rows. */
export function formatComparison(matrix: Matrix, format: ComparisonFormat, options: ComparisonOptions): string {
  const { all = false } = options;
  switch (format) {
    case 'table':
      return `${comparisonText(matrix, options).join('\n')}\n`;
    case 'md':
      return comparisonMarkdown(matrix, all);
    case 'json':
      return `${JSON.stringify(comparisonJson(matrix, all), null, 2)}\n`;
    case 'html':
      return pageText(matrix);
  }
}
