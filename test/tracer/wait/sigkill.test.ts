/**
 * SIGKILL at any moment is a typed outcome: whatever is awaited or asked for settles with the end, or fails with reason 'gone'.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isPtraceError } from '../../../lib/errors.js';
import { type ChildScript, run, script } from '../../../lib/raw/child.js';
import { isEnd, type Killed, type Stop, type Tracee, type Tracer } from '../../../lib/tracer/index.js';
import { limit } from '../../helpers/scale.js';
import {
  child,
  describeStop,
  endAfterTest,
  expectGone,
  gate,
  newTracer,
  openGate,
  pauser,
  readWord,
  seizeOne,
  send,
  stateOf,
  stormer,
  tasksOf,
  threaded,
  until,
  untilBlocking,
  which,
  within,
} from '../../helpers/tracing.js';

/** Numbers that are the same in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
}

/** What may come of anything that is done to a tracee which is being killed. */
async function outcome(action: () => unknown): Promise<'gone' | 'killed' | 'other'> {
  try {
    const value = await within(Promise.resolve(action() as Stop), 'an operation on a killed tracee');
    return value instanceof Object && 'kind' in value && value.kind === 'killed' ? 'killed' : 'other';
  } catch (error) {
    if (isPtraceError(error) && error.reason === 'gone') return 'gone';
    throw error;
  }
}

/** SIGKILL from another process, a while from now that nobody can foresee. */
function killLater(pid: number, spins: number): void {
  const killer = script().spin(spins).kill(pid, 9);
  endAfterTest(run(killer));
}

/** Uses the tracee in every way until its end, which must be that of SIGKILL. */
async function useUntilKilled(tracee: Tracee, next: (below: number) => number): Promise<Killed> {
  for (;;) {
    const { stop } = tracee;
    if (stop === null) {
      if (tracee.state === 'running' && next(3) === 0) await outcome(() => void tracee.interrupt());
      const told = await within(tracee.wait(), 'a stop or the end');
      if (told.kind === 'killed') return told;
      if (isEnd(told)) throw new Error(describeStop(told));
      continue;
    }
    switch (next(8)) {
      case 0:
        await outcome(() => tracee.registers.pc);
        break;
      case 1:
        await outcome(() => tracee.siginfo());
        break;
      case 2:
        await outcome(() => tracee.memory.read(0x1000n, 8)).catch((error: unknown) => {
          // Nothing is there; or the memory is gone before its thread.
          if (!isPtraceError(error) || !['kernel', 'gone', 'denied'].includes(error.reason)) throw error;
        });
        break;
      case 3:
        await outcome(() => void tracee.interrupt());
        break;
      case 4:
        if (stop.kind === 'event-stop' || stop.kind === 'group-stop') await outcome(() => void tracee.listen());
        // It listens without an end: only an interrupt gets it out.
        if (tracee.state === 'listening') await outcome(() => void tracee.interrupt());
        break;
      case 5:
        await outcome(() => void tracee.resume('cont'));
        break;
      case 6:
        await outcome(() => void tracee.resume('step'));
        break;
      default:
        await outcome(() => void tracee.resume('syscall'));
    }
  }
}

const VICTIMS: Readonly<Record<string, () => ChildScript>> = {
  'that makes system calls': stormer,
  'that sleeps': pauser,
  'that stops itself': () => script().loop((s) => s.tgkillSelf('SIGSTOP')),
  'that signals itself': () =>
    script()
      .ignore('SIGUSR2')
      .handle('SIGUSR1', (h) => h.syscall('getpid'))
      .loop((s) => s.tgkillSelf('SIGUSR1').tgkillSelf('SIGUSR2')),
  'that forks': () => script().loop((s) => s.fork((c) => c.exitGroup(0)).wait4()),
};

for (const [which, victim] of Object.entries(VICTIMS)) {
  test(
    `a tracee ${which} is killed at any moment: 60 times`,
    async () => {
      const next = random(which.length);
      for (let round = 0; round < 60; round++) {
        const tracer = newTracer(round % 2 === 0 ? {} : { events: ['fork', 'clone', 'exit'] });
        const tracee = await seizeOne(tracer, child(victim()).pid);
        killLater(tracee.tid, next(400_000));
        const end = await useUntilKilled(tracee, next);
        expect(describeStop(end)).toBe(`${tracee.tid}: killed SIGKILL`);
        expect(await outcome(() => tracee.registers)).toBe('gone');
        expect(await outcome(() => tracee.interrupt())).toBe('gone');
        expect(await tracee.wait()).toBe(end);
        expect(await tracee.detach()).toBe(end);
        // What it forked is told, too.
        for await (const stop of tracer) {
          if (isEnd(stop)) expect(stop.status).toBe(0);
          else stop.resume('cont');
        }
        expect(stateOf(end.tid)).toBeUndefined();
        await tracer.close();
      }
    },
    limit(60_000),
  );
}

test('between the wait and the first request every request finds it gone, and resume gives the end', async () => {
  const requests: Readonly<Record<string, (tracee: Tracee) => unknown>> = {
    registers: (tracee) => tracee.registers,
    siginfo: (tracee) => tracee.siginfo(),
    cont: (tracee) => tracee.resume('cont'),
    syscall: (tracee) => tracee.resume('syscall'),
    step: (tracee) => tracee.resume('step'),
    interrupt: (tracee) => void tracee.interrupt(),
    listen: (tracee) => tracee.listen(),
    detach: (tracee) => tracee.detach(),
    kill: (tracee) => tracee.kill(),
  };
  const tracer = newTracer();
  for (const [name, request] of Object.entries(requests)) {
    for (let round = 0; round < 10; round++) {
      const tracee = await seizeOne(tracer, child(pauser()).pid);
      expect((await within(tracee.interrupt(), 'the stop')).kind).toBe('event-stop');
      const { tid } = tracee;
      send(tid, 9);
      // Half of them on its way out, half of them dead.
      if (round % 2 === 0) untilBlocking(() => stateOf(tid) === 'Z', 'the death');
      const came = await outcome(() => request(tracee));
      // An interrupt is taken by what is dying, too.
      expect(name === 'interrupt' ? ['gone', 'other'] : ['gone', 'killed'], `${name}: ${came}`).toContain(came);
      if (['cont', 'syscall', 'step', 'detach', 'kill'].includes(name)) expect(came).toBe('killed');
      expect((await within(tracee.end(), 'the end')).kind).toBe('killed');
    }
  }
});

test('killed while it is listening, interrupted, or in EVENT_EXIT', async () => {
  for (let round = 0; round < 30; round++) {
    const tracer = newTracer({ events: ['exit'] });
    const tracee = await seizeOne(tracer, child(pauser()).pid);
    const { tid } = tracee;
    let seen: Promise<Stop>;
    if (round % 3 === 0) {
      send(tid, 19);
      let stop = await within(tracee.wait(), 'the signal');
      while (stop.kind !== 'group-stop' && !isEnd(stop)) stop = await within(stop.resume(), 'the group-stop');
      seen = Promise.resolve(tracee.listen());
    } else if (round % 3 === 1) {
      seen = Promise.resolve(tracee.interrupt());
    } else {
      seen = tracee.wait();
    }
    send(tid, 9);
    const told: Stop[] = [];
    for (let stop = await within(seen, 'a first'); ; stop = await within(stop.resume(), 'a next')) {
      told.push(stop);
      if (isEnd(stop)) break;
    }
    expect(describeStop(told.at(-1)!)).toBe(`${tid}: killed SIGKILL`);
    for (const stop of told.slice(0, -1)) expect(['exit', 'event-stop']).toContain(stop.kind);
    // In EVENT_EXIT a second SIGKILL changes nothing (since Linux 6.1): it stays until it is resumed.
    await tracer.close();
  }
});

test('EVENT_EXIT outlives SIGKILL; resumed, it ends as it was about to', async () => {
  const tracer = newTracer({ events: ['exit'] });
  const started = child(gate(script()).exitGroup(5));
  const tracee = await seizeOne(tracer, started.pid);
  openGate(started);
  const stop = await within(tracee.wait(), 'the exit stop');
  if (stop.kind !== 'exit') throw new Error(describeStop(stop));
  expect(stop.exitStatus).toBe(5 << 8);
  send(started.pid, 9);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const end = await within(stop.resume(), 'the end');
  expect(isEnd(end)).toBe(true);
  await expectGone(started.pid);
});

test(
  'killed during attach, of a process with many threads',
  async () => {
    const next = random(7);
    for (let round = 0; round < 40; round++) {
      const tracer = newTracer();
      const started = child(threaded(8, round % 2 === 0 ? (t) => t.loop((l) => l.pause()) : (t) => t.getppidLoop()));
      if (round % 4 !== 3) await until(() => stateOf(started.pid) !== undefined, 'the process');
      killLater(started.pid, next(300_000));
      let tracees: readonly Tracee[] = [];
      try {
        tracees = await within(tracer.attach(started.pid), 'attach');
      } catch (error) {
        if (!isPtraceError(error) || error.reason !== 'gone') throw error;
      }
      for (const tracee of tracees) expect(['stopped', 'running', 'ended']).toContain(tracee.state);
      const ends: string[] = [];
      for await (const stop of tracer) if (isEnd(stop)) ends.push(stop.kind);
      expect(new Set(ends)).toEqual(new Set(ends.length === 0 ? [] : ['killed']));
      expect(tracer.tracees).toEqual([]);
      await tracer.close();
    }
  },
  limit(60_000),
);

test(
  'killed during detach, of one thread and of many',
  async () => {
    const next = random(11);
    for (let round = 0; round < 60; round++) {
      const tracer = newTracer();
      const many = round % 2 === 0;
      const started = child(many ? threaded(5, (t) => t.getppidLoop()) : stormer());
      const tracees = await within(tracer.attach(started.pid), 'attach');
      if (round % 3 !== 0) for (const tracee of tracees) tracee.resume(round % 3 === 1 ? 'syscall' : 'cont');
      killLater(started.pid, next(100_000));
      const outcomes = await within(tracer.detach(started.pid), 'the detach');
      for (const { kind } of outcomes) expect(['detached', 'killed']).toContain(kind);
      expect(tracer.tracees).toEqual([]);
      await until(() => stateOf(started.pid) === undefined || stateOf(started.pid) === 'Z', 'the death');
      await tracer.close();
    }
  },
  limit(60_000),
);

test(
  'a program killed while it is spawned: the promise settles, and it is gone',
  async () => {
    const tracer = newTracer();
    // Who is born is found among our children, as an outsider would.
    const seen = { spawned: 0, refused: 0 };
    const next = random(3);
    for (let round = 0; round < 60; round++) {
      const before = new Set(ownChildren());
      const promise = tracer.spawn(which('sleep'), ['100'], { stdio: 'null' });
      const born = ownChildren().find((pid) => !before.has(pid));
      if (born === undefined) throw new Error('nothing was spawned');
      if (round % 3 === 0) send(born, 9);
      else killLater(born, next(1_500_000));
      try {
        const tracee = await within(promise, 'the spawn');
        seen.spawned++;
        const end = await within(tracee.end(), 'its end');
        expect(describeStop(end)).toBe(`${born}: killed SIGKILL`);
      } catch (error) {
        if (!isPtraceError(error) || !['exec-failed', 'gone'].includes(error.reason)) throw error;
        seen.refused++;
      }
      await expectGone(born);
      expect(tracer.tracees).toEqual([]);
    }
    expect(seen.refused).toBeGreaterThanOrEqual(20);
  },
  limit(60_000),
);

test(
  'threads that are killed one and all while a loop runs over them',
  async () => {
    const next = random(5);
    for (let round = 0; round < 30; round++) {
      const tracer: Tracer = newTracer({ resume: 'syscall' });
      const started = child(threaded(10, (t) => t.getppidLoop()));
      const tracees = await within(tracer.attach(started.pid), 'attach');
      killLater(started.pid, next(1_000_000));
      const born = new Set(tracees);
      const ended: Tracee[] = [];
      for await (const stop of tracer) {
        if (stop.kind === 'clone') born.add(stop.child);
        if (isEnd(stop)) {
          expect(describeStop(stop)).toBe(`${stop.tid}: killed SIGKILL`);
          ended.push(stop.tracee);
        }
      }
      // One whose parent was killed before it could name it is told all the same.
      for (const tracee of born) expect(ended).toContain(tracee);
      expect(new Set(ended).size).toBe(ended.length);
      // The leader's is the last.
      expect(ended.at(-1)?.tid).toBe(started.pid);
      await tracer.close();
    }
  },
  limit(60_000),
);

function ownChildren(): number[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
}

test('a thread that has executed a program ends with its process when SIGKILL takes the event away', async () => {
  const started = child(
    threaded(
      1,
      (s) => gate(s).exec(which('sleep'), ['sleep', '1000']),
      (s) => s.store('ready', 1).loop((t) => t.pause()),
    ),
  );
  const { pid } = started;
  await until(() => readWord(started, 'threads') === 1n && readWord(started, 'ready') === 1n, 'both run');
  const tracer = newTracer({ events: [] });
  const tracees = await tracer.seize(pid);
  expect(tracees).toHaveLength(2);
  openGate(started);
  // Nobody waits: the exec is seen by nobody.
  untilBlocking(() => tasksOf(pid).length === 1 && stateOf(pid) === 't', 'it stands behind its exec');
  send(pid, 9);
  untilBlocking(() => stateOf(pid) === 'Z', 'it is dead');
  const ends = await within(Promise.all(tracees.map((tracee) => tracee.end())), 'both ends');
  // The leader by the exec, as the other threads of such a process.
  expect(ends.map(({ kind }) => kind)).toEqual(['exited', 'killed']);
  await expectGone(pid);
  await tracer.close();
});
