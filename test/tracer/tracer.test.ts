import { describe, expect, it } from 'vitest';
import { SIG } from '../../lib/kernel/signals.js';

import { type Tracee, Tracer } from '../../lib/tracer/index.js';
import { limit } from '../helpers/scale.js';
import {
  attachOne,
  child,
  expectGone,
  expectKind,
  expectReason,
  expectUntraced,
  isOver,
  newTracer,
  seizeOne,
  send,
  stateOf,
  statusOf,
  stormer,
  tasksOf,
  threaded,
  turns,
  until,
  within,
} from '../helpers/tracing.js';
import { held, paused } from './programs.js';

describe('a Tracer', () => {
  it('knows its tracees', async () => {
    const tracer = newTracer();
    expect(tracer.tracees).toEqual([]);
    expect(tracer.tracee(1)).toBeUndefined();
    const a = await seizeOne(tracer, await paused());
    const b = await seizeOne(tracer, await paused());
    expect(tracer.tracees).toEqual([a, b]);
    expect(tracer.tracee(a.tid)).toBe(a);
    // A copy: what comes later is not in it.
    const before = tracer.tracees;
    await a.detach();
    expect(before).toHaveLength(2);
    expect(tracer.tracees).toEqual([b]);
    await within(b.kill(), 'the end');
    expect(tracer.tracees).toEqual([]);
    expect(tracer.tracee(b.tid)).toBeUndefined();
  });

  it('is one of several in a thread, each with its own tracees and stops', async () => {
    const [first, second] = [newTracer(), newTracer()];
    const a = await attachOne(first, child(stormer()).pid);
    const b = await attachOne(second, child(stormer()).pid);
    a.resume('syscall');
    b.resume('syscall');
    for (let round = 0; round < 100; round++) {
      const [one, two] = await within(Promise.all([first.wait(), second.wait()]), 'both stops');
      expect([one.tracee, two.tracee]).toEqual([a, b]);
      a.resume('syscall');
      b.resume('syscall');
    }
    await within(first.close(), 'the first closes');
    expect((await within(second.wait(), 'a stop of the second')).tracee).toBe(b);
  });

  it('refuses options that are none', async () => {
    for (const options of [
      5,
      'all',
      null,
      [],
      { event: [] },
      { events: 'fork' },
      { events: ['forks'] },
      { events: [1] },
      { onTracerExit: 'die' },
      { resume: 'continue' },
      { colocate: true },
      { suspendSeccomp: 'yes' },
    ] as never[]) {
      if (Array.isArray(options) && (options as unknown[]).length === 0) continue;
      await expectReason(() => new Tracer(options), 'bad-input');
    }
    await expectReason(newTracer().spawn('/bin/true', [], { unknown: 1 } as never), 'bad-input');
    for (const file of [5, null, undefined, '', 'a\0b', {}] as never[])
      await expectReason(newTracer().spawn(file), 'bad-input');
    for (const args of ['x', 5, [5], [null], ['a\0b']] as never[])
      await expectReason(newTracer().spawn('/bin/true', args), 'bad-input');
  });
});

describe('close', () => {
  it('kills and reaps what was spawned, lets go what was attached', async () => {
    const tracer = newTracer();
    const spawned = [
      await tracer.spawn('/bin/sleep', ['1000'], { stdio: 'null' }),
      await tracer.spawn('/bin/sleep', ['1000'], { stdio: 'null' }),
    ];
    spawned[1]!.resume();
    const attached = [await attachOne(tracer, await paused()), await seizeOne(tracer, await paused())];
    await within(tracer.close(), 'the close');
    for (const { pid, state } of spawned) {
      await expectGone(pid);
      expect(state).toBe('ended');
    }
    for (const { pid, state } of attached) {
      await expectUntraced(pid, 'S');
      expect(state).toBe('detached');
    }
    expect(tracer.tracees).toEqual([]);
  });

  it('does what the policy says, of the tracer or of the one tracee', async () => {
    const killing = newTracer({ onTracerExit: 'kill' });
    const letting = newTracer({ onTracerExit: 'detach' });
    const killed = await attachOne(killing, await paused());
    const [kept] = await killing.attach(await paused(), { onTracerExit: 'detach' });
    const letGo = await letting.spawn('/bin/sleep', ['1000'], { stdio: 'null' });
    const spawnedToDie = await letting.spawn('/bin/sleep', ['1000'], { stdio: 'null', onTracerExit: 'kill' });
    await within(Promise.all([killing.close(), letting.close()]), 'both close');
    expect(await killed.end()).toMatchObject({ kind: 'killed', signal: SIG.SIGKILL });
    await expectUntraced(kept!.pid, 'S');
    await expectGone(spawnedToDie.pid);
    await expectUntraced(letGo.pid, 'S');
    // It is our child still: its end is told after the tracer is closed, and it is reaped.
    const end = letGo.end();
    send(letGo.pid, SIG.SIGTERM);
    expect(await within(end, 'its end')).toMatchObject({ kind: 'killed', signal: SIG.SIGTERM });
    await expectGone(letGo.pid);
  });

  it('leaves job control as it is', async () => {
    const tracer = newTracer();
    const [group, listening, signalled] = [await paused(), await paused(), await paused()];
    const tracees: Tracee[] = [];
    for (const pid of [group, listening, signalled]) {
      const tracee = await seizeOne(tracer, pid);
      tracees.push(tracee);
      send(pid, SIG.SIGTSTP);
      expectKind(await within(tracee.wait(), 'the signal'), 'signal-delivery');
    }
    expectKind(await within(tracees[0]!.resume(), 'the group-stop'), 'group-stop');
    expectKind(await within(tracees[1]!.resume(), 'the group-stop'), 'group-stop').listen();
    await within(tracer.close(), 'the close');
    for (const pid of [group, listening, signalled]) await expectUntraced(pid, 'T');
  });

  it('tells disposed to who waits, and to every later call', async () => {
    const tracer = newTracer();
    const tracee = await seizeOne(tracer, await paused());
    const waiting = expectReason(tracer.wait(), 'disposed');
    const waitingForOne = expectReason(tracee.wait(), 'disposed');
    const loop = (async () => {
      for await (const stop of tracer) expect(stop).toBeDefined();
    })();
    await turns(2);
    expect(tracer.disposed).toBe(false);
    const closing = tracer.close();
    expect(tracer.disposed).toBe(true);
    expect(tracer.close()).toBe(closing);
    await within(Promise.all([closing, waiting, waitingForOne, loop]), 'all to be told');
    const attempts: (() => unknown)[] = [
      () => tracer.spawn('/bin/true'),
      () => tracer.attach(tracee.pid),
      () => tracer.seize(tracee.pid),
      () => tracer.wait(),
      () => tracer[Symbol.asyncIterator](),
    ];
    for (const attempt of attempts) {
      const error = await expectReason(attempt, 'disposed');
      expect(error.message).toContain('create a new one');
      expect(error.code).toBe('ERR_DISPOSED');
    }
    expect(await tracer.detach()).toEqual([]);
    await within(tracer.close(), 'a second close');
  });

  it('comes with the end of an await using block', async () => {
    let pid: number;
    {
      await using tracer = new Tracer();
      const tracee = await tracer.spawn('/bin/sleep', ['1000'], { stdio: 'null' });
      pid = tracee.pid;
      expect(stateOf(pid)).toBe('t');
    }
    await expectGone(pid);
  });

  it('of nothing is at once', async () => {
    await within(newTracer().close(), 'the close');
  });

  it('while programs fork and thread without end leaves nobody behind', { timeout: limit(60_000) }, async () => {
    for (let round = 0; round < 8; round++) {
      const tracer = newTracer({ resume: 'cont' });
      const shell = await tracer.spawn(
        '/bin/sh',
        ['-c', 'while :; do (sleep 1000 & sleep 0.001; kill $!) & : ; wait; done'],
        {
          stdio: 'null',
          session: true,
        },
      );
      let stops = 0;
      const pids = new Set<number>();
      for await (const stop of tracer) {
        pids.add(stop.tracee.pid);
        if (++stops > 40 + 13 * round) break;
      }
      await within(tracer.close(), 'the close');
      // Whose parent died before it waits for init to reap it.
      for (const pid of pids) await until(() => isOver(pid), `${pid} is over`);
      expect(shell.state).toBe('ended');
      expect(tracer.tracees).toEqual([]);
    }
    for (let round = 0; round < 8; round++) {
      const tracer = newTracer({ onTracerExit: 'kill' });
      const part = await held(
        (s) =>
          s.loop((t) =>
            t
              .thread((u) => u.exit(0))
              .fork((u) => u.exitGroup(0))
              .wait4(-1, 1),
          ),
        tracer,
      );
      part.go();
      let stops = 0;
      for await (const stop of tracer) {
        expect(stop).toBeDefined();
        if (++stops > 30 + 7 * round) break;
      }
      await within(tracer.close(), 'the close');
      await expectGone(part.started.pid);
    }
  });

  it('of many threads in many states is complete', async () => {
    const tracer = newTracer();
    const started = child(threaded(8, (s) => s.getppidLoop()));
    await until(() => tasksOf(started.pid).length === 9, 'the threads');
    const tracees = await within(tracer.attach(started.pid), 'the attach');
    for (const [index, tracee] of tracees.entries()) {
      if (index % 3 === 0) tracee.resume('syscall');
      else if (index % 3 === 1) tracee.resume();
    }
    await within(tracer.close(), 'the close');
    for (const tid of tasksOf(started.pid)) {
      expect(statusOf(tid)?.tracerPid).toBe(0);
      expect(statusOf(tid)?.state).not.toBe('t');
    }
  });
});

describe('ref and unref', () => {
  it('are no obstacle to waiting', async () => {
    const tracer = newTracer();
    const tracee = await seizeOne(tracer, await paused());
    expect(tracer.unref()).toBe(tracer);
    const waiting = tracer.wait();
    expect(tracer.ref()).toBe(tracer);
    tracer.unref().ref().unref();
    tracee.interrupt();
    expect((await within(waiting, 'the stop')).tracee).toBe(tracee);
    const controller = new AbortController();
    const aborted = tracer.wait({ signal: controller.signal });
    tracer.ref();
    controller.abort();
    await expectReason(within(aborted, 'the abort'), 'aborted');
  });
});
