import { describe, expect, it } from 'vitest';
import { PTRACE } from '../../lib/kernel/requests.js';
import { SIG } from '../../lib/kernel/signals.js';
import { script } from '../../lib/raw/child.js';
import { isEnd, type Stop } from '../../lib/tracer/index.js';
import {
  attachOne,
  child,
  expectEnd,
  expectGone,
  expectKind,
  expectReason,
  newTracer,
  pauser,
  seizeOne,
  send,
  stateOf,
  statusOf,
  stormer,
  turns,
  within,
} from '../helpers/tracing.js';
import { held, onLayer, paused, watchedLayer } from './programs.js';

describe('the state of a tracee', () => {
  it('follows what happens to it', async () => {
    const pid = await paused();
    const tracer = newTracer();
    const tracee = await seizeOne(tracer, pid);
    expect([tracee.state, tracee.stop, tracee.tid, tracee.pid]).toEqual(['running', null, pid, pid]);
    expect(String(tracee)).toBe(`Tracee ${pid} (running)`);
    const stop = await within(tracee.interrupt(), 'the interrupt');
    expect([tracee.state, tracee.stop]).toEqual(['stopped', stop]);
    expect(String(tracee)).toBe(`Tracee ${pid} (event-stop)`);
    tracee.resume();
    expect([tracee.state, tracee.stop]).toEqual(['running', null]);
    send(pid, SIG.SIGSTOP);
    await within(tracee.wait(), 'the signal');
    expectKind(await within(tracee.resume(), 'the group-stop'), 'group-stop');
    tracee.listen();
    expect([tracee.state, tracee.stop]).toEqual(['listening', null]);
    await within(tracee.interrupt(), 'the interrupt');
    await tracee.detach();
    expect([tracee.state, tracee.stop]).toEqual(['detached', null]);
    expect(String(tracee)).toBe(`Tracee ${pid} (detached)`);

    const other = await attachOne(tracer, await paused());
    await within(other.kill(), 'the end');
    expect([other.state, other.stop]).toEqual(['ended', null]);
  });
});

describe('interrupt', () => {
  it('stops a running tracee, again and again', async () => {
    for (const part of [pauser(), stormer(), script().spin()]) {
      const tracee = await seizeOne(newTracer(), child(part).pid);
      for (let round = 0; round < 50; round++) {
        expect(expectKind(await within(tracee.interrupt(), `interrupt ${round}`), 'event-stop').cause).toBe(
          'interrupt',
        );
        expect(stateOf(tracee.tid)).toBe('t');
        tracee.resume();
      }
    }
  });

  it('of several at once comes at most as often as it was asked for', async () => {
    const tracee = await seizeOne(newTracer(), await paused());
    tracee.interrupt();
    tracee.interrupt();
    // Those that fall together are one; what comes after a stop began is another.
    expectKind(await within(tracee.interrupt(), 'the stop'), 'event-stop');
    for (let more = 0; ; more++) {
      const next = await Promise.race([tracee.resume(), turns(50).then(() => undefined)]);
      if (next === undefined) break;
      expectKind(next, 'event-stop');
      expect(more).toBeLessThan(2);
    }
    expect(tracee.state).toBe('running');
  });

  it('does not break a system call: it goes on', async () => {
    const part = await held((s) =>
      s.pipe('p').syscall('read', s.pipeEnd('p', 'read'), s.address('byte'), 1).store('read').trap(),
    );
    part.go();
    for (let round = 0; round < 10; round++) {
      expectKind(await within(part.tracee.interrupt(), 'the interrupt'), 'event-stop');
      part.tracee.resume();
    }
    expect(part.word('read')).toBe(0n);
    expect(part.tracee.state).toBe('running');
  });
});

describe('kill', () => {
  it('ends the tracee from every state, and gives its end', async () => {
    const tracer = newTracer();
    const running = await seizeOne(tracer, child(stormer()).pid);
    const stopped = await attachOne(tracer, child(stormer()).pid);
    const listening = await attachOne(tracer, await paused());
    send(listening.pid, SIG.SIGSTOP);
    await within(listening.resume(), 'the signal');
    expectKind(await within(listening.resume(), 'the group-stop'), 'group-stop').listen();
    const spawned = await tracer.spawn('/bin/sleep', ['1000'], { stdio: 'null' });
    const signalled = await seizeOne(tracer, await paused());
    send(signalled.pid, SIG.SIGUSR1);
    await within(signalled.wait(), 'the signal');
    for (const tracee of [running, stopped, listening, spawned, signalled]) {
      const end = expectKind(await within(tracee.kill(), `the end of ${String(tracee)}`), 'killed');
      expect(end.signal).toBe(SIG.SIGKILL);
      expect(tracee.state).toBe('ended');
      await expectGone(tracee.pid);
      // Once more is nothing more.
      expect(await tracee.kill()).toBe(end);
    }
    expect(tracer.tracees).toEqual([]);
  });

  it('with exit-stops asked for shows that first, and passes it', async () => {
    const tracee = await attachOne(newTracer({ events: ['exit'] }), child(pauser()).pid);
    let stop: Stop = await within(tracee.kill(), 'a stop');
    if (stop.kind === 'exit') {
      expect(stop.exitStatus).toBe(SIG.SIGKILL);
      // In its exit-stop it is killed, too.
      stop = await within(tracee.kill(), 'the end');
    }
    expect(expectKind(stop, 'killed').signal).toBe(SIG.SIGKILL);
  });

  it('of one thread ends its process', async () => {
    const part = await held((s) => s.thread((t) => t.loop((u) => u.pause())).loop((t) => t.pause()));
    const clone = expectKind(await within(part.go(), 'the clone'), 'clone');
    await within(clone.child.wait(), 'its first stop');
    clone.child.resume();
    clone.resume();
    clone.child.kill();
    expect(expectEnd(await within(clone.child.end(), 'the end of the thread'))).toMatchObject({ kind: 'killed' });
    expect(expectEnd(await within(part.tracee.end(), 'the end of the leader'))).toMatchObject({ kind: 'killed' });
    await expectGone(part.started.pid);
  });
});

describe('SIGKILL from outside', () => {
  it('in any stop makes requests fail with gone, and a resume give the end', async () => {
    const tracer = newTracer();
    const tracee = await attachOne(tracer, child(pauser()).pid);
    const stop = tracee.stop!;
    send(tracee.pid, SIG.SIGKILL);
    const error = await expectReason(() => tracee.siginfo(), 'gone');
    expect(error.code).toBe('ESRCH');
    expect(error.message).toMatch(/SIGKILL|gone/);
    expect(expectEnd(await within(stop.resume(), 'the end'))).toMatchObject({ kind: 'killed', signal: 9 });
    await expectReason(() => tracee.resume(), 'gone');
    await expectReason(() => tracee.interrupt(), 'gone');
    await expectReason(() => tracee.listen(), 'gone');
    await expectReason(() => tracee.siginfo(), 'gone');
  });
});

describe('what needs a stop', () => {
  it('is refused of a running tracee without asking the kernel, and says what to do', async () => {
    const watched = watchedLayer();
    await onLayer(watched.layer, async () => {
      const tracer = newTracer();
      const tracee = await seizeOne(tracer, await paused());
      watched.forget();
      for (const attempt of [
        () => tracee.resume(),
        () => tracee.listen(),
        () => tracee.siginfo(),
        () => tracee.registers,
      ]) {
        const error = await expectReason(attempt, 'running');
        expect(error.tid).toBe(tracee.tid);
        expect(error.code).toBe('ERR_RUNNING');
        expect(error.message).toContain('wait for its next stop first');
      }
      expect(watched.requests).toEqual([]);
      await tracer.close();
    });
  });

  it('costs one request for a resume', async () => {
    const watched = watchedLayer();
    await onLayer(watched.layer, async () => {
      const tracer = newTracer();
      const tracee = await attachOne(tracer, child(pauser()).pid);
      watched.forget();
      tracee.resume();
      expect(watched.requests.map(({ request }) => request)).toEqual([PTRACE.CONT]);
      await tracer.close();
    });
  });
});

describe('end', () => {
  it('is told beside the stops, which it does not take', async () => {
    const { tracee, go } = await held((s) => s.trap().exitGroup(6));
    const end = tracee.end();
    const ends = [tracee.end(), tracee.end()];
    const stop = expectKind(await within(go(), 'the trap'), 'breakpoint');
    if (process.arch === 'arm64') tracee.registers.pc += 4n;
    const last = await within(stop.resume(), 'the end');
    expect(isEnd(last)).toBe(true);
    expect(await end).toBe(last);
    expect(await Promise.all(ends)).toEqual([last, last]);
    expect(await tracee.end()).toBe(last);
  });

  it('of a detached child of ours comes, of a stranger it is refused', async () => {
    const tracer = newTracer();
    const spawned = await tracer.spawn('/bin/sh', ['-c', 'exit 8'], { stdio: 'null' });
    await spawned.detach();
    expect(await within(spawned.end(), 'the end')).toMatchObject({ kind: 'exited', code: 8 });
    const attached = await attachOne(tracer, await paused());
    await attached.detach();
    const error = await expectReason(attached.end(), 'not-tracee');
    expect(error.message).toContain('nobody tells us its end');
    expect(statusOf(attached.pid)?.tracerPid).toBe(0);
  });
});
