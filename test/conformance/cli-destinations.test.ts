import { afterEach, describe, expect, it, vi } from 'vitest';
import { DestinationError, destinationsOf, type Given } from '../../lib/cli/destinations.js';
import { paintOf, widthOf } from '../../lib/cli/paint.js';
import { Progress } from '../../lib/cli/progress.js';

const given = (...words: readonly string[]): Given[] =>
  words.map((word) => (word.startsWith('>') ? { out: word.slice(1) } : { format: word }));

describe('--format and --out', () => {
  it.each<[string[], string[]]>([
    [[], ['pretty']],
    [['json'], ['json']],
    [
      ['json', '>a'],
      ['pretty', 'json a'],
    ],
    [
      ['>a', 'json'],
      ['pretty', 'json a'],
    ],
    [['>a.html'], ['pretty', 'html a.html']],
    [
      ['json', '>a', 'html', '>b'],
      ['pretty', 'json a', 'html b'],
    ],
    [
      ['>a', 'json', '>b', 'html'],
      ['pretty', 'json a', 'html b'],
    ],
    [
      ['json', '>a', 'tap'],
      ['json a', 'tap'],
    ],
    [
      ['pretty', 'json', '>a', '>b.xml'],
      ['pretty', 'json a', 'junit b.xml'],
    ],
    [
      ['>a.md', '>b.json'],
      ['pretty', 'md a.md', 'json b.json'],
    ],
  ])('%j: %j', (words, wanted) => {
    const destinations = destinationsOf(given(...words));
    expect(destinations.map(({ format, file }) => (file === undefined ? format : `${format} ${file}`))).toEqual(wanted);
  });

  it.each([
    [['yaml'], /^there is no format 'yaml'/],
    [['json', 'md'], /^only one format can go to the standard output: give --out FILE for json or md$/],
    [['>a'], /^--out a has no --format/],
    [['json', '>a', 'md', '>a'], /^two formats would go to one file$/],
  ])('%j is refused', (words, message) => {
    const act = (): unknown => destinationsOf(given(...words));
    expect(act).toThrow(DestinationError);
    expect(act).toThrow(message);
  });
});

describe('progress', () => {
  const ticked = (isTTY: boolean): string => {
    let text = '';
    const progress = new Progress(3, { isTTY, columns: 30, write: (more: string) => (text += more) });
    const end = performance.now() + 110;
    while (performance.now() < end);
    progress.tick('a-scenario-with-a-long-name', true);
    progress.tick('b', false);
    progress.end();
    return text;
  };

  it('is one line on a terminal, no wider than it, and goes away', () => {
    expect(ticked(true)).toBe('\r\u001b[K1 of 3 played, 1 failed, 0 s \r\u001b[K');
  });

  it('is nothing in a file, while it is short', () => {
    expect(ticked(false)).toBe('');
  });
});

describe('colours', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('are for terminals that want them', () => {
    vi.stubEnv('NO_COLOR', '');
    vi.stubEnv('TERM', 'xterm');
    expect(paintOf({ isTTY: true })('fail', 'x')).toBe('\u001b[31mx\u001b[0m');
    expect(paintOf({})('fail', 'x')).toBe('x');
    vi.stubEnv('NO_COLOR', '1');
    expect(paintOf({ isTTY: true })('fail', 'x')).toBe('x');
  });

  it('and lines are as wide as the terminal', () => {
    expect([widthOf({ columns: 80 }), widthOf({ columns: 3 }), widthOf({})]).toEqual([80, 40, 110]);
  });
});
