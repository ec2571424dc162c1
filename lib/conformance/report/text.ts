/** Pieces of reports for people. */
import type { Row } from '../transcript.js';
import type { ScenarioReport } from './report.js';
import { groupBy } from './group.js';

/** Words in lines no longer than a width, where words allow. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter((each) => each !== '')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}

/** Two transcripts, of which the lines that agree may be shown once. */
export interface Headings {
  readonly left: string;
  readonly right: string;
}

/** A line of two transcripts side by side, and whether the two agree there. */
export interface SideBySide {
  readonly text: string;
  readonly agrees: boolean;
}

const NONE = '-';
const GAP = 2;

/** Side by side where the width allows it, else one below the other: `-` what is expected only, `+` what was observed only. */
export function sideBySide(rows: readonly Row[], { left, right }: Headings, width: number): SideBySide[] {
  const column = Math.max(left.length, ...rows.map(({ expected }) => (expected ?? NONE).length));
  const other = Math.max(right.length, ...rows.map(({ observed }) => (observed ?? NONE).length));
  if (GAP + column + GAP + other <= width) {
    return [
      { text: `  ${left.padEnd(column + GAP)}${right}`, agrees: true },
      ...rows.map(({ expected = NONE, observed = NONE, agrees }) => ({
        text: `${agrees ? ' ' : '!'} ${expected.padEnd(column + GAP)}${observed}`,
        agrees,
      })),
    ];
  }
  return rows.flatMap(({ expected, observed, agrees }): SideBySide[] => {
    if (agrees) return [{ text: `  ${observed ?? NONE}`, agrees }];
    return [
      ...(expected === undefined ? [] : [{ text: `- ${expected}`, agrees }]),
      ...(observed === undefined ? [] : [{ text: `+ ${observed}`, agrees }]),
    ];
  });
}

/** Skipped scenarios by their reason, the most frequent reason first. */
export function skipsByReason(scenarios: readonly ScenarioReport[]): [reason: string, ids: string[]][] {
  const skipped = scenarios.filter(({ verdict }) => verdict === 'skip');
  return [...groupBy(skipped, ({ reason = 'no reason given' }) => reason)]
    .map(([reason, members]): [string, string[]] => [reason, members.map(({ id }) => id)])
    .sort(([, a], [, b]) => b.length - a.length);
}

/** A duration in seconds. */
export const seconds = (millis: number): string => `${(millis / 1000).toFixed(1)} s`;

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
