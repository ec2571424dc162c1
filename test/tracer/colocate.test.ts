/**
 * The option colocate: tracer and tracee on one CPU while traced, and their own affinity back afterwards.
 *
 * It can be seen only where this thread may use more than one CPU.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { script } from '../../lib/raw/child.js';
import { schedGetaffinity, schedSetaffinity } from '../../lib/raw/index.js';
import { isEnd, type Tracee, Tracer } from '../../lib/tracer/index.js';
import { limit } from '../helpers/scale.js';
import {
  attachOne,
  child,
  expectGone,
  expectKind,
  expectReason,
  newTracer,
  openGate,
  gate,
  pauser,
  readWord,
  send,
  stormer,
  threaded,
  until,
  within,
} from '../helpers/tracing.js';
import { paused } from './programs.js';

const ALL = schedGetaffinity(0);
const cpus = (tid = 0): readonly number[] => schedGetaffinity(tid);
const one = ALL.length < 2;
const why = one ? ' (skipped: this thread may use one CPU only)' : '';

beforeEach(() => {
  expect(cpus(), 'the affinity of the tracer').toEqual(ALL);
});

describe.skipIf(one)(`'on'${why}`, () => {
  it('shares one CPU while something is traced, and gives all back at the detach', async () => {
    const pid = await paused();
    const tracer = newTracer({ colocate: 'on' });
    expect([tracer.colocated, cpus()]).toEqual([false, ALL]);
    const tracee = await attachOne(tracer, pid);
    expect(tracer.colocated).toBe(true);
    expect(cpus()).toHaveLength(1);
    expect(cpus(pid)).toEqual(cpus());
    await tracee.detach();
    expect([tracer.colocated, cpus(), cpus(pid)]).toEqual([false, ALL, ALL]);
  });

  it('gives a tracee back the CPUs that it had, whichever these are', async () => {
    const last = ALL.at(-1) ?? 0;
    const narrow = await paused();
    const wide = await paused();
    schedSetaffinity(narrow, [last]);
    const tracer = newTracer({ colocate: 'on' });
    const first = await attachOne(tracer, narrow);
    const second = await attachOne(tracer, wide);
    expect([cpus(narrow), cpus(wide)]).toEqual([cpus(), cpus()]);
    await first.detach();
    expect([cpus(narrow), cpus(wide)]).toEqual([[last], cpus()]);
    expect(tracer.colocated).toBe(true);
    await second.detach();
    expect([cpus(narrow), cpus(wide), cpus()]).toEqual([[last], ALL, ALL]);
  });

  it('ends with the last tracee', async () => {
    const started = child(gate(script()).exitGroup(5));
    const tracer = newTracer({ colocate: 'on' });
    const tracee = await attachOne(tracer, started.pid);
    expect(cpus()).toHaveLength(1);
    openGate(started);
    expect(await within(tracee.resume(), 'the end')).toMatchObject({ kind: 'exited', code: 5 });
    expect([tracer.colocated, cpus()]).toEqual([false, ALL]);
  });

  it('ends with the tracer: what it lets go has its own CPUs again', async () => {
    const pid = await paused();
    const tracer = newTracer({ colocate: 'on' });
    await attachOne(tracer, pid);
    expect(cpus(pid)).toHaveLength(1);
    await tracer.close();
    expect([tracer.colocated, cpus(), cpus(pid)]).toEqual([false, ALL, ALL]);
    const another = newTracer({ colocate: 'on' });
    const spawned = await another.spawn('/bin/sleep', ['1000'], { stdio: 'null' });
    expect(cpus(spawned.pid)).toEqual(cpus());
    await another.close();
    await expectGone(spawned.pid);
    expect(cpus()).toEqual(ALL);
  });

  it('leaves alone what the tracee, or somebody else, has chosen meanwhile', async () => {
    const pid = await paused();
    const tracer = newTracer({ colocate: 'on' });
    const tracee = await attachOne(tracer, pid);
    const [shared] = cpus();
    const other = ALL.filter((cpu) => cpu !== shared).slice(0, 1);
    schedSetaffinity(pid, other);
    await tracee.detach();
    expect([cpus(pid), cpus()]).toEqual([other, ALL]);
    const spawned = await tracer.spawn('/bin/sleep', ['1000'], {
      stdio: 'null',
      affinity: other,
      onTracerExit: 'kill',
    });
    await spawned.detach();
    expect(cpus(spawned.pid)).toEqual(other);
    send(spawned.pid, 9);
    await within(spawned.end(), 'its end');
  });

  it('gives what a narrow process creates the CPUs of its creator', async () => {
    const last = ALL.at(-1) ?? 0;
    const started = child(
      gate(script())
        .thread((t) => t.loop((s) => s.pause()))
        .loop((s) => s.pause()),
    );
    schedSetaffinity(started.pid, [last]);
    const tracer = newTracer({ colocate: 'on' });
    const leader = await attachOne(tracer, started.pid);
    openGate(started);
    const clone = expectKind(await within(leader.resume(), 'the clone'), 'clone');
    await within(tracer.detach(), 'the detach');
    expect([cpus(started.pid), cpus(clone.child.tid), cpus()]).toEqual([[last], [last], ALL]);
  });

  it('is inherited by new threads and children, and undone for them', async () => {
    const started = child(
      gate(script())
        .thread((t) => t.increment('born').loop((s) => s.pause()))
        .fork((f) => f.loop((s) => s.pause()))
        .store('done', 1)
        .loop((s) => s.pause()),
    );
    const tracer = newTracer({ colocate: 'on', onTracerExit: 'kill' });
    const leader = await attachOne(tracer, started.pid);
    openGate(started);
    const tracees: Tracee[] = [leader];
    let stop = await within(leader.resume(), 'the first stop');
    while (tracees.length < 3) {
      if (stop.kind === 'clone' || stop.kind === 'fork') tracees.push(stop.child);
      if (!isEnd(stop)) stop.resume();
      if (tracees.length < 3) stop = await within(tracer.wait(), 'another stop');
    }
    for (const tracee of tracees) expect(cpus(tracee.tid), String(tracee)).toEqual(cpus());
    expect(cpus()).toHaveLength(1);
    const forked = tracees.find(({ pid }) => pid !== started.pid);
    await within(tracer.detach(started.pid), 'the detach of the process');
    for (const tracee of tracees) {
      expect(cpus(tracee.tid), String(tracee)).toEqual(tracee === forked ? cpus() : ALL);
    }
    expect(cpus()).toHaveLength(1);
    if (forked === undefined) throw new Error('no fork');
    forked.kill();
    await within(forked.end(), 'its end');
    expect(cpus()).toEqual(ALL);
  });
});

/** Goes on with a storm of system calls until something is so. */
async function storm(tracer: Tracer, done: () => boolean, what: string): Promise<void> {
  const end = performance.now() + limit(10_000);
  for await (const stop of tracer) {
    if (isEnd(stop)) throw new Error(`${String(stop.tracee)} ended`);
    if (done()) {
      stop.resume('syscall');
      return;
    }
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
  }
}

describe.skipIf(one)(`'auto'${why}`, () => {
  it('begins under a storm of one thread, and ends when it is let go', async () => {
    const { pid } = child(stormer());
    const tracer = newTracer({ colocate: 'auto', resume: 'syscall' });
    await attachOne(tracer, pid);
    expect([tracer.colocated, cpus(pid)]).toEqual([false, ALL]);
    await storm(tracer, () => tracer.colocated, 'they share a CPU');
    expect(cpus()).toHaveLength(1);
    expect(cpus(pid)).toEqual(cpus());
    await within(tracer.detach(), 'the detach');
    expect([tracer.colocated, cpus(), cpus(pid)]).toEqual([false, ALL, ALL]);
  });

  it('ends when more threads come', async () => {
    const started = child(stormer());
    const others = await Promise.all([paused(child(pauser())), paused(child(pauser()))]);
    const tracer = newTracer({ colocate: 'auto', resume: 'syscall' });
    await attachOne(tracer, started.pid);
    await storm(tracer, () => tracer.colocated, 'they share a CPU');
    for (const pid of others) await within(tracer.attach(pid), 'attach');
    await storm(tracer, () => !tracer.colocated, 'they do not share a CPU any more');
    expect(cpus()).toEqual(ALL);
    for (const { tid } of tracer.tracees) expect(cpus(tid)).toEqual(ALL);
  });

  it('does not begin where many threads storm', async () => {
    const started = child(threaded(3, (s) => s.getppidLoop()));
    await until(() => readWord(started, 'threads') === 3n, 'its threads');
    const tracer = newTracer({ colocate: 'auto', resume: 'syscall' });
    await within(tracer.attach(started.pid), 'attach');
    let stops = 0;
    await storm(tracer, () => ++stops > 3000 || tracer.colocated, 'many stops');
    expect([tracer.colocated, cpus()]).toEqual([false, ALL]);
  });

  it('does not begin where nothing happens', async () => {
    const pid = await paused();
    const tracer = newTracer({ colocate: 'auto' });
    const tracee = await attachOne(tracer, pid);
    for (let time = 0; time < 20; time++) {
      tracee.resume();
      await within(tracee.interrupt(), 'the interrupt');
    }
    expect([tracer.colocated, cpus(pid)]).toEqual([false, ALL]);
  });
});

describe("'off'", () => {
  it('leaves all CPUs as they are, however fast the stops come', async () => {
    const { pid } = child(stormer());
    const tracer = newTracer({ resume: 'syscall' });
    await attachOne(tracer, pid);
    let stops = 0;
    await storm(tracer, () => ++stops > 3000, 'many stops');
    expect([tracer.colocated, cpus(), cpus(pid)]).toEqual([false, ALL, ALL]);
  });
});

it('is refused when it is something else', async () => {
  await expectReason(() => new Tracer({ colocate: 'yes' as 'on' }), 'bad-input');
});
