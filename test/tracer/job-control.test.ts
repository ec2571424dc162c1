import { describe, expect, it } from 'vitest';
import { SIG, signalName } from '../../lib/kernel/signals.js';
import { type EventStop, type GroupStop, type Stop, type Tracee, type Tracer } from '../../lib/tracer/index.js';
import {
  child,
  expectEnd,
  expectGone,
  expectKind,
  expectReason,
  newTracer,
  seizeOne,
  send,
  stateOf,
  statusOf,
  tasksOf,
  threaded,
  turns,
  until,
  within,
} from '../helpers/tracing.js';
import { held, paused } from './programs.js';

const STOPPERS = [SIG.SIGSTOP, SIG.SIGTSTP, SIG.SIGTTIN, SIG.SIGTTOU] as const;

async function groupStop(next: PromiseLike<Stop>): Promise<GroupStop> {
  return expectKind(await within(next, 'the group-stop'), 'group-stop');
}

async function eventStop(next: PromiseLike<Stop>): Promise<EventStop> {
  return expectKind(await within(next, 'the event-stop'), 'event-stop');
}

/** A pauser that has come to a group-stop by a signal of its own. */
async function stopped(
  tracer: Tracer,
  signal: number = SIG.SIGSTOP,
): Promise<{ tracee: Tracee; stop: GroupStop; pid: number }> {
  const pid = await paused();
  const tracee = await seizeOne(tracer, pid);
  send(pid, signal);
  const delivery = expectKind(await within(tracee.wait(), 'the signal'), 'signal-delivery');
  return { tracee, pid, stop: await groupStop(delivery.resume()) };
}

describe('a group-stop', () => {
  for (const signal of STOPPERS) {
    it(`by ${signalName(signal)} is told with its signal, listened to, and ended by SIGCONT`, async () => {
      const { tracee, stop, pid } = await stopped(newTracer(), signal);
      expect(stop.signal).toBe(signal);
      expect(stop.signalName).toBe(signalName(signal));
      expect(stop.status).toBe((128 << 16) | (signal << 8) | 0x7f);
      expect(stop.tid).toBe(pid);
      expect(tracee.siginfo()).toMatchObject({ kind: 'ptrace-event', event: 128, signal });
      const next = stop.listen();
      expect(tracee.state).toBe('listening');
      expect(stop.usedUp).toBe(true);
      expect(stateOf(pid)).toBe('t');
      send(pid, SIG.SIGCONT);
      const change = await eventStop(next);
      expect(change.cause).toBe('job-control');
      expect(change.status).toBe((128 << 16) | 0x057f);
      expect(expectKind(await within(change.resume(), 'the SIGCONT'), 'signal-delivery').signal).toBe(SIG.SIGCONT);
      tracee.resume();
      await until(() => stateOf(pid) === 'S', 'it runs on');
      // Still readable.
      expect([stop.signal, stop.signalName]).toEqual([signal, signalName(signal)]);
    });
  }

  it('is reported by every thread of the process, the signal by one', async () => {
    const started = child(threaded(3, (s) => s.loop((t) => t.pause())));
    await until(
      () => tasksOf(started.pid).length === 4 && tasksOf(started.pid).every((tid) => stateOf(tid) === 'S'),
      'the threads',
    );
    const tracer = newTracer();
    const tracees = await tracer.seize(started.pid);
    expect(tracees).toHaveLength(4);
    send(started.pid, SIG.SIGTSTP);
    const delivery = expectKind(await within(tracer.wait(), 'the signal'), 'signal-delivery');
    delivery.resume();
    const seen = new Set<number>();
    for (let count = 0; count < 4; count++) {
      const stop = await groupStop(tracer.wait());
      expect(stop.signal).toBe(SIG.SIGTSTP);
      seen.add(stop.tid);
      stop.listen();
    }
    expect(seen.size).toBe(4);
    await turns(3);
    expect(tracees.map(({ state }) => state)).toEqual(Array.from({ length: 4 }, () => 'listening'));
    send(started.pid, SIG.SIGCONT);
    const causes: string[] = [];
    let deliveries = 0;
    while (causes.length < 4 || deliveries < 1) {
      const stop = await within(tracer.wait(), 'the change');
      if (stop.kind === 'event-stop') {
        causes.push(stop.cause);
        stop.resume();
      } else {
        expect(expectKind(stop, 'signal-delivery').signal).toBe(SIG.SIGCONT);
        deliveries++;
        stop.tracee.resume();
      }
    }
    expect(causes).toEqual(Array.from({ length: 4 }, () => 'job-control'));
  });

  it('lets the tracee run although its group is stopped when it is resumed; SIGCONT is told then, too', async () => {
    const { tracee, stop, pid } = await stopped(newTracer());
    stop.resume();
    await until(() => stateOf(pid) === 'S', 'it runs');
    expect(tracee.state).toBe('running');
    send(pid, SIG.SIGCONT);
    const change = await eventStop(tracee.wait());
    expect(change.cause).toBe('job-control');
    expect(expectKind(await within(change.resume(), 'the SIGCONT'), 'signal-delivery').signal).toBe(SIG.SIGCONT);
  });

  it('that began before the seize is told first', async () => {
    const pid = await paused();
    send(pid, SIG.SIGTTOU);
    await until(() => stateOf(pid) === 'T', 'it is stopped');
    const tracee = await seizeOne(newTracer(), pid);
    const stop = await groupStop(tracee.wait());
    expect(stop.signal).toBe(SIG.SIGTTOU);
    stop.listen();
    send(pid, SIG.SIGCONT);
    expect((await eventStop(tracee.wait())).cause).toBe('job-control');
  });

  it('misses nothing: a SIGCONT that came before the listen is told by it', async () => {
    const { tracee, stop, pid } = await stopped(newTracer());
    send(pid, SIG.SIGCONT);
    // Nothing is told before: the stop is what it was when it began.
    await turns(5);
    expect(stop.usedUp).toBe(false);
    expect(tracee.siginfo()).toMatchObject({ signal: SIG.SIGSTOP, event: 128 });
    expect((await eventStop(stop.listen())).cause).toBe('job-control');
  });
});

describe('listening', () => {
  it('forbids what needs a stop, each with reason listening and what to do', async () => {
    const { tracee, stop } = await stopped(newTracer());
    stop.listen();
    const attempts: (() => unknown)[] = [
      () => tracee.resume(),
      () => tracee.registers,
      () => tracee.listen(),
      () => tracee.siginfo(),
    ];
    for (const attempt of attempts) {
      const error = await expectReason(attempt, 'listening');
      expect(error.tid).toBe(tracee.tid);
      expect(error.message).toMatch(/listening.*interrupt it/);
    }
    await expectReason(() => stop.listen(), 'used-up');
    await expectReason(() => stop.resume(), 'used-up');
    expect(tracee.state).toBe('listening');
  });

  it('is ended by an interrupt: the group-stop again, and it can listen again', async () => {
    const { tracee, stop, pid } = await stopped(newTracer(), SIG.SIGTSTP);
    stop.listen();
    const again = await groupStop(tracee.interrupt());
    expect(again.signal).toBe(SIG.SIGTSTP);
    again.listen();
    send(pid, SIG.SIGCONT);
    expect((await eventStop(tracee.wait())).cause).toBe('job-control');
  });

  it('holds back other signals until the group goes on', async () => {
    const { tracee, stop, pid } = await stopped(newTracer());
    stop.listen();
    send(pid, SIG.SIGUSR1);
    await turns(5);
    expect(tracee.state).toBe('listening');
    send(pid, SIG.SIGCONT);
    const signals: number[] = [];
    let next: PromiseLike<Stop> = (await eventStop(tracee.wait())).resume();
    for (let count = 0; count < 2; count++) {
      const delivery = expectKind(await within(next, 'a signal'), 'signal-delivery');
      signals.push(delivery.signal);
      next = delivery.suppress();
    }
    expect(signals.sort()).toEqual([SIG.SIGUSR1, SIG.SIGCONT]);
  });

  it('is ended by SIGKILL', async () => {
    const { tracee, stop, pid } = await stopped(newTracer());
    const next = stop.listen();
    send(pid, SIG.SIGKILL);
    expect(expectEnd(await within(next, 'the end'))).toMatchObject({ kind: 'killed', signal: 9 });
    expect(tracee.state).toBe('ended');
    await expectGone(pid);
  });

  it('works at the stop of an interrupt; the next change of job control is told', async () => {
    const pid = await paused();
    const tracee = await seizeOne(newTracer(), pid);
    const stop = await eventStop(tracee.interrupt());
    stop.listen();
    expect(tracee.state).toBe('listening');
    send(pid, SIG.SIGCONT);
    await eventStop(tracee.wait());
  });

  it('is refused elsewhere before the kernel is asked', async () => {
    const pid = await paused();
    const tracee = await seizeOne(newTracer(), pid);
    await expectReason(() => tracee.listen(), 'running');
    send(pid, SIG.SIGUSR1);
    expectKind(await within(tracee.wait(), 'the signal'), 'signal-delivery');
    const error = await expectReason(() => tracee.listen(), 'bad-input');
    expect(error.message).toContain('signal-delivery');
    expect(tracee.state).toBe('stopped');
  });
});

describe('an event-stop', () => {
  it("by an interrupt has the cause 'interrupt'", async () => {
    const pid = await paused();
    const tracee = await seizeOne(newTracer(), pid);
    const stop = await eventStop(tracee.interrupt());
    expect(stop.cause).toBe('interrupt');
    expect(stop.status).toBe((128 << 16) | 0x057f);
    expect(tracee.siginfo()).toMatchObject({ kind: 'ptrace-event', event: 128, signal: SIG.SIGTRAP });
    // In a stop the interrupt stays pending, and is the next stop.
    tracee.interrupt();
    expect((await eventStop(stop.resume())).cause).toBe('interrupt');
  });

  it('used up by another stop that comes first does not come', async () => {
    const part = await held((s) => s.loop((t) => t.syscall('getppid')));
    let stop = await within(part.go('syscall'), 'an entry');
    while (stop.kind !== 'syscall-entry') stop = await within(part.tracee.resume('syscall'), 'an entry');
    part.tracee.interrupt();
    for (let count = 0; count < 4; count++) {
      stop = await within(part.tracee.resume('syscall'), 'the next');
      expect(stop.kind).toBe(count % 2 === 0 ? 'syscall-exit' : 'syscall-entry');
    }
  });

  it("of a new tracee has the cause 'new-tracee'", async () => {
    const { tracee, go } = await held((s) => s.fork((t) => t.dieWithParent().pause()).loop((t) => t.pause()));
    const fork = expectKind(await within(go(), 'the fork'), 'fork');
    expect(['starting', 'stopped']).toContain(fork.child.state);
    const first = await eventStop(fork.child.wait());
    expect(first.cause).toBe('new-tracee');
    expect(tracee.state).toBe('stopped');
    await within(fork.child.kill(), 'the end of the child');
  });

  it('is of an unknown cause when an interrupt and a change of job control can both be meant', async () => {
    const { tracee, stop, pid } = await stopped(newTracer());
    stop.listen();
    send(pid, SIG.SIGCONT);
    tracee.interrupt();
    const change = await within(tracee.wait(), 'a stop');
    // Either the change was told before the interrupt came, or both fell together.
    expect(['job-control', 'unknown']).toContain(expectKind(change, 'event-stop').cause);
  });
});

describe('the real parent', () => {
  it('of a tracee that listens sees it stopped and continued', async () => {
    // The parent is a script; its child is traced by us alone.
    const parent = await held(
      (s) =>
        s
          .fork((t) => t.dieWithParent().loop((u) => u.pause()))
          .store('child')
          .wait4(s.word('child'), 2)
          .store('stopped', s.status)
          .wait4(s.word('child'), 8)
          .store('continued', s.status)
          .loop((t) => t.pause()),
      { events: [] },
    );
    parent.go();
    const pid = Number(await until(() => parent.word('child') || undefined, 'the child'));
    await until(() => stateOf(pid) === 'S', 'the child pauses');
    const tracee = await seizeOne(newTracer(), pid);
    send(pid, SIG.SIGSTOP);
    const delivery = expectKind(await within(tracee.wait(), 'the SIGSTOP'), 'signal-delivery');
    const stop = await groupStop(delivery.resume());
    stop.listen();
    // SIGCHLD stops the parent, which is traced as well.
    const parentsSignal = async (): Promise<void> => {
      expect(expectKind(await within(parent.tracee.wait(), 'SIGCHLD'), 'signal-delivery').signal).toBe(SIG.SIGCHLD);
      parent.tracee.resume();
    };
    await parentsSignal();
    expect(await until(() => parent.word('stopped') || undefined, 'its wait')).toBe(0x137fn);
    send(pid, SIG.SIGCONT);
    await parentsSignal();
    expect(await until(() => parent.word('continued') || undefined, 'its wait')).toBe(0xffffn);
    await eventStop(tracee.wait());
    expect(statusOf(pid)?.tracerPid).toBe(process.pid);
  });
});
