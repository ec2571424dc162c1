/** Several transcripts in one table: lines that say the same thing stand in one row. */
import { beside, lineAgrees } from '../../transcript.js';
import type { PageLine, PageLog } from './data.js';

export interface LogColumn extends PageLog {
  readonly lines: readonly string[];
  /** The index of the column with what is right for it. */
  readonly expectedBy?: number;
}

/** For each column the index of its line, if it has one there. */
type Place = (number | undefined)[];

function placesOf(columns: readonly LogColumn[]): Place[] {
  let places: Place[] = [];
  for (const [index, { lines }] of columns.entries()) {
    const keys = places.map((place) => {
      const at = place.findIndex((line) => line !== undefined);
      return columns[at]?.lines[place[at] ?? 0] ?? '';
    });
    const merged: Place[] = [];
    let [above, line] = [0, 0];
    for (const { expected, observed } of beside(keys, lines)) {
      const place: Place = expected === undefined ? [] : (places[above++] ?? []);
      if (observed !== undefined) place[index] = line++;
      merged.push(place);
    }
    places = merged;
  }
  return places;
}

/** The lines of a column and of its expectation that have no counterpart. */
function wrongLines(columns: readonly LogColumn[]): ReadonlySet<number>[] {
  const wrong = columns.map(() => new Set<number>());
  for (const [index, { lines, expectedBy }] of columns.entries()) {
    const right = expectedBy === undefined ? undefined : columns[expectedBy];
    if (expectedBy === undefined || right === undefined) continue;
    let [expectedLine, line] = [0, 0];
    for (const { expected, observed, agrees } of beside(right.lines, lines)) {
      if (!agrees && observed !== undefined) wrong[index]?.add(line);
      if (!agrees && expected !== undefined) wrong[expectedBy]?.add(expectedLine);
      if (observed !== undefined) line++;
      if (expected !== undefined) expectedLine++;
    }
  }
  return wrong;
}

export function align(columns: readonly LogColumn[]): PageLine[] {
  const wrong = wrongLines(columns);
  const first = columns.findIndex(({ kind }) => kind === 'observed');
  return placesOf(columns).map((place): PageLine => {
    const texts = columns.map(({ lines }, index) => {
      const line = place[index];
      return line === undefined ? null : (lines[line] ?? null);
    });
    const isWrong = (index: number): boolean => wrong[index]?.has(place[index] ?? -1) === true;
    const anyWrong = columns.some((_, index) => isWrong(index));
    const marks = columns.map(({ kind }, index) => {
      if (anyWrong) return isWrong(index) ? 'w' : ' ';
      const [text, other] = [texts[index] ?? null, texts[first] ?? null];
      if (kind === 'observed') return text === other ? ' ' : 'd';
      return text === null || other === null || lineAgrees(text, other) ? ' ' : 'd';
    });
    return [
      texts.map((text, index) => (index > 0 && text !== null && text === texts[index - 1] ? 0 : text)),
      marks.join(''),
    ];
  });
}
