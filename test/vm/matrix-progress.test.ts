import { describe, expect, it } from 'vitest';
import { MatrixProgress, outcomeWords } from '../../lib/cli/vm/matrix-progress.js';
import type { MatrixEvent, MatrixOutcome } from '../../lib/vm/matrix.js';
import { reportFor } from './matrix-means.js';

const ids = ['6.1-x64', '6.12-arm64'];
const played: MatrixOutcome = {
  id: '6.1-x64',
  state: 'played',
  report: reportFor(),
  version: '6.1.192-2',
  seconds: 53.4,
  tries: 2,
};
const events: readonly MatrixEvent[] = [
  { phase: 'fetch', id: '6.1-x64', words: '' },
  { phase: 'boot', id: '6.1-x64', version: '6.1.192-2' },
  { phase: 'fetch', id: '6.12-arm64', words: '' },
  { phase: 'play', id: '6.1-x64', done: 3, of: 375 },
  { phase: 'play', id: '6.1-x64', done: 4, of: 375 },
  { phase: 'end', id: '6.1-x64', outcome: played },
  { phase: 'end', id: '6.12-arm64', outcome: { id: '6.12-arm64', state: 'unavailable', why: 'gone' } },
];

function said(isTTY: boolean): string[] {
  const texts: string[] = [];
  const progress = new MatrixProgress(ids, { isTTY, columns: 60, write: (text) => texts.push(text) });
  for (const event of events) progress.tell(event);
  progress.end();
  return texts;
}

describe('the progress of a matrix', () => {
  it('is a line for each step where there is no terminal', () => {
    expect(said(false).map((line) => line.replaceAll(/\d+ s\b/g, 'N s'))).toEqual([
      '6.1-x64     fetch, N s\n',
      '6.1-x64     boot 6.1.192-2, N s\n',
      '6.12-arm64  fetch, N s\n',
      '6.1-x64     1 pass, 1 fail, 1 skip, 1 recorded, N s, 2 tries  [1 of 2]\n',
      '6.12-arm64  unavailable: gone  [2 of 2]\n',
    ]);
  });

  it('on a terminal leaves only what is done, and no line longer than it', () => {
    const text = said(true).join('');
    // What a terminal shows in the end: each erased line is empty again.
    const screen: string[] = [''];
    let row = 0;
    for (const [token] of text.matchAll(/\r\u001b\[K|\u001b\[A|\n|[^\r\n\u001b]+/g)) {
      if (token === '\n') screen[++row] ??= '';
      else if (token === '\u001b[A') row--;
      else if (token === '\r\u001b[K') screen[row] = '';
      else screen[row] = `${screen[row] ?? ''}${token}`;
    }
    expect(screen.filter((line) => line !== '')).toEqual([
      '6.1-x64     1 pass, 1 fail, 1 skip, 1 recorded, 53 s, 2 tries  [1 of 2]',
      '6.12-arm64  unavailable: gone  [2 of 2]',
    ]);
    expect(text).toContain('6.1-x64        0 s  boot 6.1.192-2');
  });

  it('has words for every outcome', () => {
    expect(outcomeWords({ ...played, state: 'kept', tries: 0 })).toBe('1 pass, 1 fail, 1 skip, 1 recorded, kept');
    expect(outcomeWords({ id: 'x', state: 'failed', why: 'it panicked', log: '/x.log' })).toBe(
      'failed: it panicked (/x.log)',
    );
    expect(outcomeWords({ id: 'x', state: 'failed', why: 'it panicked' })).toBe('failed: it panicked');
  });
});
