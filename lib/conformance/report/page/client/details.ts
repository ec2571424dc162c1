/** What opens when a row is chosen: the rule, where it comes from, and what each kernel did. */
import type { PageData, PageLog, PageRow } from '../data.js';
import { h } from './dom.js';
import { kernelNames } from './names.js';
import { badge } from './verdicts.js';

function facts(row: PageRow): HTMLElement {
  const list = h('dl');
  const fact = (name: string, ...values: (Node | string)[]): void => {
    list.append(h('dt', {}, name), h('dd', {}, ...values));
  };
  row.sources.forEach(({ text, link }, index) => {
    const value = link === undefined ? text : h('a', { href: link, rel: 'noreferrer', target: '_blank' }, text);
    fact(index === 0 ? 'source' : 'also', value);
  });
  if (row.since !== undefined) fact('since', `Linux ${row.since}`);
  if (row.history !== undefined) fact('history', row.history);
  if (row.arch !== undefined) fact('only on', row.arch.join(', '));
  fact('tags', row.tags.join(', '));
  return list;
}

/** Each verdict with the kernels that have it, and why. */
function verdicts(data: PageData, row: PageRow): HTMLElement {
  const list = h('ul', { class: 'verdicts' });
  const kernelsOf = (kind: number): number[] => row.cells.flatMap((cell, kernel) => (cell === kind ? [kernel] : []));
  row.kinds.forEach(({ verdict, reason, because }, kind) => {
    const item = h('li', {}, badge(verdict), h('span', { class: 'kernels' }, kernelNames(data, kernelsOf(kind))));
    if (reason !== undefined) item.append(h('span', { class: 'reason' }, reason));
    if (because !== undefined) item.append(h('span', { class: 'reason' }, `expected because ${because}`));
    list.append(item);
  });
  const missing = kernelsOf(-1);
  if (missing.length > 0) {
    list.append(
      h('li', {}, badge('missing'), h('span', { class: 'kernels' }, kernelNames(data, missing)), 'not in the report'),
    );
  }
  return list;
}

function logHead(data: PageData, { kind, kernels }: PageLog, row: PageRow): HTMLElement {
  // What is expected of all, and observed by all, needs no names.
  const only = data.kernels.length === 1 || row.logs.filter((log) => log.kind === kind).length === 1;
  return h('th', { scope: 'col', class: kind }, kind, ...(only ? [] : [h('small', {}, kernelNames(data, kernels))]));
}

const MEANINGS: Readonly<Record<string, readonly [name: string, words: string]>> = {
  w: ['wrong', 'expected and observed disagree'],
  d: ['differs', 'differs from the first observation'],
};

function logs(data: PageData, row: PageRow): HTMLElement {
  const table = h('table', { class: 'logs' });
  table.append(
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }), ...row.logs.map((log) => logHead(data, log, row)))),
  );
  const body = h('tbody');
  for (const [texts, marks] of row.lines) {
    const sign = marks.includes('w') ? '!' : marks.includes('d') ? '≠' : '';
    const line = h('tr', {}, h('td', { class: 'sign' }, sign));
    let before: string | null = null;
    texts.forEach((text, index) => {
      before = text === 0 ? before : text;
      const [name, words] = MEANINGS[marks[index] ?? ' '] ?? [];
      line.append(h('td', { class: name, title: words }, before ?? ''));
    });
    body.append(line);
  }
  table.append(body);
  return h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'observations' }, table);
}

/** The parts of the dialog below its heading. */
export function detailsOf(data: PageData, row: PageRow): HTMLElement[] {
  return [
    h('p', { class: 'rule' }, row.rule),
    facts(row),
    verdicts(data, row),
    ...(row.lines.length === 0 ? [] : [logs(data, row)]),
  ];
}
