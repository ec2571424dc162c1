/** KernelCI's common report format, version 5.0 of github.com/kernelci/kcidb-io. */
import type { Verdict } from '../play.js';
import type { Report, ScenarioReport } from './report.js';
import { sourceText } from './sources.js';

export interface KcidbOptions {
  /** The name of the CI system that submits the report: small letters, digits and `_`. */
  readonly origin?: string | undefined;
  /** The build that was tested, where the CI system has submitted it. Without it the report has one of its own. */
  readonly buildId?: string | undefined;
}

export const ORIGIN = /^[a-z0-9_]+$/;
export const BUILD_ID = /^[a-z0-9_]+:.*$/;

const STATUSES: Readonly<Record<Verdict, string>> = { pass: 'PASS', fail: 'FAIL', skip: 'SKIP', recorded: 'DONE' };
const LONGEST_EXCERPT = 16384;

/** A part of a test's path, which has only letters, digits, `_` and `-`. */
const pathPart = (text: string): string => text.replaceAll(/[^A-Za-z0-9_-]+/g, '_');

/** Something without the characters that make ids hard to quote. */
const idPart = (text: string): string => text.replaceAll(/[^A-Za-z0-9._-]+/g, '-');

function testOf(scenario: ScenarioReport, report: Report, ids: { origin: string; build: string; run: string }): object {
  const { id, title, verdict, reason, observations, expected, because, source, durationMs, runs } = scenario;
  return {
    id: `${ids.run}.${idPart(id)}`,
    origin: ids.origin,
    build_id: ids.build,
    path: `linux-ptrace.${pathPart(id)}`,
    status: STATUSES[verdict],
    comment: reason === undefined ? title : `${title} (${reason})`,
    start_time: report.date,
    duration: durationMs / 1000,
    ...(observations.length === 0 ? {} : { log_excerpt: observations.join('\n').slice(0, LONGEST_EXCERPT) }),
    environment: {
      comment: `Linux ${report.kernel.release} ${report.kernel.machine}${report.probe.cpu === undefined ? '' : `, ${report.probe.cpu}`}`,
      misc: {
        kernel: report.kernel,
        node: report.node,
        ...(report.probe.cpu === undefined ? {} : { cpu: report.probe.cpu }),
      },
    },
    misc: {
      source: source.map(sourceText),
      observations,
      ...(expected === undefined ? {} : { expected }),
      ...(because === undefined ? {} : { because }),
      ...(runs === undefined ? {} : { runs }),
    },
  };
}

export function kcidbText(report: Report, { origin = 'linux_ptrace', buildId }: KcidbOptions = {}): string {
  const { kernel } = report;
  const machine = `${idPart(kernel.release)}-${idPart(kernel.machine)}`;
  const run = `${origin}:${idPart(report.date)}-${machine}`;
  const build = buildId ?? `${origin}:${machine}`;
  const comment = `Linux ${kernel.release} ${kernel.version}`;
  // Of a running kernel nothing but its release is known: no repository, no commit.
  const own = {
    checkouts: [{ id: build, origin, comment }],
    builds: [{ id: build, checkout_id: build, origin, architecture: kernel.machine.toLowerCase(), comment }],
  };
  const document = {
    version: { major: 5, minor: 0 },
    ...(buildId === undefined ? own : {}),
    tests: report.scenarios.map((scenario) => testOf(scenario, report, { origin, build, run })),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
