/** `docs/kernels/README.md`: what differs between the kernels of a collection, with rules and commits. What does not differ is not in it. */
import { observationKey } from '../compare/matrix.js';
import { escapeMarkup } from '../report/escape.js';
import { groupBy } from '../report/group.js';
import { diffBlock, markdownTable, markdownText } from '../report/markdown.js';
import { countVerdicts, VERDICTS, type ScenarioReport } from '../report/report.js';
import { sourceLink, sourceText } from '../report/sources.js';
import { plural } from '../report/text.js';
import type { Source } from '../scenario.js';
import type { Member } from './collection.js';
import { architectureStep, flavourSteps, stepsOf, type Change, type Step } from './steps.js';

/** A source as a link, where it has one. */
export function sourceMarkdown(source: Source): string {
  const link = sourceLink(source);
  const text = markdownText(sourceText(source));
  return link === undefined ? text : `[${text}](${link})`;
}

const idList = (changes: readonly Change[]): string => changes.map(({ id }) => `\`${id}\``).join(', ');

const onArchs = ({ archs }: Change, step: Step): string =>
  archs.length === step.archs.length ? '' : ` (${archs.join(', ')})`;

/** Why a kernel is right to do it so, if that is not the same on every one. */
function becauses({ from, to }: Change, step: Step): string[] {
  const said = (name: string, { because }: ScenarioReport): string[] =>
    because === undefined ? [] : [`${name}: ${markdownText(because)}`];
  if (from.because === to.because) return said('Both', to);
  return [...said(step.from, from), ...said(step.to, to)];
}

const verdictChange = ({ from, to }: Change, step: Step): string =>
  from.verdict === to.verdict
    ? `${to.verdict} on both`
    : `${from.verdict} on ${step.from}, ${to.verdict} on ${step.to}`;

function details(change: Change, step: Step): string[] {
  const { id, from, to } = change;
  const words = [
    markdownText(to.rule),
    `Source: ${to.source.map(sourceMarkdown).join('; ')}.`,
    ...(to.history === undefined ? [] : [`History: ${markdownText(to.history)}`]),
    ...becauses(change, step),
    `Verdict: ${verdictChange(change, step)}.`,
    ...(to.reason === undefined || to.verdict === 'skip' ? [] : [markdownText(to.reason)]),
  ];
  return [
    `<details><summary><code>${escapeMarkup(id)}</code> ${escapeMarkup(to.title)}${onArchs(change, step)}</summary>`,
    '',
    ...words.flatMap((each) => [each, '']),
    ...(observationKey(from) === observationKey(to) ? [] : [...diffBlock(from.observations, to.observations), '']),
    '</details>',
    '',
  ];
}

/** What comes or goes with a feature of the kernel: there is nothing to lay side by side. */
function appearances(changes: readonly Change[], side: 'from' | 'to', step: Step): string[] {
  const other = side === 'from' ? 'to' : 'from';
  const groups = groupBy(
    changes,
    (change) =>
      `${change[side].reason ?? 'skipped'}${onArchs(change, step)}, ${change[other].verdict} on ${step[other]}`,
  );
  return [...groups].map(([reason, members]) => `- ${markdownText(reason)} (${members.length}): ${idList(members)}`);
}

/** Cells that change in the same lines as one: a rule of the kernel shows in every situation that it applies to. */
function cells(changes: readonly Change[], step: Step): string[] {
  const lines = ({ from, to }: Change): string[] => diffBlock(from.observations, to.observations);
  const essence = (change: Change): string => {
    const changed = lines(change).filter((line) => /^[-+] /.test(line));
    return JSON.stringify([change.from.verdict, change.to.verdict, change.archs, changed]);
  };
  return [...groupBy(changes, essence).values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    return [
      `<details><summary>${plural(group.length, 'cell')}, as <code>${escapeMarkup(first.id)}</code>${onArchs(first, step)}: ${verdictChange(first, step)}</summary>`,
      '',
      ...becauses(first, step).flatMap((each) => [each, '']),
      ...lines(first),
      '',
      ...(group.length === 1 ? [] : [idList(group), '']),
      '</details>',
      '',
    ];
  });
}

function stepText(step: Step, isCell: (id: string) => boolean): string[] {
  const { changes, alike } = step;
  const came = changes.filter(({ from }) => from.verdict === 'skip');
  const went = changes.filter(({ to }) => to.verdict === 'skip');
  const others = changes.filter(({ from, to }) => from.verdict !== 'skip' && to.verdict !== 'skip');
  const rules = others.filter(({ id }) => !isCell(id));
  const matrix = others.filter(({ id }) => isCell(id));
  const same =
    alike.length === 0
      ? []
      : [
          `Done alike by both, though it is a rule on one of them only: ${alike.map((id) => `\`${id}\``).join(', ')}.`,
          '',
        ];
  if (changes.length === 0) return ['Nothing differs.', '', ...same];
  return [
    ...(came.length === 0 ? [] : [`Cannot be played on ${step.from}:`, '', ...appearances(came, 'from', step), '']),
    ...(went.length === 0 ? [] : [`Cannot be played on ${step.to}:`, '', ...appearances(went, 'to', step), '']),
    ...rules.flatMap((change) => details(change, step)),
    ...(matrix.length === 0
      ? []
      : [`In the generated matrix, ${plural(matrix.length, 'cell')}:`, '', ...cells(matrix, step)]),
  ];
}

function kernelTable(members: readonly Member[]): string[] {
  return markdownTable(
    ['kernel', 'release', 'played', ...VERDICTS],
    members.map(({ id, report }) => {
      const counts = countVerdicts(report.scenarios);
      return [
        id,
        markdownText(report.kernel.release),
        report.date.slice(0, 10),
        ...VERDICTS.map((verdict) => String(counts[verdict])),
      ];
    }),
  );
}

function failures(members: readonly Member[]): string[] {
  const failing = members.flatMap(({ id, report }) =>
    report.scenarios.filter(({ verdict }) => verdict === 'fail').map((scenario) => ({ kernel: id, scenario })),
  );
  if (failing.length === 0) return ['No kernel does anything else than what is expected of it.', ''];
  const alike = groupBy(failing, ({ scenario }) => `${scenario.id}\n${observationKey(scenario)}`);
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { id, title, rule, source, reason, expected = [], observations } = first.scenario;
    return [
      `<details><summary><code>${escapeMarkup(id)}</code> ${escapeMarkup(title)}: ${group.map(({ kernel }) => kernel).join(', ')}</summary>`,
      '',
      markdownText(rule),
      '',
      `Source: ${source.map(sourceMarkdown).join('; ')}.`,
      '',
      ...(reason === undefined ? [] : [markdownText(reason), '']),
      ...diffBlock(expected, observations),
      '',
      '</details>',
      '',
    ];
  });
}

/**
 * The text of the page.
 *
 * @param isCell whether a scenario is one of the generated matrix
 */
export function kernelsPage(members: readonly Member[], isCell: (id: string) => boolean): string {
  const steps = stepsOf(members);
  const flavours = flavourSteps(members);
  const archs = architectureStep(members);
  const most = Math.max(0, ...members.map(({ report }) => report.scenarios.length));
  const lines = [
    '# ptrace on many kernels',
    '',
    '<!-- Made by `npm run kernels` from the reports beside it; a test compares. -->',
    '',
    `What ${plural(members.length, 'kernel')} did in ${plural(most, 'scenario')} of the conformance suite, each booted in a machine that is emulated in ` +
      'software (`linux-ptrace vm matrix`). This page has what differs; [index.html](index.html), to be downloaded and opened, has everything that is ' +
      'not the same on all, and the JSON files have the rest. [history.md](history.md) tells the story in the order of releases.',
    '',
    '- `linux-ptrace vm check 6.12-x64 my-report.json` says how a report of yours differs from the one here.',
    '- `linux-ptrace compare docs/kernels/6.12-x64.json my-report.json` lays them side by side.',
    '- Behind `-` is what was observed on the first kernel, behind `+` what was observed on the second.',
    '',
    '## The kernels',
    '',
    ...kernelTable(members),
    '',
    '## What is not as expected',
    '',
    ...failures(members),
    '## From release to release',
    '',
    ...steps.flatMap((step) => [
      `### From ${step.from} to ${step.to} (${step.archs.join(', ')})`,
      '',
      ...stepText(step, isCell),
    ]),
    ...(flavours.length === 0 ? [] : ['## Built in another way', '']),
    ...flavours.flatMap((step) => [`### ${step.from} and ${step.to}`, '', ...stepText(step, isCell)]),
    ...(archs === undefined
      ? []
      : [
          '## Between architectures',
          '',
          `What ${archs.from} and ${archs.to} both play, and do differently.`,
          '',
          ...stepText(archs, isCell),
        ]),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}
