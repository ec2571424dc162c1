/** KTAP 1, as kselftest and KUnit have it: docs.kernel.org/dev-tools/ktap.html. What is said of a test stands before its result. */
import { beside } from '../transcript.js';
import type { Report, ScenarioReport } from './report.js';

/** Names have no `#`, and everything is on one line. */
const plain = (text: string): string => text.replaceAll('#', '').replaceAll(/\s+/g, ' ');

function diagnostics({ verdict, title, reason, expected = [], observations }: ScenarioReport): string[] {
  if (verdict !== 'fail') return [];
  const rows = beside(expected, observations);
  return [
    title,
    ...(reason === undefined ? [] : [reason]),
    ...rows.flatMap((row) => {
      if (row.agrees) return [`  ${row.observed ?? ''}`];
      return [
        ...(row.expected === undefined ? [] : [`- ${row.expected}`]),
        ...(row.observed === undefined ? [] : [`+ ${row.observed}`]),
      ];
    }),
  ].map((line) => `# ${line.replaceAll('\n', ' ')}`);
}

function directive({ verdict, reason = '' }: ScenarioReport): string {
  switch (verdict) {
    case 'skip':
      return ` # SKIP ${plain(reason)}`;
    case 'recorded':
      return ` # recorded: ${plain(reason)}`;
    case 'pass':
    case 'fail':
      return '';
  }
}

export function ktapText({ scenarios, planned, kernel }: Report): string {
  const lines = ['KTAP version 1', `1..${planned}`, `# Linux ${kernel.release} ${kernel.machine}`];
  for (const [index, scenario] of scenarios.entries()) {
    const ok = scenario.verdict === 'fail' ? 'not ok' : 'ok';
    lines.push(...diagnostics(scenario), `${ok} ${index + 1} ${plain(scenario.id)}${directive(scenario)}`);
  }
  return `${lines.join('\n')}\n`;
}
