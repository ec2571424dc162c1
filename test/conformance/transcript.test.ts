import { describe, expect, it } from 'vitest';
import { isBefore, parseRelease } from '../../lib/conformance/release.js';
import { beside, expectationOf, lineAgrees, transcriptLines } from '../../lib/conformance/transcript.js';

describe('transcripts', () => {
  it('are lines without indentation, blanks and comments', () => {
    expect(transcriptLines('\n   E: CONT = 0\n\n   # why\n   E: wait = exited 0\n')).toEqual([
      'E: CONT = 0',
      'E: wait = exited 0',
    ]);
  });

  it.each([
    ['E: CONT = 0', 'E: CONT = 0', true],
    ['E: CONT = 0', 'E: CONT = ESRCH', false],
    ['E: CONT = 0 | ESRCH', 'E: CONT = ESRCH', true],
    ['E: CONT = 0 | ESRCH', 'E: CONT = EPERM', false],
    ['E: CONT = *', 'E: CONT = anything at all', true],
    ['E: CONT = *', 'E: SYSCALL = 0', false],
    ['E: CONT = 0', 'E2: CONT = 0', false],
  ])('%s against %s: %s', (expected, observed, agrees) => {
    expect(lineAgrees(expected, observed)).toBe(agrees);
  });

  const text = (expected: string[], observed: string[]): string[] =>
    beside(expected, observed).map((row) => `${row.expected ?? '-'} ${row.agrees ? '=' : '!'} ${row.observed ?? '-'}`);

  it('stand beside each other where they agree', () => {
    expect(text(['a = 1', 'b = 2', 'c = 3'], ['a = 1', 'c = 3'])).toEqual([
      'a = 1 = a = 1',
      'b = 2 ! -',
      'c = 3 = c = 3',
    ]);
    expect(text(['a = 1', 'c = 3'], ['a = 1', 'b = 2', 'c = 3'])).toEqual([
      'a = 1 = a = 1',
      '- ! b = 2',
      'c = 3 = c = 3',
    ]);
    expect(text(['a = 1', 'b = 2'], ['a = 1', 'b = 3'])).toEqual(['a = 1 = a = 1', 'b = 2 ! b = 3']);
    expect(text([], [])).toEqual([]);
    expect(text(['a = 1'], [])).toEqual(['a = 1 ! -']);
  });
});

describe('expectations', () => {
  const variants = {
    expect: [
      { since: '5.19', because: 'new', transcript: 'E: KILL = 0\nE: wait = killed by SIGKILL' },
      { before: '5.19', because: 'old', transcript: 'E: KILL = 0' },
    ],
  } as const;

  it('are those of the release', () => {
    expect(expectationOf(variants, '6.18.0', 'x64')).toMatchObject({ because: 'new' });
    expect(expectationOf(variants, '5.19-rc3', 'x64')).toMatchObject({ because: 'new' });
    expect(expectationOf(variants, '5.18.19', 'x64')).toMatchObject({ because: 'old', lines: ['E: KILL = 0'] });
  });

  it('are those of the architecture', () => {
    const expect_ = [{ arch: 'arm64', because: 'x7', transcript: 'a = 1' }] as const;
    expect(expectationOf({ expect: expect_ }, '6.1', 'arm64')).toMatchObject({ lines: ['a = 1'] });
    expect(expectationOf({ expect: expect_ }, '6.1', 'x64')).toEqual({
      recorded: 'nothing is known of Linux 6.1 on x64',
    });
  });

  it('are none where the rule is younger than the kernel, or where nothing is right or wrong', () => {
    expect(expectationOf({ expect: 'a = 1', since: '5.3' }, '4.19.1', 'x64')).toEqual({
      recorded: 'the rule holds since Linux 5.3',
    });
    expect(expectationOf({ expect: 'a = 1', recorded: 'a race' }, '6.1', 'x64')).toEqual({ recorded: 'a race' });
  });
});

describe('releases', () => {
  it('are read as uname tells them', () => {
    expect(parseRelease('6.18.0-rc3+')).toEqual([6, 18]);
    expect(parseRelease('5.10.0-30-cloud-amd64')).toEqual([5, 10]);
    expect(() => parseRelease('plan9')).toThrow('is not the release of a kernel');
  });

  it('are ordered by numbers, not by letters', () => {
    expect(isBefore('5.9', '5.10')).toBe(true);
    expect(isBefore('5.10', '5.9')).toBe(false);
    expect(isBefore('6.1.170', '6.1')).toBe(false);
    expect(isBefore('5.19', '6.0')).toBe(true);
  });
});
