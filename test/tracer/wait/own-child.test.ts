/**
 * Children that Node itself started are not traced from inside their own process: libuv would take their first stop for their death.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { binding } from '../../../lib/binding.js';
import type { PtraceError } from '../../../lib/errors.js';
import { isEnd } from '../../../lib/tracer/index.js';
import {
  child,
  describeStop,
  expectReason,
  expectUntraced,
  newTracer,
  pauser,
  statusOf,
  within,
} from '../../helpers/tracing.js';
import { heardFrom, tracerWorker } from '../../helpers/workers.js';
import { node, nodeLimit } from '../../helpers/node.js';

const sleepers = new Set<ChildProcess>();

afterEach(async () => {
  for (const sleeper of sleepers) {
    const ended = sleeper.exitCode !== null || sleeper.signalCode !== null ? undefined : once(sleeper, 'exit');
    sleeper.kill('SIGKILL');
    await ended;
  }
  sleepers.clear();
});

function sleeper(): { readonly pid: number; readonly exits: unknown[]; readonly process: ChildProcess } {
  const started = spawn('sleep', ['100'], { stdio: 'ignore' });
  sleepers.add(started);
  const exits: unknown[] = [];
  started.on('exit', (code, signal) => exits.push([code, signal]));
  return { pid: started.pid ?? 0, exits, process: started };
}

test('a child of child_process is refused with the remedy, whether it is older or younger than the tracer', async () => {
  const older = sleeper();
  const tracer = newTracer();
  const younger = sleeper();
  for (const { pid } of [older, younger]) {
    for (const options of [undefined, { threads: 'one' }] as const) {
      for (const error of [
        await expectReason(tracer.attach(pid, options), 'own-child'),
        await expectReason(tracer.seize(pid, options), 'own-child'),
      ]) {
        expect(error.tid).toBe(pid);
        expect(error.message).toContain('tracer.spawn()');
        expect(error.message).toContain('allowNodeChild');
      }
    }
    expect(statusOf(pid)?.tracerPid).toBe(0);
  }
  expect(tracer.tracees).toEqual([]);
  expect([older.exits, younger.exits]).toEqual([[], []]);
});

test('the same from a Worker, and for what a Worker started', async () => {
  const { pid } = sleeper();
  const worker = tracerWorker(
    `
    const { spawn } = await import('node:child_process');
    const own = spawn('sleep', ['100'], { stdio: 'ignore' });
    const tracer = new Tracer();
    const reasons = [];
    for (const each of [data, own.pid]) reasons.push(await tracer.seize(each).then(() => 'seized', (error) => error.reason));
    post({ reasons, own: own.pid });
    await message();
    own.kill('SIGKILL');
    await new Promise((resolve) => own.on('exit', resolve));
    post('ended');
  `,
    pid,
  );
  const { reasons, own } = await heardFrom<{ reasons: string[]; own: number }>(worker, 'the refusals');
  expect(reasons).toEqual(['own-child', 'own-child']);
  await expectReason(newTracer().attach(own), 'own-child');
  const ended = heardFrom(worker, 'the end');
  worker.postMessage('enough');
  expect(await ended).toBe('ended');
});

test('with allowNodeChild a child that nobody here waits for is traced', async () => {
  // A child that some other addon made: neither Node's nor ours.
  const { pid } = child(pauser());
  binding().forgetChild(pid);
  const tracer = newTracer();
  await expectReason(tracer.attach(pid), 'own-child');
  const [tracee] = await within(tracer.attach(pid, { allowNodeChild: true }), 'the attach');
  expect(tracee?.tid).toBe(pid);
  expect(tracee?.stop?.kind).toBe('event-stop');
  await tracer.detach(pid);
  await expectUntraced(pid, 'S');
});

test('our own children may be traced again: from here and from another thread', async () => {
  const tracer = newTracer();
  const program = await tracer.spawn('sleep', ['100'], { stdio: 'null' });
  const { pid } = program;
  const script = child(pauser()).pid;
  await program.detach();
  // Here.
  const again = newTracer();
  const [tracee] = await within(again.attach(pid), 'a second attach');
  expect(tracee?.tid).toBe(pid);
  await again.detach(pid);
  // In a Worker.
  const worker = tracerWorker(
    `
    const tracer = new Tracer();
    const kinds = [];
    for (const pid of data) {
      const [tracee] = await tracer.attach(pid);
      kinds.push(tracee.stop.kind);
      await tracee.detach();
    }
    await tracer.close();
    post(kinds);
  `,
    [pid, script],
  );
  expect(await heardFrom(worker, 'the attaches')).toEqual(['event-stop', 'event-stop']);
  await expectUntraced(pid, 'S');
  const end = program.end();
  process.kill(pid, 'SIGKILL');
  expect(describeStop(await within(end, 'its end'))).toBe(`${pid}: killed SIGKILL`);
});

test('a child of ours that ends while it is traced again is told to both, once', async () => {
  for (let round = 0; round < 10; round++) {
    const tracer = newTracer();
    const program = await tracer.spawn('yes', [], { stdio: 'null' });
    const { pid } = program;
    await program.detach();
    const first = program.end();
    const again = newTracer();
    const [tracee] = await within(again.attach(pid), 'a second attach');
    if (tracee === undefined) throw new Error('no tracee');
    // Its stops are the second tracer's alone, whoever else waits for its end.
    for (let stop = 0; stop < 5; stop++)
      expect((await within(tracee.resume('syscall'), 'a stop')).kind).toMatch(/^sys/);
    const ended = within(tracee.resume('syscall'), 'the end, as a tracee');
    process.kill(pid, 'SIGKILL');
    expect(describeStop(await ended)).toBe(`${pid}: killed SIGKILL`);
    expect(describeStop(await within(first, 'the end, as a child'))).toBe(`${pid}: killed SIGKILL`);
    expect(statusOf(pid)).toBeUndefined();
    await again.close();
    await tracer.close();
  }
});

test('a child of ours that a Worker traces keeps its stops for the Worker, and its end for both', async () => {
  const tracer = newTracer();
  const program = await tracer.spawn('sh', ['-c', 'read line; kill -USR1 $$; kill -USR2 $$; exit 7'], {
    stdio: ['pipe', 'null', 'null'],
  });
  const { pid } = program;
  await program.detach();
  const end = program.end().then(describeStop, (error: unknown) => (error as PtraceError).reason);
  const worker = tracerWorker(
    `
    const tracer = new Tracer();
    const [tracee] = await tracer.attach(data);
    post('attached');
    const told = [];
    let stop = await tracee.resume();
    while (!isEnd(stop)) {
      told.push(stop.signalName ?? stop.kind);
      stop = await (stop.kind === 'signal-delivery' ? stop.suppress() : stop.resume());
    }
    post([...told, stop.kind, stop.code]);
  `,
    pid,
  );
  expect(await heardFrom(worker, 'the attach')).toBe('attached');
  const told = heardFrom(worker, 'what the Worker was told');
  program.stdin?.end('\n');
  expect(await told).toEqual(['SIGUSR1', 'SIGUSR2', 'exited', 7]);
  // The Worker reaps it. This thread is told as well, if it looked in time.
  const heard = await within(end, 'the end here');
  expect([`${pid}: exited 7 (exit)`, 'not-tracee']).toContain(heard);
});

test("a Worker's spawned child may be traced from the main thread once it was detached", async () => {
  const worker = tracerWorker(`
    const tracer = new Tracer();
    const program = await tracer.spawn('sleep', ['100'], { stdio: 'null' });
    await program.detach();
    post(program.pid);
    const end = await program.end();
    post([end.kind, end.signalName]);
  `);
  const pid = await heardFrom<number>(worker, 'the program');
  const tracer = newTracer();
  const [tracee] = await within(tracer.attach(pid), 'the attach');
  expect(tracee?.tid).toBe(pid);
  await tracer.detach(pid);
  const end = heardFrom(worker, 'the end');
  process.kill(pid, 'SIGKILL');
  expect(await end).toEqual(['killed', 'SIGKILL']);
});

test("a grandchild that Node's child started is nobody's in Node, and may be traced", async () => {
  const shell = spawn('/bin/sh', ['-c', 'sleep 100 & echo $!; wait'], { stdio: ['ignore', 'pipe', 'ignore'] });
  sleepers.add(shell);
  const [line] = (await within(once(shell.stdout, 'data'), 'the pid')) as [Buffer];
  const pid = Number(line.toString());
  const tracer = newTracer();
  const [tracee] = await within(tracer.attach(pid), 'the attach');
  if (tracee === undefined) throw new Error('no tracee');
  tracee.kill();
  const end = await within(tracee.end(), 'the end');
  expect(isEnd(end)).toBe(true);
  await within(once(shell, 'exit'), 'the shell, which waited for it');
  expect(shell.exitCode).toBe(0);
});

test(
  'a pid that was ours is not ours when it comes again',
  async () => {
    // After its end a child of ours is forgotten: nothing of it is left that would admit a child of Node with the same pid.
    const tracing = node(
      `
    const { binding } = await import(data);
    const tracer = new Tracer();
    const program = await tracer.spawn('true', [], { stdio: 'null' });
    const { pid } = program;
    post(binding().isRegisteredChild(pid));
    for await (const stop of tracer);
    post(binding().isRegisteredChild(pid));
  `,
      new URL('../../../dist/binding.js', import.meta.url).href,
    );
    expect(await tracing.heard('while it lives')).toBe(true);
    expect(await tracing.heard('after its end')).toBe(false);
  },
  nodeLimit,
);
