import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { requireBuild, root } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';

const run = promisify(execFile);

/** What the targets speak of, and what is recorded beside them. */
const IDS = [
  'sync-loop',
  'await-resume',
  'engine-1',
  'engine-3',
  'for-await-64',
  'await-200-children',
  'registers',
  'memory-64',
  'spawn-rss',
  'import',
  'probe',
  'latency',
  'storm-gap-await',
  'storm-gap-iterate',
  'idle-1000',
  'two-cpus',
  'colocate',
  'strace-c',
  'strace-f',
  'python-ptrace',
];

interface Result {
  readonly id: string;
  readonly unit: string;
  readonly ours: number | null;
  readonly reference: number | null;
  readonly ratio: number | null;
  readonly target: number | null;
  readonly ok: boolean | null;
  readonly skipped?: string;
  readonly failed?: string;
}

interface Report {
  readonly machine: { readonly cpus: number; readonly kernel: string; readonly node: string };
  readonly results: readonly Result[];
}

function bench(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  requireBuild();
  return run(process.execPath, ['--import', 'tsx', 'bench/main.ts', ...args], { cwd: root });
}

describe('the benchmarks', () => {
  // No time and no ratio is asserted: a machine that runs tests is no machine to measure on.
  it('run, and say of every row what came out or why nothing did', { timeout: limit(240_000) }, async () => {
    const { stdout } = await bench('--quick', '--json');
    const { machine, results } = JSON.parse(stdout) as Report;
    expect(machine.cpus).toBeGreaterThan(0);
    expect(machine.node).toBe(process.version);
    expect(results.map(({ id }) => id)).toEqual(IDS);
    for (const result of results) {
      expect(result.failed, result.id).toBeUndefined();
      if (result.skipped !== undefined) {
        console.log(`${result.id} was not measured: ${result.skipped}`);
        expect(result.ours, result.id).toBeNull();
        continue;
      }
      expect(result.ours, result.id).toBeGreaterThanOrEqual(0);
      expect(result.ok === null, result.id).toBe(result.target === null);
      if (result.reference === null) expect(result.ratio, result.id).toBeNull();
      else expect(result.ratio, result.id).toBeGreaterThan(0);
    }
  });

  it('print a table of what was chosen', { timeout: limit(60_000) }, async () => {
    const { stdout } = await bench('--quick', '--only', 'import', '--rounds', '1');
    expect(stdout).toMatch(/^id +ours +reference +ratio +spread +target +met +what$/m);
    expect(stdout).toMatch(/^import .*<= 30 ms/m);
    expect(stdout).not.toMatch(/^sync-loop/m);
  });

  it('refuse what they do not know', { timeout: limit(60_000) }, async () => {
    await expect(bench('--only', 'nothing')).rejects.toMatchObject({ code: 2 });
    await expect(bench('--rounds', 'many')).rejects.toMatchObject({ code: 2 });
  });
});
