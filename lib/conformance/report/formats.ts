/** The forms that a report can be written in. */
import { extname } from 'node:path';
import { junitText } from './junit.js';
import { kcidbText, type KcidbOptions } from './kcidb.js';
import { ktapText } from './ktap.js';
import { markdownReport } from './markdown.js';
import { htmlReport } from './page/html.js';
import { prettyText, type PrettyOptions } from './pretty.js';
import type { Report } from './report.js';
import { tapText } from './tap.js';

export const FORMATS = ['pretty', 'json', 'tap', 'ktap', 'junit', 'kcidb', 'html', 'md'] as const;

export type Format = (typeof FORMATS)[number];

export interface FormatOptions {
  readonly pretty: PrettyOptions;
  readonly kcidb?: KcidbOptions;
}

/** The report in a form, with its last line end. */
export function formatReport(report: Report, format: Format, { pretty, kcidb }: FormatOptions): string {
  switch (format) {
    case 'pretty':
      return `${prettyText(report, pretty).join('\n')}\n`;
    case 'json':
      return `${JSON.stringify(report, null, 2)}\n`;
    case 'tap':
      return tapText(report);
    case 'ktap':
      return ktapText(report);
    case 'junit':
      return junitText(report);
    case 'kcidb':
      return kcidbText(report, kcidb);
    case 'html':
      return htmlReport([{ report }]);
    case 'md':
      return markdownReport(report);
  }
}

const EXTENSIONS: Readonly<Record<string, Format>> = {
  '.json': 'json',
  '.tap': 'tap',
  '.ktap': 'ktap',
  '.xml': 'junit',
  '.html': 'html',
  '.md': 'md',
  '.txt': 'pretty',
};

/** The form that a file's name tells. */
export const formatOfFile = (file: string): Format | undefined => EXTENSIONS[extname(file)];
