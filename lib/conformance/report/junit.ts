/** JUnit XML, as Jenkins and GitLab read it: a suite for each source. */
import { beside } from '../transcript.js';
import { escapeMarkup } from './escape.js';
import { groupsOf, type Group } from './groups.js';
import { countVerdicts, type Counts, type Report, type ScenarioReport } from './report.js';
import { sourceText } from './sources.js';
import { sideBySide } from './text.js';

type Attributes = Readonly<Record<string, string | number>>;

function element(name: string, attributes: Attributes, content: readonly string[] = []): string[] {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeMarkup(String(value))}"`);
  const start = `<${name}${written.join('')}`;
  return content.length === 0 ? [`${start}/>`] : [`${start}>`, ...content.map((line) => `  ${line}`), `</${name}>`];
}

/** Text keeps its line ends, so nothing is put in before or after it. */
function textElement(name: string, attributes: Attributes, text: string): string {
  const [start = ''] = element(name, attributes);
  return `${start.slice(0, -2)}>${escapeMarkup(text)}</${name}>`;
}

const inSeconds = (millis: number): string => (millis / 1000).toFixed(4);

function failure(scenario: ScenarioReport): string {
  const { reason, expected = [], observations, rule, source, title } = scenario;
  const rows = sideBySide(beside(expected, observations), { left: 'expected', right: 'observed' }, Infinity);
  const text = [
    title,
    ...(reason === undefined ? [] : [reason]),
    ...rows.map((row) => row.text),
    rule,
    ...source.map(sourceText),
  ];
  const attributes = {
    message: reason ?? 'the observation is not as expected',
    type: reason === undefined ? 'expectation' : 'trouble',
  };
  return textElement('failure', attributes, text.join('\n'));
}

function testcase(scenario: ScenarioReport, classname: string): string[] {
  const { id, verdict, reason, observations, durationMs } = scenario;
  const said = [...(verdict === 'recorded' ? [`recorded: ${reason ?? ''}`] : []), ...observations];
  return element('testcase', { name: id, classname, time: inSeconds(durationMs) }, [
    ...(verdict === 'fail' ? [failure(scenario)] : []),
    ...(verdict === 'skip' ? element('skipped', { message: reason ?? '' }) : []),
    ...(said.length === 0 ? [] : [textElement('system-out', {}, said.join('\n'))]),
  ]);
}

const numbers = (counts: Counts, scenarios: readonly ScenarioReport[]): Attributes => ({
  tests: scenarios.length,
  failures: counts.fail,
  errors: 0,
  skipped: counts.skip,
  time: inSeconds(scenarios.reduce((sum, { durationMs }) => sum + durationMs, 0)),
});

function testsuite({ name, scenarios, counts }: Group, { date, kernel, node }: Report): string[] {
  const properties = {
    'kernel.release': kernel.release,
    'kernel.version': kernel.version,
    'kernel.machine': kernel.machine,
    node,
  };
  return element('testsuite', { name, ...numbers(counts, scenarios), timestamp: date.replace(/\..*$/, '') }, [
    ...element(
      'properties',
      {},
      Object.entries(properties).flatMap(([key, value]) => element('property', { name: key, value })),
    ),
    ...scenarios.flatMap((scenario) => testcase(scenario, `linux-ptrace.${name.replaceAll(/[^A-Za-z0-9_-]+/g, '-')}`)),
  ]);
}

export function junitText(report: Report): string {
  const { scenarios, kernel } = report;
  const attributes = {
    name: `linux-ptrace conform, Linux ${kernel.release}`,
    ...numbers(countVerdicts(scenarios), scenarios),
  };
  const suites = groupsOf(scenarios).flatMap((group) => testsuite(group, report));
  return `${['<?xml version="1.0" encoding="UTF-8"?>', ...element('testsuites', attributes, suites)].join('\n')}\n`;
}
