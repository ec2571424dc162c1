/**
 * Others in the tracer's own thread: who traces through raw/, and a child that the looks of the wait do show, being a clone without SIGCHLD.
 */
import { expect, test } from 'vitest';
import { PTRACE_EVENT } from '../../../lib/kernel/events.js';
import { PTRACE_O } from '../../../lib/kernel/options.js';
import { SIG } from '../../../lib/kernel/signals.js';
import { W } from '../../../lib/kernel/wait-flags.js';
import { script } from '../../../lib/raw/child.js';
import * as raw from '../../../lib/raw/index.js';
import { isEnd, type Tracee } from '../../../lib/tracer/index.js';
import { reapedNow } from '../../helpers/processes.js';
import {
  attachOne,
  child,
  describeStop,
  endAfterTest,
  expectEnd,
  expectKind,
  gate,
  newTracer,
  openGate,
  pauser,
  seizeOne,
  send,
  stateOf,
  stormer,
  turns,
  until,
  within,
} from '../../helpers/tracing.js';
import { cannotClone, cloneChild } from './clone-children.js';

/** So many stops of the tracee. */
async function storm(tracee: Tracee, stops: number): Promise<void> {
  for (let count = 0; count < stops; count++) {
    const stop = await tracee.resume('syscall');
    if (isEnd(stop)) throw new Error(describeStop(stop));
  }
}

const word = (signal: number, event = 0): number => (event << 16) | (signal << 8) | 0x7f;

test('a stop of what raw/ attached in the same thread stays for who attached it', async () => {
  const tracer = newTracer();
  const theirs = child(pauser()).pid;
  raw.seize(theirs);
  raw.interrupt(theirs);
  await until(() => stateOf(theirs) === 't', 'the stop of the other');
  const one = await attachOne(tracer, child(stormer()).pid);
  await storm(one, 200);
  // Two tracees: now every look is at everything, and the foreign stop hides what is behind it.
  const two = await attachOne(tracer, child(stormer()).pid);
  await Promise.all([storm(one, 500), storm(two, 500)]);
  expect(raw.wait4(theirs, W.WNOHANG)?.status).toBe(word(SIG.SIGTRAP, PTRACE_EVENT.STOP));

  // The same for a death, and for who sleeps meanwhile.
  const sleeping = one.end();
  send(theirs, SIG.SIGKILL);
  await until(() => stateOf(theirs) === 'Z', 'the death of the other');
  await storm(two, 200);
  send(one.tid, SIG.SIGKILL);
  expect((await within(sleeping, 'the end of our own')).kind).toBe('killed');
  expect(raw.wait4(theirs, W.WNOHANG)?.status).toBe(SIG.SIGKILL);
});

test('new children of what raw/ traces are left to raw/', async () => {
  const tracer = newTracer();
  const started = child(
    gate(script())
      .fork((c) => c.loop((l) => l.pause()))
      .loop((s) => s.pause()),
  );
  const mother = started.pid;
  raw.seize(mother, PTRACE_O.TRACEFORK);
  openGate(started);
  const tracee = await attachOne(tracer, child(stormer()).pid);
  const other = await attachOne(tracer, child(stormer()).pid);
  await Promise.all([storm(tracee, 100), storm(other, 100)]);
  const fork = await until(() => raw.wait4(mother, W.WNOHANG | W.__WALL), 'the fork event');
  const born = endAfterTest(Number(raw.getEventMessage(mother)));
  expect(fork.status).toBe(word(SIG.SIGTRAP, PTRACE_EVENT.FORK));
  await Promise.all([storm(tracee, 200), storm(other, 200)]);
  const first = await until(() => raw.wait4(born, W.WNOHANG | W.__WALL), "the child's first stop");
  expect(first.status).toBe(word(SIG.SIGTRAP, PTRACE_EVENT.STOP));
  raw.kill(born, SIG.SIGKILL);
  await until(() => raw.wait4(born, W.WNOHANG | W.__WALL), 'the end of the child');
});

test('a clone child without SIGCHLD, dead and reaped by nobody, hides nothing', async (context) => {
  const why = cannotClone();
  if (why !== undefined) return context.skip(why);
  const tracer = newTracer();
  const foreign = endAfterTest(cloneChild());
  send(foreign, SIG.SIGKILL);
  await until(() => stateOf(foreign) === 'Z', 'the death of the clone');

  const one = await attachOne(tracer, child(stormer()).pid);
  await storm(one, 200);
  const two = await attachOne(tracer, child(stormer()).pid);
  await Promise.all([storm(one, 500), storm(two, 500)]);

  // Asleep: one stops later, one dies later, one forks.
  void one.resume('cont');
  void two.resume('cont');
  const three = await seizeOne(tracer, child(pauser()).pid);
  await turns(5);
  const woken = three.wait();
  send(three.tid, SIG.SIGUSR1);
  expectKind(await within(woken, 'a stop behind the clone'), 'signal-delivery').suppress();
  const end = three.end();
  await turns(5);
  send(three.tid, SIG.SIGKILL);
  expectKind(await within(end, 'an end behind the clone'), 'killed');
  const started = child(
    gate(script())
      .fork((c) => c.exitGroup(3))
      .wait4()
      .exitGroup(4),
  );
  const mother = await attachOne(tracer, started.pid);
  openGate(started);
  const fork = expectKind(await within(mother.resume(), 'a fork behind the clone'), 'fork');
  const born = fork.child;
  const bornEnd = born.end();
  expect(expectKind(await within(born.wait(), "the new child's first stop"), 'event-stop').cause).toBe('new-tracee');
  void born.resume();
  void mother.resume();
  expect(expectEnd(await within(bornEnd, 'the end of the new child')).status).toBe(3 << 8);
  let last = await within(mother.wait(), 'what the mother reports');
  while (!isEnd(last)) last = await within(last.resume(), 'what the mother reports');
  expect(last.status).toBe(4 << 8);

  expect(stateOf(foreign)).toBe('Z');
  expect(reapedNow(foreign)).toBe(true);
});

test('many tracees behind such a clone are served alike', async (context) => {
  const why = cannotClone();
  if (why !== undefined) return context.skip(why);
  const tracer = newTracer({ resume: 'syscall' });
  const foreign = endAfterTest(cloneChild());
  send(foreign, SIG.SIGKILL);
  await until(() => stateOf(foreign) === 'Z', 'the death of the clone');
  const counts = new Map<number, number>();
  for (let index = 0; index < 8; index++) {
    const tracee = await attachOne(tracer, child(stormer()).pid);
    counts.set(tracee.tid, 0);
  }
  let stops = 0;
  for await (const stop of tracer) {
    counts.set(stop.tid, (counts.get(stop.tid) ?? 0) + 1);
    if (++stops === 4000) break;
  }
  const all = [...counts.values()];
  expect(Math.min(...all)).toBeGreaterThan(0.2 * Math.max(...all));
  expect(stateOf(foreign)).toBe('Z');
});
