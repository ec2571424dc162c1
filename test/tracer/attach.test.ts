import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { binding } from '../../lib/binding.js';
import { ERRNO } from '../../lib/kernel/errno.js';
import { SIG } from '../../lib/kernel/signals.js';
import { procSyscall } from '../../lib/proc.js';
import { script } from '../../lib/raw/child.js';
import { explainAccess } from '../../lib/access/index.js';
import { dist } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';
import {
  attachOne,
  child,
  expectKind,
  expectReason,
  expectUntraced,
  gate,
  has,
  newTracer,
  openGate,
  program,
  readWord,
  send,
  stateOf,
  statusOf,
  tasksOf,
  threaded,
  until,
  which,
  within,
} from '../helpers/tracing.js';
import { paused } from './programs.js';

const others: { kill(signal: 'SIGKILL'): boolean }[] = [];
afterEach(() => {
  for (const other of others.splice(0)) other.kill('SIGKILL');
});

/** A process started by somebody who is not us: an orphan of a shell. Its pid. */
function orphan(command: string): number {
  const { stdout } = spawnSync('/bin/sh', ['-c', `${command} >/dev/null 2>&1 </dev/null & echo $!`], {
    encoding: 'utf8',
  });
  const pid = Number(stdout);
  others.push({ kill: () => send(pid, 9) });
  return pid;
}

describe('attach', () => {
  it('stops a sleeping process without a signal, and it sleeps on afterwards', async () => {
    const pid = await paused();
    const tracee = await attachOne(newTracer(), pid);
    expect(expectKind(tracee.stop!, 'event-stop').cause).toBe('interrupt');
    expect(tracee.isOwnChild).toBe(false);
    expect(statusOf(pid)).toMatchObject({ state: 't', tracerPid: binding().gettid(), sigPnd: 0n, shdPnd: 0n });
    await tracee.detach();
    await expectUntraced(pid, 'S');
  });

  it('stops one that runs', async () => {
    const { pid } = child(script().spin());
    const tracee = await attachOne(newTracer(), pid);
    expectKind(tracee.stop!, 'event-stop');
    expect(stateOf(pid)).toBe('t');
  });

  it('takes a stopped process in its group-stop, and leaves it stopped', async () => {
    for (const signal of [SIG.SIGSTOP, SIG.SIGTSTP, SIG.SIGTTIN]) {
      const pid = await paused();
      send(pid, signal);
      await until(() => stateOf(pid) === 'T', 'it is stopped');
      const tracee = await attachOne(newTracer(), pid);
      expect(expectKind(tracee.stop!, 'group-stop').signal).toBe(signal);
      await tracee.detach();
      await expectUntraced(pid, 'T');
    }
  });

  it('interrupts a sleep that goes on afterwards', async () => {
    const part = script()
      .nanosleep(300)
      .store('slept', 1)
      .loop((s) => s.pause());
    const started = child(part);
    await until(() => stateOf(started.pid) === 'S', 'it sleeps');
    const began = performance.now();
    const tracee = await attachOne(newTracer(), started.pid);
    const slept = (): number => Buffer.from(tracee.memory.read(started.address('slept'), 1).bytes)[0] ?? 0;
    expect(slept()).toBe(0);
    tracee.resume();
    await until(() => slept() === 1, 'the end of the sleep');
    expect(performance.now() - began).toBeGreaterThan(150);
  });

  it('stops a process that reads from a terminal in the background', { timeout: limit(30_000) }, async (context) => {
    if (!has('bash')) context.skip('no bash here');
    const tracer = newTracer();
    // The shell leads the terminal's foreground; what it starts with & reads and is stopped by SIGTTIN.
    const shell = await tracer.spawn('/bin/bash', ['--norc', '-i'], {
      stdio: 'pty',
      env: { ...process.env, PS1: '$ ' },
    });
    let shown = '';
    shell.pty!.stream.on('data', (chunk: Buffer) => (shown += chunk.toString()));
    await tracer.detach(shell.pid);
    await until(() => shown.includes('$ '), 'the prompt');
    shell.pty!.stream.write('cat & echo "pid=$!"\r');
    const pid = Number(
      await until(
        () => /pid=(\d+)\r/.exec(shown)?.[1],
        () => `the job in ${JSON.stringify(shown)}`,
      ),
    );
    await until(() => stateOf(pid) === 'T', 'it is stopped for reading');
    const [cat] = await within(tracer.attach(pid), 'the attach');
    expect(expectKind(cat!.stop!, 'group-stop').signalName).toBe('SIGTTIN');
    await within(cat!.detach(), 'the detach');
    await expectUntraced(pid, 'T');
    // One that waits for its turn in the foreground.
    shell.pty!.stream.write('fg\r');
    await until(() => stateOf(pid) === 'S', 'it reads');
    const [again] = await within(tracer.attach(pid), 'the attach');
    expect(expectKind(again!.stop!, 'event-stop').cause).toBe('interrupt');
    await within(again!.detach(), 'the detach');
    await expectUntraced(pid, 'S');
    shell.pty!.stream.write('\x04');
    await until(() => stateOf(pid) === undefined, 'cat has read the end');
    shell.pty!.stream.write('exit\r');
    expect(await within(shell.end(), 'the end of the shell')).toMatchObject({ kind: 'exited' });
  });

  it('takes all threads, the leader first', async () => {
    const started = child(threaded(5, (s) => s.loop((t) => t.pause())));
    await until(() => tasksOf(started.pid).length === 6, 'the threads');
    const tracer = newTracer();
    // Any of its tids names the process.
    const tracees = await within(tracer.attach(tasksOf(started.pid)[3] ?? 0), 'the attach');
    expect(tracees.map(({ tid }) => tid)).toEqual(tasksOf(started.pid));
    expect(tracees[0]?.isLeader).toBe(true);
    for (const tracee of tracees) {
      expect(tracee.pid).toBe(started.pid);
      expectKind(tracee.stop!, 'event-stop');
      expect(stateOf(tracee.tid)).toBe('t');
    }
    await expectReason(tracer.attach(started.pid), 'bad-input');
  });

  it("with threads: 'one' takes that thread alone", async () => {
    const started = child(threaded(2, (s) => s.loop((t) => t.pause())));
    await until(() => tasksOf(started.pid).length === 3, 'the threads');
    const tid = tasksOf(started.pid)[1] ?? 0;
    const tracer = newTracer();
    const tracees = await within(tracer.attach(tid, { threads: 'one' }), 'the attach');
    expect(tracees.map((tracee) => [tracee.tid, tracee.pid, tracee.isLeader])).toEqual([[tid, started.pid, false]]);
    for (const other of tasksOf(started.pid)) {
      expect(statusOf(other)?.tracerPid).toBe(other === tid ? binding().gettid() : 0);
    }
    // The others can follow; the one that is known stays as it is.
    const rest = await within(tracer.attach(started.pid), 'the attach of the rest');
    expect(new Set([...rest, ...tracees]).size).toBe(3);
    expect(tracer.tracees).toHaveLength(3);
  });

  it('catches every thread of a process that creates threads all the time', { timeout: limit(60_000) }, async () => {
    // Each thread creates another and ends, several of these chains side by side.
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
      expect(tracees[0]?.tid).toBe(started.pid);
      const tasks = tasksOf(started.pid).filter((tid) => stateOf(tid) !== 'Z' && stateOf(tid) !== 'X');
      for (const tid of tasks) {
        const status = statusOf(tid);
        // One that was on its way out when it was caught ends all the same.
        if (status === undefined || 'ZX'.includes(status.state)) continue;
        expect(status.tracerPid, `thread ${tid}`).toBe(binding().gettid());
        expect(tracer.tracee(tid), `thread ${tid}`).toBeDefined();
      }
      for (const { stop, state } of tracees) expect([stop !== null, state]).toEqual([true, 'stopped']);
      await within(tracer.close(), 'the tracer closes');
      expect(statusOf(started.pid)?.tracerPid).toBe(0);
      send(started.pid, 9);
    }
  });

  it('does not wait for a process that waits for its vfork child: it stops when it can', async () => {
    const part = script()
      .vfork((s) => s.waitUntil('go', '!=', 0).exit(0))
      .store('done', 1)
      .loop((s) => s.pause());
    const started = child(part);
    await until(() => stateOf(started.pid) === 'D', 'the parent waits');
    const tracer = newTracer();
    const [parent] = await within(tracer.attach(started.pid), 'the attach');
    expect(parent?.state).toBe('running');
    expect(statusOf(started.pid)?.tracerPid).toBe(binding().gettid());
    parent!.memory.write(started.address('go'), Uint8Array.of(1));
    expectKind(await within(parent!.wait(), 'its stop'), 'event-stop');
  });
});

describe('what cannot be attached is refused with the reason', () => {
  it('a process that is no more', async () => {
    const tracer = newTracer();
    const { pid } = child(script().exitGroup(0));
    await until(() => stateOf(pid) === 'Z', 'it is a zombie');
    const zombie = await expectReason(tracer.attach(pid), 'gone');
    expect(zombie.code).toBe('EPERM');
    expect(explainAccess(pid).findings.map(({ kind }) => kind)).toContain('dead');
    const nobody = 0x3ffffff;
    expect(stateOf(nobody)).toBeUndefined();
    const none = await expectReason(tracer.attach(nobody), 'gone');
    expect(none.code).toBe('ESRCH');
    expect(none.tid).toBe(nobody);
  });

  it('a kernel thread, init of ours, and this process itself', async () => {
    const tracer = newTracer();
    const kernelThread = readdirSync('/proc')
      .map(Number)
      .find((pid) => Number.isInteger(pid) && isKernelThread(pid));
    if (kernelThread === undefined) console.log('no kernel thread is visible here');
    else {
      const error = await expectReason(tracer.attach(kernelThread), 'denied');
      expect(error.code).toBe('EPERM');
      expect(error.message).toContain('explainAccess');
      expect(explainAccess(kernelThread).findings.map(({ kind }) => kind)).toContain('kernel-thread');
    }
    for (const tid of [process.pid, ...tasksOf(process.pid).slice(0, 3)]) {
      const error = await expectReason(tracer.attach(tid), 'denied');
      expect(error.code).toBe('EPERM');
    }
    expect(tracer.tracees).toEqual([]);
  });

  it('what is traced already, naming the tracer: another Tracer here', async () => {
    const pid = await paused();
    const [first, second] = [newTracer(), newTracer()];
    const tracee = await attachOne(first, pid);
    const error = await expectReason(second.attach(pid), 'denied');
    expect(error.message).toContain(`process ${binding().gettid()} traces it already`);
    await tracee.detach();
    await attachOne(second, pid);
  });

  it('another process, of ours', { timeout: limit(30_000) }, async () => {
    const victim = orphan('exec sleep 1000');
    const code = `
      const { Tracer } = await import(${JSON.stringify(dist('index.js'))});
      const tracer = new Tracer();
      await tracer.attach(${victim});
      console.log('attached');
      setInterval(() => {}, 1000);`;
    const node = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    others.push(node);
    await within(once(node.stdout, 'data'), 'the other tracer');
    const error = await expectReason(newTracer().attach(victim), 'denied');
    expect(error.message).toContain(`process ${node.pid ?? 0} traces it already`);
    expect(error.code).toBe('EPERM');
    node.kill('SIGKILL');
    await within(once(node, 'exit'), 'its end');
    // Its tracer is gone: now it is free.
    await until(() => statusOf(victim)?.tracerPid === 0, 'it is let go');
    await within(newTracer().attach(victim), 'the attach');
  });

  it('strace', { timeout: limit(30_000) }, async (context) => {
    if (!has('strace')) context.skip('no strace here');
    const victim = orphan('exec sleep 1000');
    const strace = spawn(which('strace'), ['-p', String(victim)], { stdio: 'ignore' });
    others.push(strace);
    await until(() => (statusOf(victim)?.tracerPid ?? 0) !== 0, 'strace traces it');
    const error = await expectReason(newTracer().attach(victim), 'denied');
    expect(error.message).toContain(`process ${strace.pid ?? 0} traces it already`);
    strace.kill('SIGKILL');
    await within(once(strace, 'exit'), 'its end');
  });

  it('a child that Node started, unless told otherwise', async () => {
    const node = spawn('/bin/sleep', ['1000'], { stdio: 'ignore' });
    others.push(node);
    const tracer = newTracer();
    const error = await expectReason(tracer.attach(node.pid!), 'own-child');
    expect(error.message).toContain('tracer.spawn()');
    await expectReason(tracer.seize(node.pid!), 'own-child');
    expect(statusOf(node.pid!)?.tracerPid).toBe(0);
    node.kill('SIGKILL');
    const [, signal] = (await within(once(node, 'exit'), 'its exit')) as [number | null, string];
    expect(signal).toBe('SIGKILL');
  });

  it('what is no pid, and options that are none', async () => {
    const tracer = newTracer();
    for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 31, '1', null, undefined, 1n, {}, [], Symbol('s')] as never[]) {
      await expectReason(tracer.attach(pid), 'bad-input');
      await expectReason(tracer.seize(pid), 'bad-input');
    }
    const pid = await paused();
    for (const options of [
      5,
      'all',
      null,
      { thread: 'all' },
      { threads: 'some' },
      { onTracerExit: 'die' },
      { allowNodeChild: 1 },
    ] as never[]) {
      await expectReason(tracer.attach(pid, options), 'bad-input');
    }
    expect(statusOf(pid)?.tracerPid).toBe(0);
  });
});

describe('seize', () => {
  it('does not stop anything', async () => {
    const part = script().loop((s) => s.increment('count').nanosleep(1));
    const started = child(part);
    const tracer = newTracer();
    const [tracee] = await tracer.seize(started.pid);
    const count = (): bigint => Buffer.from(tracee!.memory.read(started.address('count'), 8).bytes).readBigUInt64LE();
    expect(tracee!.state).toBe('running');
    expect(tracee!.stop).toBeNull();
    const before = count();
    await until(() => count() > before + 3n, 'it counts on');
    expect(statusOf(started.pid)).toMatchObject({ tracerPid: binding().gettid(), sigPnd: 0n, shdPnd: 0n });
    expect(tracee!.stop).toBeNull();
  });

  it('of all threads or one', async () => {
    const started = child(threaded(2, (s) => s.loop((t) => t.pause())));
    await until(() => tasksOf(started.pid).length === 3, 'the threads');
    const tracer = newTracer();
    expect(await tracer.seize(started.pid, { threads: 'one' })).toHaveLength(1);
    expect(await tracer.seize(started.pid)).toHaveLength(2);
    expect(tracer.tracees.map(({ state }) => state)).toEqual(['running', 'running', 'running']);
  });

  it('of a dynamic program that runs already leaves it what it is', async () => {
    const pid = program('sleep', ['1000']);
    await until(() => readFileSync(`/proc/${pid}/comm`, 'latin1') === 'sleep\n' && stateOf(pid) === 'S', 'it sleeps');
    const tracer = newTracer();
    const [tracee] = await tracer.seize(pid);
    expectKind(await within(tracee!.interrupt(), 'the interrupt'), 'event-stop');
    tracee!.resume();
    await until(() => stateOf(pid) === 'S', 'it sleeps on');
  });
});

function isKernelThread(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // PF_KTHREAD
    return (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[6]) & 0x0020_0000) !== 0;
  } catch {
    return false;
  }
}

describe('while an execve of the process waits for a thread that is held at its exit', () => {
  /** A leader, a thread to be held, and one that executes a program when the gate opens. */
  async function waiting() {
    const started = child(
      threaded(
        1,
        (s) => s.increment('others').loop((t) => t.pause()),
        (s) =>
          s.thread((t) => gate(t.increment('others')).exec(which('sleep'), ['sleep', '1000'])).loop((t) => t.pause()),
      ),
    );
    await until(() => readWord(started, 'others') === 2n && tasksOf(started.pid).length === 3, 'all run');
    const tracer = newTracer({ events: ['exit'] });
    const [, one = 0, other = 0] = tasksOf(started.pid);
    // The one that executes is the one that stands at the gate.
    const executing = String(procSyscall(one)) === String(procSyscall(started.pid)) ? other : one;
    const [held] = await tracer.seize(executing === one ? other : one, { threads: 'one' });
    const exit = tracer.wait();
    openGate(started);
    const stop = expectKind(await within(exit, 'its exit'), 'exit');
    await until(() => stateOf(executing) === 'D', 'the execve waits');
    return { pid: started.pid, tracer, executing, held, stop };
  }

  it('it goes on when that is resumed, and the new program is attached', async () => {
    const { pid, tracer, stop } = await waiting();
    const attaching = tracer.attach(pid);
    let turned = 0;
    for (; turned < 20; turned++) await new Promise((resolve) => setImmediate(resolve));
    stop.resume();
    const attached = await within(attaching, 'the new program');
    expect(attached.map(({ tid }) => tid)).toEqual([pid]);
    await within(tracer.close(), 'the end');
    await expectUntraced(pid, 'S');
  });

  it(
    'what is not resumed is told after a while: seizing would have slept for ever',
    { timeout: limit(30_000) },
    async () => {
      const { pid, tracer, executing, stop } = await waiting();
      for (const attempt of [
        () => tracer.seize(executing, { threads: 'one' }),
        () => tracer.seize(pid),
        () => newTracer().attach(pid),
      ]) {
        const error = await expectReason(attempt, 'denied');
        expect(error.errno).toBe(ERRNO.EAGAIN);
      }
      stop.resume();
      await until(() => tasksOf(pid).length === 1, 'the program runs');
    },
  );
});
