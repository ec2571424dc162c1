/** What the page shows, without the page: which rows fit, in what order, and what of them is in sight. */
import type { PageData, PageRow, PageVerdict } from './data.js';

/** What the reader has asked for. Empty strings ask for nothing. */
export interface Filter {
  readonly query: string;
  readonly verdict: PageVerdict | 'missing' | '';
  readonly source: string;
  readonly tag: string;
  readonly arch: string;
  readonly differing: boolean;
  readonly groupBy: 'source' | 'tag' | 'none';
}

export const NO_FILTER: Filter = {
  query: '',
  verdict: '',
  source: '',
  tag: '',
  arch: '',
  differing: false,
  groupBy: 'source',
};

const VERDICTS: readonly string[] = ['pass', 'fail', 'skip', 'recorded', 'missing'];

/** What a kernel says of a row. */
export function verdictAt(row: PageRow, kernel: number): PageVerdict | 'missing' {
  return row.kinds[row.cells[kernel] ?? -1]?.verdict ?? 'missing';
}

type Test = (row: PageRow, index: number) => boolean;

/** `6.1:fail` asks for what kernels have it that are called so; any other word is looked for everywhere. */
function wordTest(word: string, data: PageData, texts: readonly string[]): Test {
  const at = word.lastIndexOf(':');
  const [name, verdict] = [word.slice(0, at), word.slice(at + 1)];
  if (at > 0 && VERDICTS.includes(verdict)) {
    const kernels = data.kernels.flatMap((kernel, index) => (kernel.name.toLowerCase().includes(name) ? [index] : []));
    return (row) => kernels.some((kernel) => verdictAt(row, kernel) === verdict);
  }
  return (_row, index) => texts[index]?.includes(word) ?? false;
}

/** What is searched: everything that is said of a behaviour itself. */
export function searchTexts({ rows }: PageData): string[] {
  return rows.map(({ id, title, tags, sources, rule, history = '' }) =>
    [id, title, ...tags, ...sources.map(({ text }) => text), rule, history].join('\n').toLowerCase(),
  );
}

/** Indexes of the rows that fit. */
export function matching(data: PageData, texts: readonly string[], filter: Filter): number[] {
  const { query, verdict, source, tag, arch, differing } = filter;
  const tests: Test[] = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => wordTest(word, data, texts));
  if (verdict !== '') tests.push((row) => row.cells.some((_, kernel) => verdictAt(row, kernel) === verdict));
  if (source !== '') tests.push((row) => row.group === source);
  if (tag !== '') tests.push((row) => row.tags.includes(tag));
  if (arch !== '') tests.push((row) => row.arch === undefined || row.arch.includes(arch));
  if (differing) tests.push((row) => row.difference !== 'none');
  return data.rows.flatMap((row, index) => (tests.every((test) => test(row, index)) ? [index] : []));
}

export type Item =
  | { readonly kind: 'group'; readonly name: string; readonly rows: readonly number[] }
  | { readonly kind: 'row'; readonly row: number };

/** The rows under their headings. */
export function itemsOf({ rows }: PageData, indexes: readonly number[], by: Filter['groupBy']): Item[] {
  if (by === 'none') return indexes.map((row) => ({ kind: 'row', row }));
  const groups = new Map<string, number[]>();
  for (const index of indexes) {
    const row = rows[index];
    if (row === undefined) continue;
    const name = by === 'source' ? row.group : (row.tags[0] ?? 'no tag');
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [index]);
    else group.push(index);
  }
  return [...groups].flatMap(([name, members]): Item[] => [
    { kind: 'group', name, rows: members },
    ...members.map((row): Item => ({ kind: 'row', row })),
  ]);
}

/** The items to draw: those in sight and some on either side. */
export function inSight(top: number, height: number, itemHeight: number, count: number, spare = 12): [number, number] {
  const first = Math.max(0, Math.floor(top / itemHeight) - spare);
  return [Math.min(first, count), Math.min(count, Math.ceil((top + height) / itemHeight) + spare)];
}

/** The position of the next row from one on, in a direction; the position itself when there is none. Headings are passed over. */
export function step(items: readonly Item[], from: number, by: number): number {
  const direction = Math.sign(by);
  let [at, left] = [from, Math.abs(by)];
  for (let next = from + direction; left > 0 && next >= 0 && next < items.length; next += direction) {
    if (items[next]?.kind !== 'row') continue;
    at = next;
    left--;
  }
  return at;
}

/** Of some rows, how many pass on a kernel and how many could: those that passed or failed. */
export function scoreOf(
  { rows }: PageData,
  indexes: readonly number[],
  kernel: number,
): { passed: number; of: number } {
  let [passed, of] = [0, 0];
  for (const index of indexes) {
    const row = rows[index];
    const verdict = row === undefined ? 'missing' : verdictAt(row, kernel);
    if (verdict === 'pass') passed++;
    if (verdict === 'pass' || verdict === 'fail') of++;
  }
  return { passed, of };
}

/** A filter and the open row as the part of an address behind `#`, to be kept and sent. */
export function toHash(filter: Filter, open: string): string {
  const parameters = new URLSearchParams();
  const { query, verdict, source, tag, arch, differing, groupBy } = filter;
  for (const [name, value] of Object.entries({ query, verdict, source, tag, arch })) {
    if (value !== '') parameters.set(name, value);
  }
  if (differing) parameters.set('differing', '1');
  if (groupBy !== 'source') parameters.set('group', groupBy);
  if (open !== '') parameters.set('open', open);
  return parameters.toString();
}

export function fromHash(hash: string): { readonly filter: Filter; readonly open: string } {
  const parameters = new URLSearchParams(hash.replace(/^#/, ''));
  const get = (name: string): string => parameters.get(name) ?? '';
  const verdict = get('verdict');
  const group = get('group');
  return {
    filter: {
      query: get('query'),
      verdict: VERDICTS.includes(verdict) ? (verdict as Filter['verdict']) : '',
      source: get('source'),
      tag: get('tag'),
      arch: get('arch'),
      differing: get('differing') === '1',
      groupBy: group === 'tag' || group === 'none' ? group : 'source',
    },
    open: get('open'),
  };
}
