/**
 * Exec in a thread that is not the leader: the kernel gives it the leader's id and ends all others. The Tracee object stays itself.
 */
import { expect, test } from 'vitest';
import { type ChildScript, script } from '../../../lib/raw/child.js';
import { isEnd, type Stop, type TraceEvent } from '../../../lib/tracer/index.js';
import { limit } from '../../helpers/scale.js';
import {
  child,
  describeStop,
  expectGone,
  expectKind,
  gate,
  newTracer,
  openGate,
  readWord,
  stateOf,
  statusOf,
  until,
  which,
  within,
} from '../../helpers/tracing.js';

/** A leader and `idlers` threads that sleep, and one more thread that executes /bin/true when the gate is opened. */
function execInThread(
  idlers: number,
  leader: (s: ChildScript) => unknown = (s) => s.loop((l) => l.pause()),
): ChildScript {
  const made = script();
  made.loop((s) => s.thread((t) => t.increment('threads').loop((l) => l.pause())), idlers);
  made.thread((t) =>
    gate(t.syscall('gettid').store('executor').increment('threads')).exec(which('true'), ['true']).exitGroup(99),
  );
  leader(made);
  return made;
}

/** The order in which all must be told: `cause: exec` for each sibling, then the exec stop. */
async function expectExec(
  events: readonly TraceEvent[],
  idlers: number,
  leader?: (s: ChildScript) => unknown,
): Promise<void> {
  const tracer = newTracer({ events });
  const started = child(execInThread(idlers, leader));
  const { pid } = started;
  await until(() => readWord(started, 'threads') === BigInt(idlers + 1), 'all threads');
  const executorTid = Number(readWord(started, 'executor'));
  const tracees = await within(tracer.attach(pid), 'attach');
  const executor = tracees.find(({ tid }) => tid === executorTid);
  if (executor === undefined) throw new Error('no executor');
  expect(tracees).toHaveLength(idlers + 2);
  openGate(started);

  const stops: Stop[] = [];
  const told: string[] = [];
  await within(
    (async () => {
      for await (const stop of tracer) {
        stops.push(stop);
        told.push(describeStop(stop));
        if (stop.kind === 'exec') {
          expect(stop.tracee).toBe(executor);
          expect([stop.formerTid, stop.tid, executor.tid, executor.isLeader]).toEqual([executorTid, pid, pid, true]);
          expect(tracer.tracees).toEqual([executor]);
          expect(tracer.tracee(pid)).toBe(executor);
          expect(tracer.tracee(executorTid)).toBeUndefined();
          // It is a stop like any other.
          expect(executor.registers.pc).toBeGreaterThan(0n);
          expect(executor.memory.read(executor.registers.sp, 8).complete).toBe(true);
        }
      }
    })(),
    () => `the end of all: ${told.join('; ')}; left ${tracer.tracees.join()}`,
  );
  const at = stops.findIndex(({ kind }) => kind === 'exec');
  expect(at, told.join('; ')).toBeGreaterThanOrEqual(0);
  const endsBefore = stops.slice(0, at).filter(isEnd);
  const siblings = tracees.filter((tracee) => tracee !== executor);
  // Each of them, by identity.
  expect(siblings.filter((sibling) => !endsBefore.some(({ tracee }) => tracee === sibling))).toEqual([]);
  expect(endsBefore).toHaveLength(siblings.length);
  for (const end of endsBefore) expect(expectKind(end, 'exited').cause, told.join('; ')).toBe('exec');
  // The old leader's end carries the process's id, as it had it.
  expect(endsBefore.map(({ tid }) => tid).sort()).toEqual(siblings.map(({ tid }) => tid).sort());
  const after = stops.slice(at + 1);
  expect(after.filter(isEnd).map(describeStop)).toEqual([`${pid}: exited 0 (exit)`]);
  expect(after.at(-1)?.tracee).toBe(executor);
  if (events.includes('exit')) {
    // Whoever is ended by the exec passes EVENT_EXIT first.
    expect(stops.filter(({ kind }) => kind === 'exit')).toHaveLength(siblings.length + 1);
  }
  await expectGone(pid);
  await tracer.close();
}

test(
  'exec in a thread, 100 times: identity kept, the ends of the others told before, with cause exec',
  async () => {
    for (let round = 0; round < 100; round++) await expectExec(['fork', 'clone'], round % 7);
  },
  limit(60_000),
);

test(
  'the same with exit events',
  async () => {
    for (let round = 0; round < 60; round++) await expectExec(['exit', 'clone'], round % 7);
  },
  limit(60_000),
);

test(
  'the same with a leader, and others, that run',
  async () => {
    for (let round = 0; round < 40; round++) {
      await expectExec(round % 2 === 0 ? [] : ['exit'], round % 5, (s) => s.getppidLoop());
    }
  },
  limit(60_000),
);

test(
  'exec by the leader ends the threads, and needs no other id',
  async () => {
    for (let round = 0; round < 40; round++) {
      const tracer = newTracer({ events: round % 2 === 0 ? [] : ['exit'] });
      const made = script();
      made.loop((s) => s.thread((t) => t.increment('threads').loop((l) => l.pause())), 4);
      const started = child(gate(made).exec(which('true'), ['true']).exitGroup(99));
      await until(() => readWord(started, 'threads') === 4n, 'all threads');
      const tracees = await within(tracer.attach(started.pid), 'attach');
      openGate(started);
      const stops: Stop[] = [];
      for await (const stop of tracer) stops.push(stop);
      const at = stops.findIndex(({ kind }) => kind === 'exec');
      const exec = expectKind(stops[at]!, 'exec');
      expect([exec.formerTid, exec.tracee]).toEqual([started.pid, tracees[0]]);
      const ends = stops.slice(0, at).filter(isEnd);
      expect(ends).toHaveLength(4);
      for (const end of ends) expect(expectKind(end, 'exited').cause).toBe('exec');
      expect(describeStop(stops.at(-1)!)).toBe(`${started.pid}: exited 0 (exit)`);
      await tracer.close();
    }
  },
  limit(60_000),
);

test(
  'only the executing thread is traced: it is found again under the id of the leader',
  async () => {
    for (let round = 0; round < 60; round++) {
      const tracer = newTracer({ events: round % 2 === 0 ? [] : ['exit'] });
      const started = child(execInThread(round % 3));
      await until(() => readWord(started, 'threads') === BigInt((round % 3) + 1), 'all threads');
      const tid = Number(readWord(started, 'executor'));
      const [tracee] = await tracer.seize(tid, { threads: 'one' });
      if (tracee === undefined) throw new Error('nothing seized');
      expect([tracee.tid, tracee.pid, tracer.tracees]).toEqual([tid, started.pid, [tracee]]);
      const next = round % 4 < 2 ? tracee.wait() : tracer.wait();
      openGate(started);
      const exec = expectKind(await within(next, 'the exec'), 'exec');
      expect(exec.tracee).toBe(tracee);
      expect([exec.formerTid, tracee.tid, tracee.isLeader]).toEqual([tid, started.pid, true]);
      expect(tracer.tracees).toEqual([tracee]);
      expect(tracer.tracee(tid)).toBeUndefined();
      let last = await within(tracee.resume(), 'what follows');
      while (!isEnd(last)) last = await within(last.resume(), 'what follows');
      expect(describeStop(last)).toBe(`${started.pid}: exited 0 (exit)`);
      expect(tracer.tracees).toEqual([]);
      await tracer.close();
    }
  },
  limit(60_000),
);

test(
  'only the leader is traced, and another thread executes: the kernel lets go of the leader without a word',
  async () => {
    for (let round = 0; round < 20; round++) {
      const tracer = newTracer();
      const made = script();
      made.thread((t) => gate(t.increment('threads')).exec(which('sleep'), ['sleep', '100']).exitGroup(99));
      const started = child(made.loop((s) => s.pause()));
      const { pid } = started;
      await until(() => readWord(started, 'threads') === 1n, 'the thread');
      const [leader] = await tracer.seize(pid, { threads: 'one' });
      if (leader === undefined) throw new Error('nothing seized');
      const end = round % 2 === 0 ? leader.end() : undefined;
      void end?.catch(() => undefined);
      openGate(started);
      // In some rounds the detach is there before the exec is done.
      if (round % 4 !== 1) await until(() => statusOf(pid)?.tracerPid === 0, 'the new program, which nobody traces');
      // The next request finds out.
      if (round % 4 < 2) {
        const outcome = await within(leader.detach(), 'the detach');
        if (round % 4 === 0) {
          expect(outcome.kind === 'detached' ? 'detached' : describeStop(outcome)).toBe(`${pid}: exited 0 (exec)`);
          if (end !== undefined) expect(await within(end, 'the end')).toBe(outcome);
        }
      }
      await within(tracer.close(), 'the close');
      await until(() => statusOf(pid)?.name === 'sleep' && stateOf(pid) === 'S', 'the new program');
      expect(statusOf(pid)?.tracerPid).toBe(0);
    }
  },
  limit(60_000),
);

test(
  'exec while the others storm: nothing of the old program is told after the exec stop',
  async () => {
    for (let round = 0; round < 20; round++) {
      const tracer = newTracer({ resume: 'syscall' });
      const made = script();
      made.loop((s) => s.thread((t) => t.increment('threads').getppidLoop()), 4);
      made.thread((t) => gate(t.increment('threads')).exec(which('true'), ['true']).exitGroup(99));
      made.getppidLoop();
      const started = child(made);
      await until(() => readWord(started, 'threads') === 5n, 'all threads');
      const tracees = await within(tracer.attach(started.pid), 'attach');
      openGate(started);
      let executed = false;
      let ends = 0;
      for await (const stop of tracer) {
        if (stop.kind === 'exec') {
          executed = true;
          expect(tracer.tracees).toEqual([stop.tracee]);
          expect(ends).toBe(tracees.length - 1);
        } else if (isEnd(stop)) {
          ends++;
        }
        if (executed) expect(stop.tid).toBe(started.pid);
      }
      expect([executed, ends]).toEqual([true, tracees.length]);
      await tracer.close();
    }
  },
  limit(60_000),
);
