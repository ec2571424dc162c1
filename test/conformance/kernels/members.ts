/** Kernels that are none, with reports of the scenarios of the fixtures. */
import type { Member } from '../../../lib/conformance/kernels/collection.js';
import type { Report } from '../../../lib/conformance/report/report.js';
import { changed, report, scenarios } from '../fixtures.js';

export const byId = new Map(scenarios.map((scenario) => [scenario.id, scenario]));

/** A kernel whose report differs from that of the fixtures in one scenario. */
export function member(id: string, scenario?: string, change: Parameters<typeof changed>[1] = {}): Member {
  const [, release = '', arch = ''] = /^(\d+\.\d+)-([^-]+)/.exec(id) ?? [];
  const made = report({
    release: `${release}.1`,
    ...(scenario === undefined ? {} : { outcomes: changed(scenario, change) }),
  });
  return { id, report: { ...made, arch: arch === 'arm64' ? 'arm64' : 'x64' } };
}

/** A report as it is after it was written into a collection: without durations. */
export function withoutDurations(of: Report): Report {
  return { ...of, durationMs: 0, scenarios: of.scenarios.map((scenario) => ({ ...scenario, durationMs: 0 })) };
}
