/** The report for a pull request. */
import { beside } from '../transcript.js';
import { escapeMarkup } from './escape.js';
import { groupsOf } from './groups.js';
import { countVerdicts, VERDICTS, type Counts, type Report, type ScenarioReport } from './report.js';
import { sourceLink, sourceText } from './sources.js';
import { plural, seconds, skipsByReason } from './text.js';

/** A text in a cell of a table, where nothing is markup. */
export const markdownText = (text: string): string =>
  text.replaceAll(/[\\`*_[\]<>|#~]/g, '\\$&').replaceAll(/\s+/g, ' ');

export function markdownTable(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map((_, index) => (index === 0 ? '---' : ':---:'))), ...rows.map(line)];
}

/** Lines that differ from each other, as GitHub colours them. */
export function diffBlock(expected: readonly string[], observed: readonly string[]): string[] {
  const lines = beside(expected, observed).flatMap((row) => {
    if (row.agrees) return [`  ${row.observed ?? ''}`];
    return [
      ...(row.expected === undefined ? [] : [`- ${row.expected}`]),
      ...(row.observed === undefined ? [] : [`+ ${row.observed}`]),
    ];
  });
  return ['```diff', ...lines, '```'];
}

function failure({ id, title, rule, reason, because, expected = [], observations, source }: ScenarioReport): string[] {
  const links = source.map((each) => {
    const link = sourceLink(each);
    return link === undefined ? markdownText(sourceText(each)) : `[${markdownText(sourceText(each))}](${link})`;
  });
  return [
    `<details><summary><code>${escapeMarkup(id)}</code> ${escapeMarkup(title)}</summary>`,
    '',
    markdownText(rule),
    '',
    `Source: ${links.join('; ')}`,
    '',
    ...(reason === undefined ? [] : [`**${markdownText(reason)}**`, '']),
    ...(because === undefined ? [] : [`Expected because ${markdownText(because)}`, '']),
    ...diffBlock(expected, observations),
    '',
    '</details>',
    '',
  ];
}

export function markdownReport(report: Report): string {
  const { kernel, scenarios, interrupted, planned, durationMs } = report;
  const counts = countVerdicts(scenarios);
  const cells = (each: Counts): string[] => VERDICTS.map((verdict) => String(each[verdict]));
  const failed = scenarios.filter(({ verdict }) => verdict === 'fail');
  const skips = skipsByReason(scenarios);
  const lines = [
    `### ptrace on Linux ${markdownText(kernel.release)} ${markdownText(kernel.machine)}`,
    '',
    `${VERDICTS.map((verdict) => `${counts[verdict]} ${verdict}`).join(', ')} (${seconds(durationMs)})`,
    '',
    ...(interrupted ? [`**Interrupted after ${scenarios.length} of ${plural(planned, 'scenario')}.**`, ''] : []),
    ...markdownTable(
      ['source', ...VERDICTS],
      [
        ...groupsOf(scenarios).map((group) => [markdownText(group.name), ...cells(group.counts)]),
        ['all', ...cells(counts)],
      ],
    ),
    '',
    ...(failed.length === 0 ? [] : ['#### Failed', '', ...failed.flatMap(failure)]),
    ...(skips.length === 0
      ? []
      : [
          `<details><summary>${plural(counts.skip, 'scenario')} skipped</summary>`,
          '',
          ...skips.map(
            ([reason, ids]) => `- ${markdownText(reason)} (${ids.length}): ${ids.map((id) => `\`${id}\``).join(', ')}`,
          ),
          '',
          '</details>',
          '',
        ]),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}
