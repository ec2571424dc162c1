/**
 * The generated parts of `docs/kernels/history.md`: which release brought which rule, by what the scenarios say of themselves, and whether the
 * kernels of the collection bear it out. The words between the parts are written by hand and stay.
 */
import { markdownText } from '../report/markdown.js';
import { plural } from '../report/text.js';
import { isBefore } from '../release.js';
import type { Scenario } from '../scenario.js';
import type { Member } from './collection.js';
import { sourceMarkdown } from './page.js';
import { seriesName, stepsOf, type Step } from './steps.js';

/** A behaviour that a release has brought or changed. */
export interface Milestone {
  readonly release: string;
  readonly scenario: Scenario;
  /** What changed, in words. */
  readonly words: readonly string[];
}

/** What a scenario says of releases. */
export function milestonesOf(scenario: Scenario): Milestone[] {
  const { since, history, title, expect } = scenario;
  const words = new Map<string, string[]>();
  const say = (release: string, text: string): void => {
    words.set(release, [...(words.get(release) ?? []), text]);
  };
  if (since !== undefined) say(since, history === undefined ? `${title}.` : `${title}. ${history}`);
  if (typeof expect === 'object') {
    for (const { since: from, before, because, arch } of expect) {
      const where = arch === undefined ? '' : ` (${arch})`;
      if (from !== undefined) say(from, `Since then${where}: ${because}.`);
      if (before !== undefined) say(before, `Before${where}: ${because}.`);
    }
  }
  return [...words].map(([release, texts]) => ({ release, scenario, words: texts }));
}

/** Newest release first; behaviours in the catalogue's order. */
export function milestones(scenarios: readonly Scenario[]): Milestone[] {
  return scenarios
    .flatMap(milestonesOf)
    .sort((a, b) => (isBefore(b.release, a.release) ? -1 : Number(isBefore(a.release, b.release))));
}

/** Where kernels of the collection have changed a behaviour: in the step that the release lies in, or elsewhere. */
function seenIn(steps: readonly Step[], id: string, release: string): string {
  const changing = steps.filter(({ changes }) => changes.some((change) => change.id === id));
  if (changing.length === 0)
    return steps.some(({ from, to }) => isBefore(from, release) && !isBefore(to, release)) ? 'no change seen' : '-';
  return changing
    .map((step) => {
      const archs = new Set(step.changes.filter((change) => change.id === id).flatMap((change) => change.archs));
      const some = archs.size < step.archs.length ? ` on ${[...archs].join(', ')}` : '';
      return `${step.from} → ${step.to}${some}`;
    })
    .join(', ');
}

function milestoneRow({ release, scenario, words }: Milestone, steps: readonly Step[]): string {
  const commits = scenario.source.filter(({ kind }) => kind === 'commit').map(sourceMarkdown);
  const cells = [
    release,
    `\`${scenario.id}\``,
    markdownText(words.join(' ')),
    commits.join('; '),
    seenIn(steps, scenario.id, release),
  ];
  return `| ${cells.join(' | ')} |`;
}

const table = (rows: readonly string[]): string[] => [
  '| since | behaviour | what | commits | seen to change |',
  '| --- | --- | --- | --- | --- |',
  ...rows,
];

/** The parts by the names of their marks. */
export function historyParts(members: readonly Member[], scenarios: readonly Scenario[]): ReadonlyMap<string, string> {
  const steps = stepsOf(members);
  const oldest = steps[0]?.from ?? '0.0';
  const all = milestones(scenarios);
  const within = all.filter(({ release }) => isBefore(oldest, release));
  const before = all.filter(({ release }) => !isBefore(oldest, release));
  const told = new Set(all.map(({ scenario }) => scenario.id));
  const untold = steps.flatMap(({ from, to, changes }) => {
    const ids = [...new Set(changes.map(({ id }) => id))].filter(
      (id) => scenarios.some((each) => each.id === id) && !told.has(id),
    );
    return ids.length === 0 ? [] : [`- ${from} → ${to}: ${ids.map((id) => `\`${id}\``).join(', ')}`];
  });
  const releases = [...new Set(members.map((member) => seriesName(member).release))];
  return new Map([
    [
      'kernels',
      `${plural(members.length, 'kernel')} of ${plural(releases.length, 'series', 'series')}: ${releases.join(', ')}.`,
    ],
    ['within', table(within.map((each) => milestoneRow(each, steps))).join('\n')],
    ['before', table(before.map((each) => milestoneRow(each, steps))).join('\n')],
    ['untold', untold.length === 0 ? 'There is none.' : untold.join('\n')],
  ]);
}

const mark = (name: string): RegExp => new RegExp(`(<!-- made: ${name} -->)[\\s\\S]*?(<!-- end -->)`);

/**
 * Puts the parts between their marks, `<!-- made: NAME -->` and `<!-- end -->`.
 *
 * @throws Error when a mark is missing
 */
export function withParts(page: string, parts: ReadonlyMap<string, string>): string {
  let text = page;
  for (const [name, part] of parts) {
    if (!mark(name).test(text))
      throw new Error(`docs/kernels/history.md has no <!-- made: ${name} --> with its <!-- end -->`);
    text = text.replace(mark(name), (_whole, begin: string, end: string) => `${begin}\n\n${part}\n\n${end}`);
  }
  return text;
}
