/** The suite on the virtual ptrace: what applies to it passes as on the kernel, also while another engine is on the same tracees. */
import { beforeAll, describe, expect, it } from 'vitest';
import type * as Catalogue from '../../lib/conformance/catalogue.js';
import type { Backend } from '../../lib/conformance/backend/index.js';
import { NOT_APPLICABLE, notApplicable } from '../../lib/conformance/backend/not-applicable.js';
import type { Outcome } from '../../lib/conformance/play.js';
import { missingOf } from '../../lib/conformance/report/run-report.js';
import type * as Runner from '../../lib/conformance/runner.js';
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

/** So many apply on every machine that the suite knows. */
const LEAST = 150;

async function outcomesOn(backend: Backend): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  await run(catalogue().all, {
    missing: missingOf(probe()),
    jobs: 2,
    backend,
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  return outcomes;
}

function report({ id, reason, expected, observations }: Outcome): string {
  const rows = beside(expected ?? [], observations)
    .filter(({ agrees }) => !agrees)
    .map((row) => `  ${(row.expected ?? '-').padEnd(50)} ${row.observed ?? '-'}`);
  return [`${id}${reason === undefined ? '' : `: ${reason}`}`, ...rows].join('\n');
}

it('every scenario that is said not to apply is one of the suite, once', () => {
  const named = Object.values(NOT_APPLICABLE).flat();
  expect(new Set(named).size).toBe(named.length);
  const { byId } = catalogue();
  expect(named.filter((id) => !byId.has(id))).toEqual([]);
});

describe.each(['virtual', 'virtual-logged'] as const)('on %s', (backend) => {
  it('every scenario that applies passes', { timeout: limit(300_000) }, async () => {
    const outcomes = await outcomesOn(backend);
    expect(outcomes).toHaveLength(catalogue().all.length);
    for (const { id, verdict, reason } of outcomes) {
      if (verdict === 'skip') console.log(`skipped ${id}: ${reason ?? ''}`);
    }
    const played = outcomes.filter(({ verdict }) => verdict !== 'skip');
    const applying = played.filter(({ id }) => notApplicable(id) === undefined);
    expect(applying.length).toBeGreaterThan(LEAST);
    // What applies has asked the virtual ptrace, and what does not has not.
    expect(played.filter(({ requests = 0 }) => requests === 0).map(({ id }) => id)).toEqual(
      played.filter(({ id }) => notApplicable(id) !== undefined).map(({ id }) => id),
    );
    const failed = played.filter(({ verdict }) => verdict === 'fail');
    expect(failed.map(report).join('\n')).toBe('');
  });
});
