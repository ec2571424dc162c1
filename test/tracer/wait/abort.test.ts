/**
 * A wait that is aborted takes nothing with it.
 */
import { expect, test } from 'vitest';
import { isEnd } from '../../../lib/tracer/index.js';
import { node, nodeLimit } from '../../helpers/node.js';
import {
  attachOne,
  child,
  describeStop,
  expectKind,
  expectReason,
  newTracer,
  pauser,
  seizeOne,
  send,
  stateOf,
  stormer,
  untilBlocking,
  within,
} from '../../helpers/tracing.js';

test('an aborted wait rejects with the reason as its cause, at once if it was aborted before', async () => {
  const tracer = newTracer();
  const tracee = await seizeOne(tracer, child(pauser()).pid);
  for (const wait of [
    (signal: AbortSignal) => tracer.wait({ signal }),
    (signal: AbortSignal) => tracee.wait({ signal }),
  ]) {
    const controller = new AbortController();
    const waiting = wait(controller.signal);
    const why = new Error('enough');
    controller.abort(why);
    const error = await expectReason(waiting, 'aborted');
    expect(error.cause).toBe(why);
    await expectReason(wait(AbortSignal.abort(why)), 'aborted');
  }
  // Nothing was broken by it.
  const next = tracee.wait();
  send(tracee.tid, 10);
  expectKind(await within(next, 'the signal'), 'signal-delivery');
});

test('no stop is lost when a wait is aborted as the stop comes: 200 times', async () => {
  const tracer = newTracer();
  const tracee = await seizeOne(tracer, child(pauser()).pid);
  let aborted = 0;
  for (let round = 0; round < 200; round++) {
    const controller = new AbortController();
    const waiting =
      round % 2 === 0 ? tracer.wait({ signal: controller.signal }) : tracee.wait({ signal: controller.signal });
    const came = waiting.catch(() => undefined);
    if (round % 5 === 0) controller.abort();
    send(tracee.tid, 10);
    if (round % 5 === 1) untilBlocking(() => stateOf(tracee.tid) === 't', 'the stop');
    if (round % 5 === 2) await new Promise(setImmediate);
    if (round % 5 === 3) await Promise.resolve();
    controller.abort();
    let stop = await within(came, 'the wait settles');
    if (stop === undefined) {
      aborted++;
      stop = await within(round % 3 === 0 ? tracer.wait() : tracee.wait(), 'the stop, for who asks next');
    }
    expectKind(stop, 'signal-delivery').suppress();
  }
  expect(aborted).toBeGreaterThan(0);
});

test('of two who wait for one tracee, one aborts: the other gets the stop, once', async () => {
  const tracer = newTracer();
  const tracee = await seizeOne(tracer, child(pauser()).pid);
  const controller = new AbortController();
  const aborting = tracee.wait({ signal: controller.signal });
  const patient = tracee.wait();
  controller.abort();
  await expectReason(aborting, 'aborted');
  send(tracee.tid, 10);
  const stop = expectKind(await within(patient, 'the stop'), 'signal-delivery');
  const next = tracer.wait();
  stop.suppress();
  send(tracee.tid, 12);
  expect(describeStop(await within(next, 'the next stop'))).toBe(`${tracee.tid}: signal-delivery SIGUSR2`);
});

test('an aborted wait changes no order: a stop, then the end of the same tracee', async () => {
  for (let round = 0; round < 30; round++) {
    const tracer = newTracer({ events: ['exit'] });
    const tracee = await seizeOne(tracer, child(pauser()).pid);
    const { tid } = tracee;
    const controller = new AbortController();
    const waiting = (round % 2 === 0 ? tracer : tracee).wait({ signal: controller.signal });
    controller.abort();
    await expectReason(waiting, 'aborted');
    send(tid, 9);
    const first = await within(tracer.wait(), 'the exit stop');
    const told = [first.kind];
    if (!isEnd(first)) {
      first.resume();
      told.push((await within(tracer.wait(), 'the end')).kind);
    }
    expect(told).toEqual(['exit', 'killed']);
    await tracer.close();
  }
});

test('an aborted wait in a storm keeps the storm going for the others', async () => {
  const tracer = newTracer({ resume: 'syscall' });
  const one = await attachOne(tracer, child(stormer()).pid);
  await attachOne(tracer, child(stormer()).pid);
  let aborted = 0;
  let stops = 0;
  let last = performance.now();
  for await (const stop of tracer) {
    if (isEnd(stop)) throw new Error(describeStop(stop));
    if (++stops === 1500) break;
    last = performance.now();
    if (stops % 10 === 0) {
      const controller = new AbortController();
      const waiting = tracer.wait({ signal: controller.signal });
      controller.abort();
      await waiting.then(
        (got) => {
          if (!isEnd(got)) got.resume('syscall');
        },
        () => aborted++,
      );
    }
  }
  expect(performance.now() - last).toBeLessThan(5000);
  expect([stops, one.state === 'ended']).toEqual([1500, false]);
  expect(aborted).toBeGreaterThan(0);
});

test(
  'an aborted wait keeps Node not alive',
  async () => {
    const tracing = node(`
    const { pid } = start(script().loop((s) => s.pause()));
    const tracer = new Tracer();
    const [tracee] = await tracer.seize(pid);
    for (const wait of [tracer.wait({ signal: AbortSignal.timeout(20) }), tracee.wait({ signal: AbortSignal.timeout(20) })]) {
      const hold = setTimeout(() => undefined, 10_000);
      await wait.catch((error) => post(error.reason));
      clearTimeout(hold);
    }
  `);
    expect(await tracing.heard('the first')).toBe('aborted');
    expect(await tracing.heard('the second')).toBe('aborted');
    expect(await tracing.ended()).toEqual({ code: 0, signal: null, stderr: '' });
  },
  nodeLimit,
);
