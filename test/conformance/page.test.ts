import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { matrixOf } from '../../lib/conformance/compare/matrix.js';
import { align } from '../../lib/conformance/report/page/align.js';
import { htmlReport } from '../../lib/conformance/report/page/html.js';
import {
  fromHash,
  inSight,
  itemsOf,
  matching,
  NO_FILTER,
  scoreOf,
  searchTexts,
  step,
  toHash,
  verdictAt,
  type Filter,
} from '../../lib/conformance/report/page/model.js';
import { pageData } from '../../lib/conformance/report/page/page-data.js';
import { Browser, browserPath } from '../helpers/browser.js';
import { requireBuild } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';
import { scratch } from '../helpers/scratch.js';
import { changed, outcomes, report } from './fixtures.js';

const old = report({
  release: '5.10.1',
  outcomes: changed('seize-no-trap', { verdict: 'fail', observations: ['E: SEIZE = EIO', 'E: poll = nothing'] }),
});
const reports = [
  { report: report() },
  { report: old },
  { report: report({ release: '6.1.0', outcomes: outcomes.slice(1) }) },
];
const data = pageData(matrixOf(reports));
const texts = searchTexts(data);

describe('transcripts in one table', () => {
  const expected = { kind: 'expected', kernels: [0], lines: ['a = 1 | 2', 'b = 1', 'c = *'] } as const;
  const observed = (...lines: readonly string[]) => ({ kind: 'observed', kernels: [0], lines, expectedBy: 0 }) as const;

  it('says once what all say', () => {
    const right = { ...expected, lines: ['a = 1'] };
    expect(align([right, observed('a = 1'), observed('a = 1')])).toEqual([[['a = 1', 0, 0], '   ']]);
  });

  it('marks what is wrong, and what differs though both are right', () => {
    expect(align([expected, observed('a = 1', 'b = 2', 'c = 7'), observed('a = 2', 'b = 1', 'c = 7')])).toEqual([
      [['a = 1 | 2', 'a = 1', 'a = 2'], '  d'],
      [['b = 1', 'b = 2', 'b = 1'], 'ww '],
      [['c = *', 'c = 7', 0], '   '],
    ]);
  });

  it('gives every line its place', () => {
    expect(align([expected, observed('b = 1', 'x = 1', 'c = 7')])).toEqual([
      [['a = 1 | 2', null], 'w '],
      [['b = 1', 0], '  '],
      [[null, 'x = 1'], ' w'],
      [['c = *', 'c = 7'], '  '],
    ]);
  });

  it('can do without an expectation', () => {
    const plain = (...lines: readonly string[]) => ({ kind: 'observed', kernels: [0], lines }) as const;
    expect(align([plain('a = 1'), plain('a = 2', 'b = 1')])).toEqual([
      [['a = 1', 'a = 2'], ' d'],
      [[null, 'b = 1'], ' d'],
    ]);
    expect(align([])).toEqual([]);
  });
});

describe('the data of the page', () => {
  it('has what kernels did alike once', () => {
    const [seize, attach] = data.rows;
    expect(seize).toMatchObject({
      id: 'seize-no-trap',
      group: 'kernel commits',
      difference: 'verdict',
      kinds: [
        { verdict: 'pass', variant: 1 },
        { verdict: 'fail', variant: 2 },
      ],
      cells: [0, 1, -1],
    });
    expect(attach).toMatchObject({ difference: 'none', cells: [0, 0, 0] });
    expect(seize?.sources[0]?.link).toContain('git.kernel.org');
    expect(data.rows.map((row) => verdictAt(row, 2))).toEqual(['missing', 'fail', 'skip', 'recorded']);
  });
});

describe('the filter', () => {
  const found = (filter: Partial<Filter>): string[] =>
    matching(data, texts, { ...NO_FILTER, ...filter }).map((index) => data.rows[index]!.id);

  it.each<[Partial<Filter>, string[]]>([
    [{}, ['seize-no-trap', 'attach-into-signal', 'block-step', 'race']],
    [{ query: 'ATTACH' }, ['seize-no-trap', 'attach-into-signal']],
    [{ query: 'attach lost' }, ['attach-into-signal']],
    [{ query: '3544d72a0e10' }, ['seize-no-trap']],
    [{ query: '5.10:fail' }, ['seize-no-trap', 'attach-into-signal']],
    [{ query: '5.10:fail 6.18:pass' }, ['seize-no-trap']],
    [{ query: '6.1.0:missing' }, ['seize-no-trap']],
    [{ query: 'nothing-like-it' }, []],
    [{ query: ':fail' }, []],
    [{ verdict: 'skip' }, ['block-step']],
    [{ verdict: 'missing' }, ['seize-no-trap']],
    [{ source: 'ptrace-tests' }, ['attach-into-signal', 'block-step']],
    [{ tag: 'step' }, ['block-step']],
    [{ arch: 'arm64' }, ['seize-no-trap', 'attach-into-signal', 'race']],
    [{ differing: true }, ['seize-no-trap']],
    [{ verdict: 'fail', source: 'ptrace-tests', tag: 'attach' }, ['attach-into-signal']],
  ])('%j', (filter, ids) => {
    expect(found(filter)).toEqual(ids);
  });

  it('is kept in the address', () => {
    const filter: Filter = {
      query: '5.10:fail & <more>',
      verdict: 'fail',
      source: 'manual pages',
      tag: 'seize',
      arch: 'x64',
      differing: true,
      groupBy: 'tag',
    };
    expect(fromHash(`#${toHash(filter, 'race')}`)).toEqual({ filter, open: 'race' });
    expect(fromHash('#')).toEqual({ filter: NO_FILTER, open: '' });
    expect(fromHash('#verdict=good&group=x')).toEqual({ filter: NO_FILTER, open: '' });
    expect(toHash(NO_FILTER, '')).toBe('');
  });
});

describe('the rows', () => {
  const all = data.rows.map((_, index) => index);
  const items = itemsOf(data, all, 'source');

  it('stand under their headings', () => {
    expect(items.map((item) => (item.kind === 'group' ? `${item.name} ${item.rows.length}` : item.row))).toEqual([
      'kernel commits 1',
      0,
      'ptrace-tests 2',
      1,
      2,
      'mailing lists 1',
      3,
    ]);
    expect(itemsOf(data, all, 'none')).toHaveLength(4);
    expect(itemsOf(data, [3], 'tag')).toEqual([
      { kind: 'group', name: 'exec', rows: [3] },
      { kind: 'row', row: 3 },
    ]);
  });

  it('are gone to one after the other, headings passed over', () => {
    expect(step(items, -1, 1)).toBe(1);
    expect(step(items, 1, 1)).toBe(3);
    expect(step(items, 3, -1)).toBe(1);
    expect(step(items, 1, -1)).toBe(1);
    expect(step(items, 1, 100)).toBe(6);
    expect(step(items, 6, -100)).toBe(1);
    expect(step([], -1, 1)).toBe(-1);
  });

  it('are drawn when in sight', () => {
    expect(inSight(0, 360, 36, 2000, 5)).toEqual([0, 15]);
    expect(inSight(3600, 360, 36, 2000, 5)).toEqual([95, 115]);
    expect(inSight(71_640, 360, 36, 2000, 5)).toEqual([1985, 2000]);
    expect(inSight(0, 360, 36, 0)).toEqual([0, 0]);
    expect(inSight(99_999, 360, 36, 3)).toEqual([3, 3]);
  });

  it('have a score for each kernel', () => {
    expect([0, 1, 2].map((kernel) => scoreOf(data, all, kernel))).toEqual([
      { passed: 1, of: 2 },
      { passed: 0, of: 2 },
      { passed: 0, of: 1 },
    ]);
  });
});

describe('the page', () => {
  let html: string;
  beforeAll(() => {
    requireBuild();
    html = htmlReport(reports);
  });

  it('needs nothing else', () => {
    expect(html).not.toMatch(/<(link|img|iframe|object|embed)\b|\bsrc=|@import|url\(/i);
    expect(html).toContain("default-src 'none'");
  });

  it('has its data whole, whatever is in it', () => {
    const [, json = ''] = /<script type="application\/json" id="data">([\s\S]*?)<\/script>/.exec(html) ?? [];
    expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(data)));
    expect(html.match(/<\/script>/g)).toHaveLength(2);
  });

  const browser = browserPath();
  it.skipIf(browser === undefined)(
    'works by the keyboard (needs chromium in PATH)',
    { timeout: limit(90_000) },
    async () => {
      const file = join(scratch(), 'report.html');
      writeFileSync(file, html);
      await using page = new Browser(browser!);
      const value = (expression: string): Promise<unknown> => page.evaluate(expression);
      const dialog = (): Promise<unknown> =>
        value("document.getElementById('details').open && document.getElementById('details-name').textContent");
      await page.open(pathToFileURL(file).href, 1200, 800);
      expect(await value("document.getElementById('count').value")).toBe('4 behaviours');
      await page.press('j', 'j', 'k', 'Enter');
      expect(await dialog()).toBe('seize-no-trap');
      expect(await value('location.hash')).toBe('#open=seize-no-trap');
      await page.press('j');
      expect(await dialog()).toBe('attach-into-signal');
      expect(await value("document.querySelector('#details .logs').textContent")).toContain('</script> ]]>');
      await page.press('Escape');
      expect([await dialog(), await value('document.activeElement.id')]).toEqual([false, 'grid']);
      await page.press('/');
      await page.type('5.10:fail 6.18:pass');
      expect(await value("document.getElementById('count').value")).toBe('1 of 4');
      await page.press('Enter', 'Enter');
      expect(await dialog()).toBe('seize-no-trap');
      expect(await value("document.querySelectorAll('#details .wrong').length")).toBe(2);
      expect(await value('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      await page.open(`${pathToFileURL(file).href}#open=race`, 390, 844);
      expect(await dialog()).toBe('race');
      expect(await value('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    },
  );
});
