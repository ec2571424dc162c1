import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, it } from 'vitest';
import { SIG } from '../../lib/kernel/signals.js';
import { PERSONALITY, RLIMIT } from '../../lib/raw/spawn.js';
import { schedGetaffinity } from '../../lib/raw/process.js';
import { type SpawnOptions, type Stop } from '../../lib/tracer/index.js';
import { dist } from '../helpers/dist.js';
import { spawnStacks } from '../helpers/mappings.js';
import { limit } from '../helpers/scale.js';
import {
  expectGone,
  expectKind,
  expectReason,
  isOver,
  newTracer,
  stateOf,
  statusOf,
  until,
  within,
} from '../helpers/tracing.js';
import { collect, RET, seccompFilter } from './programs.js';

const folder = mkdtempSync(join(tmpdir(), 'linux-ptrace-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program to its end under a loop that handles nothing: what it printed, and its end. */
async function outputOf(
  file: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<{ out: string; end: Stop }> {
  const tracer = newTracer({ events: [] });
  const tracee = await tracer.spawn(file, args, { stdio: ['null', 'pipe', 'inherit'], ...options });
  const out = text(tracee.stdout!);
  await within(collect(tracer), `the end of ${file}`);
  return { out: await within(out, `the output of ${file}`), end: await tracee.end() };
}

describe('spawn', () => {
  it('gives the tracee in the exec-stop of its program, its own child, with default signals', async () => {
    const tracer = newTracer();
    const tracee = await tracer.spawn('sh', ['-c', 'exit 5'], { stdio: 'null' });
    expect(tracee.stop).toMatchObject({ kind: 'exec', tid: tracee.pid, formerTid: tracee.pid, usedUp: false });
    expect(tracee.state).toBe('stopped');
    expect(tracee.isOwnChild).toBe(true);
    expect(tracee.isLeader).toBe(true);
    expect(tracee.file).toMatch(/^\/.*\/sh$/);
    expect(tracer.tracees).toEqual([tracee]);
    expect(tracer.tracee(tracee.pid)).toBe(tracee);
    const status = statusOf(tracee.pid);
    expect(status).toMatchObject({
      state: 't',
      ppid: process.pid,
      tracerPid: process.pid,
      sigBlk: 0n,
      sigIgn: 0n,
      sigCgt: 0n,
    });
    expect(status?.sigPnd).toBe(0n);
    expect(status?.shdPnd).toBe(0n);
    expect(expectKind(await within(tracee.resume(), 'the end'), 'exited').code).toBe(5);
    await expectGone(tracee.pid);
  });

  it('passes arguments, environment, directory and name', async () => {
    const args = ['-c', 'echo "$0" "$@"; pwd; env', 'a b', 'c"d', "e'f", '', '$x', 'ü'];
    const { out } = await outputOf('/bin/sh', args, { env: { A: '1', B: 'two words', U: undefined }, cwd: '/usr' });
    const [first, directory, ...env] = out.trimEnd().split('\n');
    expect(first).toBe(`a b c"d e'f  $x ü`);
    expect(directory).toBe('/usr');
    expect(env).toEqual(expect.arrayContaining(['A=1', 'B=two words']));
    expect(out).not.toContain('U=');
    const { out: named } = await outputOf('/bin/sh', ['-c', 'cat /proc/$$/cmdline'], { argv0: 'my name' });
    expect(named.split('\0')[0]).toBe('my name');
  });

  it('finds a name along PATH of the environment that is given', async () => {
    const program = join(folder, 'only-here');
    writeFileSync(program, '#!/bin/sh\necho found $0\n', { mode: 0o755 });
    const { out } = await outputOf('only-here', [], { env: { PATH: `/nonexistent:${folder}` } });
    expect(out).toBe(`found ${program}\n`);
    const error = await expectReason(newTracer().spawn('only-here', [], { env: { PATH: '/usr/bin' } }), 'exec-failed');
    expect(error.code).toBe('ENOENT');
    expect(error.message).toContain('only-here');
  });

  it('sets affinity, limits, umask, session, group and blocked signals', async () => {
    const tracer = newTracer();
    const cpu = schedGetaffinity()[0] ?? 0;
    const tracee = await tracer.spawn(
      '/bin/sh',
      ['-c', 'ulimit -n; ulimit -c; umask; ps -o pgid=,sid= -p $$ 2>/dev/null'],
      {
        stdio: ['null', 'pipe', 'null'],
        affinity: [cpu],
        resourceLimits: [
          { resource: RLIMIT.NOFILE, soft: 77, hard: 99 },
          { resource: RLIMIT.CORE, soft: 0, hard: 0 },
        ],
        umask: 0o27,
        session: true,
        blockedSignals: ['SIGUSR1', 40],
      },
    );
    expect(schedGetaffinity(tracee.pid)).toEqual([cpu]);
    expect(statusOf(tracee.pid)?.sigBlk).toBe((1n << 9n) | (1n << 39n));
    const stat = readFileSync(`/proc/${tracee.pid}/stat`, 'latin1');
    const [, , group, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    expect([Number(group), Number(session)]).toEqual([tracee.pid, tracee.pid]);
    const out = text(tracee.stdout!);
    await within(collect(tracer), 'the end');
    expect((await out).split('\n').slice(0, 3)).toEqual(['77', '0', '0027']);
  });

  it('without address randomisation puts the program at the same place each time', async () => {
    const tracer = newTracer();
    const places = new Set<string>();
    for (let round = 0; round < 4; round++) {
      const tracee = await tracer.spawn('/bin/true', [], {
        stdio: 'null',
        personality: PERSONALITY.ADDR_NO_RANDOMIZE,
        env: {},
      });
      places.add(`${tracee.registers.pc.toString(16)} ${tracee.registers.sp.toString(16)}`);
      await within(tracee.kill(), 'its end');
    }
    expect(places.size).toBe(1);
  });

  it('of what forks follows the children, and kills all at the end', async () => {
    const tracer = newTracer();
    const tracee = await tracer.spawn('/bin/sh', ['-c', '(sleep 1000 & sleep 1000 & sleep 1000)'], { stdio: 'null' });
    tracee.resume();
    const pids = new Set([tracee.pid]);
    while (pids.size < 4) {
      const stop = await within(tracer.wait(), 'the forks');
      pids.add(stop.tracee.pid);
      if (stop.kind !== 'exited' && stop.kind !== 'killed') tracer.resumeUnhandled(stop);
    }
    await within(tracer.close(), 'the tracer closes');
    for (const pid of pids) await until(() => isOver(pid), `${pid} is over`);
  });

  it('of a filter that kills its exec, or refuses it, fails with that', async () => {
    const tracer = newTracer();
    const killed = await expectReason(
      tracer.spawn('/bin/true', [], { noNewPrivs: true, seccomp: seccompFilter({ execve: RET.KILL_PROCESS }) }),
      'exec-failed',
    );
    expect(killed.message).toContain('SIGSYS');
    const refused = await expectReason(
      tracer.spawn('/bin/true', [], { noNewPrivs: true, seccomp: seccompFilter({ execve: RET.errno(13) }) }),
      'exec-failed',
    );
    expect(refused.code).toBe('EACCES');
    expect(tracer.tracees).toEqual([]);
  });

  it('is refused when the tracer was closed', async () => {
    const tracer = newTracer();
    await tracer.close();
    const error = await expectReason(tracer.spawn('/bin/true'), 'disposed');
    expect(error.message).toContain('create a new one');
  });
});

describe('a program that cannot be executed', () => {
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('plain'), 'not executable', { mode: 0o644 });
  writeFileSync(at('rubbish'), 'neither ELF nor script', { mode: 0o755 });
  writeFileSync(at('no-interpreter'), '#!/nonexistent/interpreter\n', { mode: 0o755 });
  symlinkSync(at('loop'), at('loop'));
  mkdirSync(at('directory'));
  chmodSync(at('plain'), 0o644);
  for (const [what, path, code] of [
    ['that is not there', at('nothing'), 'ENOENT'],
    ['without the right to execute it', at('plain'), 'EACCES'],
    ['that is a directory', at('directory'), 'EACCES'],
    ['of no known format', at('rubbish'), 'ENOEXEC'],
    ['whose interpreter is not there', at('no-interpreter'), 'ENOENT'],
    ['below a file', join(at('plain'), 'x'), 'ENOTDIR'],
    ['behind a loop of links', at('loop'), 'ELOOP'],
    ['with too long a name', at('x'.repeat(300)), 'ENAMETOOLONG'],
  ] as const) {
    it(`${what} gives exec-failed with ${code} and its path`, async () => {
      const tracer = newTracer();
      const error = await expectReason(tracer.spawn(path, [], { stdio: 'null' }), 'exec-failed');
      expect(error.code).toBe(code);
      expect(error.message).toContain(path);
      expect(tracer.tracees).toEqual([]);
      await expectReason(tracer.wait(), 'not-tracee');
    });
  }

  it('in a directory that is not there tells the step', async () => {
    const error = await expectReason(newTracer().spawn('/bin/true', [], { cwd: '/nonexistent' }), 'exec-failed');
    expect(error.code).toBe('ENOENT');
    expect(error.message).toContain('chdir');
  });

  it('with too many arguments gives E2BIG', async () => {
    const error = await expectReason(
      newTracer().spawn('/bin/true', ['x'.repeat(200_000)], { stdio: 'null' }),
      'exec-failed',
    );
    expect(error.code).toBe('E2BIG');
  });

  it('leaves no descriptor, mapping or child', async () => {
    const tracer = newTracer();
    const fail = (): Promise<unknown> =>
      expectReason(tracer.spawn(at('rubbish'), [], { stdio: 'pipe' }), 'exec-failed');
    for (let round = 0; round < 5; round++) await fail();
    const before = { descriptors: descriptors(), stacks: spawnStacks() };
    for (let round = 0; round < 50; round++) await fail();
    expect(descriptors()).toBeLessThanOrEqual(before.descriptors);
    expect(spawnStacks()).toBe(before.stacks);
  });
});

const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe('many spawns', () => {
  it('300 at once all run to their own ends', { timeout: limit(60_000) }, async () => {
    const run = async (): Promise<void> => {
      const tracer = newTracer();
      const spawned = await within(
        Promise.all(
          Array.from({ length: 300 }, (_, index) =>
            tracer.spawn('/bin/sh', ['-c', `exit ${index % 256}`], { stdio: 'null' }),
          ),
        ),
        'all to be spawned',
        50_000,
      );
      expect(new Set(spawned.map(({ pid }) => pid)).size).toBe(300);
      expect(tracer.tracees).toHaveLength(300);
      const stops = await within(collect(tracer), 'all to end', 50_000);
      expect(stops.filter((stop) => stop.kind === 'exited')).toHaveLength(300);
      for (const [index, tracee] of spawned.entries()) {
        expect(await tracee.end()).toMatchObject({ kind: 'exited', code: index % 256 });
      }
    };
    const before = spawnStacks();
    for (let round = 0; round < 4; round++) {
      await run();
      expect(spawnStacks()).toBe(before);
    }
  });

  it('with pipes leave no descriptor and no mapping', { timeout: limit(60_000) }, async () => {
    const run = async (): Promise<void> => {
      const { out } = await outputOf('/bin/echo', ['hello'], { stdio: ['pipe', 'pipe', 'pipe'] });
      expect(out).toBe('hello\n');
    };
    for (let round = 0; round < 10; round++) await run();
    const tracer = newTracer();
    const before = { descriptors: descriptors(), stacks: spawnStacks() };
    for (let round = 0; round < 100; round++) {
      const tracee = await tracer.spawn('/bin/echo', ['hello'], { stdio: 'pipe' });
      const closed = Promise.all(
        [tracee.stdin!, tracee.stdout!, tracee.stderr!].map((stream) => once(stream, 'close')),
      );
      tracee.stdin!.end();
      tracee.stdout!.resume();
      tracee.stderr!.resume();
      expect(expectKind(await within(tracee.resume(), 'the end'), 'exited').code).toBe(0);
      await within(closed, 'the streams close');
    }
    expect(descriptors()).toBeLessThanOrEqual(before.descriptors);
    expect(spawnStacks()).toBe(before.stacks);
  });
});

describe('in a Worker', () => {
  it("a tracer spawns and traces; its tracees are that thread's", { timeout: limit(30_000) }, async () => {
    const code = `
      const { parentPort } = require('node:worker_threads');
      import(${JSON.stringify(dist('index.js'))}).then(async ({ Tracer }) => {
        const tracer = new Tracer({ resume: 'syscall' });
        const tracee = await tracer.spawn('/bin/sh', ['-c', 'kill -USR1 $$; exit 3'], { stdio: 'null' });
        parentPort.postMessage({ pid: tracee.pid });
        await new Promise((go) => parentPort.once('message', go));
        const kinds = {};
        let last;
        for await (const stop of tracer) { kinds[stop.kind] = (kinds[stop.kind] ?? 0) + 1; last = stop; }
        parentPort.postMessage({ kinds, last: { kind: last.kind, signal: last.signal } });
        await tracer.close();
        parentPort.close();
      });`;
    const worker = new Worker(code, { eval: true });
    const [{ pid }] = (await within(once(worker, 'message'), 'the spawn')) as [{ pid: number }];
    expect(stateOf(pid)).toBe('t');
    // Its tracer is the thread, not the process.
    const tracer = statusOf(pid)?.tracerPid ?? 0;
    expect(tracer).not.toBe(process.pid);
    expect(readdirSync('/proc/self/task').map(Number)).toContain(tracer);
    // No other thread may touch it.
    const error = await expectReason(newTracer().attach(pid), 'denied');
    expect(error.message).toContain(String(tracer));
    const exited = once(worker, 'exit');
    worker.postMessage('go');
    const [{ kinds, last }] = (await within(once(worker, 'message'), 'the end')) as [
      { kinds: Record<string, number>; last: { kind: string; signal: number } },
    ];
    expect(last).toEqual({ kind: 'killed', signal: SIG.SIGUSR1 });
    expect(kinds['syscall-entry']).toBeGreaterThan(10);
    expect(kinds['signal-delivery']).toBe(1);
    await within(exited, 'the exit of the worker');
    await expectGone(pid);
  });
});
