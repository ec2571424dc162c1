import { closeSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { binding } from '../../lib/binding.js';
import { script, start } from '../../lib/raw/child.js';
import { agrees, beside, differenceOf } from '../../lib/series/compare.js';
import { expectationOf, linesOf, reaches } from '../../lib/series/edition.js';
import { pausesOf } from '../../lib/series/nap.js';
import { program } from '../../lib/series/program.js';
import { printf } from '../../lib/series/script-printf.js';
import { waitEnd } from '../raw/ends.js';

describe('comparing', () => {
  it('finds equal transcripts equal', () => {
    expect(agrees(beside([], []))).toBe(true);
    expect(agrees(beside(['a', 'b'], ['a', 'b']))).toBe(true);
    expect(agrees(beside(['pid 1'], ['pid 2'], (line) => line.replace(/\d/, '')))).toBe(true);
    expect(agrees(beside(['a'], []))).toBe(false);
    expect(agrees(beside([], ['a']))).toBe(false);
    expect(agrees(beside(['a', 'b'], ['b', 'a']))).toBe(false);
  });

  it('lays as many lines as possible beside each other', () => {
    expect(beside(['a', 'b', 'c', 'd'], ['a', 'c', 'x', 'd'])).toEqual([
      { expected: 'a', seen: 'a' },
      { expected: 'b', seen: undefined },
      { expected: 'c', seen: 'c' },
      { expected: undefined, seen: 'x' },
      { expected: 'd', seen: 'd' },
    ]);
  });

  it('shows a difference with some lines around it', () => {
    const lines = ['1', '2', '3', '4', '5', '6', '7'];
    expect(differenceOf(beside(lines, [...lines, 'more']))).toEqual([
      '  expected | seen',
      '  ...      | ...',
      '  6        | 6',
      '  7        | 7',
      '>          | more',
    ]);
  });
});

describe('what is expected', () => {
  const init = {
    ...({ group: 'jobctl', name: 'x', commit: '0', title: 'x', source: 'shown', duration: 0 } as const),
    main: () => undefined,
  };

  it('depends on the kernel', () => {
    const both = program('file:///x', {
      ...init,
      expected: [
        { since: '3.0', text: 'old\n', because: 'it was so' },
        { since: '5.19', text: 'new\n', because: 'it was changed' },
      ],
    });
    expect(expectationOf(both, '5.18.9')).toEqual({ lines: ['old'], because: undefined });
    expect(expectationOf(both, '5.19.0-rc1')).toEqual({ lines: ['new'], because: 'since 5.19: it was changed' });
    expect(expectationOf(both, '6.1.0').lines).toEqual(['new']);
    expect(expectationOf(program('file:///x', { ...init, expected: 'always' }), '4.4').lines).toEqual(['always']);
  });

  it('knows versions by number', () => {
    expect(reaches('5.4.0-100-generic', '5.19')).toBe(false);
    expect(reaches('5.19', '5.19')).toBe(true);
    expect(reaches('10.0', '5.19')).toBe(true);
  });

  it('is lines', () => {
    expect(linesOf('')).toEqual([]);
    expect(linesOf('a\n\nb')).toEqual(['a', '', 'b']);
    expect(linesOf('a\n')).toEqual(['a']);
  });
});

describe('naps', () => {
  it('beat in the middle of every period of the tracee', () => {
    expect(pausesOf(3000, undefined)).toEqual([{ milliseconds: 3000, beatAfter: false }]);
    expect(pausesOf(100, 1000)).toEqual([{ milliseconds: 100, beatAfter: false }]);
    expect(pausesOf(2000, 1000)).toEqual([
      { milliseconds: 500, beatAfter: true },
      { milliseconds: 500, beatAfter: false },
      { milliseconds: 500, beatAfter: true },
      { milliseconds: 500, beatAfter: false },
    ]);
  });
});

describe('printf of a script', () => {
  it('writes numbers as C does', () => {
    const ends = new Int32Array(2);
    expect(binding().pipe(ends)).toBe(0);
    const [read = -1, write = -1] = ends;
    const child = script();
    printf(child, write, 'plain\n');
    for (const number of [0, 7, 10, 42, 100, 4_194_304, 9_999_999]) printf(child, write, '%d, %02d.\n', number, number);
    printf(child, write, 'text longer than a word %d and as much behind it\n', child.set(31, 1).register(1));
    const { pid } = start(child.exitGroup(0), { keepFds: [write] });
    closeSync(write);
    expect(readFileSync(read, 'latin1').split('\n')).toEqual([
      'plain',
      '0, 00.',
      '7, 07.',
      '10, 10.',
      '42, 42.',
      '100, 100.',
      '4194304, 4194304.',
      '9999999, 9999999.',
      'text longer than a word 31 and as much behind it',
      '',
    ]);
    closeSync(read);
    expect(waitEnd(pid)).toBe(0);
  });
});
