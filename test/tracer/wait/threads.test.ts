/**
 * Several threads of one process trace at once: the main thread and Workers, each its own tracees, all with one SIGCHLD.
 */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { isEnd, type Tracee } from '../../../lib/tracer/index.js';
import {
  attachOne,
  child,
  describeStop,
  expectKind,
  newTracer,
  openGate,
  gate,
  pauser,
  seizeOne,
  send,
  stateOf,
  stormer,
  until,
  within,
} from '../../helpers/tracing.js';
import { script } from '../../../lib/raw/child.js';
import { limit } from '../../helpers/scale.js';
import { heardFrom, tracerWorker } from '../../helpers/workers.js';

const CALLS = 3000;

/** A Worker that traces every system call of a child of its own, and tells what it saw. */
const STORM = `
  const started = child.start(child.script()
    .waitUntil('gate', '!=', 0).getppidLoop(data.calls).exitGroup(data.code));
  // Its own first system calls are behind it when it naps at its gate.
  await until(() => stateOf(started.pid) === 'S');
  const tracer = new Tracer();
  const [tracee] = await tracer.attach(started.pid);
  await message();
  tracee.memory.write(started.address('gate'), new Uint8Array([1]));
  let entries = 0, exits = 0, wrong = 0;
  let stop = await tracee.resume('syscall');
  while (!isEnd(stop)) {
    if (stop.kind === 'syscall-entry') { if (stop.name === 'getppid') entries++; }
    else if (stop.kind === 'syscall-exit') { if (stop.entry?.name === 'getppid') exits++; }
    else wrong++;
    stop = await tracee.resume('syscall');
  }
  await tracer.close();
  post({ entries, exits, wrong, kind: stop.kind, code: stop.code });
  process.exitCode = 0;
`;

test(
  'two Workers and the main thread trace storms at once, each with its own counts',
  async () => {
    const workers = [1, 2].map((code) => tracerWorker(STORM, { calls: CALLS, code }));
    await Promise.all(workers.map((worker) => once(worker, 'online')));
    const answers = workers.map((worker) => heardFrom<Record<string, unknown>>(worker, "a Worker's counts", 30_000));

    const tracer = newTracer();
    const started = child(gate(script()).getppidLoop(CALLS).exitGroup(3));
    await until(() => stateOf(started.pid) === 'S', 'the gate');
    const tracee = await attachOne(tracer, started.pid);
    for (const worker of workers) worker.postMessage('go');
    openGate(started);
    let entries = 0;
    let exits = 0;
    let stop = await tracee.resume('syscall');
    while (!isEnd(stop)) {
      if (stop.kind === 'syscall-entry') {
        if (stop.name === 'getppid') entries++;
      } else if (expectKind(stop, 'syscall-exit').entry?.name === 'getppid') exits++;
      stop = await tracee.resume('syscall');
    }
    expect([entries, exits, describeStop(stop)]).toEqual([CALLS, CALLS, `${started.pid}: exited 3 (exit)`]);
    const counts = await Promise.all(answers);
    for (const [index, count] of counts.entries()) {
      expect(count).toEqual({ entries: CALLS, exits: CALLS, wrong: 0, kind: 'exited', code: index + 1 });
    }
  },
  limit(40_000),
);

/** A Worker in a storm until it is told to end. */
const ENDLESS = `
  const started = child.start(child.script().getppidLoop());
  const tracer = new Tracer();
  const [tracee] = await tracer.attach(started.pid);
  let going = true;
  message().then(() => { going = false; });
  post('storming');
  let stops = 0;
  while (going) { await tracee.resume('syscall'); stops++; }
  await tracer.close();
  raw.kill(started.pid, 9);
  await until(() => { try { return raw.wait4(started.pid, 1 | 0x40000000) !== null; } catch { return true; } });
  post(stops);
`;

/** A Worker that sleeps in a wait and tells each stop as it comes, and the CPU time it used on the way. */
const SLEEPER = `
  const tracer = new Tracer();
  const [tracee] = await tracer.seize(data.pid);
  post('asleep');
  for (;;) {
    const stop = await tracee.wait();
    if (isEnd(stop)) { post(stop.kind); break; }
    post(stop.signalName);
    stop.suppress();
  }
  await tracer.close();
`;

test('a Worker that sleeps while another storms gets its stops', async () => {
  const storming = tracerWorker(ENDLESS);
  expect(await heardFrom(storming, 'the storm')).toBe('storming');
  const { pid } = child(pauser());
  const sleeper = tracerWorker(SLEEPER, { pid });
  expect(await heardFrom(sleeper, 'the sleeper')).toBe('asleep');
  for (let round = 0; round < 30; round++) {
    const heard = heardFrom(sleeper, `signal ${round} at the sleeper`);
    send(pid, round % 2 === 0 ? 10 : 12);
    expect(await heard).toBe(round % 2 === 0 ? 'SIGUSR1' : 'SIGUSR2');
  }
  const end = heardFrom(sleeper, 'the end at the sleeper');
  send(pid, 9);
  expect(await end).toBe('killed');
  const stops = heardFrom<number>(storming, 'the count of the storm');
  storming.postMessage('enough');
  expect(await stops).toBeGreaterThan(500);
});

/** The same storm, in which the loop of the main thread is asleep. */
test('the main thread sleeps beside a storm of a Worker at little cost, and gets its stops', async () => {
  const storming = tracerWorker(ENDLESS);
  expect(await heardFrom(storming, 'the storm')).toBe('storming');
  const tracer = newTracer();
  const tracee = await seizeOne(tracer, child(pauser()).pid);
  const waiting = tracee.wait();
  // How long this thread's loop is busy, not how long the process is: the Worker storms in the same process. The least of several whiles,
  // since a machine that takes the CPU away makes a loop look busy.
  let utilization = 1;
  for (let round = 0; round < 10 && utilization >= 0.25; round++) {
    const before = performance.eventLoopUtilization();
    await new Promise((resolve) => setTimeout(resolve, 500));
    utilization = Math.min(utilization, performance.eventLoopUtilization(before).utilization);
  }
  send(tracee.tid, 10);
  expectKind(await within(waiting, 'the signal'), 'signal-delivery').suppress();
  const stops = heardFrom<number>(storming, 'the count of the storm');
  storming.postMessage('enough');
  expect(await stops).toBeGreaterThan(500);
  // Answering every ring of a storm of 50,000 stops a second would keep the loop busy all the time.
  expect(utilization).toBeLessThan(0.5);
});

test('a tracee belongs to the thread that attached it: from another one it is refused with the reason', async () => {
  const { pid } = child(pauser());
  const worker = tracerWorker(SLEEPER, { pid });
  expect(await heardFrom(worker, 'the sleeper')).toBe('asleep');
  const tracer = newTracer();
  const error = await tracer.attach(pid).then(
    () => undefined,
    (reason: unknown) => reason as Error & { reason: string },
  );
  expect(error?.reason).toBe('denied');
  expect(error?.message).toContain('traces it already');
  const end = heardFrom(worker, 'the end');
  send(pid, 9);
  expect(await end).toBe('killed');
});

test('stops of two tracers of one thread do not mix', async () => {
  const tracers = [newTracer(), newTracer()];
  const tracees: Tracee[] = [];
  for (const tracer of tracers) {
    for (let index = 0; index < 2; index++) tracees.push(await attachOne(tracer, child(stormer()).pid));
  }
  const own = tracers.map((tracer) => new Set(tracer.tracees.map(({ tid }) => tid)));
  const runs = tracers.map(async (tracer, which) => {
    for (const tracee of tracer.tracees) tracee.resume('syscall');
    for (let count = 0; count < 1000; count++) {
      const stop = await tracer.wait();
      expect(own[which]?.has(stop.tid)).toBe(true);
      if (isEnd(stop)) throw new Error(describeStop(stop));
      stop.resume('syscall');
    }
  });
  await within(Promise.all(runs), 'both loops');
  // One of them closes; the other goes on.
  await tracers[0]?.close();
  const rest = tracees[2];
  if (rest === undefined) throw new Error('no third tracee');
  for (let count = 0; count < 100; count++) {
    const stop = await within(
      rest.state === 'stopped' ? rest.resume('syscall') : rest.wait(),
      'a stop after the close',
    );
    if (isEnd(stop)) throw new Error(describeStop(stop));
  }
});
