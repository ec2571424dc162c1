/** Colours of verdicts. */
import type { Tone } from '../conformance/report/pretty.js';
import { colourOf } from './probe-report.js';
import { columnsOf } from './columns.js';

const CODES: Readonly<Record<Tone, string>> = {
  pass: '32',
  fail: '31',
  skip: '33',
  recorded: '36',
  heading: '1',
  quiet: '2',
};

export type Paint = (tone: Tone, text: string) => string;

export const unpainted: Paint = (_tone, text) => text;

/** Colours where {@link colourOf} has some. */
export function paintOf(stream: { readonly isTTY?: boolean }): Paint {
  const coloured = colourOf(stream)('heading', '') !== '';
  return coloured ? (tone, text) => `\u001b[${CODES[tone]}m${text}\u001b[0m` : unpainted;
}

const WIDTH = 110;

/** The width of a terminal; of what is none, that of a long line. */
export const widthOf = (stream: { readonly columns?: number }): number => Math.max(40, columnsOf(stream, WIDTH));
