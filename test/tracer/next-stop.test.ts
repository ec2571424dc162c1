import { describe, expect, it } from 'vitest';
import { SIG } from '../../lib/kernel/signals.js';
import { NextStop, type Stop } from '../../lib/tracer/index.js';
import {
  attachOne,
  child,
  describeStop,
  expectEnd,
  expectKind,
  expectReason,
  newTracer,
  pauser,
  seizeOne,
  send,
  stormer,
  turns,
  within,
} from '../helpers/tracing.js';
import { held, paused } from './programs.js';

describe('the result of resume', () => {
  it('awaited is the next stop of that tracee', async () => {
    const { tracee, go } = await held((s) => s.getppidLoop());
    const next = go('syscall');
    expect(next).toBeInstanceOf(NextStop);
    const first = await within(next, 'a stop');
    expect(first.tracee).toBe(tracee);
    expect(tracee.stop).toBe(first);
    for (let count = 0; count < 100; count++) {
      const stop = await tracee.resume('syscall');
      expect(stop.tracee).toBe(tracee);
      expect(stop).toBe(tracee.stop);
    }
  });

  it('not awaited gives the stop to the tracer', async () => {
    const { tracer, tracee, go } = await held((s) => s.getppidLoop());
    go('syscall');
    const stop = await within(tracer.wait(), 'a stop');
    expect(stop.tracee).toBe(tracee);
    // It has been told: not once more.
    await expectReason(tracee.wait(), 'bad-input');
    tracee.resume('syscall');
    expect((await within(tracer.wait(), 'a stop')).tracee).toBe(tracee);
  });

  it('awaited late gives the stop all the same, if nobody took it', async () => {
    const { tracee, go } = await held((s) => s.getppidLoop());
    const next = go('syscall');
    await turns(5);
    const stop = await within(next, 'a stop');
    expect(stop.tracee).toBe(tracee);
  });

  it('goes to who awaits it also while somebody else waits for everything', { timeout: 60_000 }, async () => {
    const tracer = newTracer();
    const mine = await held((s) => s.getppidLoop(), tracer);
    const others = await held((s) => s.getppidLoop(), tracer);
    let taken = 0;
    let strayed: Stop | undefined;
    let over = false;
    const background = (async () => {
      others.go('syscall');
      while (!over) {
        const stop = await tracer.wait();
        taken++;
        if (stop.tracee === mine.tracee) {
          strayed ??= stop;
          return;
        }
        others.tracee.resume('syscall');
      }
    })();
    let stop: Stop = await within(mine.go('syscall'), 'the first stop');
    for (let count = 0; count < 2000 && strayed === undefined; count++) {
      stop = await within(
        mine.tracee.resume('syscall'),
        () => `stop ${count}, strayed: ${strayed === undefined ? 'no' : describeStop(strayed)}`,
      );
      expect(stop.tracee).toBe(mine.tracee);
    }
    over = true;
    await within(background, 'the background loop');
    expect(strayed).toBeUndefined();
    expect(taken).toBeGreaterThan(10);
  });

  it('goes to who awaits it although a wait for everything began in the same turn', async () => {
    const { tracer, tracee, go } = await held((s) => s.getppidLoop());
    await within(go('syscall'), 'the first stop');
    for (let count = 0; count < 200; count++) {
      const controller = new AbortController();
      // Its look at the kernel comes before the await below has asked for its stop.
      const waiting = tracer.wait({ signal: controller.signal });
      const resumed = tracee.resume('syscall');
      const stop = await within(resumed, () => `stop ${count}`);
      expect(stop.tracee).toBe(tracee);
      controller.abort();
      await expectReason(waiting, 'aborted');
    }
  });

  it('left to the tracer in that turn goes to the wait for everything', async () => {
    const { tracer, tracee, go } = await held((s) => s.getppidLoop());
    await within(go('syscall'), 'the first stop');
    for (let count = 0; count < 200; count++) {
      const waiting = tracer.wait();
      tracee.resume('syscall');
      expect((await within(waiting, () => `stop ${count}`)).tracee).toBe(tracee);
    }
  });

  it('awaited by several is the same stop for all', async () => {
    const { tracee, go } = await held((s) => s.getppidLoop());
    const next = go('syscall');
    const [a, b, c] = await within(Promise.all([next, next, next]), 'the stop');
    expect(a).toBe(b);
    expect(a).toBe(c);
    expect(tracee.stop).toBe(a);
  });

  it('has catch and finally as a promise has', async () => {
    const pid = await paused();
    const tracee = await seizeOne(newTracer(), pid);
    let settled = 0;
    const next = tracee.interrupt();
    await within(
      next.finally(() => settled++),
      'the interrupt',
    );
    expect(settled).toBe(1);
    const failed = tracee.resume().catch((error: unknown) => error);
    await tracee.detach();
    expect(await within(failed, 'the failure')).toMatchObject({ reason: 'not-tracee' });
  });
});

describe('tracee.wait', () => {
  it('gives a stop that nobody has taken, then the next', async () => {
    const pid = await paused();
    const tracer = newTracer();
    const tracee = await seizeOne(tracer, pid);
    const next = tracee.interrupt();
    await turns(10);
    expect(expectKind(await within(tracee.wait(), 'the stop'), 'event-stop').cause).toBe('interrupt');
    await expectReason(
      next.finally(() => undefined),
      'bad-input',
    );
    const error = await expectReason(tracee.wait(), 'bad-input');
    expect(error.message).toContain('event-stop');
    expect(error.message).toContain('resume it first');
    expect(error.tid).toBe(pid);
  });

  it('gives the end again and again', async () => {
    const { tracee, tracer, go } = await held((s) => s.exitGroup(3));
    const end = expectEnd(await within(go(), 'the end'));
    expect(await tracee.wait()).toBe(end);
    expect(await tracee.end()).toBe(end);
    expect(await tracee.kill()).toBe(end);
    expect(await tracee.detach()).toBe(end);
    await expectReason(() => tracee.resume(), 'gone');
    await expectReason(() => tracee.interrupt(), 'gone');
    await expectReason(tracer.wait(), 'not-tracee');
  });

  it('can be aborted, and nothing is lost by that', async () => {
    const pid = await paused();
    const tracer = newTracer();
    const tracee = await seizeOne(tracer, pid);
    const controller = new AbortController();
    const waiting = tracee.wait({ signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    const error = await expectReason(waiting, 'aborted');
    expect(error.cause).toBe(reason);
    await expectReason(tracee.wait({ signal: AbortSignal.abort() }), 'aborted');
    send(pid, SIG.SIGUSR1);
    expectKind(await within(tracee.wait(), 'the signal'), 'signal-delivery');
  });

  it('aborted by one of two waiters gives the stop once, to the other', async () => {
    const pid = await paused();
    const tracer = newTracer();
    const tracee = await seizeOne(tracer, pid);
    const controller = new AbortController();
    const given = tracee.wait();
    const aborted = tracee.wait({ signal: controller.signal });
    controller.abort();
    await expectReason(aborted, 'aborted');
    send(pid, SIG.SIGUSR1);
    const stop = expectKind(await within(given, 'the signal'), 'signal-delivery');
    stop.suppress();
    send(pid, SIG.SIGUSR2);
    // Not the first one once more.
    expect(expectKind(await within(tracer.wait(), 'the second'), 'signal-delivery').signal).toBe(SIG.SIGUSR2);
  });
});

describe('tracer.wait', () => {
  it('gives the stops of all, in the order in which they came', async () => {
    const tracer = newTracer();
    const [a, b] = [await paused(), await paused()];
    const first = await seizeOne(tracer, a);
    const second = await seizeOne(tracer, b);
    for (const [tracee, other] of [
      [first, second],
      [second, first],
    ] as const) {
      tracee.interrupt();
      await turns(3);
      const stop = await within(tracer.wait(), 'the first');
      expect(stop.tracee).toBe(tracee);
      other.interrupt();
      expect((await within(tracer.wait(), 'the second')).tracee).toBe(other);
      tracee.resume();
      other.resume();
    }
  });

  it('aborted loses nothing and keeps the order', async () => {
    const tracer = newTracer();
    const tracee = await seizeOne(tracer, await paused());
    for (let round = 0; round < 3; round++) {
      const controller = new AbortController();
      const waiting = tracer.wait({ signal: controller.signal });
      controller.abort();
      await expectReason(waiting, 'aborted');
    }
    // Its stop and its end, both there before anyone asks.
    send(tracee.pid, SIG.SIGUSR1);
    const stop = expectKind(await within(tracer.wait(), 'the signal'), 'signal-delivery');
    expect(stop.signal).toBe(SIG.SIGUSR1);
    const controller = new AbortController();
    const waiting = tracer.wait({ signal: controller.signal });
    controller.abort();
    await expectReason(waiting, 'aborted');
    const later = [tracer.wait(), tracer.wait()];
    stop.resume();
    expect(expectKind(await within(later[0]!, 'the end'), 'killed').signal).toBe(SIG.SIGUSR1);
    await expectReason(within(later[1]!, 'the refusal'), 'not-tracee');
    await expectReason(tracer.wait({ signal: AbortSignal.abort() }), 'not-tracee');
  });

  it('of several waiters each gets one stop', async () => {
    const tracer = newTracer();
    const tracees = [];
    for (let count = 0; count < 4; count++) tracees.push(await attachOne(tracer, child(stormer()).pid));
    const waits = tracees.map(() => tracer.wait());
    for (const tracee of tracees) tracee.resume('syscall');
    const stops = await within(Promise.all(waits), 'four stops');
    expect(new Set(stops.map((stop) => stop.tracee))).toEqual(new Set(tracees));
  });

  it('is told when the last tracee has ended or was let go', async () => {
    const tracer = newTracer();
    await expectReason(tracer.wait(), 'not-tracee');
    const tracee = await attachOne(tracer, child(pauser()).pid);
    const waiting = tracer.wait();
    await tracee.detach();
    const error = await expectReason(within(waiting, 'the refusal'), 'not-tracee');
    expect(error.message).toContain('nothing is traced');
  });
});
