/**
 * The wait never consumes a status that is not its own: the children that Node started come and go beside a storm of stops.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { script } from '../../../lib/raw/child.js';
import { isEnd, type Tracee } from '../../../lib/tracer/index.js';
import {
  child,
  describeStop,
  newTracer,
  pauser,
  seizeOne,
  send,
  stateOf,
  stormer,
  until,
  within,
} from '../../helpers/tracing.js';
import { reapedNow } from '../../helpers/processes.js';

const CHILDREN = 200;

interface Heard {
  readonly child: ChildProcess;
  readonly exits: [code: number | null, signal: NodeJS.Signals | null][];
}

function hear(started: ChildProcess): Heard {
  const exits: Heard['exits'] = [];
  started.on('exit', (code, signal) => exits.push([code, signal]));
  return { child: started, exits };
}

/** A tracee that is kept in the storm for as long as it is `on`. */
async function storm(tracee: Tracee, state: { on: boolean; stops: number }): Promise<void> {
  let stop = await tracee.interrupt();
  while (state.on) {
    if (isEnd(stop)) throw new Error(describeStop(stop));
    stop = await tracee.resume('syscall');
    state.stops++;
  }
}

test('200 children of child_process come and go beside a storm of stops, each told once and right', async () => {
  const tracer = newTracer();
  // Nobody reaps this one: it stands before all others in every wait for anything.
  const zombie = child(script().exitGroup(99)).pid;
  await until(() => stateOf(zombie) === 'Z', 'the zombie');
  const tracee = await seizeOne(tracer, child(stormer()).pid);
  const state = { on: true, stops: 0 };
  const storming = storm(tracee, state);

  const waiting: Heard[] = [];
  for (let index = 0; index < CHILDREN; index++) {
    // They wait for their input, so that all of them live at the same time.
    const end = index % 4 === 3 ? 'kill -TERM $$' : `exit ${index % 100}`;
    waiting.push(hear(spawn('/bin/sh', ['-c', `read line; ${end}`], { stdio: ['pipe', 'ignore', 'ignore'] })));
  }
  const stopped = hear(spawn('/bin/sh', ['-c', 'kill -STOP $$; exit 7'], { stdio: 'ignore' }));
  const continued = hear(
    spawn('/bin/sh', ['-c', 'kill -STOP $$; read line; exit 8'], { stdio: ['pipe', 'ignore', 'ignore'] }),
  );
  const stoppedPid = stopped.child.pid ?? 0;
  const continuedPid = continued.child.pid ?? 0;
  await until(() => stateOf(stoppedPid) === 'T' && stateOf(continuedPid) === 'T', 'two stopped children');
  send(continuedPid, 18);
  await until(() => stateOf(continuedPid) === 'S', 'the continued child waits');

  // Others come and go meanwhile, in every way that Node has.
  const sync = spawnSync('/bin/sh', ['-c', 'exit 42']);
  expect([sync.status, sync.signal]).toEqual([42, null]);
  const run = await execa('/bin/sh', ['-c', 'echo out; echo err >&2; exit 3'], { reject: false });
  expect([run.exitCode, run.stdout, run.stderr]).toEqual([3, 'out', 'err']);
  expect(waiting.every(({ exits }) => exits.length === 0)).toBe(true);

  for (const { child: one } of waiting) one.stdin?.end('\n');
  await until(() => waiting.every(({ exits }) => exits.length > 0), 'all children have ended', 20_000);
  expect(stopped.exits).toEqual([]);
  expect(continued.exits).toEqual([]);
  continued.child.stdin?.end('\n');
  send(stoppedPid, 18);
  await until(
    () => stopped.exits.length > 0 && continued.exits.length > 0,
    'the stopped and the continued child have ended',
  );

  // A machine that is busy with so many children may have had little time for the storm.
  await until(() => state.stops > 20, 'the storm goes on');
  state.on = false;
  await within(storming, 'the storm ends');
  expect(stopped.exits).toEqual([[7, null]]);
  expect(continued.exits).toEqual([[8, null]]);
  for (const [index, { exits }] of waiting.entries()) {
    expect(exits).toEqual([index % 4 === 3 ? [null, 'SIGTERM'] : [index % 100, null]]);
  }
  expect(stateOf(zombie)).toBe('Z');
  expect(reapedNow(zombie)).toBe(true);
});

test('the same while many tracees are looked at, by `for await`', async () => {
  const tracer = newTracer({ resume: 'syscall' });
  const pids = Array.from({ length: 4 }, () => child(stormer()).pid);
  const tracees = [];
  for (const pid of pids) tracees.push(await seizeOne(tracer, pid));
  const heard: Heard[] = [];
  for (const tracee of tracees) tracee.interrupt();
  let stops = 0;
  const ends: string[] = [];
  for await (const stop of tracer) {
    if (isEnd(stop)) ends.push(describeStop(stop));
    if (++stops === 100) {
      for (let index = 0; index < 50; index++) {
        heard.push(hear(spawn('/bin/sh', ['-c', `exit ${index + 1}`], { stdio: 'ignore' })));
      }
    }
    if (stops > 100 && heard.every(({ exits }) => exits.length > 0)) for (const pid of pids) send(pid, 9);
  }
  expect(heard).toHaveLength(50);
  expect(ends.sort()).toEqual(pids.map((pid) => `${pid}: killed SIGKILL`).sort());
  for (const [index, { exits }] of heard.entries()) expect(exits).toEqual([[index + 1, null]]);
});

test('a child that is stopped, and one that is a zombie, hide nothing from a wait that sleeps', async () => {
  const tracer = newTracer();
  const zombie = child(script().exitGroup(1)).pid;
  const stopped = child(script().killSelf('SIGSTOP')).pid;
  await until(() => stateOf(zombie) === 'Z' && stateOf(stopped) === 'T', 'a zombie and a stopped child');
  const pids = [child(pauser()).pid, child(pauser()).pid];
  for (const pid of pids) await seizeOne(tracer, pid);
  for (let round = 0; round < 20; round++) {
    const waiting = tracer.wait();
    // It sleeps by now: the signal comes from outside and later.
    await new Promise((resolve) => setTimeout(resolve, 2));
    const pid = pids[round % 2] ?? 0;
    send(pid, 10);
    const stop = await within(waiting, 'the signal');
    expect(describeStop(stop)).toBe(`${pid}: signal-delivery SIGUSR1`);
    if (stop.kind === 'signal-delivery') stop.suppress();
  }
  expect([stateOf(zombie), stateOf(stopped)]).toEqual(['Z', 'T']);
});
