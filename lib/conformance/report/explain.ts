/** All that is known of one scenario, in lines. */
import type { Scenario } from '../scenario.js';
import { transcriptLines } from '../transcript.js';
import type { PrettyOptions } from './pretty.js';
import { failureText } from './pretty.js';
import type { ScenarioReport } from './report.js';
import { sourceLink, sourceText } from './sources.js';
import { wrap } from './text.js';

const COLUMN = 10;

function range({ since, before, arch }: { since?: string; before?: string; arch?: string }): string {
  const releases = [
    ...(since === undefined ? [] : [`since Linux ${since}`]),
    ...(before === undefined ? [] : [`before ${before}`]),
  ];
  const words = [...releases, ...(arch === undefined ? [] : [`on ${arch}`])];
  return words.length === 0 ? 'elsewhere' : words.join(' ');
}

function expectations({ expect, recorded }: Scenario, paint: PrettyOptions['paint'], width: number): string[] {
  const transcript = (text: string): string[] => transcriptLines(text).map((line) => `    ${line}`);
  const heading = (text: string): string => paint('heading', text);
  if (recorded !== undefined) {
    return [
      '',
      heading('expected'),
      ...wrap(`nothing, it is only recorded: ${recorded}`, width - 2).map((line) => `  ${line}`),
    ];
  }
  if (expect === undefined) return [];
  if (typeof expect === 'string') return ['', heading('expected'), ...transcript(expect)];
  return expect.flatMap((variant) => [
    '',
    heading(`expected ${range(variant)}`),
    ...wrap(variant.because, width - 2).map((line) => `  ${line}`),
    ...transcript(variant.transcript),
  ]);
}

/** What can be said of it without playing it. */
export function explainScenario(scenario: Scenario, { paint, width }: PrettyOptions): string[] {
  const { id, title, rule, source, also = [], history, tags, since, arch, needs = [], alone } = scenario;
  const fact = (name: string, values: readonly string[]): string[] =>
    values.flatMap((value, first) =>
      wrap(value, width - COLUMN).map((line, index) => {
        const label = first === 0 && index === 0 ? name : '';
        return `${paint('quiet', label.padEnd(COLUMN))}${line}`;
      }),
    );
  const sources = source.map((each) => {
    const link = sourceLink(each);
    return link === undefined ? sourceText(each) : `${sourceText(each)} ${link}`;
  });
  return [
    `${paint('heading', id)}: ${title}`,
    '',
    ...wrap(rule, width),
    '',
    ...fact('source', sources),
    ...(also.length === 0 ? [] : fact('also', [also.join(', ')])),
    ...(history === undefined ? [] : fact('history', [history])),
    ...(since === undefined ? [] : fact('since', [`Linux ${since}`])),
    ...(arch === undefined ? [] : fact('only on', [arch.join(', ')])),
    ...(needs.length === 0 ? [] : fact('needs', [needs.join(', ')])),
    ...(alone === undefined ? [] : fact('alone', [alone])),
    ...fact('tags', [tags.join(', ')]),
    ...expectations(scenario, paint, width),
  ];
}

/** What the running kernel does. */
export function explainOutcome(scenario: ScenarioReport, release: string, options: PrettyOptions): string[] {
  const { paint, width } = options;
  const { verdict, reason, because, observations } = scenario;
  const heading = `${paint('heading', `Linux ${release}`)}: ${paint(verdict, verdict)}`;
  if (verdict === 'fail') return ['', heading, ...failureText(scenario, options)];
  const words = [
    ...(reason === undefined ? [] : [reason]),
    ...(because === undefined ? [] : [`expected because ${because}`]),
  ];
  return [
    '',
    heading,
    ...words.flatMap((text) => wrap(text, width - 2).map((line) => `  ${line}`)),
    ...observations.map((line) => `    ${line}`),
  ];
}
