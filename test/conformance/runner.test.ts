import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Outcome } from '../../lib/conformance/play.js';
import type * as Runner from '../../lib/conformance/runner.js';
import type { Scenario } from '../../lib/conformance/scenario.js';
import { dist, root } from '../helpers/dist.js';
import { processes } from '../helpers/leftovers.js';
import { limit } from '../helpers/scale.js';
import { scratch } from '../helpers/scratch.js';

const LOAD = join(root, 'test/conformance/misbehaving.mjs');
const options = { missing: { 'request.PTRACE_FLY': 'no kernel has it' }, load: [LOAD], patience: 500 };

let run: typeof Runner.run;
let scenarios: readonly Scenario[];

beforeAll(async () => {
  // The built one: its workers are processes of plain Node.
  ({ run } = (await import(dist('conformance/runner.js'))) as typeof Runner);
  ({ scenarios } = (await import(LOAD)) as { scenarios: readonly Scenario[] });
});

const named = (...ids: string[]): Scenario[] => ids.map((id) => scenarios.find((scenario) => scenario.id === id)!);

async function play(ids: readonly string[], more: Partial<Runner.RunOptions> = {}): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  await run(named(...ids), {
    ...options,
    jobs: 2,
    ...more,
    onOutcome: (outcome) => {
      outcomes.set(outcome.id, outcome);
      more.onOutcome?.(outcome);
    },
  });
  return outcomes;
}

/** The workers of this process: other test files have their own at the same time. */
const workers = (): string[] =>
  processes()
    .filter(
      ({ command, ppid, state }) => ppid === process.pid && state !== 'Z' && command.includes('conformance/worker.js'),
    )
    .map(({ pid, command }) => `${pid} ${command}`);

describe('the runner', () => {
  it('gives every scenario its verdict, whatever it does', { timeout: limit(60_000) }, async () => {
    const outcomes = await play(scenarios.map(({ id }) => id));
    expect(Object.fromEntries([...outcomes].map(([id, { verdict }]) => [id, verdict]))).toEqual({
      good: 'pass',
      wrong: 'fail',
      throws: 'fail',
      crashes: 'fail',
      'crashes-once': 'fail',
      'nonsense-once': 'fail',
      exits: 'fail',
      hangs: 'fail',
      'out-of-time': 'fail',
      leaves: expect.stringMatching(/^(pass|fail)$/) as unknown,
      skips: 'skip',
      needs: 'skip',
      elsewhere: 'skip',
      recorded: 'recorded',
    });
    expect(outcomes.get('throws')).toMatchObject({ reason: 'out of order' });
    expect(outcomes.get('crashes')!.reason).toContain('was killed by SIGSEGV');
    expect(outcomes.get('exits')!.reason).toContain('exited with 3');
    expect(outcomes.get('hangs')!.reason).toContain('did not end within');
    expect(outcomes.get('out-of-time')!.observations).toEqual(['E: SEIZE = 0', 'E: wait = no report in time']);
    expect(outcomes.get('wrong')).toMatchObject({ expected: ['E: SEIZE = EPERM'], observations: ['E: SEIZE = 0'] });
    expect(outcomes.get('skips')).toMatchObject({ reason: 'not on a Wednesday' });
    expect(outcomes.get('needs')).toMatchObject({ reason: 'no kernel has it' });
    expect(outcomes.get('recorded')).toMatchObject({ reason: 'a race', observations: ['winner = nobody'] });
    expect(workers()).toEqual([]);
  });

  it(
    'finds what a scenario leaves behind, when each has a process of its own',
    { timeout: limit(30_000) },
    async () => {
      const outcomes = await play(['leaves', 'good'], { isolate: true, jobs: 1 });
      expect(outcomes.get('leaves')).toMatchObject({ verdict: 'fail' });
      expect(outcomes.get('leaves')!.reason).toContain('left behind');
      expect(outcomes.get('good')).toMatchObject({ verdict: 'pass' });
      expect(workers()).toEqual([]);
    },
  );

  it('plays on with another worker after a failure', { timeout: limit(30_000) }, async () => {
    const outcomes = await play(['crashes', 'good'], { jobs: 1 });
    expect(outcomes.get('good')).toMatchObject({ verdict: 'pass' });
  });

  it('ends all at once when it is told to', { timeout: limit(30_000) }, async () => {
    const controller = new AbortController();
    const playing = play(['good', 'hangs', 'good'], {
      jobs: 1,
      signal: controller.signal,
      onOutcome: () => {
        controller.abort();
      },
    });
    const outcomes = await playing;
    expect([...outcomes.keys()]).toEqual(['good']);
    await delay(0);
    expect(workers()).toEqual([]);
  });

  it('says so when a worker cannot play', { timeout: limit(30_000) }, async () => {
    await expect(play(['good'], { load: [join(root, 'package.json')] })).rejects.toThrow(/package\.json/);
    await expect(play(['good'], { load: ['/nonexistent.mjs'] })).rejects.toThrow(/nonexistent/);
    expect(workers()).toEqual([]);
  });

  it('removes the folder of its files', { timeout: limit(30_000) }, async () => {
    // Other runs have theirs beside this one's.
    const before = process.env['TMPDIR'];
    const own = scratch();
    process.env['TMPDIR'] = own;
    try {
      await play(['good', 'crashes']);
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
    expect(readdirSync(own)).toEqual([]);
  });
});

it('a crash is the scenario’s own on a machine, and tried once more on an emulated one', async () => {
  vi.stubEnv('MISBEHAVING_MARK', join(scratch(), 'mark'));
  try {
    vi.stubEnv('LINUX_PTRACE_EMULATED', '1');
    const emulated = await play(['crashes-once', 'crashes']);
    expect(emulated.get('crashes-once')).toMatchObject({ verdict: 'pass' });
    expect(emulated.get('crashes')).toMatchObject({ verdict: 'fail' });
    vi.stubEnv('LINUX_PTRACE_EMULATED', '');
    vi.stubEnv('MISBEHAVING_MARK', join(scratch(), 'mark'));
    expect((await play(['crashes-once'])).get('crashes-once')).toMatchObject({ verdict: 'fail' });
    vi.stubEnv('MISBEHAVING_MARK', join(scratch(), 'mark'));
    const nonsense = (await play(['nonsense-once'])).get('nonsense-once');
    expect(nonsense).toMatchObject({ verdict: 'fail', reason: 'TypeError: base.nothing is not a function' });
    vi.stubEnv('LINUX_PTRACE_EMULATED', '1');
    vi.stubEnv('MISBEHAVING_MARK', join(scratch(), 'mark'));
    expect((await play(['nonsense-once'])).get('nonsense-once')).toMatchObject({ verdict: 'pass' });
  } finally {
    vi.unstubAllEnvs();
  }
});
