/**
 * What is detached, and what cannot be stopped: children of our own stay ours to reap; a vfork parent in state D holds nobody up.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { script } from '../../../lib/raw/child.js';
import { isEnd, type Stop, type Tracer } from '../../../lib/tracer/index.js';
import {
  attachOne,
  child,
  describeStop,
  expectGone,
  expectKind,
  expectReason,
  expectUntraced,
  gate,
  newTracer,
  openGate,
  pauser,
  send,
  stateOf,
  statusOf,
  stormer,
  turns,
  until,
  within,
  writeWord,
} from '../../helpers/tracing.js';

async function all(tracer: Tracer): Promise<Stop[]> {
  const stops: Stop[] = [];
  for await (const stop of tracer) stops.push(stop);
  return stops;
}

test('a spawned program that was detached stays ours: its end is told, and it is reaped, beside a storm', async () => {
  const tracer = newTracer();
  const storming = await attachOne(tracer, child(stormer()).pid);
  let going = true;
  const storm = (async () => {
    while (going) {
      const stop = await storming.resume('syscall');
      if (isEnd(stop)) throw new Error(describeStop(stop));
    }
  })();
  for (let round = 0; round < 20; round++) {
    const program = await tracer.spawn('/bin/sh', ['-c', `read line; exit ${round}`], {
      stdio: ['pipe', 'null', 'null'],
    });
    const { pid } = program;
    const early = round % 2 === 0 ? program.end() : undefined;
    expect(await within(program.detach(), 'the detach')).toEqual({ kind: 'detached', tid: pid });
    expect([program.state, tracer.tracee(pid)]).toEqual(['detached', undefined]);
    await expectUntraced(pid, 'SRD');
    program.stdin?.end('\n');
    const end = await within(early ?? program.end(), 'its end');
    expect(describeStop(end)).toBe(`${pid}: exited ${round} (exit)`);
    expect(await program.end()).toBe(end);
    expect(stateOf(pid)).toBeUndefined();
  }
  going = false;
  await within(storm, 'the storm ends');
});

test('nobody asks for the end of a detached child: it is reaped all the same', async () => {
  const tracer = newTracer();
  const program = await tracer.spawn('/bin/sh', ['-c', 'read line'], { stdio: ['pipe', 'null', 'null'] });
  await program.detach();
  program.stdin?.end('\n');
  await expectGone(program.pid);
  expect(describeStop(await program.end())).toBe(`${program.pid}: exited 0 (exit)`);
});

test('a detached child is reaped after the tracer has closed', async () => {
  const tracer = newTracer({ onTracerExit: 'detach' });
  const program = await tracer.spawn('/bin/sh', ['-c', 'read line; exit 6'], { stdio: ['pipe', 'null', 'null'] });
  await within(tracer.close(), 'the close');
  await expectUntraced(program.pid, 'SRD');
  program.stdin?.end('\n');
  expect(describeStop(await within(program.end(), 'the end'))).toBe(`${program.pid}: exited 6 (exit)`);
  await expectGone(program.pid);
});

test('what was attached and detached is not ours: nobody tells its end', async () => {
  const tracer = newTracer();
  const tracee = await attachOne(tracer, child(pauser()).pid);
  await tracee.detach();
  await expectReason(tracee.end(), 'not-tracee');
  await expectReason(tracee.wait(), 'not-tracee');
  await expectReason(() => tracee.resume(), 'not-tracee');
});

/** A vfork parent whose child waits for the gate: the parent is in state D. */
const vforker = gate(script()).vfork((c) => c.increment('born').waitUntil('leave', '!=', 0).exitGroup(3));

test('attach to a vfork parent in state D returns, and detach of parent and child deadlocks not', async () => {
  for (let round = 0; round < 10; round++) {
    const started = child(vforker.wait4().loop((s) => s.pause()));
    openGate(started);
    const { pid } = started;
    await until(() => stateOf(pid) === 'D', 'the vfork');
    const tracer = newTracer();
    const [parent] = await within(tracer.attach(pid), 'the attach');
    if (parent === undefined) throw new Error('no parent');
    expect([parent.state, stateOf(pid)]).toEqual(['running', 'D']);
    const born = childOf(pid);
    const vforked = await attachOne(tracer, born);
    expect(vforked.stop?.kind).toBe('event-stop');
    if (round % 2 === 0) {
      // The child first, or the parent could never stop.
      const both = tracer.detach();
      await until(() => statusOf(born)?.tracerPid === 0, 'the child is let go');
      expect(parent.state).toBe('running');
      writeWord(started, 'leave', 1n);
      expect((await within(both, 'the detach')).map(({ kind }) => kind).sort()).toEqual(['detached', 'detached']);
    } else {
      const closing = tracer.close();
      await until(() => statusOf(born)?.tracerPid === 0, 'the child is let go');
      writeWord(started, 'leave', 1n);
      await within(closing, 'the close');
    }
    await expectUntraced(pid, 'SR');
    await tracer.close();
  }
});

/** The only child of a process. */
function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim());
}

test('a vfork that is followed: vfork stop, child, exec or exit, vfork-done', async () => {
  const tracer = newTracer({ events: ['vfork', 'vfork-done'] });
  const made = gate(script());
  made.vfork((c) => c.exec('/bin/true').exitGroup(9)).wait4();
  made.vfork((c) => c.exitGroup(4)).wait4();
  const started = child(made.exitGroup(0));
  await attachOne(tracer, started.pid);
  openGate(started);
  const kinds: string[] = [];
  for (const stop of await within(all(tracer), 'the end')) {
    const who = stop.tid === started.pid ? 'parent' : 'child';
    if (stop.kind === 'signal-delivery') continue;
    kinds.push(`${who} ${stop.kind}${isEnd(stop) ? ` ${stop.status >> 8}` : ''}`);
  }
  expect(kinds.filter((kind) => kind.startsWith('parent'))).toEqual([
    'parent vfork',
    'parent vfork-done',
    'parent vfork',
    'parent vfork-done',
    'parent exited 0',
  ]);
  expect(kinds.filter((kind) => kind.startsWith('child'))).toEqual([
    'child event-stop',
    'child exec',
    'child exited 0',
    'child event-stop',
    'child exited 4',
  ]);
  expect(kinds.indexOf('parent vfork')).toBe(0);
});

test('detach of a new child before its first stop waits for that stop', async () => {
  for (let round = 0; round < 50; round++) {
    const tracer = newTracer();
    const started = child(
      gate(script())
        .fork((c) => c.dieWithParent().loop((s) => s.pause()))
        .loop((s) => s.pause()),
    );
    const parent = await attachOne(tracer, started.pid);
    openGate(started);
    const fork = expectKind(await within(parent.resume(), 'the fork'), 'fork');
    const born = fork.child;
    expect(await within(born.detach(), 'the detach')).toEqual({ kind: 'detached', tid: born.tid });
    await expectUntraced(born.tid, 'SR');
    void parent.resume();
    await within(tracer.detach(), 'the detach of the parent');
    await expectUntraced(started.pid, 'SR');
    send(born.tid, 9);
    await tracer.close();
  }
});

test('detach from every state leaves job control as it was', async () => {
  const states = ['stop', 'running', 'signal', 'group-stop', 'listening', 'syscall', 'stepping'] as const;
  for (const state of states) {
    for (const how of ['tracee', 'tracer', 'close'] as const) {
      const tracer = newTracer();
      const part = state === 'syscall' || state === 'stepping' ? stormer() : pauser();
      const { pid } = child(part);
      const tracee = await attachOne(tracer, pid);
      switch (state) {
        case 'stop':
          break;
        case 'running':
          tracee.resume();
          break;
        case 'signal':
          tracee.resume();
          send(pid, 28); // SIGWINCH, which does nothing
          expectKind(await within(tracee.wait(), 'the signal'), 'signal-delivery');
          break;
        case 'group-stop':
        case 'listening': {
          tracee.resume();
          send(pid, 19);
          expectKind(await within(tracee.wait(), 'the signal'), 'signal-delivery').resume();
          const stop = expectKind(await within(tracee.wait(), 'the group-stop'), 'group-stop');
          if (state === 'listening') stop.listen();
          break;
        }
        case 'syscall':
          expect((await within(tracee.resume('syscall'), 'a system call')).kind).toMatch(/^syscall/);
          break;
        case 'stepping':
          for (let step = 0; step < 20; step++) expectKind(await within(tracee.resume('step'), 'a step'), 'step');
          tracee.resume('step');
          break;
      }
      if (how === 'tracee') expect(await within(tracee.detach(), 'the detach')).toEqual({ kind: 'detached', tid: pid });
      else if (how === 'tracer') await within(tracer.detach(pid), 'the detach');
      else await within(tracer.close(), 'the close');
      const stopped = state === 'group-stop' || state === 'listening';
      await expectUntraced(pid, stopped ? 'T' : 'SR');
      // It lives on: nothing of ours is left that would kill it.
      if (stopped) send(pid, 18);
      await until(() => 'SR'.includes(stateOf(pid) ?? ''), `${state}: it runs`);
      send(pid, 9);
      await tracer.close();
    }
  }
});

test('detach while steps are under way, from outside: 100 times, no trap is left to kill the program', async () => {
  for (let round = 0; round < 100; round++) {
    const tracer = newTracer();
    const { pid } = child(stormer());
    const tracee = await attachOne(tracer, pid);
    tracee.resume('step');
    // The trap of the step may come before or after the interrupt.
    for (let spin = 0; spin < (round % 10) * 2000; spin++);
    const outcome = await within(tracee.detach(), 'the detach');
    expect(outcome.kind).toBe('detached');
    await expectUntraced(pid, 'SR');
    await turns(2);
    expect(stateOf(pid)).toMatch(/[SR]/);
    send(pid, 9);
    await tracer.close();
  }
});
