/** The suite on kernels that lie. Who notices what was found by `npm run mutants -- --json FILE`; here the first of them must notice it again. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { catalogue } from '../../lib/conformance/catalogue.js';
import { type Fault, faults, lyingKernel } from '../../lib/conformance/faults/index.js';
import type { Missing } from '../../lib/conformance/needs.js';
import { play } from '../../lib/conformance/play.js';
import { missingOf } from '../../lib/conformance/report/run-report.js';
import { probe } from '../../lib/probe/index.js';
import { withKernelLayer } from '../../lib/raw/kernel-layer.js';
import { root } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';

const PATIENCE = 250;

/** Ids of scenarios by the id of the fault. */
const noticedBy = JSON.parse(readFileSync(join(root, 'test/conformance/noticed-by.json'), 'utf8')) as Record<
  string,
  readonly string[]
>;

let missing: Missing = {};

beforeAll(() => {
  missing = missingOf(probe());
});

/** Whether a scenario fails on a kernel with the fault, and does not fail on the kernel as it is. */
function notices(fault: Fault, id: string): boolean {
  const scenario = catalogue().byId.get(id);
  if (scenario === undefined) throw new Error(`there is no scenario ${id}`);
  const lied = withKernelLayer(lyingKernel(fault), () => play(scenario, { missing, patience: PATIENCE }));
  if (lied.verdict !== 'fail') return false;
  return play(scenario, { missing }).verdict === 'pass';
}

describe('a kernel that lies', () => {
  it('has at least 40 ways to do so, each with a title and an id of its own', () => {
    expect(faults.length).toBeGreaterThanOrEqual(40);
    expect(new Set(faults.map(({ id }) => id)).size).toBe(faults.length);
    expect(Object.keys(noticedBy).sort()).toEqual(faults.map(({ id }) => id).sort());
  });

  it.each(faults.map((fault) => [fault.title, fault] as const))(
    '%s: is noticed',
    { timeout: limit(60_000) },
    (_title, fault) => {
      const ids = noticedBy[fault.id] ?? [];
      expect(ids.length).toBeGreaterThan(0);
      expect(ids.some((id) => notices(fault, id))).toBe(true);
    },
  );

  it('without a lie is the kernel', { timeout: limit(60_000) }, () => {
    const honest: Fault = { id: 'none', title: 'none', make: () => ({}) };
    const ids = [...new Set(Object.values(noticedBy).flat())].slice(0, 60);
    const failed = ids.filter((id) => {
      const scenario = catalogue().byId.get(id);
      return (
        scenario !== undefined &&
        withKernelLayer(lyingKernel(honest), () => play(scenario, { missing })).verdict === 'fail'
      );
    });
    expect(failed).toEqual([]);
  });
});
