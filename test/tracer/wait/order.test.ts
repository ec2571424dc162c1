/**
 * In which order and how often things are told: ends once and last, a parent's event before its child's first stop, no tracee starved.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { script } from '../../../lib/raw/child.js';
import { isEnd, type Stop, type Tracee, type Tracer } from '../../../lib/tracer/index.js';
import { limit } from '../../helpers/scale.js';
import {
  attachOne,
  child,
  describeStop,
  expectGone,
  expectKind,
  gate,
  newTracer,
  openGate,
  pauser,
  readWord,
  seizeOne,
  send,
  stateOf,
  statusOf,
  threaded,
  tasksOf,
  turns,
  until,
  untilBlocking,
  within,
} from '../../helpers/tracing.js';

/** All that the tracer tells until nothing is traced any more; unhandled stops are resumed. */
async function all(tracer: Tracer): Promise<Stop[]> {
  const stops: Stop[] = [];
  for await (const stop of tracer) stops.push(stop);
  return stops;
}

/** Each tracee's end is told once, and nothing of it after. */
function expectEndsOnceAndLast(stops: readonly Stop[]): void {
  const ended = new Set<Tracee>();
  for (const stop of stops) {
    expect(ended.has(stop.tracee), `after its end: ${describeStop(stop)}`).toBe(false);
    if (isEnd(stop)) ended.add(stop.tracee);
  }
  expect(new Set(stops.map((stop) => stop.tracee))).toEqual(ended);
}

test('an end is told once and last, also to who asks again', async () => {
  const tracer = newTracer();
  for (let round = 0; round < 50; round++) {
    const started = child(gate(script()).exitGroup(round));
    const tracee = await attachOne(tracer, started.pid);
    const asked = tracee.end();
    openGate(started);
    const end = await within(tracee.resume(), 'the end');
    expect(describeStop(end)).toBe(`${started.pid}: exited ${round} (exit)`);
    expect(await asked).toBe(end);
    expect(await tracee.wait()).toBe(end);
    expect(await tracee.end()).toBe(end);
    expect(tracee.state).toBe('ended');
    expect(stateOf(started.pid)).toBeUndefined();
    await expect(tracer.wait()).rejects.toMatchObject({ reason: 'not-tracee' });
  }
});

test(
  'of many threads none starves: all that is pending is consumed before anything is told',
  async () => {
    const THREADS = 32;
    const started = child(threaded(THREADS - 1, (s) => s.getppidLoop()));
    await until(() => readWord(started, 'threads') === BigInt(THREADS - 1), 'all threads');
    // On one CPU: with several, threads that run beside the tracer come round oftener than those that wait for its CPU, in C as well.
    const tracer = newTracer({ resume: 'syscall', colocate: 'on' });
    const tracees = await within(tracer.attach(started.pid), 'attach');
    expect(tracees).toHaveLength(THREADS);
    const counts = new Map(tracees.map(({ tid }) => [tid, 0]));
    let stops = 0;
    for await (const stop of tracer) {
      if (isEnd(stop)) throw new Error(describeStop(stop));
      counts.set(stop.tid, (counts.get(stop.tid) ?? 0) + 1);
      if (++stops === 20_000) break;
    }
    const sorted = [...counts.values()].sort((a, b) => a - b);
    const [least = 0, most = 0] = [sorted[0], sorted[THREADS - 1]];
    expect(least / most, sorted.join(' ')).toBeGreaterThan(0.5);
  },
  limit(40_000),
);

test('two records of one tracee in one round: a stop, and the death that broke it', async () => {
  const tracer = newTracer();
  for (let round = 0; round < 100; round++) {
    const tracee = await seizeOne(tracer, child(pauser()).pid);
    const { tid } = tracee;
    const other = await seizeOne(tracer, child(pauser()).pid);
    // The event loop stands still: nothing is consumed before all of it is there.
    send(tid, 10);
    untilBlocking(() => stateOf(tid) === 't', 'the stop');
    send(other.tid, 12);
    if (round % 2 === 0) send(tid, 9);
    untilBlocking(() => stateOf(other.tid) === 't' && (round % 2 === 1 || stateOf(tid) === 'Z'), 'the death');
    const heard = [await within(tracer.wait(), 'a first record'), await within(tracer.wait(), 'a second record')];
    const first = heard.find((stop) => stop.tid === tid);
    if (first === undefined) throw new Error(heard.map(describeStop).join());
    if (round % 2 === 0) {
      // The stop was never seen: the death alone counts.
      expect(describeStop(first)).toBe(`${tid}: killed SIGKILL`);
    } else {
      const stop = expectKind(first, 'signal-delivery');
      send(tid, 9);
      untilBlocking(() => stateOf(tid) === 'Z', 'the death');
      const end = await within(tracee.resume('cont', { signal: 0 }), 'the end');
      expect(describeStop(end)).toBe(`${tid}: killed SIGKILL`);
      expect(stop.usedUp).toBe(true);
    }
    send(other.tid, 9);
    expectKind(
      await within(other.state === 'stopped' ? other.resume() : other.wait(), 'the end of the other'),
      'killed',
    );
  }
});

test(
  'a fork, vfork or clone stop comes before any stop of the child: 500 times, whoever was quicker',
  async () => {
    const started = child(
      gate(script())
        .loop((s) => {
          s.fork((c) => c.exitGroup(1)).wait4();
          s.vfork((c) => c.exitGroup(2)).wait4();
          s.clone(0, (c) => c.exitGroup(3)).wait4(-1, 0x40000000);
          s.thread((t) => t.increment('done'));
          s.clone(0x100 | 17, (c) => c.exitGroup(4)).wait4();
        }, 100)
        .waitUntil('done', '==', 100)
        .exitGroup(0),
    );
    const tracer = newTracer();
    await attachOne(tracer, started.pid);
    openGate(started);
    const announced = new Set<Tracee>();
    const first = new Map<Tracee, Stop>();
    const stops: Stop[] = [];
    const kinds = new Map<string, number>();
    for await (const stop of tracer) {
      stops.push(stop);
      if (stop.kind === 'fork' || stop.kind === 'vfork' || stop.kind === 'clone') {
        kinds.set(stop.kind, (kinds.get(stop.kind) ?? 0) + 1);
        expect(announced.has(stop.child)).toBe(false);
        expect(first.has(stop.child), 'a stop of the child came first').toBe(false);
        announced.add(stop.child);
        expect(tracer.tracee(stop.child.tid)).toBe(stop.child);
      } else if (stop.tracee.tid !== started.pid) {
        expect(announced.has(stop.tracee), `unannounced: ${describeStop(stop)}`).toBe(true);
        if (!first.has(stop.tracee)) first.set(stop.tracee, stop);
      }
    }
    expect(Object.fromEntries(kinds)).toEqual({ fork: 200, vfork: 100, clone: 200 });
    expect(first.size).toBe(500);
    for (const stop of first.values()) expect(expectKind(stop, 'event-stop').cause).toBe('new-tracee');
    expectEndsOnceAndLast(stops);
    expect(stops.filter(isEnd)).toHaveLength(501);
  },
  limit(60_000),
);

test(
  'the same for threads and children born on all CPUs at once',
  async () => {
    // Four threads fork and clone at the same time: their events and the first stops of the new ones mix in every order.
    const FORKERS = 4;
    const ROUNDS = 30;
    const made = gate(script());
    made.loop((s) => {
      s.thread((t) =>
        t
          .loop((l) => {
            l.thread((n) => n.syscall('getpid'));
            l.fork((c) => c.syscall('getpid').exitGroup(0));
          }, ROUNDS)
          .increment('done'),
      );
    }, FORKERS);
    made.waitUntil('done', '==', FORKERS);
    made.loop((s) => s.wait4(), FORKERS * ROUNDS);
    const started = child(made.exitGroup(0));
    const tracer = newTracer();
    await attachOne(tracer, started.pid);
    openGate(started);
    const announced = new Set<Tracee>();
    const stops: Stop[] = [];
    for await (const stop of tracer) {
      stops.push(stop);
      if (stop.kind === 'fork' || stop.kind === 'clone') {
        announced.add(stop.child);
        expect(stops.some((earlier) => earlier.tracee === stop.child)).toBe(false);
      } else if (stop.tid !== started.pid) {
        expect(announced.has(stop.tracee), `unannounced: ${describeStop(stop)}`).toBe(true);
      }
    }
    expect(announced.size).toBe(FORKERS + 2 * FORKERS * ROUNDS);
    expectEndsOnceAndLast(stops);
    expect(stops.filter(isEnd)).toHaveLength(1 + announced.size);
  },
  limit(60_000),
);

test(
  'a parent that is killed before its fork event names the child leaves the child traced and told',
  async () => {
    let orphans = 0;
    for (let round = 0; round < 20; round++) {
      const tracer = newTracer();
      const started = child(
        gate(script())
          .fork((c) => c.dieWithParent().loop((l) => l.nanosleep(1), 3))
          .loop((s) => s.pause()),
      );
      const parent = await attachOne(tracer, started.pid);
      openGate(started);
      // Nobody looks until the child is there: its first stop and its parent's event wait side by side.
      parent.resume();
      const { pid } = started;
      const born = (): string => readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
      untilBlocking(() => born() !== '' && stateOf(Number(born())) === 't', "the child's first stop");
      untilBlocking(() => stateOf(pid) === 't', 'the fork stop');
      send(pid, 9);
      untilBlocking(() => stateOf(pid) === 'Z', 'the death of the parent');
      const stops = await within(all(tracer), () => `the loop ends: ${tracer.tracees.join()}`);
      expectEndsOnceAndLast(stops);
      expect(describeStop(stops.find((stop) => stop.tid === pid) ?? stops[0]!)).toBe(`${pid}: killed SIGKILL`);
      orphans += stops.filter((stop) => isEnd(stop) && stop.tid !== pid).length;
      await tracer.close();
    }
    expect(orphans).toBe(20);
  },
  limit(40_000),
);

test('the leader leaves while its threads live on: it stays a tracee, and its end is told last', async () => {
  for (const events of [[], ['exit']] as const) {
    const tracer = newTracer({ events });
    const started = child(
      threaded(
        3,
        // The process's code is that of its leader, and since Linux 5.18 that of its last thread.
        (t) => t.waitUntil('leave', '!=', 0).exit(7),
        (s) => gate(s).exit(7),
      ),
    );
    await until(() => readWord(started, 'threads') === 3n, 'all threads');
    const tracees = await within(tracer.attach(started.pid), 'attach');
    const [leader] = tracees;
    expect(tracees.map(({ isLeader }) => isLeader)).toEqual([true, false, false, false]);
    const told = leader?.end();
    void told?.catch(() => undefined);
    openGate(started);
    const stops: Stop[] = [];
    const loop = (async () => {
      for await (const stop of tracer) stops.push(stop);
    })();
    await until(() => stateOf(started.pid) === 'Z', 'the zombie leader');
    await turns(50);
    expect(stops.filter(isEnd)).toEqual([]);
    expect(leader?.state).toBe('running');
    expect(tasksOf(started.pid)).toHaveLength(4);
    const other = tracees[1];
    if (other === undefined) throw new Error('no thread');
    // The process's memory is that of its threads.
    other.memory.write(started.address('leave'), new Uint8Array([1]));
    await within(loop, 'the end of all');
    expectEndsOnceAndLast(stops);
    expect(stops.at(-1)?.tracee, stops.map(describeStop).join('; ')).toBe(leader);
    expect(describeStop(stops.at(-1)!)).toBe(`${started.pid}: exited 7 (exit)`);
    expect(await told).toBe(stops.at(-1));
    expect(stops.filter(isEnd)).toHaveLength(4);
    expect(stops.filter((stop) => stop.kind === 'exit')).toHaveLength(events.length === 0 ? 0 : 4);
    await expectGone(started.pid);
  }
});

test('a leader that has left can be given up: detach and close do not wait for its threads, and it is reaped later', async () => {
  for (const how of ['detach', 'close', 'tracee'] as const) {
    const tracer = newTracer();
    const part = threaded(
      2,
      (t) => t.waitUntil('leave', '!=', 0).exit(7),
      (s) => gate(s).exit(7),
    );
    const started = child(part);
    const { pid } = started;
    await until(() => readWord(started, 'threads') === 2n, 'all threads');
    const tracees = await within(tracer.attach(pid), 'attach');
    openGate(started);
    for (const tracee of tracees) tracee.resume();
    await until(() => stateOf(pid) === 'Z', 'the zombie leader');
    if (how === 'detach') {
      const outcomes = await within(tracer.detach(pid), 'the detach');
      expect(outcomes.map(({ kind }) => kind)).toEqual(['detached', 'detached', 'detached']);
    } else if (how === 'close') {
      await within(tracer.close(), 'the close');
    } else {
      const outcome = await within(tracees[0]?.detach() ?? Promise.reject(new Error()), 'the detach');
      expect(outcome).toEqual({ kind: 'detached', tid: pid });
      expect(tracer.tracees).toHaveLength(2);
      await tracer.detach(pid);
    }
    expect(tracer.tracees).toEqual([]);
    const others = tasksOf(pid).filter((task) => task !== pid);
    for (const tid of others) expect(statusOf(tid)?.tracerPid).toBe(0);
    // A new attach finds the living.
    const again = newTracer();
    const living = await within(again.attach(pid), 'a second attach');
    expect(living.map(({ tid }) => tid)).toEqual(others);
    living[0]?.memory.write(started.address('leave'), new Uint8Array([1]));
    const stops = await within(all(again), 'the end of the threads');
    expect(stops.filter(isEnd)).toHaveLength(2);
    await expectGone(pid);
  }
});

test(
  "exit_group with threads ends all of them, with the group's code, the leader last",
  async () => {
    for (let round = 0; round < 30; round++) {
      const tracer = newTracer({ events: round % 2 === 0 ? [] : ['exit'] });
      const started = child(
        threaded(
          6,
          (t) => t.loop((s) => s.pause()),
          (s) =>
            round % 3 === 0
              ? gate(s).exitGroup(round)
              : s.thread((t) => gate(t).exitGroup(round)).loop((l) => l.pause()),
        ),
      );
      await until(() => readWord(started, 'threads') === 6n, 'all threads');
      const tracees = await within(tracer.attach(started.pid), 'attach');
      openGate(started);
      const stops = await within(all(tracer), () => `the end of all: ${tracer.tracees.join()}`);
      expectEndsOnceAndLast(stops);
      const ends = stops.filter(isEnd);
      expect(ends).toHaveLength(tracees.length);
      expect(ends.at(-1)?.tid).toBe(started.pid);
      for (const end of ends) expect(describeStop(end)).toBe(`${end.tid}: exited ${round} (exit)`);
      await tracer.close();
    }
  },
  limit(40_000),
);

test(
  'threads that end one by one are told as they end, without an exec to blame',
  async () => {
    const tracer = newTracer({ events: ['clone'] });
    const started = child(
      gate(script())
        .loop((s) => s.thread((t) => t.increment('done')), 100)
        .waitUntil('done', '==', 100)
        .loop((s) => s.pause()),
    );
    await attachOne(tracer, started.pid);
    openGate(started);
    const ends: Stop[] = [];
    for await (const stop of tracer) {
      if (!isEnd(stop)) continue;
      ends.push(stop);
      if (ends.length === 100) break;
    }
    for (const end of ends) expect(describeStop(end)).toBe(`${end.tid}: exited 0 (exit)`);
    expect(tracer.tracees).toHaveLength(1);
  },
  limit(40_000),
);
