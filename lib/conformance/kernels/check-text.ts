/** What a check has found, for a terminal. */
import { groupBy } from '../report/group.js';
import { plural } from '../report/text.js';
import { beside } from '../transcript.js';
import type { Check, Deviation } from './check.js';

function linesOf({ id, now, known, why }: Deviation): string[] {
  const reason = now.reason === undefined ? [] : [`  ${now.reason}`];
  if (known === undefined) return [`${id}: ${why}`, ...reason, ...now.observations.map((line) => `  + ${line}`)];
  return [
    `${id}: ${why}`,
    ...reason,
    ...beside(known.observations, now.observations).flatMap(({ expected, observed, agrees }) => {
      if (agrees && expected === observed) return [`    ${observed ?? ''}`];
      return [
        ...(expected === undefined ? [] : [`  - ${expected}`]),
        ...(observed === undefined ? [] : [`  + ${observed}`]),
      ];
    }),
  ];
}

/** The counts, in one line. */
export function checkSummary({ same, explained, unexplained, notPlayed }: Check): string {
  const rest = [
    `${unexplained.length} unexplained`,
    ...(explained.length === 0 ? [] : [`${explained.length} explained`]),
    ...(notPlayed.length === 0 ? [] : [`${notPlayed.length} not played`]),
  ];
  return `${plural(same, 'behaviour')} as known, ${rest.join(', ')}`;
}

const MOST_NAMES = 10;

/** The names of what is explained, by the explanation; where there are many, only how many. */
function explanations(explained: readonly Deviation[]): string[] {
  return [...groupBy(explained, ({ why }) => why)].map(([why, deviations]) => {
    const names = deviations.map(({ id }) => id).join(', ');
    return `explained, ${why}: ${deviations.length > MOST_NAMES ? plural(deviations.length, 'scenario') : names}`;
  });
}

/** The unexplained with their transcripts, `-` what is known and `+` what was observed; of the others only the explanation. */
export function checkText(check: Check): string[] {
  return [
    ...explanations(check.explained),
    ...check.unexplained.flatMap((deviation) => ['', ...linesOf(deviation)]),
    ...(check.unexplained.length === 0 ? [] : ['']),
    checkSummary(check),
  ];
}
