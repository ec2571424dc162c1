/** The page: one file that needs no other, for one report or for several. */
import { readFileSync } from 'node:fs';
import { matrixOf, type Matrix, type Named } from '../../compare/matrix.js';
import { escapeMarkup } from '../escape.js';
import { VERDICTS } from '../report.js';
import { style } from './style.js';
import { pageData } from './page-data.js';

// The build makes it of client/. From lib/ and from dist/ the package's folder is as far.
const CLIENT = new URL('../../../../dist/conformance/report/page/client.js', import.meta.url);

/** Inside a script element, where `</script>` would end it. */
const inScript = (json: string): string => json.replaceAll('<', '\\u003c');

const sorted = (words: Iterable<string>): string[] => [...new Set(words)].sort();

function options(every: string, values: readonly string[]): string {
  return [
    `<option value="">${every}</option>`,
    ...values.map((value) => `<option value="${escapeMarkup(value)}">${escapeMarkup(value)}</option>`),
  ].join('');
}

function about({ columns, rows }: Matrix): string {
  const [only] = columns;
  if (columns.length === 1 && only !== undefined) {
    const { kernel, probe, date, interrupted } = only.report;
    const counts = VERDICTS.map((verdict) => `${only.counts[verdict]} ${verdict}`).join(', ');
    const machine = [`Linux ${kernel.release} ${kernel.machine}`, ...(probe.cpu === undefined ? [] : [probe.cpu])].join(
      ', ',
    );
    return `${machine}, ${date.slice(0, 10)}: ${counts}${interrupted ? ' (interrupted)' : ''}`;
  }
  const differing = rows.filter(({ difference }) => difference !== 'none').length;
  // A collection has no others.
  if (differing === rows.length) return `${columns.length} kernels, the ${differing} behaviours that differ`;
  return `${columns.length} kernels, ${rows.length} behaviours, ${differing} differ`;
}

function client(): string {
  try {
    return readFileSync(CLIENT, 'utf8');
  } catch {
    throw new Error('the script of the page is not built: npm run compile builds it');
  }
}

export function pageText(matrix: Matrix): string {
  const data = pageData(matrix);
  const title =
    matrix.columns.length === 1 ? `ptrace on Linux ${matrix.columns[0]?.name ?? ''}` : 'ptrace on several kernels';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escapeMarkup(title)}</title>
<style>
${style}
</style>
</head>
<body>
<header><h1>ptrace conformance</h1><p id="about">${escapeMarkup(about(matrix))}</p><button type="button" id="theme"></button></header>
<form id="filters" role="search" aria-label="behaviours">
<input id="search" type="search" placeholder="Search: words, or 6.1:fail" aria-label="search" autocomplete="off" spellcheck="false">
<select id="verdict" aria-label="verdict">${options('any verdict', [...VERDICTS, 'missing'])}</select>
<select id="source" aria-label="source">${options('any source', sorted(data.rows.map(({ group }) => group)))}</select>
<select id="tag" aria-label="tag">${options('any tag', sorted(data.rows.flatMap(({ tags }) => tags)))}</select>
<select id="arch" aria-label="architecture">${options('any architecture', ['x64', 'arm64'])}</select>
<label${matrix.columns.length === 1 ? ' hidden' : ''}><input id="differing" type="checkbox"> only differences</label>
<select id="group" aria-label="group by"><option value="source">by source</option><option value="tag">by tag</option><option value="none">no groups</option></select>
<output id="count" aria-live="polite"></output>
</form>
<div id="grid" role="grid" tabindex="0" aria-label="behaviours by kernel"></div>
<p id="keys"><kbd>/</kbd> search <kbd>j</kbd> <kbd>k</kbd> move <kbd>Enter</kbd> open <kbd>Esc</kbd> close &nbsp; ✓ pass ✗ fail – skip ○ recorded${matrix.columns.length === 1 ? '' : '; small numbers tell observations apart'}</p>
<dialog id="details" aria-labelledby="details-name"></dialog>
<noscript>This page is made by its script, which is part of it: nothing is loaded from anywhere.</noscript>
<script type="application/json" id="data">${inScript(JSON.stringify(data))}</script>
<script>
${client().replaceAll('</script', '<\\/script')}
</script>
</body>
</html>
`;
}

export const htmlReport = (reports: readonly Named[]): string => pageText(matrixOf(reports));
