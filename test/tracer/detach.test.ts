import { describe, expect, it } from 'vitest';
import { SIG, isStopSignal } from '../../lib/kernel/signals.js';
import { type ChildScript, script } from '../../lib/raw/child.js';
import { type ResumeMode, type Stop, type Tracee } from '../../lib/tracer/index.js';
import { limit } from '../helpers/scale.js';
import {
  attachOne,
  child,
  describeProcess,
  endAfterTest,
  expectEnd,
  expectGone,
  expectKind,
  expectReason,
  expectUntraced,
  newTracer,
  pauser,
  seizeOne,
  send,
  stateOf,
  statusOf,
  stormer,
  tasksOf,
  threaded,
  until,
  within,
} from '../helpers/tracing.js';
import { held, paused, RET, seccompFilter, type HeldPart } from './programs.js';

/** Detaches, and expects an untraced process in one of these states. */
async function letGo(tracee: Tracee, states: string, signal?: number | string): Promise<void> {
  const outcome = await within(tracee.detach(signal === undefined ? undefined : { signal }), 'the detach');
  expect(outcome).toEqual({ kind: 'detached', tid: tracee.tid });
  expect(tracee.state).toBe('detached');
  expect(tracee.stop).toBeNull();
  await expectUntraced(tracee.tid, states);
}

describe('detach', () => {
  it('from running lets it run on, without any signal', async () => {
    for (const [part, states] of [
      [pauser(), 'S'],
      [stormer(), 'R'],
      [script().spin(), 'R'],
    ] as const) {
      const started = child(part);
      await until(() => states.includes(stateOf(started.pid) ?? ''), 'it runs');
      await letGo(await seizeOne(newTracer(), started.pid), states);
      expect(statusOf(started.pid)).toMatchObject({ sigPnd: 0n, shdPnd: 0n });
    }
  });

  it('from running, stopped by SIGSTOP but let run, is what job control says: stopped', async () => {
    const pid = await paused();
    const tracee = await seizeOne(newTracer(), pid);
    send(pid, SIG.SIGSTOP);
    await waitFor(tracee, 'group-stop');
    tracee.resume();
    await until(() => stateOf(pid) === 'S', 'it runs');
    await letGo(tracee, 'T');
    send(pid, SIG.SIGCONT);
    await expectUntraced(pid, 'S');
  });

  it('from a group-stop, listening or not, leaves it stopped; SIGCONT continues it', async () => {
    for (const signal of [SIG.SIGSTOP, SIG.SIGTSTP, SIG.SIGTTIN, SIG.SIGTTOU]) {
      for (const listening of [false, true]) {
        const pid = await paused();
        const tracee = await seizeOne(newTracer(), pid);
        send(pid, signal);
        const stop = expectKind(await waitFor(tracee, 'group-stop'), 'group-stop');
        if (listening) stop.listen();
        await letGo(tracee, 'T');
        send(pid, SIG.SIGCONT);
        await expectUntraced(pid, 'S');
      }
    }
  });

  it('from a stop of an interrupt, an event or a system call lets it run', async () => {
    const loop = (s: ChildScript): unknown => s.loop((t) => t.fork((u) => u.exitGroup(0)).wait4());
    const cases: [kind: Stop['kind'], part: (s: ChildScript) => unknown, mode: ResumeMode][] = [
      ['syscall-entry', (s) => s.getppidLoop(), 'syscall'],
      ['syscall-exit', (s) => s.getppidLoop(), 'syscall'],
      ['fork', loop, 'cont'],
      ['vfork', (s) => s.loop((t) => t.vfork((u) => u.exit(0)).wait4()), 'cont'],
      ['vfork-done', (s) => s.loop((t) => t.vfork((u) => u.exit(0)).wait4()), 'cont'],
      ['clone', (s) => s.loop((t) => t.thread((u) => u.exit(0)).nanosleep(1)), 'cont'],
      ['step', (s) => s.getppidLoop(), 'step'],
      ['seccomp', (s) => s.seccompFilter(seccompFilter({ getppid: RET.trace(1) })).getppidLoop(), 'cont'],
    ];
    for (const [kind, play, mode] of cases) {
      const tracer = newTracer({ events: ['fork', 'vfork', 'vfork-done', 'clone', 'seccomp'] });
      const part = await held(play, tracer);
      const stop = await stopOf(part, kind, mode);
      expect(stop.kind).toBe(kind);
      // All of the process and what came from it.
      await within(tracer.detach(), `the detach at ${kind}`);
      await expectUntraced(part.started.pid, 'RSD');
      expect(tracer.tracees).toEqual([]);
      send(part.started.pid, SIG.SIGKILL);
    }
  });

  it('from an exec-stop lets the program run to its end', async () => {
    const tracer = newTracer();
    const tracee = await tracer.spawn('/bin/sh', ['-c', 'exit 9'], { stdio: 'null' });
    expect(await tracee.detach()).toEqual({ kind: 'detached', tid: tracee.pid });
    // Our own child: its end is told all the same, and it is reaped.
    expect(await within(tracee.end(), 'its end')).toMatchObject({ kind: 'exited', code: 9 });
    await expectGone(tracee.pid);
  });

  it('from an exit-stop lets it end with its status', async () => {
    const tracer = newTracer({ events: ['exit'] });
    const tracee = await tracer.spawn('/bin/sh', ['-c', 'exit 11'], { stdio: 'null' });
    expect(expectKind(await within(tracee.resume(), 'the exit-stop'), 'exit').exitStatus).toBe(11 << 8);
    await tracee.detach();
    expect(await within(tracee.end(), 'its end')).toMatchObject({ kind: 'exited', code: 11 });
  });

  it('delivers the signal of a signal-delivery-stop, or another, or none', async () => {
    const counting = (): ChildScript =>
      script()
        .handle('SIGUSR1', (s) => s.increment('usr1'))
        .handle('SIGUSR2', (s) => s.increment('usr2'))
        .handle('SIGTRAP', (s) => s.increment('trap'))
        .loop((s) => s.pause());
    for (const [given, usr1, usr2] of [
      [undefined, 1, 0],
      ['SIGUSR2', 0, 1],
      [0, 0, 0],
    ] as const) {
      const started = child(counting());
      await paused(started);
      const tracee = await seizeOne(newTracer(), started.pid);
      const { memory } = tracee;
      const before = memory.read(started.address('usr1'), 8).complete;
      expect(before).toBe(true);
      send(started.pid, SIG.SIGUSR1);
      expectKind(await within(tracee.wait(), 'the signal'), 'signal-delivery');
      await letGo(tracee, 'SR', given);
      const again = await attachOne(newTracer(), started.pid);
      const count = (name: string): number =>
        Number(Buffer.from(again.memory.read(started.address(name), 8).bytes).readBigUInt64LE());
      again.resume();
      await until(() => count('usr1') === usr1 && count('usr2') === usr2, 'the handlers');
    }
    const pid = await paused();
    const tracee = await seizeOne(newTracer(), pid);
    send(pid, SIG.SIGTERM);
    await within(tracee.wait(), 'the signal');
    await within(tracee.detach(), 'the detach');
    await until(() => stateOf(pid) === 'Z', 'it dies of the signal');
  });

  it('delivers a stop signal: the process is stopped', async () => {
    for (const signal of [SIG.SIGSTOP, SIG.SIGTSTP, SIG.SIGTTIN, SIG.SIGTTOU]) {
      const pid = await paused();
      const tracee = await seizeOne(newTracer(), pid);
      send(pid, signal);
      expectKind(await within(tracee.wait(), 'the signal'), 'signal-delivery');
      await letGo(tracee, 'T');
      expect(isStopSignal(signal)).toBe(true);
    }
  });

  it('of a step takes its trap along', async () => {
    for (const interrupt of [false, true]) {
      const { tracee, go, started } = await held((s) => s.getppidLoop());
      go('step');
      if (interrupt) tracee.interrupt();
      await letGo(tracee, 'RS');
      expect(statusOf(started.pid)).toMatchObject({ sigPnd: 0n });
    }
  });

  it('of a new child in its first moment waits for its first stop', async () => {
    const tracer = newTracer();
    const part = await held(
      (s) => s.fork((t) => t.dieWithParent().loop((u) => u.pause())).loop((t) => t.pause()),
      tracer,
    );
    const fork = expectKind(await within(part.go(), 'the fork'), 'fork');
    await letGo(fork.child, 'SR');
    fork.resume();
    await letGo(part.tracee, 'SR');
    // It may not have said yet that it dies with its parent.
    send(fork.child.pid, SIG.SIGKILL);
  });

  it('of parent and child in a vfork lets both go', async () => {
    const tracer = newTracer();
    const part = await held(
      (s) =>
        s
          .vfork((t) => t.waitUntil('leave', '==', 1).exit(0))
          .store('done', 1)
          .loop((t) => t.pause()),
      tracer,
    );
    const vfork = expectKind(await within(part.go(), 'the vfork'), 'vfork');
    await within(vfork.child.wait(), 'its first stop');
    vfork.resume();
    await until(() => stateOf(part.started.pid) === 'D', 'the parent waits');
    const detached = tracer.detach();
    // The parent cannot stop before its child has left.
    await until(() => statusOf(vfork.child.pid)?.tracerPid === 0, 'the child is let go');
    const own = await seizeOne(newTracer({ events: [] }), vfork.child.pid);
    own.memory.write(part.started.address('leave'), Uint8Array.of(1));
    expectEnd(await within(own.wait(), 'the end of the child'));
    await within(detached, 'the detach');
    expect(tracer.tracees).toEqual([]);
    await expectUntraced(part.started.pid, 'SR');
  });

  it('twice, or at the same time, is once', async () => {
    const pid = await paused();
    const tracer = newTracer();
    const tracee = await seizeOne(tracer, pid);
    const both = await within(Promise.all([tracee.detach(), tracee.detach(), tracer.detach(pid)]), 'the detaches');
    expect(both.slice(0, 2)).toEqual([
      { kind: 'detached', tid: pid },
      { kind: 'detached', tid: pid },
    ]);
    expect(await tracee.detach()).toEqual({ kind: 'detached', tid: pid });
    await expectUntraced(pid, 'S');
    await expectReason(() => tracee.resume(), 'not-tracee');
    await expectReason(() => tracee.interrupt(), 'not-tracee');
    await expectReason(() => tracee.kill(), 'not-tracee');
    await expectReason(tracee.wait(), 'not-tracee');
    await expectReason(tracee.end(), 'not-tracee');
  });

  it('of one that is killed meanwhile gives its end', async () => {
    const tracer = newTracer();
    const tracee = await seizeOne(tracer, await paused());
    send(tracee.pid, SIG.SIGKILL);
    const outcome = await within(tracee.detach(), 'the detach');
    expect(outcome).toMatchObject({ kind: 'killed', signal: SIG.SIGKILL });
    expect(await tracee.detach()).toBe(outcome);

    const stopped = await attachOne(tracer, await paused());
    send(stopped.pid, SIG.SIGKILL);
    expect(await within(stopped.detach(), 'the detach')).toMatchObject({ kind: 'killed' });
    await expectGone(stopped.pid);
  });

  it(
    'can be followed by another attach, again and again, and disturbs no sleep',
    { timeout: limit(30_000) },
    async () => {
      const started = child(
        script()
          .pause()
          .store('woken', 1)
          .loop((s) => s.pause()),
      );
      const pid = await paused(started);
      const tracer = newTracer();
      for (let round = 0; round < 100; round++) await (await attachOne(tracer, pid)).detach();
      const tracee = await attachOne(tracer, pid);
      expect(Buffer.from(tracee.memory.read(started.address('woken'), 1).bytes)[0]).toBe(0);
    },
  );
});

describe('Tracer.detach', () => {
  it('lets all threads of a process go, those created meanwhile too', { timeout: limit(60_000) }, async () => {
    const storm = script();
    storm
      .loop(
        (s) =>
          s.thread((t) =>
            t
              .label('again')
              .thread((u) => u.jump('again'))
              .exit(0),
          ),
        4,
      )
      .loop((s) => s.pause());
    for (let round = 0; round < 10; round++) {
      const started = child(storm);
      await until(() => tasksOf(started.pid).length >= 3, 'the storm');
      const tracer = newTracer();
      const tracees = await within(tracer.attach(started.pid), 'the attach');
      for (const tracee of tracees) if (tracee.state === 'stopped') tracee.resume();
      const outcomes = await within(tracer.detach(started.pid), 'the detach');
      expect(outcomes.length).toBeGreaterThanOrEqual(1);
      expect(tracer.tracees).toEqual([]);
      for (const tid of tasksOf(started.pid)) {
        const status = statusOf(tid);
        if (status === undefined || 'ZX'.includes(status.state)) continue;
        expect(status.tracerPid, describeProcess(tid)).toBe(0);
        expect(status.state, describeProcess(tid)).not.toBe('t');
      }
      send(started.pid, SIG.SIGKILL);
    }
  });

  it('keeps a stopped process of many threads stopped, all of it', async () => {
    const started = child(threaded(4, (s) => s.loop((t) => t.pause())));
    await until(() => tasksOf(started.pid).length === 5, 'the threads');
    send(started.pid, SIG.SIGSTOP);
    await until(() => tasksOf(started.pid).every((tid) => stateOf(tid) === 'T'), 'all are stopped');
    const tracer = newTracer();
    const tracees = await within(tracer.attach(started.pid), 'the attach');
    for (const { stop } of tracees) expect(stop?.kind).toBe('group-stop');
    expect(await within(tracer.detach(started.pid), 'the detach')).toHaveLength(5);
    for (const tid of tasksOf(started.pid)) await expectUntraced(tid, 'T');
    send(started.pid, SIG.SIGCONT);
    for (const tid of tasksOf(started.pid)) await expectUntraced(tid, 'S');
  });

  it('without a pid lets all processes go; of an unknown one does nothing', async () => {
    const tracer = newTracer();
    const pids = [await paused(), await paused(), await paused()];
    for (const pid of pids) await seizeOne(tracer, pid);
    expect(await tracer.detach(pids[1])).toEqual([{ kind: 'detached', tid: pids[1] }]);
    expect(await tracer.detach(pids[1])).toEqual([]);
    expect(await tracer.detach(1)).toEqual([]);
    expect(await within(tracer.detach(), 'the detach')).toHaveLength(2);
    for (const pid of pids) await expectUntraced(pid, 'S');
    for (const pid of [0, -1, 1.5, '1', null, {}] as never[]) await expectReason(tracer.detach(pid), 'bad-input');
  });

  it('of a leader that left before its threads lets them go', async () => {
    const started = child(
      script()
        .thread((s) => s.loop((t) => t.pause()))
        .exit(0),
    );
    await until(() => stateOf(started.pid) === 'Z' && tasksOf(started.pid).length === 2, 'the leader has left');
    const tracer = newTracer();
    await within(tracer.attach(started.pid), 'the attach');
    await within(tracer.detach(started.pid), 'the detach');
    expect(tracer.tracees).toEqual([]);
    const thread = tasksOf(started.pid).at(-1) ?? 0;
    await expectUntraced(thread, 'S');
    endAfterTest(started.pid);
  });
});

/** Waits for stops of a running tracee until one of a kind comes; others are resumed. */
async function waitFor(tracee: Tracee, kind: Stop['kind']): Promise<Stop> {
  for (let next: PromiseLike<Stop> = tracee.wait(); ; next = tracee.resume()) {
    const stop = await within(next, `a ${kind} stop`);
    if (stop.kind === kind) return stop;
    expectStopOf(stop, tracee);
  }
}

function expectStopOf(stop: Stop, tracee: Tracee): void {
  expect(stop.kind === 'exited' || stop.kind === 'killed', stop.kind).toBe(false);
  expect(stop.tracee).toBe(tracee);
}

/** The first stop of a kind of the part's leader; all others of the tracer run on. */
async function stopOf(part: HeldPart, kind: Stop['kind'], mode: ResumeMode): Promise<Stop> {
  part.go(mode);
  for (;;) {
    const stop = await within(part.tracer.wait(), `a ${kind} stop`);
    if (stop.kind === kind && stop.tracee === part.tracee) return stop;
    if (stop.kind === 'exited' || stop.kind === 'killed') continue;
    if (stop.tracee === part.tracee && stop.kind !== 'signal-delivery') stop.resume(mode);
    else part.tracer.resumeUnhandled(stop);
  }
}
