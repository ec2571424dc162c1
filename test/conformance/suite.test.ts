import { beforeAll, describe, expect, it } from 'vitest';
import type * as Catalogue from '../../lib/conformance/catalogue.js';
import type { Outcome } from '../../lib/conformance/play.js';
import { missingOf } from '../../lib/conformance/report/run-report.js';
import type * as Runner from '../../lib/conformance/runner.js';
import type { Scenario } from '../../lib/conformance/scenario.js';
import { beside } from '../../lib/conformance/transcript.js';
import { probe } from '../../lib/probe/index.js';
import { dist } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';

let run: typeof Runner.run;
let catalogue: typeof Catalogue.catalogue;

beforeAll(async () => {
  ({ run } = (await import(dist('conformance/runner.js'))) as typeof Runner);
  ({ catalogue } = (await import(dist('conformance/catalogue.js'))) as typeof Catalogue);
});

function report({ id, reason, expected, observations }: Outcome): string {
  const rows = beside(expected ?? [], observations)
    .filter(({ agrees }) => !agrees)
    .map((row) => `  ${(row.expected ?? '-').padEnd(50)} ${row.observed ?? '-'}`);
  return [`${id}${reason === undefined ? '' : `: ${reason}`}`, ...rows].join('\n');
}

async function verdicts(scenarios: readonly Scenario[]): Promise<Map<string, Outcome[]>> {
  const missing = missingOf(probe());
  const by = new Map<string, Outcome[]>();
  await run(scenarios, {
    missing,
    jobs: 2,
    onOutcome: (outcome) => by.set(outcome.verdict, [...(by.get(outcome.verdict) ?? []), outcome]),
  });
  return by;
}

describe('on the running kernel', () => {
  it('no scenario fails', { timeout: limit(300_000) }, async () => {
    const { all } = catalogue();
    const by = await verdicts(all);
    expect((by.get('fail') ?? []).map(report).join('\n')).toBe('');
    expect([...by.values()].flat()).toHaveLength(all.length);
    // A suite that skips itself would pass, too.
    expect(by.get('pass')?.length ?? 0).toBeGreaterThan(all.length / 2);
    for (const { id, reason } of by.get('skip') ?? []) console.log(`skipped ${id}: ${reason ?? ''}`);
  });

  it('no cell of the matrices fails', { timeout: limit(300_000) }, async () => {
    const { matrix } = catalogue();
    const by = await verdicts(matrix);
    expect((by.get('fail') ?? []).map(report).join('\n')).toBe('');
    expect(by.get('pass')?.length ?? 0).toBeGreaterThan(matrix.length / 2);
  });
});
