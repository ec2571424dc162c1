/** The report for a terminal. */
import type { Verdict } from '../play.js';
import { beside } from '../transcript.js';
import { groupsOf } from './groups.js';
import { countVerdicts, VERDICTS, type Counts, type Report, type ScenarioReport } from './report.js';
import { sourceText } from './sources.js';
import { plural, seconds, sideBySide, skipsByReason, wrap } from './text.js';

export type Tone = Verdict | 'heading' | 'quiet';

export interface PrettyOptions {
  readonly width: number;
  /** Colours a text by what it says. */
  readonly paint: (tone: Tone, text: string) => string;
  /** One line for each scenario, before the summary. */
  readonly each?: boolean;
  /** What each scenario observed, too. */
  readonly observations?: boolean;
}

const INDENT = '  ';
const VERDICT_COLUMN = 'recorded'.length;

function machineText({ kernel, probe, node, backend }: Report): string {
  return [
    ...(backend === undefined ? [] : [`backend ${backend}`]),
    `Linux ${kernel.release} ${kernel.machine}`,
    ...(probe.cpu === undefined ? [] : [probe.cpu]),
    `Node ${node}`,
  ].join(', ');
}

function eachText(scenario: ScenarioReport, { paint, observations = false }: PrettyOptions): string[] {
  const { id, verdict, reason, durationMs } = scenario;
  const why = reason === undefined ? '' : paint('quiet', `  ${reason}`);
  const line = `${paint(verdict, verdict.padEnd(VERDICT_COLUMN))}  ${id}  ${paint('quiet', `${durationMs} ms`)}${why}`;
  const shown = observations || verdict === 'recorded';
  return [line, ...(shown ? scenario.observations.map((each) => `${INDENT}${INDENT}${each}`) : [])];
}

function countCells(counts: Counts, paint: PrettyOptions['paint']): string {
  return VERDICTS.map((verdict) => {
    const text = String(counts[verdict]).padStart(VERDICT_COLUMN + 1);
    return counts[verdict] === 0 ? paint('quiet', text) : paint(verdict, text);
  }).join('');
}

function tableText({ scenarios }: Report, { paint }: PrettyOptions): string[] {
  const groups = groupsOf(scenarios);
  const column = Math.max('source'.length, ...groups.map(({ name }) => name.length)) + 1;
  const head = `${'source'.padEnd(column)}${VERDICTS.map((verdict) => verdict.padStart(VERDICT_COLUMN + 1)).join('')}`;
  const line = (name: string, counts: Counts): string => `${name.padEnd(column)}${countCells(counts, paint)}`;
  const total = groups.length > 1 ? [line('all', countVerdicts(scenarios))] : [];
  return [paint('heading', head), ...groups.map(({ name, counts }) => line(name, counts)), ...total];
}

function skipsText({ scenarios }: Report, { paint, width }: PrettyOptions): string[] {
  const skips = skipsByReason(scenarios);
  if (skips.length === 0) return [];
  return [
    '',
    paint('heading', 'skipped'),
    ...skips.flatMap(([reason, ids]) => [
      `${INDENT}${paint('skip', reason)} (${ids.length})`,
      ...wrap(ids.join(' '), width - 4).map((line) => paint('quiet', `${INDENT}${INDENT}${line}`)),
    ]),
  ];
}

/** What a scenario expected beside what it observed. */
export function failureText(scenario: ScenarioReport, { width, paint }: PrettyOptions): string[] {
  const { reason, expected, observations, because } = scenario;
  const rows = expected === undefined ? undefined : beside(expected, observations);
  const lines =
    rows === undefined
      ? observations.map((text) => ({ text: `  ${text}`, agrees: true }))
      : sideBySide(rows, { left: 'expected', right: 'observed' }, width - 4);
  return [
    ...(reason === undefined ? [] : wrap(reason, width - 4).map((line) => `${INDENT}${paint('fail', line)}`)),
    ...(because === undefined ? [] : wrap(`expected because ${because}`, width - 4).map((line) => `${INDENT}${line}`)),
    ...lines.map(({ text, agrees }) => `${INDENT}${agrees ? text : paint('fail', text)}`),
  ];
}

function failuresText({ scenarios }: Report, options: PrettyOptions): string[] {
  const { paint, width } = options;
  const failed = scenarios.filter(({ verdict }) => verdict === 'fail');
  if (failed.length === 0) return [];
  return [
    '',
    paint('heading', 'failed'),
    ...failed.flatMap((scenario) => [
      `${paint('fail', scenario.id)}: ${scenario.title}`,
      ...failureText(scenario, options),
      ...wrap(scenario.rule, width - 4).map((line) => `${INDENT}${line}`),
      ...scenario.source.map((source) => `${INDENT}${paint('quiet', sourceText(source))}`),
      '',
    ]),
  ].slice(0, -1);
}

function unstableText({ scenarios }: Report, { paint }: PrettyOptions): string[] {
  const unstable = scenarios.filter(({ runs, verdict }) => verdict !== 'fail' && (runs?.observations ?? 1) > 1);
  if (unstable.length === 0) return [];
  return ['', paint('heading', 'unstable'), ...unstable.map(({ id, reason = '' }) => `${INDENT}${id}  ${reason}`)];
}

function lastLine(report: Report, { paint }: PrettyOptions): string {
  const counts = countVerdicts(report.scenarios);
  const verdicts = VERDICTS.filter((verdict) => counts[verdict] > 0).map((verdict) =>
    paint(verdict, `${counts[verdict]} ${verdict}`),
  );
  const order = report.shuffle === undefined ? '' : `, --shuffle ${report.shuffle}`;
  const runs = Math.max(0, ...report.scenarios.map((scenario) => scenario.runs?.count ?? 1));
  const often = runs > 1 ? `, ${runs} runs each` : '';
  const all = plural(report.scenarios.length, 'scenario');
  const played = report.interrupted
    ? `interrupted after ${report.scenarios.length} of ${plural(report.planned, 'scenario')}`
    : all;
  return `${played}: ${verdicts.join(', ')} (${seconds(report.durationMs)}${often}${order})`;
}

/** The report in lines. */
export function prettyText(report: Report, options: PrettyOptions): string[] {
  const each =
    options.each === true ? [...report.scenarios.flatMap((scenario) => eachText(scenario, options)), ''] : [];
  return [
    options.paint('heading', machineText(report)),
    '',
    ...each,
    ...tableText(report, options),
    ...skipsText(report, options),
    ...unstableText(report, options),
    ...failuresText(report, options),
    '',
    lastLine(report, options),
  ];
}
