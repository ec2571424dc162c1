import { describe, expect, it } from 'vitest';
import { CLONE, script } from '../../lib/raw/child.js';
import { SIG } from '../../lib/kernel/signals.js';
import { type Stop } from '../../lib/tracer/index.js';
import {
  attachOne,
  child,
  expectGone,
  expectKind,
  isOver,
  newTracer,
  program,
  send,
  stateOf,
  statusOf,
  turns,
  until,
  within,
} from '../helpers/tracing.js';
import { collect, held, paused, passTrap } from './programs.js';

/** Every new tracee is told by its parent before it has any stop of its own, which is one for being new. */
function expectOrder(stops: readonly Stop[], known: readonly number[]): void {
  const named = new Set(known);
  const begun = new Set(known);
  const ended = new Set<number>();
  for (const stop of stops) {
    expect(named, `${stop.kind} of ${stop.tid} before it was named`).toContain(stop.tid);
    expect(ended).not.toContain(stop.tid);
    if (!begun.has(stop.tid)) {
      begun.add(stop.tid);
      // A thread that its process's exit_group meets at its birth has no other stop than those of its end.
      if (stop.kind !== 'exited' && stop.kind !== 'killed' && stop.kind !== 'exit') {
        expect(expectKind(stop, 'event-stop').cause).toBe('new-tracee');
      }
    }
    if ('child' in stop) {
      expect(named).not.toContain(stop.child.tid);
      named.add(stop.child.tid);
    }
    if (stop.kind === 'exited' || stop.kind === 'killed') ended.add(stop.tid);
  }
  expect(ended).toEqual(named);
}

describe('fork', () => {
  it('tells the child, which is a tracee of its own that begins in an event-stop', async () => {
    const { tracer, tracee, started, go } = await held((s) =>
      s
        .fork((t) => t.exitGroup(5))
        .store('child')
        .wait4()
        .exitGroup(6),
    );
    const fork = expectKind(await within(go(), 'the fork'), 'fork');
    expect(fork.status).toBe((1 << 16) | 0x057f);
    expect(fork.tid).toBe(started.pid);
    const { child: forked } = fork;
    expect(forked.pid).toBe(forked.tid);
    expect(forked.pid).not.toBe(started.pid);
    expect(forked.isLeader).toBe(true);
    expect(forked.isOwnChild).toBe(false);
    expect(tracer.tracee(forked.tid)).toBe(forked);
    expect(tracer.tracees).toEqual(expect.arrayContaining([tracee, forked]));
    const first = expectKind(await within(forked.wait(), 'its first stop'), 'event-stop');
    expect(first.cause).toBe('new-tracee');
    // It has run no instruction of its own: the call from which it comes is the parent's clone.
    const end = expectKind(await within(forked.resume(), 'its end'), 'exited');
    expect(end.code).toBe(5);
    expect(tracer.tracee(forked.tid)).toBeUndefined();
    expect(expectKind(await within(fork.resume(), 'SIGCHLD'), 'signal-delivery').signal).toBe(SIG.SIGCHLD);
    expect(expectKind(await within(tracee.resume(), 'the end'), 'exited').code).toBe(6);
    expect(fork.child).toBe(forked);
    expect(forked.state).toBe('ended');
  });

  it('is not followed by a tracer that did not ask for it', async () => {
    const tracer = newTracer({ events: [] });
    const { tracee, go } = await held(
      (s) =>
        s
          .fork((t) => t.exitGroup(5))
          .store('child')
          .wait4()
          .vfork((t) => t.exit(0))
          .wait4()
          .thread((t) => t.increment('thread'))
          .waitUntil('thread', '==', 1)
          .exitGroup(6),
      tracer,
    );
    const kinds: string[] = [];
    let stop = await within(go(), 'a stop');
    while (stop.kind !== 'exited') {
      kinds.push(stop.kind);
      expect(tracer.tracees).toEqual([tracee]);
      stop = await within(tracee.resume(), 'a stop');
    }
    expect(new Set(kinds)).toEqual(new Set(['signal-delivery']));
    expect(stop.code).toBe(6);
  });
});

describe('vfork', () => {
  it('is told at its begin and at its end', async () => {
    const tracer = newTracer({ events: ['vfork', 'vfork-done'] });
    const { tracee, go, started } = await held(
      (s) => s.vfork((t) => t.syscall('getppid').exit(3)).exitGroup(7),
      tracer,
    );
    const vfork = expectKind(await within(go(), 'the vfork'), 'vfork');
    expect(vfork.status).toBe((2 << 16) | 0x057f);
    const { child: borrowed } = vfork;
    expect(borrowed.pid).not.toBe(started.pid);
    expectKind(await within(borrowed.wait(), 'its first stop'), 'event-stop');
    tracee.resume();
    await until(() => stateOf(tracee.tid) === 'D', 'the parent is held up');
    expect(expectKind(await within(borrowed.resume(), 'its end'), 'exited').code).toBe(3);
    const done = expectKind(await within(tracee.wait(), 'the end of the vfork'), 'vfork-done');
    expect(done.status).toBe((5 << 16) | 0x057f);
    expect(done.childPid).toBe(borrowed.pid);
    let stop: Stop = await within(done.resume(), 'SIGCHLD or the end');
    if (stop.kind === 'signal-delivery') stop = await within(stop.resume(), 'the end');
    expect(expectKind(stop, 'exited').code).toBe(7);
    expect(done.childPid).toBe(borrowed.pid);
  });

  it('ends with the exec of the child', async () => {
    const tracer = newTracer({ events: ['vfork', 'vfork-done'] });
    const part = await held(
      (s) =>
        s
          .vfork((t) => t.exec('/bin/true').exit(1))
          .wait4()
          .exitGroup(0),
      tracer,
    );
    part.go();
    const stops = await within(collect(tracer), 'the end');
    expectOrder(stops, [part.started.pid]);
    const kinds = stops.map((stop) => `${stop.tid === part.started.pid ? 'parent' : 'child'} ${stop.kind}`);
    expect(kinds.indexOf('parent vfork')).toBeLessThan(kinds.indexOf('child exec'));
    // The kernel lets the parent go on before it tells the exec: no order between these two.
    expect(kinds).toContain('parent vfork-done');
  });
});

describe('clone', () => {
  it('of a thread gives a tracee of the same process', async () => {
    const { tracer, tracee, go, started } = await held((s) =>
      s
        .thread((t) => t.increment('ran').exit(0))
        .waitUntil('ran', '==', 1)
        .exitGroup(0),
    );
    const clone = expectKind(await within(go(), 'the clone'), 'clone');
    expect(clone.status).toBe((3 << 16) | 0x057f);
    const { child: thread } = clone;
    expect(thread.pid).toBe(started.pid);
    expect(thread.tid).not.toBe(started.pid);
    expect(thread.isLeader).toBe(false);
    expectKind(await within(thread.wait(), 'its first stop'), 'event-stop');
    clone.resume();
    expect(expectKind(await within(thread.resume(), 'its end'), 'exited')).toMatchObject({ code: 0, cause: 'exit' });
    expect(expectKind(await within(tracee.wait(), 'the end'), 'exited').tid).toBe(started.pid);
    expect(tracer.tracees).toEqual([]);
  });

  it('with another exit signal is a process', async () => {
    const { tracee, go, started } = await held((s) =>
      s
        .clone(SIG.SIGUSR1, (t) => t.exitGroup(9))
        .wait4(-1, 0x40000000)
        .exitGroup(0),
    );
    const clone = expectKind(await within(go(), 'the clone'), 'clone');
    expect(clone.child.pid).toBe(clone.child.tid);
    expect(clone.child.pid).not.toBe(started.pid);
    expectKind(await within(clone.child.wait(), 'its first stop'), 'event-stop');
    expect(expectKind(await within(clone.child.resume(), 'its end'), 'exited').code).toBe(9);
    const signal = expectKind(await within(clone.resume(), 'the exit signal'), 'signal-delivery');
    expect(signal.signal).toBe(SIG.SIGUSR1);
    // The kernel gives no SIGCHLD's siginfo to another signal: what has the layout of SIGIO's is the same bytes.
    expect(signal.siginfo).toMatchObject({ kind: 'poll', code: 1, band: BigInt(clone.child.tid), fd: 9 });
    expect(expectKind(await within(signal.suppress(), 'the end'), 'exited').code).toBe(0);
    expect(tracee.state).toBe('ended');
  });

  it('with CLONE_UNTRACED is not told, and the child is not traced', async () => {
    const { tracee, go, tracer, word } = await held((s) =>
      s
        .clone(CLONE.UNTRACED | SIG.SIGCHLD, (t) => t.dieWithParent().loop((u) => u.pause()))
        .store('child')
        .trap()
        .loop((t) => t.pause()),
    );
    expectKind(await within(go(), 'the trap'), 'breakpoint');
    const pid = Number(word('child'));
    expect(tracer.tracees).toEqual([tracee]);
    expect(statusOf(pid)?.tracerPid).toBe(0);
    process.kill(pid, 'SIGKILL');
    passTrap(tracee);
    expect(expectKind(await within(tracee.resume(), 'SIGCHLD'), 'signal-delivery').signal).toBe(SIG.SIGCHLD);
  });

  it('with CLONE_PTRACE and no event asked for still gives a tracee', async () => {
    const tracer = newTracer({ events: [] });
    const { tracee, go } = await held(
      (s) =>
        s
          .clone(CLONE.PTRACE | SIG.SIGCHLD, (t) => t.exitGroup(3))
          .wait4()
          .exitGroup(0),
      tracer,
    );
    go();
    const stops = await within(collect(tracer), 'the end');
    const others = stops.filter((stop) => stop.tracee !== tracee);
    expect(others.map((stop) => stop.kind)).toEqual(['event-stop', 'exited']);
    expect(others[0]).toMatchObject({ cause: 'new-tracee' });
    expect(stops.at(-1)).toMatchObject({ kind: 'exited', code: 0 });
  });
});

describe('following', () => {
  it('keeps its order through a storm of forks, threads and vforks', { timeout: 60_000 }, async () => {
    const tracer = newTracer({ events: ['fork', 'vfork', 'vfork-done', 'clone', 'exec', 'exit'] });
    const part = await held(
      (s) =>
        s
          .loop(
            (t) =>
              t
                .fork((u) =>
                  u
                    .thread((v) => v.increment('ran').exit(0))
                    .fork((v) => v.exitGroup(1))
                    .exitGroup(2),
                )
                .vfork((u) => u.exit(0))
                .thread((u) => u.exit(0)),
            20,
          )
          .loop((t) => t.wait4(), 40)
          .exitGroup(0),
      tracer,
    );
    part.go();
    const stops = await within(collect(tracer), 'the end', 50_000);
    expectOrder(stops, [part.started.pid]);
    const count = (kind: Stop['kind']): number => stops.filter((stop) => stop.kind === kind).length;
    expect(count('fork')).toBe(40);
    expect(count('vfork')).toBe(20);
    expect(count('vfork-done')).toBe(20);
    expect(count('clone')).toBe(40);
    expect(count('exited')).toBe(101);
    expect(tracer.tracees).toEqual([]);
  });

  it('keeps a new child apart that a shell makes, through exec and exit', async () => {
    const tracer = newTracer();
    const shell = await tracer.spawn('/bin/sh', ['-c', '/bin/true; (exit 3); /bin/false; exit 7'], { stdio: 'null' });
    const stops = await within(collect(tracer), 'the end');
    const ends = stops.flatMap((stop) => (stop.kind === 'exited' && stop.tid !== shell.pid ? [stop.code] : []));
    expect(ends).toEqual([0, 3, 1]);
    expect(stops.at(-1)).toMatchObject({ kind: 'exited', code: 7, tid: shell.pid });
    expect(stops.filter((stop) => stop.kind === 'exec')).toHaveLength(2);
  });

  it('gives a child the policy of its parent', async () => {
    const tracer = newTracer();
    // Spawned: to be killed, with all its children.
    const shell = await tracer.spawn('/bin/sh', ['-c', 'sleep 1000 & sleep 1000; :'], { stdio: 'null' });
    const pids: number[] = [];
    shell.resume();
    while (pids.length < 2) {
      const stop = await within(tracer.wait(), 'a fork');
      if (stop.kind === 'fork' || stop.kind === 'vfork' || stop.kind === 'clone') pids.push(stop.child.pid);
      if (stop.kind !== 'exited' && stop.kind !== 'killed') tracer.resumeUnhandled(stop);
    }
    await within(tracer.close(), 'the tracer closes');
    await expectGone(shell.pid);
    // Their parent is gone: init reaps them when it does.
    for (const pid of pids) await until(() => isOver(pid), `${pid} is over`);

    // Attached: to be let go.
    const second = newTracer();
    const parent = await held(
      (s) => s.fork((t) => t.dieWithParent().loop((u) => u.pause())).loop((t) => t.pause()),
      second,
    );
    const fork = expectKind(await within(parent.go(), 'the fork'), 'fork');
    await within(second.close(), 'the tracer closes');
    for (const pid of [parent.started.pid, fork.child.pid]) {
      await until(() => stateOf(pid) === 'S' && statusOf(pid)?.tracerPid === 0, `${pid} is let go`);
    }
    send(fork.child.pid, SIG.SIGKILL);
  });

  it('says nothing of the children of others', async () => {
    const tracer = newTracer();
    await paused();
    const stranger = child(
      script()
        .fork((t) => t.exitGroup(0))
        .wait4()
        .loop((s) => s.pause()),
    );
    const tracee = await attachOne(tracer, program('/bin/sleep', ['1000']));
    await until(() => stateOf(stranger.pid) === 'S', 'the stranger pauses');
    await turns(3);
    expect(tracer.tracees).toEqual([tracee]);
  });
});
