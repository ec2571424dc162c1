import { describe, expect, it } from 'vitest';
import { script } from '../../lib/raw/child.js';
import { isEnd, type Stop, type Tracee } from '../../lib/tracer/index.js';
import {
  child,
  expectKind,
  expectReason,
  newTracer,
  stateOf,
  statusOf,
  tasksOf,
  threaded,
  until,
  within,
} from '../helpers/tracing.js';
import { collect, held, runTo } from './programs.js';

const ENV = ['A=1', 'B=two'];

describe('exec', () => {
  it('by the only thread is told in front of the first instruction of the new program', async () => {
    const { tracee, go, started } = await held((s) => s.exec('/bin/sh', ['sh', '-c', 'exit 9'], ENV));
    const before = tracee.registers.sp;
    const exec = expectKind(await within(go(), 'the exec'), 'exec');
    expect(exec.status).toBe((4 << 16) | 0x057f);
    expect(exec.formerTid).toBe(started.pid);
    expect(exec.tracee).toBe(tracee);
    expect(tracee.registers.sp).not.toBe(before);
    // The stack of a new program begins with argc and argv.
    const [argc, argv0] = new BigUint64Array(Uint8Array.from(tracee.memory.read(tracee.registers.sp, 16).bytes).buffer);
    expect(argc).toBe(3n);
    expect(tracee.memory.readCString(argv0 ?? 0n).text).toBe('sh');
    // What was at hand before belongs to the program that is no more.
    await expectReason(() => tracee.memory.read(started.address('go'), 8), 'kernel');
    expect(expectKind(await within(runTo(tracee, 'exited'), 'the end'), 'exited').code).toBe(9);
    expect(exec.formerTid).toBe(started.pid);
  });

  it('that fails is no event', async () => {
    const { tracee, go, word } = await held((s) => s.exec('/nonexistent/program').store('errno').trap());
    expectKind(await within(go(), 'the trap'), 'breakpoint');
    expect(word('errno')).toBe(BigInt.asUintN(64, -2n));
    expect(tracee.stop?.kind).toBe('breakpoint');
  });

  it('resumed by syscall gives the exit of the execve, with cont it does not', async () => {
    const { tracee, go } = await held((s) => s.exec('/bin/true'));
    await within(go('syscall'), 'a call');
    const exec = await runTo(tracee, 'exec', 'syscall');
    const exit = expectKind(await within(exec.resume('syscall'), 'the exit'), 'syscall-exit');
    expect(exit.result).toBe(0n);
    expect(expectKind(await within(tracee.resume('syscall'), 'the next call'), 'syscall-entry').name).not.toBe(
      'execve',
    );

    const second = await held((s) => s.exec('/bin/true'));
    const stop = expectKind(await within(second.go(), 'the exec'), 'exec');
    stop.resume('cont');
    const end = await within(second.tracee.wait(), 'the end');
    expect(expectKind(end, 'exited').code).toBe(0);
  });

  it('many times over is one tracee', async () => {
    const tracer = newTracer();
    const tracee = await tracer.spawn('/bin/sh', ['-c', 'exec sh -c "exec sh -c \\"exec /bin/true\\""'], {
      stdio: 'null',
    });
    const stops = await within(collect(tracer), 'the end');
    expect(stops.filter((stop) => stop.kind === 'exec')).toHaveLength(3);
    for (const stop of stops) expect(stop.tracee).toBe(tracee);
  });
});

describe('exec by a thread that is not the leader', () => {
  /** A leader and two threads that pause; a third that executes when told. */
  const executing = (path: string): ReturnType<typeof script> => {
    const made = threaded(
      2,
      (s) => s.loop((t) => t.pause()),
      () => undefined,
    );
    made.thread((s) => s.increment('threads').waitUntil('go', '!=', 0).exec(path, [path], ENV).exitGroup(99));
    return made.loop((s) => s.pause());
  };

  async function traced(events: ('clone' | 'exit')[] = ['clone']): Promise<{
    pid: number;
    tracees: readonly Tracee[];
    leader: Tracee;
    executes: Tracee;
    tracer: ReturnType<typeof newTracer>;
    go: () => void;
  }> {
    const started = child(executing('/bin/true'));
    await until(() => tasksOf(started.pid).length === 4, 'the threads');
    const tracer = newTracer({ events });
    const tracees = await within(tracer.attach(started.pid), 'the attach');
    expect(tracees).toHaveLength(4);
    expect(tracees[0]?.isLeader).toBe(true);
    const executes = tracees.at(-1);
    const [leader] = tracees;
    if (leader === undefined || executes === undefined) throw new Error('no threads');
    return {
      pid: started.pid,
      tracees,
      leader,
      executes,
      tracer,
      go: () => leader.memory.write(started.address('go'), Uint8Array.of(1)),
    };
  }

  it('takes the id of its process and stays the same tracee; the others end for that reason before', async () => {
    const { pid, tracees, leader, executes, tracer, go } = await traced();
    const formerTid = executes.tid;
    expect(formerTid).not.toBe(pid);
    for (const tracee of tracees) tracee.resume();
    go();
    const stops: Stop[] = [];
    let exec: Stop | undefined;
    while (exec === undefined) {
      const stop = await within(tracer.wait(), 'the exec');
      if (stop.kind === 'exec') exec = stop;
      else stops.push(stop);
    }
    expect(stops.map((stop) => [stop.kind, stop.kind === 'exited' && stop.cause])).toEqual(
      Array.from({ length: 3 }, () => ['exited', 'exec']),
    );
    expect(new Set(stops.map((stop) => stop.tracee))).toEqual(new Set(tracees.filter((tracee) => tracee !== executes)));
    expect(exec).toMatchObject({ kind: 'exec', tid: pid, formerTid });
    expect(exec.tracee).toBe(executes);
    expect(executes.tid).toBe(pid);
    expect(executes.isLeader).toBe(true);
    expect(leader.state).toBe('ended');
    expect(tracer.tracees).toEqual([executes]);
    expect(tracer.tracee(pid)).toBe(executes);
    expect(tracer.tracee(formerTid)).toBeUndefined();
    // The new program is its: registers and memory work.
    expect(executes.registers.sp).toBeGreaterThan(0n);
    expect(executes.memory.read(executes.registers.sp, 8).complete).toBe(true);
    await expectReason(() => leader.resume(), 'gone');
    expect(await leader.wait()).toMatchObject({ kind: 'exited', cause: 'exec', tid: pid });
    expect(expectKind(await within(executes.resume(), 'the end'), 'exited')).toMatchObject({ cause: 'exit', tid: pid });
    expect(tracer.tracees).toEqual([]);
  });

  it('is told to who awaits the thread, as its next stop', async () => {
    const { pid, tracees, executes, go, tracer } = await traced();
    const next = tracees.map((tracee) => [tracee, tracee.resume().finally(() => undefined)] as const);
    go();
    for (const [tracee, promise] of next) {
      const stop = await within(promise, 'the exec or an end');
      if (tracee === executes) expect(stop).toMatchObject({ kind: 'exec', tid: pid });
      else expect(stop).toMatchObject({ kind: 'exited', cause: 'exec' });
    }
    expect(tracer.tracees).toEqual([executes]);
  });

  it('shows the exit-stops of the others, when asked for', async () => {
    const { pid, tracees, executes, go, tracer } = await traced(['clone', 'exit']);
    for (const tracee of tracees) tracee.resume();
    go();
    const stops = await within(collect(tracer), 'the end');
    const exec = stops.findIndex((stop) => stop.kind === 'exec');
    const exits = stops.slice(0, exec).filter((stop) => stop.kind === 'exit');
    expect(exits.length).toBeGreaterThanOrEqual(2);
    for (const stop of exits) expect(stop.tracee).not.toBe(executes);
    // Every one of the others has ended before the exec, and only they.
    const ends = stops.slice(0, exec).filter(isEnd);
    expect(new Set(ends.map((end) => end.tracee))).toEqual(new Set(tracees.filter((tracee) => tracee !== executes)));
    expect(stops[exec]?.tracee).toBe(executes);
    expect(stops.at(-1)).toMatchObject({ kind: 'exited', cause: 'exit', tid: pid });
    expect(stops.filter((stop) => stop.kind === 'exited' && stop.tracee === executes)).toHaveLength(1);
  });

  it('while the others are stopped waits until they are resumed', async () => {
    const { tracees, executes, go } = await traced();
    go();
    // SIGKILL takes the others out of their stops: an exec does not ask.
    const exec = expectKind(await within(executes.resume(), 'the exec'), 'exec');
    expect(exec.tracee).toBe(executes);
    for (const tracee of tracees) {
      if (tracee === executes) continue;
      expect(tracee.state).toBe('ended');
      expect(await tracee.end()).toMatchObject({ kind: 'exited', cause: 'exec' });
    }
  });

  it('is seen when that thread alone is traced', async () => {
    const started = child(executing('/bin/true'));
    await until(() => tasksOf(started.pid).length === 4, 'the threads');
    const tid = tasksOf(started.pid).at(-1) ?? 0;
    const tracer = newTracer({ events: [] });
    const [tracee] = await within(tracer.attach(tid, { threads: 'one' }), 'the attach');
    expect(tracer.tracees).toEqual([tracee]);
    expect(tracee?.tid).toBe(tid);
    expect(tracee?.pid).toBe(started.pid);
    tracee!.memory.write(started.address('go'), Uint8Array.of(1));
    const exec = expectKind(await within(tracee!.resume(), 'the exec'), 'exec');
    expect(exec).toMatchObject({ tid: started.pid, formerTid: tid });
    expect(exec.tracee).toBe(tracee);
    expect(tracee?.isLeader).toBe(true);
    expect(tracer.tracees).toEqual([tracee]);
    expect(expectKind(await within(exec.resume(), 'the end'), 'exited').code).toBe(0);
  });

  it('takes a leader that alone is traced away without a word: it can still be let go', async () => {
    const started = child(executing('/bin/sleep'));
    await until(() => tasksOf(started.pid).length === 4, 'the threads');
    const tracer = newTracer({ events: [] });
    const [leader] = await within(tracer.attach(started.pid, { threads: 'one' }), 'the attach');
    leader!.memory.write(started.address('go'), Uint8Array.of(1));
    leader!.resume();
    // The kernel releases the leader itself: its tracer gets no status, and the process is nobody's tracee any more.
    await until(() => statusOf(started.pid)?.tracerPid === 0, 'it is not traced');
    await expectReason(() => leader!.registers, 'running');
    const outcome = await within(leader!.detach(), 'the detach');
    expect(outcome).toMatchObject({ kind: 'exited', cause: 'exec' });
    expect(leader!.state).toBe('ended');
    expect(tracer.tracees).toEqual([]);
    await within(tracer.close(), 'the tracer closes');
  });

  it('when the leader has left already', async () => {
    const made = script()
      .thread((s) => s.increment('threads').waitUntil('go', '!=', 0).exec('/bin/true', ['true']).exitGroup(99))
      .waitUntil('threads', '==', 1)
      .exit(5);
    const started = child(made);
    await until(() => stateOf(started.pid) === 'Z' && tasksOf(started.pid).length === 2, 'the leader has left');
    const tracer = newTracer();
    const tracees = await within(tracer.attach(started.pid), 'the attach');
    const executes = tracees.find((tracee) => !tracee.isLeader);
    executes!.memory.write(started.address('go'), Uint8Array.of(1));
    const exec = expectKind(await within(executes!.resume(), 'the exec'), 'exec');
    expect(exec.tid).toBe(started.pid);
    expect(exec.tracee).toBe(executes);
    expect(expectKind(await within(exec.resume(), 'the end'), 'exited').code).toBe(0);
    expect(tracer.tracees).toEqual([]);
  });
});

describe('threads that just end', () => {
  it('have the cause exit, also while others run on', async () => {
    const tracer = newTracer();
    const part = await held(
      (s) =>
        s
          .loop((t) => t.thread((u) => u.exit(0)), 10)
          .thread((u) => u.exit(3))
          .waitUntil('end', '!=', 0)
          .exitGroup(0),
      tracer,
    );
    part.go();
    const ends: Stop[] = [];
    for await (const stop of tracer) {
      if (!isEnd(stop)) continue;
      ends.push(stop);
      expect(stop).toMatchObject({ kind: 'exited', cause: 'exit' });
      if (ends.length === 11) part.tracee.memory.write(part.started.address('end'), Uint8Array.of(1));
    }
    expect(ends).toHaveLength(12);
    expect(ends.at(-1)?.tid).toBe(part.started.pid);
    expect(ends.filter((end) => end.kind === 'exited' && end.code === 3)).toHaveLength(1);
  });
});
