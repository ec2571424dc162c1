import { describe, expect, it } from 'vitest';
import { collectionPage, membersMatrix } from '../../../lib/conformance/kernels/collection-page.js';
import { historyParts, milestones, withParts } from '../../../lib/conformance/kernels/history.js';
import { kernelsPage } from '../../../lib/conformance/kernels/page.js';
import {
  architectureStep,
  flavourSteps,
  ordered,
  seriesName,
  stepsOf,
} from '../../../lib/conformance/kernels/steps.js';
import { scenario, commit } from '../../../lib/conformance/scenario.js';
import { requireBuild } from '../../helpers/dist.js';
import { scenarios } from '../fixtures.js';
import { member } from './members.js';

const surprise = { observations: ['E: SEIZE = 0', 'E: poll = a surprise'] };
const members = [
  member('6.1-x64'),
  member('5.10-x64', 'seize-no-trap', surprise),
  member('6.18-x64', 'block-step', { verdict: 'pass', observations: ['E: SINGLEBLOCK = 0'] }),
  member('5.10-arm64', 'seize-no-trap', surprise),
  member('6.1-arm64'),
  member('6.18-arm64', 'race', { observations: ['E: wait = exited 1'] }),
  member('6.18-arm64-16k', 'race', { observations: ['E: wait = exited 2'] }),
];

describe('steps', () => {
  it('go from release to release, one for both architectures', () => {
    expect(
      stepsOf(members).map(({ from, to, archs, changes }) => [
        from,
        to,
        archs,
        changes.map((each) => [each.id, each.archs]),
      ]),
    ).toEqual([
      ['5.10', '6.1', ['x64', 'arm64'], [['seize-no-trap', ['x64', 'arm64']]]],
      [
        '6.1',
        '6.18',
        ['x64', 'arm64'],
        [
          ['block-step', ['x64']],
          ['race', ['arm64']],
        ],
      ],
    ]);
  });

  it('tell a kernel that is older than a rule, and keeps it, from one that does otherwise', () => {
    const older = { verdict: 'recorded', reason: 'the rule holds since Linux 6.0' } as const;
    const now = member('6.1-x64');
    const [alike] = stepsOf([member('5.10-x64', 'seize-no-trap', older), now]);
    expect([alike?.changes, alike?.alike]).toEqual([[], ['seize-no-trap']]);
    const [other] = stepsOf([member('5.10-x64', 'seize-no-trap', { ...older, ...surprise }), now]);
    expect([other?.changes.map(({ id }) => id), other?.alike]).toEqual([['seize-no-trap'], []]);
    const page = kernelsPage([member('5.10-x64', 'seize-no-trap', older), now], () => false);
    expect(page).toContain('Done alike by both, though it is a rule on one of them only: `seize-no-trap`.');
  });

  it('lay other builds beside their release, and architectures side by side', () => {
    expect(flavourSteps(members).map(({ from, to, changes }) => [from, to, changes.map(({ id }) => id)])).toEqual([
      ['6.18-arm64', '6.18-arm64-16k', ['race']],
    ]);
    const step = architectureStep(members);
    // What one of the two skips is no difference.
    expect([step?.from, step?.to, step?.changes.map(({ id }) => id)]).toEqual(['6.18-x64', '6.18-arm64', ['race']]);
    expect(architectureStep(members.filter(({ report }) => report.arch === 'x64'))).toBeUndefined();
  });

  it('know series by their names, and have an order of them', () => {
    expect(seriesName(member('6.12-arm64-16k'))).toEqual({ release: '6.12', arch: 'arm64', flavour: '16k' });
    expect(ordered([...members].reverse()).map(({ id }) => id)).toEqual([
      '5.10-x64',
      '6.1-x64',
      '6.18-x64',
      '5.10-arm64',
      '6.1-arm64',
      '6.18-arm64',
      '6.18-arm64-16k',
    ]);
  });
});

describe('the page of a collection', () => {
  const page = kernelsPage(members, (id) => id === 'race');

  it('has a row for each kernel', () => {
    expect(page).toContain('| 5.10-x64 | 5.10.1 | 2026-01-02 | 1 | 1 | 1 | 1 |');
    expect(page.match(/^\| \d/gm)).toHaveLength(members.length);
  });

  it('shows what changed with its rule, its commit and its lines', () => {
    const [, section = ''] = /### From 5\.10 to 6\.1 \(x64, arm64\)\n([\s\S]*?)\n### /.exec(page) ?? [];
    expect(section).toContain('<code>seize-no-trap</code>');
    expect(section).toContain('A seized tracee runs on.');
    expect(section).toContain('/commit/?id=3544d72a0e10');
    expect(section).toContain('- E: poll = a surprise\n+ E: poll = nothing');
    expect(section).not.toContain('<code>race');
  });

  it('lists what comes with a feature, and cells of the matrix by what changes in them', () => {
    const [, section = ''] = /### From 6\.1 to 6\.18 \(x64, arm64\)\n([\s\S]*?)\n## /.exec(page) ?? [];
    expect(section).toContain('Cannot be played on 6.1:');
    expect(section).toMatch(/no BTF .* here\\\\ \(x64\), pass on 6\.18 \(1\): `block-step`/);
    expect(section).toContain('In the generated matrix, 1 cell:');
    expect(section).toContain('1 cell, as <code>race</code> (arm64)');
  });

  it('shows what is not as expected once for all kernels that do it', () => {
    const [, section = ''] = /## What is not as expected\n([\s\S]*?)\n## /.exec(page) ?? [];
    expect(section.match(/<summary>/g)).toHaveLength(1);
    expect(section).toContain(members.map(({ id }) => id).join(', '));
    expect(section).toContain('A signal &amp; a &lt;trace&gt; &quot;collide&quot;');
  });

  it('leaves out what does not differ', () => {
    const same = kernelsPage([member('5.10-x64'), member('6.1-x64')], () => false);
    expect(same).toContain('### From 5.10 to 6.1 (x64)\n\nNothing differs.');
    expect(same).not.toContain('seize-no-trap');
  });
});

describe('the page to be opened', () => {
  it('has the rows that differ within an architecture, or fail, under the names of the kernels', () => {
    requireBuild();
    const html = collectionPage(members);
    const [, json = '{}'] = /<script type="application\/json" id="data">([\s\S]*?)<\/script>/.exec(html) ?? [];
    const data = JSON.parse(json) as { kernels: { name: string }[]; rows: { id: string }[] };
    expect(data.kernels.map(({ name }) => name)).toEqual(members.map(({ id }) => id));
    expect(data.rows.map(({ id }) => id)).toEqual(['seize-no-trap', 'attach-into-signal', 'block-step', 'race']);
    expect(membersMatrix(members).columns.map(({ name }) => name)).toEqual(members.map(({ id }) => id));
    const alike = [member('5.10-x64'), member('6.1-x64')];
    expect(collectionPage(alike)).not.toContain('"id":"race"');
  });
});

describe('the history', () => {
  const changing = scenario({
    id: 'changing',
    title: 'It has changed',
    source: [commit('abcdef123456', 'ptrace: change it')],
    tags: ['exec'],
    rule: 'It is otherwise now.',
    play: () => undefined,
    expect: [
      { since: '6.0', because: 'it was mended', transcript: 'E: SEIZE = 0' },
      { before: '6.0', because: 'it was broken', transcript: 'E: SEIZE = EIO' },
    ],
  });

  it('has a milestone for each release that a scenario names, the newest first', () => {
    expect(
      milestones([...scenarios, changing]).map(({ release, scenario: { id }, words }) => [release, id, words]),
    ).toEqual([
      ['6.0', 'changing', ['Since then: it was mended.', 'Before: it was broken.']],
      ['3.4', 'seize-no-trap', ['SEIZE does not stop its tracee. SEIZE came with 3.4.']],
    ]);
  });

  it('says where kernels have changed, and what no release is named for', () => {
    const parts = historyParts(members, [...scenarios, changing]);
    expect(parts.get('kernels')).toBe('7 kernels of 3 series: 6.1, 5.10, 6.18.');
    expect(parts.get('within')).toMatch(/\| 6\.0 \| `changing` \| .*abcdef123456.* \| no change seen \|$/);
    expect(parts.get('before')).toMatch(/\| 3\.4 \| `seize-no-trap` \| .* \| 5\.10 → 6\.1 \|$/);
    expect(parts.get('untold')).toBe('- 6.1 → 6.18: `block-step`, `race`');
  });

  it('stands between marks, and leaves the words around them alone', () => {
    const page = '# Words\n\n<!-- made: one -->\n\nold $& words\n\n<!-- end -->\n\nMore words.\n';
    const made = withParts(page, new Map([['one', 'new $& words']]));
    expect(made).toBe(page.replace('old', 'new'));
    expect(withParts(made, new Map([['one', 'new $& words']]))).toBe(made);
    const empty = '<!-- made: one -->\n<!-- end -->\nkept\n<!-- made: two -->\n<!-- end -->\n';
    expect(withParts(empty, new Map([['one', '1']]))).toContain('1\n\n<!-- end -->\nkept\n<!-- made: two -->');
    expect(() => withParts(page, new Map([['two', '']]))).toThrow(/no <!-- made: two -->/);
  });
});
