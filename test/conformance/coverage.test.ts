import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../lib/conformance/catalogue.js';
import { sections } from '../../lib/conformance/coverage/index.js';
import { coverageMarkdown } from '../../lib/conformance/coverage/markdown.js';
import { root } from '../helpers/dist.js';

describe('coverage', () => {
  const { all, matrix, byId } = catalogue();
  const entries = sections.flatMap((section) => section.entries.map((entry) => ({ section: section.title, ...entry })));

  it('names scenarios that there are', () => {
    const unknown = entries.flatMap((each) =>
      'by' in each ? each.by.filter((id) => !byId.has(id)).map((id) => `${each.section}: ${each.entry} by ${id}`) : [],
    );
    expect(unknown).toEqual([]);
  });

  it('gives a reason for what is not covered', () => {
    const bad = entries.filter((each) => 'not' in each && each.not.trim().length < 10);
    expect(bad).toEqual([]);
  });

  it('knows what every scenario is there for', () => {
    const named = new Set(entries.flatMap((each) => ('by' in each ? each.by : [])));
    expect(
      all.filter(({ id, also = [] }) => ![id, ...also].some((name) => named.has(name))).map(({ id }) => id),
    ).toEqual([]);
  });

  it('lists no behaviour twice in a section', () => {
    for (const { title, entries: listed } of sections) {
      const names = listed.map(({ entry }) => entry);
      expect(
        names.filter((name, index) => names.indexOf(name) !== index),
        title,
      ).toEqual([]);
    }
  });

  it('is what docs/coverage.md says (npm run docs)', () => {
    const page = readFileSync(join(root, 'docs/coverage.md'), 'utf8');
    expect(page).toBe(coverageMarkdown(sections, all.length, matrix.length));
  });
});

describe('the catalogue', () => {
  const { all, byId } = catalogue();

  it('has more than 250 scenarios that are not generated', () => {
    expect(all.length).toBeGreaterThanOrEqual(250);
  });

  it('has for each a title, a rule, a source, and an expectation or the reason why there is none', () => {
    const bad = all.filter(
      ({ title, rule, source, expect: right, recorded }) =>
        title.length < 10 ||
        rule.length < 20 ||
        source.length === 0 ||
        (right === undefined) === (recorded === undefined),
    );
    expect(bad.map(({ id }) => id)).toEqual([]);
  });

  it('has ids that can be typed and listed', () => {
    expect([...byId.keys()].filter((id) => !/^[\w./,*+-]+$/.test(id))).toEqual([]);
  });
});
