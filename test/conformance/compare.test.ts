import { describe, expect, it } from 'vitest';
import { formatComparison } from '../../lib/conformance/compare/formats.js';
import { matrixOf, type Named } from '../../lib/conformance/compare/matrix.js';
import { summaryOf } from '../../lib/conformance/compare/summary.js';
import { comparisonText, letterOf, summaryText } from '../../lib/conformance/compare/text.js';
import { changed, outcomes, report, scenarios, type Changes } from './fixtures.js';

const unpainted = { width: 100, paint: (_tone: string, text: string): string => text };
const named = (changes: Changes, file?: string): Named => ({
  report: report(changes),
  ...(file === undefined ? {} : { file }),
});
const differences = (...reports: readonly Named[]) =>
  matrixOf(reports).rows.map(({ id, difference }) => [id, difference]);

const old = named({
  release: '5.10.1',
  outcomes: changed('seize-no-trap', { verdict: 'fail', observations: ['E: SEIZE = EIO'] }),
});
const other = named({ outcomes: changed('race', { observations: ['E: wait = killed by SIGKILL'] }) });
const shorter = named({ scenarios: scenarios.slice(1) });
const now = named({});

describe('a matrix', () => {
  it('of the same has no difference', () => {
    expect(summaryOf(matrixOf([now, now, named({})]))).toMatchObject({ rows: 4, differing: 0 });
  });

  it('tells a verdict from an observation, and from what is not there', () => {
    expect(differences(now, old)).toEqual([
      ['seize-no-trap', 'verdict'],
      ['attach-into-signal', 'none'],
      ['block-step', 'none'],
      ['race', 'none'],
    ]);
    expect(differences(now, other)[3]).toEqual(['race', 'observation']);
    expect(differences(shorter, now)[0]).toEqual(['seize-no-trap', 'missing']);
    expect(summaryOf(matrixOf([now, old, other, shorter]))).toEqual({
      rows: 4,
      differing: 2,
      verdict: 1,
      observation: 1,
      missing: 0,
    });
  });

  it('has the rows of all reports where they belong', () => {
    const [seize, attach, block, race] = scenarios as readonly [never, never, never, never];
    const one = named({ scenarios: [seize, block] });
    const two = named({ scenarios: [seize, attach, block, race] });
    expect(matrixOf([one, two]).rows.map(({ id }) => id)).toEqual(scenarios.map(({ id }) => id));
    expect(matrixOf([two, one]).rows.map(({ id }) => id)).toEqual(scenarios.map(({ id }) => id));
  });

  it('lets kernels agree that share an observation of several', () => {
    const both = named({
      outcomes: [...outcomes, ...changed('race', { observations: ['E: wait = killed by SIGKILL'] })],
    });
    expect(differences(both, other)[3]).toEqual(['race', 'none']);
    expect(differences(both, now)[3]).toEqual(['race', 'none']);
    expect(differences(both, now, other)[3]).toEqual(['race', 'observation']);
  });

  it('has names that tell the reports apart', () => {
    const names = (...reports: readonly Named[]): string[] => matrixOf(reports).columns.map(({ name }) => name);
    expect(names(now, old)).toEqual(['6.18.0 x86_64', '5.10.1 x86_64']);
    expect(names(named({}, '/a/one.json'), named({}, '/b/two.json'))).toEqual([
      '6.18.0 x86_64 (one.json)',
      '6.18.0 x86_64 (two.json)',
    ]);
    expect(names(named({}, 'a.json'), named({}, 'a.json'))).toEqual([
      '6.18.0 x86_64 (a.json) #1',
      '6.18.0 x86_64 (a.json) #2',
    ]);
  });
});

describe('a comparison as a table', () => {
  it('shows both observations', () => {
    expect(comparisonText(matrixOf([now, old]), unpainted)).toEqual([
      'A  Linux 6.18.0 x86_64, 2026-01-02: 1 pass, 1 fail, 1 skip, 1 recorded',
      'B  Linux 5.10.1 x86_64, 2026-01-02: 2 fail, 1 skip, 1 recorded',
      '',
      'different verdicts  A           B',
      'seize-no-trap       pass 1      fail 2',
      '    A                  B',
      '  ! E: SEIZE = 0       E: SEIZE = EIO',
      '  ! E: poll = nothing  -',
      '',
      '1 of 4 behaviours differs: 1 in verdict',
    ]);
  });

  it('has what does not differ, too, when asked', () => {
    const all = comparisonText(matrixOf([now, now]), { ...unpainted, all: true });
    expect(all).toContain('race                recorded    recorded');
    expect(summaryText(matrixOf([now, now]))).toBe('4 behaviours, none differs');
  });

  it('has letters for any number of kernels', () => {
    expect([0, 1, 25, 26, 27, 51, 52, 701, 702].map(letterOf)).toEqual([
      'A',
      'B',
      'Z',
      'AA',
      'AB',
      'AZ',
      'BA',
      'ZZ',
      'AAA',
    ]);
  });
});

describe('a comparison', () => {
  const matrix = matrixOf([now, old, other, shorter]);

  it('as JSON has the cells of every kernel', () => {
    const json = JSON.parse(formatComparison(matrix, 'json', unpainted)) as {
      schema: string;
      kernels: { name: string }[];
      summary: object;
      rows: { id: string; difference: string; cells: unknown[] }[];
    };
    expect(json.schema).toBe('linux-ptrace/comparison/1');
    expect(json.kernels).toHaveLength(4);
    expect(json.rows.map(({ id, difference }) => [id, difference])).toEqual([
      ['seize-no-trap', 'verdict'],
      ['race', 'observation'],
    ]);
    expect(json.rows[0]?.cells).toMatchObject([{ verdict: 'pass' }, { verdict: 'fail' }, { verdict: 'pass' }, null]);
  });

  it('as Markdown has a table and the differing lines', () => {
    const text = formatComparison(matrix, 'md', unpainted);
    expect(text).toContain('| `seize-no-trap` | pass 1 | fail 2 | pass 1 | absent |');
    expect(text).toContain('```diff\n- E: SEIZE = 0\n- E: poll = nothing\n+ E: SEIZE = EIO\n```'.split('\n')[1]);
    expect(text).toContain('2 of 4 behaviours differ: 1 in verdict, 1 only in observation');
  });
});
