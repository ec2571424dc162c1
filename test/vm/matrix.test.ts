import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readReport } from '../../lib/conformance/report/read-report.js';
import { VmError } from '../../lib/vm/failure.js';
import { exitCodeOf, longestFirst, progressIn, runMatrix, type MatrixOutcome } from '../../lib/vm/matrix.js';
import { readState, writeState } from '../../lib/vm/matrix-state.js';
import { changed, report } from '../conformance/fixtures.js';
import { scratch } from '../helpers/scratch.js';
import { end, eventWords, FakeMeans, kernels, options, reportFor } from './matrix-means.js';

const states = (outcomes: readonly MatrixOutcome[]) => outcomes.map(({ id, state }) => [id, state]);
const allPlayed = kernels.map(({ id }) => [id, 'played']);

/** A machine that runs until it is ended. */
const untilEnded = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const give = (): void => reject(new VmError('machine-failed', 'QEMU was killed'));
    if (signal.aborted) give();
    else signal.addEventListener('abort', give);
  });

describe('a matrix', () => {
  it('leaves a whole report of each kernel, and what became of it', async () => {
    const out = join(scratch(), 'new', 'folder');
    const means = new FakeMeans();
    expect(states(await runMatrix(options(out), means))).toEqual(allPlayed);
    expect(readdirSync(out).sort()).toEqual([...kernels.map(({ id }) => `${id}.json`), 'logs', 'state.json'].sort());
    for (const { id, arch } of kernels) {
      expect(readReport(join(out, `${id}.json`))).toEqual(reportFor(arch));
      expect(readState(out).kernels[id]).toMatchObject({ state: 'played', seconds: 30, tries: 1, of: { kernel: '1' } });
    }
  });

  it('orders conform with the set, the node and a log for each machine', async () => {
    const out = scratch();
    const means = new FakeMeans();
    await runMatrix(options(out, { set: 'all', node: '22', kernels: kernels.slice(0, 1) }), means);
    expect(means.orders).toMatchObject([
      {
        kernel: '/kernels/5.10-x64',
        arch: 'x64',
        node: '22',
        args: ['conform', '--set', 'all', '--format', 'json', '--out', '/out/report.json'],
        log: join(out, 'logs', '5.10-x64.log'),
      },
    ]);
  });

  it('runs as many machines at once as it may', async () => {
    for (const jobs of [1, 2, 3]) {
      const means = new FakeMeans();
      await runMatrix(options(scratch(), { jobs }), means);
      expect(means.mostAtOnce).toBe(jobs);
    }
  });

  it('begins with what takes longest', async () => {
    const out = scratch();
    const first = new FakeMeans();
    await runMatrix(options(out, { jobs: 1 }), first);
    expect(first.ran).toEqual(['6.12-arm64', '5.10-x64', '6.1-x64', '7.3-x64']);
    const state = readState(out);
    const seconds: Record<string, number> = { '5.10-x64': 10, '6.1-x64': 40, '6.12-arm64': 20 };
    writeState(out, {
      ...state,
      kernels: Object.fromEntries(
        Object.entries(state.kernels).flatMap(([id, entry]) =>
          entry.state === 'played' && seconds[id] !== undefined ? [[id, { ...entry, seconds: seconds[id] }]] : [],
        ),
      ),
    });
    const second = new FakeMeans();
    await runMatrix(options(out, { jobs: 1, fresh: true }), second);
    expect(second.ran).toEqual(['7.3-x64', '6.1-x64', '6.12-arm64', '5.10-x64']);
    expect(longestFirst([], () => undefined)).toEqual([]);
  });

  it('tells its phases and the progress of the suite', async () => {
    const means = new FakeMeans();
    means.acts.set('5.10-x64', ({ onLine }, leave) => {
      onLine('something else');
      onLine('12 of 375 played, 1 failed, 30 s');
      leave(JSON.stringify(reportFor()));
      return end;
    });
    const events: string[] = [];
    await runMatrix(
      options(scratch(), { kernels: kernels.slice(0, 1), onEvent: (event) => events.push(eventWords(event)) }),
      means,
    );
    expect(events).toEqual(['5.10-x64 fetch', '5.10-x64 boot 1', '5.10-x64 12 of 375', '5.10-x64 played']);
    expect(progressIn('no news')).toBeUndefined();
  });
});

describe('a matrix that is run again', () => {
  async function played() {
    const out = scratch();
    await runMatrix(options(out), new FakeMeans());
    return out;
  }

  async function again(out: string, changes: Parameters<typeof options>[1] = {}, means = new FakeMeans()) {
    const outcomes = await runMatrix(options(out, changes), means);
    return { ran: [...means.ran].sort(), outcomes };
  }

  it('keeps what still holds', async () => {
    const { ran, outcomes } = await again(await played());
    expect(ran).toEqual([]);
    expect(states(outcomes)).toEqual(kernels.map(({ id }) => [id, 'kept']));
    expect(outcomes.map((outcome) => ('report' in outcome ? outcome.report.scenarios.length : 0))).toEqual([
      4, 4, 4, 4,
    ]);
  });

  it('plays all again when it is told to, or asked for another set or node', async () => {
    const all = kernels.map(({ id }) => id).sort();
    expect((await again(await played(), { fresh: true })).ran).toEqual(all);
    expect((await again(await played(), { set: 'matrix' })).ran).toEqual(all);
    expect((await again(await played(), { node: '24' })).ran).toEqual(all);
  });

  it('plays a kernel again that has a newer version', async () => {
    const means = new FakeMeans();
    means.versions.set('6.1-x64', '2');
    const out = await played();
    expect((await again(out, {}, means)).ran).toEqual(['6.1-x64']);
    expect(readState(out).kernels['6.1-x64']).toMatchObject({ of: { kernel: '2' } });
  });

  it.each([
    ['is gone', undefined],
    ['is half', JSON.stringify(reportFor()).slice(0, -2)],
    ['is empty', ''],
    ['was interrupted', JSON.stringify({ ...reportFor(), interrupted: true })],
    ['lacks scenarios', JSON.stringify({ ...reportFor(), planned: 375 })],
    ['is of another version of the package', JSON.stringify(report())],
    ['is of another schema', JSON.stringify({ ...reportFor(), schema: 'linux-ptrace/conformance/0' })],
  ])('plays a kernel again whose report %s', async (_, text) => {
    const out = await played();
    const file = join(out, '6.1-x64.json');
    writeFileSync(file, text ?? '');
    if (text === undefined) rmSync(file);
    expect((await again(out)).ran).toEqual(['6.1-x64']);
    expect(readReport(file)).toEqual(reportFor());
  });

  it('takes no report for its own that it has not entered', async () => {
    const out = scratch();
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, '6.1-x64.json'), JSON.stringify(reportFor()));
    expect((await again(out)).ran).toEqual(kernels.map(({ id }) => id).sort());
  });

  it('plays what had failed or could not be had', async () => {
    const out = scratch();
    const means = new FakeMeans();
    means.acts.set('6.1-x64', () => {
      throw new VmError('panic', 'it panicked');
    });
    means.unfetchable.set('7.3-x64', new VmError('unavailable', 'gone from the pool'));
    await runMatrix(options(out), means);
    const { ran, outcomes } = await again(out);
    expect(ran).toEqual(['6.1-x64', '7.3-x64']);
    expect(readState(out).kernels['7.3-x64']).toMatchObject({ state: 'played' });
    expect(exitCodeOf(outcomes, kernels)).toBe(1); // The reports of the fixtures have a failing verdict.
  });

  it('refuses a folder whose state is something else', async () => {
    const out = scratch();
    writeFileSync(join(out, 'state.json'), '{"schema": "mine"}');
    await expect(runMatrix(options(out), new FakeMeans())).rejects.toMatchObject({ reason: 'bad-input' });
    writeFileSync(join(out, 'state.json'), '{"sche');
    await expect(runMatrix(options(out), new FakeMeans())).rejects.toMatchObject({ reason: 'bad-input' });
  });

  it('sweeps away what a killed run has left of its machines, and nothing of a living one', async () => {
    const out = scratch();
    // The largest pid of Linux is 4194304.
    for (const name of ['.6.1-x64.4999999.abcdef', `.6.1-x64.${process.pid}.abcdef`]) mkdirSync(join(out, name));
    await runMatrix(options(out), new FakeMeans());
    expect(readdirSync(out).filter((name) => name.startsWith('.'))).toEqual([`.6.1-x64.${process.pid}.abcdef`]);
  });
});

describe('a kernel that gives no report', () => {
  async function failing(act: Parameters<FakeMeans['acts']['set']>[1], id = '6.1-x64') {
    const out = scratch();
    const means = new FakeMeans();
    means.acts.set(id, act);
    const outcomes = await runMatrix(options(out), means);
    const others = outcomes.filter((outcome) => outcome.id !== id);
    expect(others.map(({ state }) => state)).toEqual(['played', 'played', 'played']);
    expect(readdirSync(out).filter((name) => name.startsWith('.'))).toEqual([]);
    expect(existsSync(join(out, `${id}.json`))).toBe(false);
    expect(exitCodeOf(outcomes, kernels)).toBe(1);
    return { outcome: outcomes.find((each) => each.id === id), entry: readState(out).kernels[id] };
  }

  it('has failed with the words of its machine, and costs the others nothing', async () => {
    const { outcome, entry } = await failing(() => {
      throw new VmError('timed-out', '6.1-x64 was not done after 900 s', { log: '/logs/6.1-x64.log' });
    });
    const words = { why: '6.1-x64 was not done after 900 s', log: '/logs/6.1-x64.log' };
    expect(outcome).toEqual({ id: '6.1-x64', state: 'failed', ...words });
    expect(entry).toEqual({ state: 'failed', reason: 'timed-out', ...words });
  });

  it('has failed when the command left nothing', async () => {
    const { outcome } = await failing(() => ({ ...end, code: 2, stderr: 'one\nlinux-ptrace: no addon\n' }));
    expect(outcome).toMatchObject({
      why: '6.1-x64 left no report, conform ended with code 2 ("linux-ptrace: no addon"): its log tells more',
    });
  });

  it.each([
    ['half', JSON.stringify(reportFor()).slice(0, 1000)],
    ['no report', '{}'],
    ['an interrupted one', JSON.stringify({ ...reportFor(), interrupted: true })],
    ['not all that was planned', JSON.stringify({ ...reportFor(), planned: 5 })],
    ['one of another architecture', JSON.stringify(reportFor('arm64'))],
  ])('has failed when the command left %s', async (_, text) => {
    const { entry } = await failing((_order, leave) => {
      leave(text);
      return end;
    });
    expect(entry?.state).toBe('failed');
  });

  it('is told apart when it cannot be had', async () => {
    const means = new FakeMeans();
    for (const { id, arch } of kernels) {
      means.acts.set(id, (_order, leave) => {
        const good = report({ outcomes: changed('attach-into-signal', { verdict: 'pass' }) });
        leave(JSON.stringify({ ...good, arch }));
        return end;
      });
    }
    const out = scratch();
    expect(exitCodeOf(await runMatrix(options(out), means), kernels)).toBe(0);
    means.unfetchable.set('5.10-x64', new VmError('unavailable', 'all of 3 packages are gone'));
    const outcomes = await runMatrix(options(scratch()), means);
    expect(outcomes[0]).toEqual({ id: '5.10-x64', state: 'unavailable', why: 'all of 3 packages are gone' });
    expect(exitCodeOf(outcomes, kernels)).toBe(3);
    const optional = kernels.map((kernel) => ({ ...kernel, optional: kernel.id === '5.10-x64' }));
    expect(exitCodeOf(outcomes, optional)).toBe(0);
  });

  it('ends the matrix when what happened is no failure of a machine', async () => {
    const means = new FakeMeans();
    means.acts.set('6.12-arm64', () => {
      throw new TypeError('a mistake');
    });
    const signals: AbortSignal[] = [];
    means.acts.set('5.10-x64', async ({ signal }) => {
      signals.push(signal);
      return await untilEnded(signal);
    });
    await expect(runMatrix(options(scratch()), means)).rejects.toThrow('a mistake');
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect([...means.ran].sort()).toEqual(['5.10-x64', '6.12-arm64']);
  });
});

describe('a matrix that is interrupted', () => {
  it('ends its machines, begins no other, and goes on where it stood', async () => {
    const out = scratch();
    const controller = new AbortController();
    const means = new FakeMeans();
    let ended = 0;
    const lastWords: string[] = [];
    // The one of arm64 is done before that of 6.1 begins.
    means.acts.set('5.10-x64', async ({ signal }) => await untilEnded(signal).finally(() => ended++));
    means.acts.set('6.1-x64', async ({ signal }) => {
      controller.abort(new Error('interrupted by SIGINT'));
      return await untilEnded(signal).finally(() => ended++);
    });
    const running = runMatrix(
      options(out, { signal: controller.signal, onEvent: (event) => lastWords.push(eventWords(event)) }),
      means,
    );
    await expect(running).rejects.toThrow('interrupted by SIGINT');
    expect(ended).toBe(2);
    expect(means.atOnce).toBe(0);
    expect([...means.ran].sort()).toEqual(['5.10-x64', '6.1-x64', '6.12-arm64']);
    // A machine that was ended has not failed.
    expect(Object.keys(readState(out).kernels)).toEqual(['6.12-arm64']);
    expect(lastWords.filter((words) => words.includes('failed'))).toEqual([]);
    expect(readdirSync(out).sort()).toEqual(['6.12-arm64.json', 'logs', 'state.json']);

    const second = new FakeMeans();
    expect(states(await runMatrix(options(out), second))).toEqual(
      kernels.map(({ id }) => [id, id === '6.12-arm64' ? 'kept' : 'played']),
    );
    expect([...second.ran].sort()).toEqual(['5.10-x64', '6.1-x64', '7.3-x64']);
  });

  it('does nothing when the signal has come before', async () => {
    const means = new FakeMeans();
    const out = join(scratch(), 'folder');
    await expect(runMatrix(options(out, { signal: AbortSignal.abort(new Error('ended')) }), means)).rejects.toThrow(
      'ended',
    );
    expect(means.ran).toEqual([]);
    expect(existsSync(out)).toBe(false);
  });
});

describe('a folder that two matrices share', () => {
  it('keeps what each has entered', async () => {
    const out = scratch();
    const [one, other] = [new FakeMeans(), new FakeMeans()];
    // The second has begun when the first one plays, and ends before it.
    one.acts.set('5.10-x64', async (_order, leave) => {
      await runMatrix(options(out, { kernels: kernels.slice(1, 2) }), other);
      leave(JSON.stringify(reportFor()));
      return end;
    });
    await runMatrix(options(out, { kernels: kernels.slice(0, 1) }), one);
    expect(Object.keys(readState(out).kernels).sort()).toEqual(['5.10-x64', '6.1-x64']);
  });
});

describe('a folder that cannot be written', () => {
  it('is refused before a machine is started, and so is one with the pages of others', async () => {
    const means = new FakeMeans();
    const file = join(scratch(), 'file');
    writeFileSync(file, '');
    await expect(runMatrix(options(join(file, 'out')), means)).rejects.toMatchObject({ reason: 'bad-input' });
    for (const name of ['index.html', 'matrix.md']) {
      const out = scratch();
      writeFileSync(join(out, name), 'mine');
      await expect(runMatrix(options(out), means)).rejects.toMatchObject({
        reason: 'bad-input',
        message: expect.stringContaining(`${name} is not of a matrix`) as string,
      });
      expect(readFileSync(join(out, name), 'utf8')).toBe('mine');
    }
    expect(means.ran).toEqual([]);
  });

  it('ends the matrix, with the report before its entry', async () => {
    const out = scratch();
    const means = new FakeMeans();
    means.acts.set('5.10-x64', (_order, leave) => {
      leave(JSON.stringify(reportFor()));
      // A folder in the place of the state: it cannot be put there.
      rmSync(join(out, 'state.json'));
      mkdirSync(join(out, 'state.json'), { recursive: true });
      return end;
    });
    await expect(runMatrix(options(out, { kernels: kernels.slice(0, 1) }), means)).rejects.toThrow(/state\.json/);
    expect(readFileSync(join(out, '5.10-x64.json'), 'utf8')).toContain('"schema"');
    expect(readdirSync(out).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});
