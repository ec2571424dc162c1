/** TAP 14, testanything.org. */
import type { Report, ScenarioReport } from './report.js';
import { sourceText } from './sources.js';

/** A description or reason on one line, with what TAP reads as a directive escaped. */
const escaped = (text: string): string => text.replaceAll(/\s+/g, ' ').replaceAll(/[\\#]/g, '\\$&');

/** A string in YAML, which JSON's strings are. */
const quoted = (text: string): string => JSON.stringify(text);

function list(name: string, members: readonly string[]): string[] {
  return members.length === 0 ? [`${name}: []`] : [`${name}:`, ...members.map((member) => `  - ${quoted(member)}`)];
}

function diagnostics(scenario: ScenarioReport): string[] {
  const { title, verdict, reason, source, expected, observations, because, durationMs, runs } = scenario;
  return [
    '---',
    `title: ${quoted(title)}`,
    ...list('source', source.map(sourceText)),
    ...(verdict === 'skip' || reason === undefined
      ? []
      : [`${verdict === 'fail' ? 'message' : 'recorded'}: ${quoted(reason)}`]),
    ...(because === undefined ? [] : [`because: ${quoted(because)}`]),
    ...(verdict === 'fail' && expected !== undefined ? list('expected', expected) : []),
    ...(verdict === 'skip' ? [] : list('observed', observations)),
    ...(runs === undefined ? [] : [`runs: ${runs.count}`]),
    `duration_ms: ${durationMs}`,
    '...',
  ].map((line) => `  ${line}`);
}

export function tapText(report: Report): string {
  const { kernel, scenarios, planned, interrupted } = report;
  const lines = [`TAP version 14`, `1..${planned}`, `# Linux ${kernel.release} ${kernel.machine}, ${kernel.version}`];
  for (const [index, scenario] of scenarios.entries()) {
    const { id, verdict, reason = '' } = scenario;
    const skip = verdict === 'skip' ? ` # SKIP ${escaped(reason)}` : '';
    lines.push(
      `${verdict === 'fail' ? 'not ok' : 'ok'} ${index + 1} - ${escaped(id)}${skip}`,
      ...diagnostics(scenario),
    );
  }
  if (interrupted) lines.push('Bail out! interrupted');
  return `${lines.join('\n')}\n`;
}
