/** Ends that the kernel tells late, or not at all, and what becomes of those that nobody wants. */
import { describe, expect, it } from 'vitest';
import { binding } from '../../lib/binding.js';
import { ATTACH, EVENT, EVENT_SYSCALL, UTRACE } from '../../lib/engine/index.js';
import { archOf } from '../../lib/kernel/arch/index.js';
import { ERRNO } from '../../lib/kernel/errno.js';
import { PTRACE_EVENT } from '../../lib/kernel/events.js';
import { SIG } from '../../lib/kernel/signals.js';
import { syscallNumber } from '../../lib/kernel/syscalls.js';
import { procIsKernelThread, procSyscall } from '../../lib/proc.js';
import { CLONE, script } from '../../lib/raw/child.js';
import { HOST } from '../../lib/tracer/host.js';
import {
  attach,
  child,
  Deferred,
  nothing,
  pauser,
  send,
  session,
  threaded,
  until,
  within,
} from '../helpers/engines.js';
import {
  expectGone,
  expectReason,
  expectUntraced,
  gate,
  openGate,
  readWord,
  stateOf,
  statusOf,
  tasksOf,
  untilBlocking,
  which,
  writeWord,
} from '../helpers/tracing.js';

const { STOP, REPORT, RESUME, DETACH } = UTRACE;

/** A leader and a thread that executes a program when the gate opens. */
const executing = () =>
  threaded(
    1,
    (s) => gate(s).exec(which('sleep'), ['sleep', '1000']),
    (s) => s.store('ready', 1).loop((t) => t.pause()),
  );

describe('closing', () => {
  it('gives up a program that was not released: it never begins, and nothing is left of it', async () => {
    const { engines } = session();
    const held = engines.spawn({ file: which('sleep'), args: ['1000'] });
    const { tid } = held.thread;
    attach(engines, held.thread, EVENT.EXEC, { reportExec: () => expect.unreachable() });
    await within(engines.close(), 'closes');
    await expectGone(tid);
    await expectReason(() => {
      held.release();
    }, 'used-up');
  });

  it('leaves a leader behind that has ended before its threads, and reaps it when they end', async () => {
    const { engines } = session();
    const started = child(
      threaded(
        1,
        (s) => s.loop((t) => t.pause()),
        (s) => gate(s).exit(0),
      ),
    );
    const seen: string[] = [];
    attach(engines, started.pid, EVENT.EXIT | EVENT.DEATH, {
      reportExit: () => void seen.push('exit'),
      reportDeath: () => void seen.push('death'),
    });
    openGate(started);
    await until(() => stateOf(started.pid) === 'Z', 'the leader has ended');
    expect(tasksOf(started.pid)).toHaveLength(2);
    await within(engines.close(), 'closes');
    expect(seen).toEqual(['exit']);
    send(started.pid, SIG.SIGKILL);
    await expectGone(started.pid);
  });
});

describe('a leader that was given up as a zombie', () => {
  it('has its id taken by a traced thread that executes a program, which is told of that', async () => {
    const { engines } = session();
    const started = child(
      threaded(
        1,
        (s) => gate(s).exec(which('sleep'), ['sleep', '1000']),
        (s) => s.store('ready', 1).waitUntil('leave', '!=', 0).exit(0),
      ),
    );
    const { pid } = started;
    await until(() => readWord(started, 'threads') === 1n && readWord(started, 'ready') === 1n, 'both run');
    const tid = tasksOf(pid).find((each) => each !== pid) ?? 0;
    const seen: number[] = [];
    attach(engines, tid, EVENT.EXEC, { reportExec: (_action, _own, { formerTid }) => void seen.push(formerTid) });
    const leader = attach(engines, pid, EVENT.EXIT, { reportExit: () => DETACH });
    writeWord(started, 'leave', 1n);
    await until(() => stateOf(pid) === 'Z' && !leader.isAttached, 'the leader has left');
    await until(() => engines.threads.every((thread) => thread.tid !== pid), 'it is given up');
    // The memory of a zombie is gone; its thread's is there.
    expect(binding().processVmWrite(tid, started.address('gate'), new BigUint64Array([1n]), 0, 8)).toBe(8);
    await until(() => seen.length > 0, 'the exec is told');
    expect(seen).toEqual([tid]);
    await within(engines.close(), 'closes');
    await expectUntraced(pid, 'S');
  });
});

describe('a leader that an untraced thread’s exec has replaced', () => {
  it('is told dead and reaped, although the kernel says nothing', async () => {
    const { engines } = session();
    const started = child(executing());
    await until(() => readWord(started, 'threads') === 1n && readWord(started, 'ready') === 1n, 'both run');
    const seen: string[] = [];
    attach(engines, started.pid, EVENT.EXIT | EVENT.DEATH | EVENT.REAP, {
      reportExit: () => void seen.push('exit'),
      reportDeath: (_own, { status }) => void seen.push(`death ${status}`),
      reportReap: () => void seen.push('reap'),
    });
    openGate(started);
    await within(engines.done(), () => `it is given up: ${seen.join()}`);
    expect(seen).toEqual(['exit', 'death 0', 'reap']);
    await expectUntraced(started.pid, 'S');
  });

  it('keeps SEIZE waiting while it is held at its exit: attaching is refused instead', async () => {
    const { engines } = session();
    const started = child(executing());
    await until(() => readWord(started, 'threads') === 1n && readWord(started, 'ready') === 1n, 'both run');
    const exits = new Deferred();
    const engine = attach(engines, started.pid, EVENT.EXIT, {
      reportExit: () => {
        exits.resolve();
        return STOP;
      },
    });
    const thread = tasksOf(started.pid).at(-1) ?? 0;
    openGate(started);
    await within(exits.promise, 'the leader exits');
    await until(() => stateOf(thread) === 'D', 'the execve waits');
    const error = await expectReason(() => engines.attach(thread, ATTACH.CREATE, {}), 'denied');
    expect(error.errno).toBe(ERRNO.EAGAIN);
    expect(engine.control(RESUME)).toBe(0);
    await within(engines.done(), 'it is given up');
  });
});

describe('a thread that has executed a program, of which SIGKILL took the event away', () => {
  it('is told dead and reaped like its leader, whose id it has', async () => {
    const { engines } = session();
    const started = child(executing());
    await until(() => readWord(started, 'threads') === 1n && readWord(started, 'ready') === 1n, 'both run');
    const seen: string[] = [];
    const { pid } = started;
    for (const tid of tasksOf(pid)) {
      const who = tid === pid ? 'leader' : 'thread';
      attach(engines, tid, EVENT.DEATH | EVENT.REAP, {
        reportDeath: () => void seen.push(`death of the ${who}`),
        reportReap: () => void seen.push(`reap of the ${who}`),
      });
    }
    openGate(started);
    // The leader is let through its exit; the exec is seen by nobody, because nobody waits.
    untilBlocking(() => tasksOf(pid).length === 1 || (engines.pump(), false), 'the leader has gone');
    untilBlocking(() => stateOf(pid) === 't', 'it stands behind its exec');
    send(pid, SIG.SIGKILL);
    untilBlocking(() => statusOf(pid)?.sigPnd === 0n && 'tZ'.includes(stateOf(pid) ?? ''), 'it exits');
    await within(engines.done(), () => `all is told: ${seen.join()}`);
    expect(seen.filter((line) => line.startsWith('death')).sort()).toEqual([
      'death of the leader',
      'death of the thread',
    ]);
    expect(seen.filter((line) => line.startsWith('reap')).sort()).toEqual(['reap of the leader', 'reap of the thread']);
    await expectGone(pid);
  });
});

describe('an execve beside another thread', () => {
  it('begins when what that one had reported is handled: its stop at the exit is seen', async () => {
    const { engines } = session();
    const started = child(
      threaded(
        1,
        (s) => s.loop((t) => t.syscall('getppid')),
        (s) => gate(s.store('ready', 1)).exec(which('sleep'), ['sleep', '1000']),
      ),
    );
    await until(() => readWord(started, 'threads') === 1n && readWord(started, 'ready') === 1n, 'both run');
    const { pid } = started;
    const [, thread = 0] = tasksOf(pid);
    const states: (string | undefined)[] = [];
    let looks = false;
    const look = (): undefined => {
      if (looks) states.push(stateOf(pid));
    };
    const exits: number[] = [];
    attach(engines, thread, EVENT.QUIESCE | EVENT_SYSCALL | EVENT.EXIT, {
      reportQuiesce: nothing,
      reportSyscallEntry: look,
      reportSyscallExit: look,
      reportExit: (_action, engine) => void exits.push(engine.thread.status >>> 16),
    });
    // Of both, the kernel reports first who was attached last.
    attach(engines, pid, EVENT.QUIESCE | EVENT_SYSCALL, {
      reportQuiesce: nothing,
      reportSyscallEntry: nothing,
      reportSyscallExit: nothing,
    });
    // System calls are asked for from the next stop on.
    for (const each of engines.threads) expect(each.engines[0]?.control(REPORT)).toBe(0);
    openGate(started);
    const execve = syscallNumber(archOf(HOST).nativeAbi, 'execve');
    while (!looks) {
      untilBlocking(() => stateOf(pid) === 't' && stateOf(thread) === 't', 'both have stopped');
      looks = procSyscall(pid) === execve;
      engines.pump();
    }
    expect(states[0]).toBe('t');
    await until(() => engines.threads.length === 1, 'the program is executed');
    expect(exits).toEqual([PTRACE_EVENT.EXIT]);
    send(pid, SIG.SIGKILL);
    await within(engines.done(), 'it ends');
  });
});

describe('deaths', () => {
  it('are told behind the zombie of a child that is nobody’s', async () => {
    const { engines } = session();
    // A look at all children stops at this one.
    const foreign = child(script().exitGroup(0));
    await until(() => stateOf(foreign.pid) === 'Z', 'it is dead');
    const { pid } = child(gate(script()).exitGroup(3));
    const seen: string[] = [];
    attach(engines, pid, EVENT.EXIT | EVENT.DEATH | EVENT.REAP, {
      reportExit: () => void seen.push('exit'),
      reportDeath: () => void seen.push(`death ${stateOf(pid) ?? 'gone'}`),
      reportReap: () => void seen.push('reap'),
    });
    send(pid, SIG.SIGKILL);
    await within(engines.done(), 'it ends');
    expect(seen).toEqual(['exit', 'death Z', 'reap']);
  });

  it('are over when the promise of a callback has settled, without anything else happening', async () => {
    const { engines } = session();
    const { pid } = child(pauser());
    const seen: string[] = [];
    const answer = new Deferred();
    attach(engines, pid, EVENT.QUIESCE | EVENT.DEATH | EVENT.REAP, {
      reportQuiesce: (_action, _own, event) => {
        if (event !== EVENT.DEATH) return undefined;
        seen.push('quiesce');
        return answer.promise;
      },
      reportDeath: () => void seen.push('death'),
      reportReap: () => void seen.push('reap'),
    });
    send(pid, SIG.SIGKILL);
    await until(() => seen.length === 1, 'the death is told');
    expect(stateOf(pid)).toBe('Z');
    answer.resolve();
    await within(engines.done(), 'it is reaped');
    expect(seen).toEqual(['quiesce', 'death', 'reap']);
  });
});

describe('a child that no event names', () => {
  it('is let go: CLONE_PTRACE without an event', async () => {
    const { engines } = session();
    const started = child(
      gate(script())
        .clone(CLONE.PTRACE | CLONE.UNTRACED | SIG.SIGCHLD, (s) => s.loop((t) => t.pause()))
        .store('child')
        .loop((s) => s.pause()),
    );
    attach(engines, started.pid, EVENT.CLONE, { reportClone: () => expect.unreachable() });
    openGate(started);
    const pid = await until(() => Number(readWord(started, 'child')), 'it forks');
    await expectUntraced(pid, 'S');
    send(pid, SIG.SIGKILL);
  });
});

describe('attaching', () => {
  it('says EPERM of a thread of the kernel', async (context) => {
    if (procIsKernelThread(2) !== true) context.skip('pid 2 is no kernel thread here: a pid namespace of its own');
    const { engines } = session();
    const error = await expectReason(() => engines.attach(2, ATTACH.CREATE, {}), 'denied');
    expect(error.errno).toBe(ERRNO.EPERM);
    expect(engines.threads).toEqual([]);
  });
});

describe('a lazy action', () => {
  it('leaves a sleeping thread alone and is taken up at its next stop', async () => {
    const { engines } = session();
    const started = child(
      script()
        .handle('SIGUSR1', (s) => s.increment('handled'))
        .store('ready', 1)
        .syscall('pause')
        .store('woken', 1)
        .loop((s) => s.pause()),
    );
    await until(() => readWord(started, 'ready') === 1n && stateOf(started.pid) === 'S', 'it sleeps');
    let reports = 0;
    const engine = attach(engines, started.pid, EVENT.QUIESCE, {
      reportQuiesce: () => {
        reports++;
        return nothing();
      },
    });
    expect(engine.control(REPORT, { lazy: true })).toBe(0);
    expect(engine.control(STOP, { lazy: true })).toBe('EINPROGRESS');
    await expectReason(() => engine.control(STOP, { lazy: 1 as unknown as boolean }), 'bad-input');
    engines.pump();
    expect(stateOf(started.pid)).toBe('S');
    expect(reports).toBe(0);
    send(started.pid, SIG.SIGUSR1);
    await until(() => engine.control(STOP, { lazy: true }) === 0, 'its next stop is taken');
    expect(stateOf(started.pid)).toBe('t');
    expect(reports).toBeGreaterThan(0);
    expect(engine.control(DETACH)).toBe(0);
    await until(() => readWord(started, 'handled') === 1n, 'the signal is delivered');
  });
});
