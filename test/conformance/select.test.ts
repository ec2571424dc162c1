import { describe, expect, it } from 'vitest';
import { nearest } from '../../lib/conformance/nearest.js';
import { globPattern, select, SelectionError, type Selection } from '../../lib/conformance/select.js';
import { scenarios } from './fixtures.js';

const ids = (selection: Selection): string[] => select(scenarios, selection).map(({ id }) => id);

describe('a glob', () => {
  it.each([
    ['attach-*', 'attach-into-signal', true],
    ['attach', 'attach-into-signal', false],
    ['*signal', 'attach-into-signal', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['a.c', 'abc', false],
    ['(x|y)[z]$^\\', '(x|y)[z]$^\\', true],
  ])('%s and %s: %s', (glob, name, fits) => {
    expect(globPattern(glob).test(name)).toBe(fits);
  });
});

describe('a selection', () => {
  it('that asks for nothing is everything, in its order', () => {
    expect(ids({})).toEqual(scenarios.map(({ id }) => id));
  });

  it.each<[string, Selection, string[]]>([
    ['an id', { filters: ['race'] }, ['race']],
    ['a glob', { filters: ['*-*-*'] }, ['seize-no-trap', 'attach-into-signal']],
    ['another name', { filters: ['attach-signal'] }, ['attach-into-signal']],
    ['several names, in the order of the catalogue', { filters: ['race', 'seize-*'] }, ['seize-no-trap', 'race']],
    ['a glob, but for some', { filters: ['*-*-*'], except: ['attach-signal'] }, ['seize-no-trap']],
    ['a kind of source', { sources: ['mail'] }, ['race']],
    ['a suite', { sources: ['ptrace-tests'] }, ['attach-into-signal', 'block-step']],
    ['a mailing list', { sources: ['linux-kernel'] }, ['race']],
    ['a commit', { sources: ['3544d72a0e10'] }, ['seize-no-trap']],
    ['a short commit', { sources: ['3544d72'] }, ['seize-no-trap']],
    ['a long commit', { sources: ['3544d72a0e10d0aa1c1bd59ed77a53a59cdc12f7'] }, ['seize-no-trap']],
    ['a manual page', { sources: ['ptrace(2)'] }, ['seize-no-trap']],
    ['a manual page without its section', { sources: ['ptrace'] }, ['seize-no-trap']],
    ['a tag', { tags: ['attach'] }, ['seize-no-trap', 'attach-into-signal']],
    ['one of two tags', { tags: ['exec', 'step'] }, ['block-step', 'race']],
    ['a machine', { archs: ['arm64'] }, ['seize-no-trap', 'attach-into-signal', 'race']],
    ['a machine by the name that uname has', { archs: ['x86_64'] }, scenarios.map(({ id }) => id)],
    ['a tag and a source', { tags: ['attach'], sources: ['suite'] }, ['attach-into-signal']],
  ])('by %s', (_what, selection, wanted) => {
    expect(ids(selection)).toEqual(wanted);
  });

  it.each<[Selection, string]>([
    [{ filters: ['race', 'nothing-*'] }, "no scenario is called 'nothing-*'; --list shows all"],
    [
      { sources: ['windows'] },
      "no scenario comes from 'windows'; there are commit, mail, manual, ptrace-tests, ids of commits and names of manual pages",
    ],
    [{ tags: ['sieze'] }, "no scenario has the tag 'sieze'; there are attach, exec, seize, signals, step"],
    [{ archs: ['vax'] }, "nothing is known of the architecture 'vax'; there are x64, arm64"],
    [{ filters: ['race'], tags: ['seize'] }, 'no scenario fits all of these together'],
  ])('%j is refused', (selection, message) => {
    expect(() => select(scenarios, selection)).toThrow(new SelectionError(message));
  });
});

describe('names that somebody may have meant', () => {
  const names = ['interrupt-status', 'interrupt-collapses', 'listen-status', 'exec-thread', 'x'];

  it.each([
    ['interupt-status', 'interrupt-status'],
    ['INTERRUPT-STATUS', 'interrupt-status'],
    ['thread-exec', 'exec-thread'],
    ['collapses', 'interrupt-collapses'],
  ])('%s: %s', (word, name) => {
    expect(nearest(word, names)[0]).toBe(name);
  });

  it('there may be none, and never too many', () => {
    expect(nearest('qqqqqqqq', names)).toEqual([]);
    expect(nearest('interrupt', [...names, ...names], 2)).toHaveLength(2);
    expect(nearest('', names)).toEqual([]);
  });
});
