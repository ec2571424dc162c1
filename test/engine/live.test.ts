import { describe, expect, it } from 'vitest';
import { ATTACH, EVENT, EVENT_SIGNAL_ALL, SIGNAL_ACTION, SYSCALL_ACTION, UTRACE } from '../../lib/engine/index.js';
import type { EngineOps, Engine } from '../../lib/engine/index.js';
import { SIG } from '../../lib/kernel/signals.js';
import { CLD } from '../../lib/kernel/wait-flags.js';
import { script } from '../../lib/raw/child.js';
import {
  attach,
  child,
  Deferred,
  hold,
  isGone,
  nothing,
  pauser,
  send,
  session,
  stormer,
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
  tasksOf,
  which,
} from '../helpers/tracing.js';

const { STOP, INTERRUPT, REPORT, SINGLESTEP, RESUME, DETACH } = UTRACE;
const QUIESCE: EngineOps = { reportQuiesce: nothing };

describe('attach and detach', () => {
  it('seizes once for all engines, and the last detach detaches', async () => {
    const { engines } = session();
    const { pid } = child(pauser());
    const a = engines.attach(pid, ATTACH.CREATE, {}, 'a');
    const b = engines.attach(pid, ATTACH.CREATE, {}, 'b');
    expect(engines.threads.map(({ tid }) => tid)).toEqual([pid]);
    expect(engines.attach(pid, ATTACH.MATCH_DATA, undefined, 'b')).toBe(b);
    expect((await expectReason(() => engines.attach(pid, ATTACH.MATCH_DATA, undefined, 'c'), 'bad-input')).code).toBe(
      'ENOENT',
    );
    expect((await expectReason(() => engines.attach(pid, ATTACH.CREATE | ATTACH.EXCLUSIVE, {}), 'denied')).code).toBe(
      'EEXIST',
    );
    expect(a.control(DETACH)).toBe(0);
    expect(a.control(STOP)).toBe('ESRCH');
    expect(b.control(DETACH)).toBe(0);
    await within(engines.done(), 'it is let go');
    await expectUntraced(pid, 'S');
  });

  it('says ESRCH of what is not there, EPERM of the kernel’s own', async () => {
    const { engines } = session();
    const { pid } = child(script().exitGroup(0));
    await until(() => stateOf(pid) === 'Z', 'it is dead');
    expect((await expectReason(() => engines.attach(pid, ATTACH.CREATE, {}), 'gone')).code).toBe('ESRCH');
  });

  it('refuses what can never be right', async () => {
    const { engines } = session();
    const { pid } = child(pauser());
    await expectReason(() => engines.attach(pid, 0x100, {}), 'bad-input');
    await expectReason(() => engines.attach(pid, ATTACH.CREATE), 'bad-input');
    const engine = engines.attach(pid, ATTACH.CREATE, QUIESCE);
    await expectReason(() => engine.setEvents(1 << 30), 'bad-input');
    await expectReason(() => engine.setEvents(EVENT.EXEC), 'bad-input');
    await expectReason(() => engine.control(7), 'bad-input');
    expect(engine.control(REPORT)).toBe('EINVAL');
  });
});

describe('stopping', () => {
  it('holds a running thread while any engine wants it', async () => {
    const { engines } = session();
    const { pid } = child(stormer());
    const a = await hold(engines, pid);
    const b = attach(engines, pid, 0, {});
    expect(b.control(STOP)).toBe(0);
    expect(stateOf(pid)).toBe('t');
    expect(a.control(RESUME)).toBe(0);
    expect(stateOf(pid)).toBe('t');
    expect(b.control(DETACH)).toBe(0);
    expect(stateOf(pid)).not.toBe('t');
  });

  it('lets the holder examine, and tells when SIGKILL spoiled it', async () => {
    const { engines } = session();
    const { pid } = child(pauser());
    const other = attach(engines, pid, 0, {});
    expect(other.prepareExamine()).toBe('EINVAL');
    const engine = await hold(engines, pid);
    const first = engine.prepareExamine();
    if (typeof first === 'string') throw new Error(first);
    expect(engine.thread.registers.pc).toBeGreaterThan(0n);
    expect(engine.finishExamine(first)).toBe(0);
    const second = engine.prepareExamine();
    if (typeof second === 'string') throw new Error(second);
    send(pid, SIG.SIGKILL);
    await until(() => engine.finishExamine(second) === 'EAGAIN', 'the examination is spoiled');
    await within(engines.done(), 'it ends');
  });

  it('INTERRUPT reports in the signal path, REPORT at the border', async () => {
    const { engines } = session();
    const { pid } = child(pauser());
    const seen = new Deferred<number>();
    const engine = attach(engines, pid, EVENT.QUIESCE, {
      reportQuiesce: nothing,
      reportSignal: (action) => {
        seen.resolve(action & 0x70);
      },
    });
    expect(engine.control(INTERRUPT)).toBe(0);
    expect(await within(seen.promise, 'it reports')).toBe(SIGNAL_ACTION.REPORT);
    await until(() => stateOf(pid) === 'S', 'it sleeps again');
  });

  it('steps, one instruction at a time, and the trap kills nobody', async () => {
    const { engines } = session();
    const { pid } = child(stormer());
    const done = new Deferred();
    const pcs = new Set<bigint>();
    let steps = 0;
    const engine = attach(engines, pid, EVENT.QUIESCE, {
      reportQuiesce: nothing,
      reportSignal: (action, own, { signal }) => {
        if (signal !== SIG.SIGTRAP) return SINGLESTEP | (action & 0x70);
        expect(action & 0x70).toBe(SIGNAL_ACTION.IGN);
        pcs.add(own.thread.registers.pc);
        if (++steps < 200) return SINGLESTEP | SIGNAL_ACTION.IGN;
        done.resolve();
        return RESUME | SIGNAL_ACTION.IGN;
      },
    });
    expect(engine.control(REPORT)).toBe(0);
    await within(done.promise, 'it steps');
    expect(steps).toBe(200);
    expect(pcs.size).toBeGreaterThan(2);
    expect(engine.control(DETACH)).toBe(0);
    await within(engines.done(), 'it is let go');
    await expectUntraced(pid, 'RS');
  });

  it('a stepping resume that passes a system call makes up the trap behind it', async () => {
    const { engines } = session();
    const { pid } = child(stormer());
    const done = new Deferred();
    const seen: string[] = [];
    attach(engines, pid, EVENT.SYSCALL_ENTRY | EVENT.SYSCALL_EXIT, {
      reportSyscallEntry: () => {
        seen.push('entry');
      },
      reportSyscallExit: () => {
        seen.push('exit');
      },
    });
    const stepper = attach(engines, pid, EVENT.QUIESCE, {
      reportQuiesce: nothing,
      reportSignal: (action, _own, { signal }) => {
        if (signal === SIG.SIGTRAP) seen.push('trap');
        const over = seen.join(' ').includes('trap entry exit trap');
        if (over) done.resolve();
        return (over ? RESUME : SINGLESTEP) | (action & 0x70);
      },
    });
    expect(stepper.control(REPORT)).toBe(0);
    await within(done.promise, () => `steps: ${seen.slice(-30).join(' ')}`);
    expect(stepper.control(DETACH)).toBe(0);
  });
});

describe('system calls', () => {
  it('are reported at both ends, in reverse at the entry', async () => {
    const { engines } = session();
    const { pid } = child(stormer());
    const done = new Deferred();
    const seen: string[] = [];
    const ops = (name: string): EngineOps => ({
      reportSyscallEntry: (_, _own, call) => {
        if (call.name === 'getppid') seen.push(`${name}>`);
        if (seen.length > 12) {
          done.resolve();
          return DETACH;
        }
        return undefined;
      },
      reportSyscallExit: (_, _own, call) => {
        expect(call.result).toBe(BigInt(process.pid));
        seen.push(`<${name}`);
      },
    });
    const events = EVENT.SYSCALL_ENTRY | EVENT.SYSCALL_EXIT;
    attach(engines, pid, events, ops('a'));
    attach(engines, pid, events, ops('b'));
    // Union of masks: a thread that runs takes it with its next stop.
    const kick = attach(engines, pid, EVENT.QUIESCE, QUIESCE);
    kick.control(REPORT);
    await within(done.promise, 'calls are reported');
    expect(seen.join(' ')).toContain('b> a> <a <b b> a>');
  });

  it('are skipped, with the result that an engine has chosen', async () => {
    const { engines } = session();
    const started = child(gate(script()).loop((s) => s.syscall('getuid').store('uid').increment('rounds')));
    const engine = attach(engines, started.pid, EVENT.QUIESCE | EVENT.SYSCALL_ENTRY | EVENT.SYSCALL_EXIT, {
      reportQuiesce: nothing,
      reportSyscallEntry: (action, _own, call) => (call.name === 'getuid' ? RESUME | SYSCALL_ACTION.ABORT : action & 7),
      reportSyscallExit: (_, _own, call) => {
        if (call.result === -38n) call.setResult(4711);
      },
    });
    engine.control(REPORT);
    openGate(started);
    await until(
      () => readWord(started, 'rounds') > 10n && readWord(started, 'uid') === 4711n,
      'the result is the engine’s',
    );
  });

  it('a logger and an editor of registers at the same entry see a consistent state', async () => {
    const { engines } = session();
    const started = child(gate(script()).loop((s) => s.syscall('close', 99)));
    const done = new Deferred();
    const logged: (readonly [resumed: boolean, fd: bigint])[] = [];
    const events = EVENT.QUIESCE | EVENT.SYSCALL_ENTRY;
    const logger = attach(engines, started.pid, events, {
      reportQuiesce: nothing,
      reportSyscallEntry: (action, _own, call) => {
        if (call.name !== 'close') return undefined;
        logged.push([(action & SYSCALL_ACTION.RESUMED) !== 0, call.arg(0)]);
        if (logged.length === 2) done.resolve();
        return (action & SYSCALL_ACTION.RESUMED) === 0 ? REPORT : RESUME;
      },
    });
    const editor = attach(engines, started.pid, EVENT.SYSCALL_ENTRY, {
      reportSyscallEntry: (action, own, call) => {
        if (call.name !== 'close' || logged.length > 0) return undefined;
        if ((action & SYSCALL_ACTION.RESUMED) !== 0) return undefined;
        setImmediate(() => {
          own.thread.registers.setArg(0, 77);
          own.control(RESUME);
        });
        return STOP;
      },
    });
    logger.control(REPORT);
    openGate(started);
    await within(done.promise, 'both reports');
    expect(logged.slice(0, 2)).toEqual([
      [false, 99n],
      [true, 77n],
    ]);
    editor.control(DETACH);
  });
});

describe('new threads and programs', () => {
  it('a child is held until its parent’s pass is over, and let go when nobody wants it', async () => {
    const { engines } = session();
    const started = child(
      gate(script())
        .fork((s) => s.pause())
        .store('child')
        .loop((s) => s.pause()),
    );
    const over = new Deferred();
    let born = 0;
    attach(engines, started.pid, EVENT.CLONE, {
      reportClone: async (_, _own, { kind, child: thread }) => {
        expect(kind).toBe('fork');
        born = thread.tid;
        await until(() => stateOf(born) === 't', 'the child has stopped');
        expect(readWord(started, 'child')).toBe(0n);
        over.resolve();
      },
    });
    openGate(started);
    await within(over.promise, 'the clone is reported');
    await expectUntraced(born, 'S');
    send(born, SIG.SIGKILL);
  });

  it('engines attached in the clone report miss nothing of the thread', async () => {
    const { engines } = session();
    const started = child(
      gate(script())
        .thread((s) => s.syscall('gettid').exit(0))
        .loop((s) => s.pause()),
    );
    const calls: string[] = [];
    const over = new Deferred();
    attach(engines, started.pid, EVENT.CLONE, {
      reportClone: (_, _own, { child: thread }) => {
        attach(engines, thread, EVENT.SYSCALL_ENTRY | EVENT.REAP, {
          reportSyscallEntry: (__, ___, call) => {
            calls.push(call.name);
          },
          reportReap: () => over.resolve(),
        });
      },
    });
    openGate(started);
    await within(over.promise, 'the thread is reaped');
    expect(calls).toContain('gettid');
    expect(calls.at(-1)).toBe('exit');
  });

  it('a held program shows its exec, its exit, its death and its reaping, in this order', async () => {
    const { engines } = session();
    const held = engines.spawn({ file: which('true') });
    const seen: string[] = [];
    attach(engines, held.thread, EVENT.EXEC | EVENT.EXIT | EVENT.DEATH | EVENT.REAP, {
      reportExec: (_, own, { formerTid }) => {
        expect(formerTid).toBe(own.thread.tid);
        seen.push('exec');
      },
      reportExit: (_, own, { code }) => {
        expect(own.thread.registers.pc).toBeGreaterThan(0n);
        seen.push(`exit ${code}`);
      },
      reportDeath: (own, { groupDead, status }) => {
        expect(stateOf(own.thread.tid)).toBe('Z');
        seen.push(`death ${status} ${groupDead}`);
      },
      reportReap: (_own, { tid }) => {
        expect(isGone(tid)).toBe(true);
        seen.push('reap');
      },
    });
    held.release();
    await within(engines.done(), 'it ends');
    expect(seen).toEqual(['exec', 'exit 0', 'death 0 true', 'reap']);
  });

  it('the exec of a thread that is not the leader takes its engines to the leader’s id; the old leader’s die', async () => {
    const { engines } = session();
    const started = child(
      threaded(
        1,
        (s) => gate(s).exec(which('sleep'), ['sleep', '1000']),
        (s) => s.loop((t) => t.pause()),
      ),
    );
    await until(() => readWord(started, 'threads') === 1n, 'the thread runs');
    const seen: string[] = [];
    const executed = new Deferred();
    const tids = tasksOf(started.pid);
    const owners = new Map<number, Engine>();
    for (const tid of tids) {
      owners.set(
        tid,
        attach(engines, tid, EVENT.EXEC | EVENT.EXIT | EVENT.DEATH | EVENT.REAP, {
          reportExec: (_, own, { formerTid }) => {
            seen.push(`${formerTid === started.pid ? 'leader' : 'thread'} exec as ${own.thread.tid}`);
            executed.resolve();
          },
          reportExit: () => void seen.push(`${tid === started.pid ? 'leader' : 'thread'} exit`),
          reportDeath: () => void seen.push(`${tid === started.pid ? 'leader' : 'thread'} death`),
          reportReap: () => void seen.push(`${tid === started.pid ? 'leader' : 'thread'} reap`),
        }),
      );
    }
    openGate(started);
    await within(executed.promise, () => `exec: ${seen.join()}`);
    expect(seen).toEqual(['leader exit', 'leader death', 'leader reap', `thread exec as ${started.pid}`]);
    expect(owners.get(started.pid)?.control(STOP)).toBe('ESRCH');
    expect(engines.threads.map(({ tid }) => tid)).toEqual([started.pid]);
  });
});

describe('signals', () => {
  const started = () =>
    child(
      script()
        .handle('SIGUSR1', (s) => s.increment('handled'))
        .ignore('SIGUSR2')
        .store('ready', 1)
        .loop((s) => s.pause()),
    );

  it('are classified by what the process has asked for, and delivered, ignored or replaced', async () => {
    const { engines } = session();
    const target = started();
    await until(() => readWord(target, 'ready') === 1n, 'its handlers are there');
    const seen: number[][] = [];
    const answers: number[] = [];
    attach(engines, target.pid, EVENT_SIGNAL_ALL, {
      reportSignal: (action, _own, { signal, event }) => {
        seen.push([signal, event, action & 0x70]);
        return answers.shift();
      },
    });
    const say = async (signal: number, answer: number): Promise<void> => {
      const count = seen.length;
      answers.push(answer);
      send(target.pid, signal);
      await until(() => seen.length > count, `signal ${signal} is reported`);
    };
    await say(SIG.SIGUSR1, RESUME | SIGNAL_ACTION.DELIVER);
    await until(() => readWord(target, 'handled') === 1n, 'the handler ran');
    await say(SIG.SIGUSR1, RESUME | SIGNAL_ACTION.IGN);
    await say(SIG.SIGUSR2, RESUME | SIGNAL_ACTION.IGN);
    await say(SIG.SIGTERM, RESUME | SIGNAL_ACTION.IGN);
    await say(SIG.SIGQUIT, RESUME | SIGNAL_ACTION.IGN);
    await say(SIG.SIGTSTP, RESUME | SIGNAL_ACTION.IGN);
    expect(seen).toEqual([
      [SIG.SIGUSR1, EVENT.SIGNAL, SIGNAL_ACTION.DELIVER],
      [SIG.SIGUSR1, EVENT.SIGNAL, SIGNAL_ACTION.DELIVER],
      [SIG.SIGUSR2, EVENT.SIGNAL_IGN, SIGNAL_ACTION.IGN],
      [SIG.SIGTERM, EVENT.SIGNAL_TERM, SIGNAL_ACTION.TERM],
      [SIG.SIGQUIT, EVENT.SIGNAL_CORE, SIGNAL_ACTION.CORE],
      [SIG.SIGTSTP, EVENT.SIGNAL_STOP, SIGNAL_ACTION.TSTP],
    ]);
    expect(readWord(target, 'handled')).toBe(1n);
    await say(SIG.SIGUSR1, RESUME | SIGNAL_ACTION.TERM);
    await within(engines.done(), 'it is terminated');
    await expectGone(target.pid);
  });

  it('DELIVER with a step is followed by HANDLER at the first instruction of the handler', async () => {
    const { engines } = session();
    const target = started();
    await until(() => readWord(target, 'ready') === 1n, 'its handlers are there');
    const handler = new Deferred<bigint>();
    attach(engines, target.pid, EVENT.QUIESCE | EVENT.SIGNAL, {
      reportQuiesce: nothing,
      reportSignal: (action, _own) => {
        if ((action & 0x70) === SIGNAL_ACTION.HANDLER) {
          handler.resolve(readWord(target, 'handled'));
          return RESUME;
        }
        return (action & 0x70) === SIGNAL_ACTION.DELIVER ? SIGNAL_ACTION.DELIVER | SINGLESTEP : undefined;
      },
    });
    send(target.pid, SIG.SIGUSR1);
    expect(await within(handler.promise, 'HANDLER')).toBe(0n);
    await until(() => readWord(target, 'handled') === 1n, 'the handler ran');
  });

  it('a group stop and its end are told, and the process is not let run in between', async () => {
    const { engines } = session();
    const { pid } = child(stormer());
    const types: number[] = [];
    attach(engines, pid, EVENT.JCTL, {
      reportJctl: (_, _own, { type, notify }) => {
        expect(notify).toBe(type);
        types.push(type);
      },
    });
    send(pid, SIG.SIGSTOP);
    await until(() => types.length === 1, 'the stop');
    expect(stateOf(pid)).toBe('t');
    send(pid, SIG.SIGCONT);
    await until(() => types.length === 2, 'the end of the stop');
    expect(types).toEqual([CLD.STOPPED, CLD.CONTINUED]);
    await until(() => stateOf(pid) === 'R', 'it runs');
  });
});

describe('SIGKILL', () => {
  it('breaks a stop, and exit, death and reaping follow', async () => {
    const { engines } = session();
    const { pid } = child(stormer());
    const seen: string[] = [];
    attach(engines, pid, EVENT.EXIT | EVENT.DEATH | EVENT.REAP | EVENT.SYSCALL_EXIT, {
      reportSyscallExit: () => void seen.push('call'),
      reportExit: (_, _own, { code }) => void seen.push(`exit ${code}`),
      reportDeath: () => void seen.push('death'),
      reportReap: () => void seen.push('reap'),
    });
    const holder = await hold(engines, pid);
    seen.length = 0;
    send(pid, SIG.SIGKILL);
    await within(engines.done(), 'it ends');
    expect(seen).toEqual([`exit ${SIG.SIGKILL}`, 'death', 'reap']);
    expect(holder.control(RESUME)).toBe('ESRCH');
  });

  it('from a callback that then votes for a step is an end like any other', async () => {
    for (const action of [UTRACE.SINGLESTEP, UTRACE.BLOCKSTEP]) {
      const { engines, faults } = session();
      const { pid } = child(pauser());
      const seen: string[] = [];
      // Whether the step is to go by PTRACE_SYSCALL is read from the code at its program counter.
      const engine = attach(engines, pid, EVENT.QUIESCE | EVENT.SYSCALL_ENTRY | EVENT.DEATH | EVENT.REAP, {
        reportQuiesce: (_action, _own, event) => {
          if (event !== 0) return undefined;
          send(pid, SIG.SIGKILL);
          return action;
        },
        reportSyscallEntry: () => expect.unreachable(),
        reportDeath: () => void seen.push('death'),
        reportReap: () => void seen.push('reap'),
      });
      expect(engine.control(UTRACE.REPORT)).toBe(0);
      await within(engines.done(), 'it ends');
      expect(seen).toEqual(['death', 'reap']);
      expect(faults).toEqual([]);
    }
  });

  it('does not break a stop at the exit', async () => {
    const { engines } = session();
    const { pid } = child(gate(script()).exitGroup(3));
    const exits = new Deferred();
    const engine = attach(engines, pid, EVENT.EXIT, {
      reportExit: () => {
        exits.resolve();
        return STOP;
      },
    });
    send(pid, SIG.SIGTERM);
    await within(exits.promise, 'it exits');
    send(pid, SIG.SIGKILL);
    await until(() => engine.control(STOP) === 0, 'it is held');
    expect(stateOf(pid)).toBe('t');
    expect(engine.control(RESUME)).toBe(0);
    await within(engines.done(), 'it ends');
  });

  it('while an engine is being detached leaves no callback to it', async () => {
    const { engines } = session();
    for (let round = 0; round < 20; round++) {
      const { pid } = child(stormer());
      let detached = false;
      const leaving = attach(engines, pid, EVENT.EXIT | EVENT.DEATH | EVENT.REAP, {
        reportExit: () => expect(detached).toBe(false),
        reportDeath: () => expect(detached).toBe(false),
        reportReap: () => expect(detached).toBe(false),
      });
      await hold(engines, pid);
      send(pid, SIG.SIGKILL);
      detached = leaving.control(DETACH) === 0;
      await within(engines.done(), 'it ends');
    }
  });
});

describe('callbacks', () => {
  it('may take their time: the thread stands, others go on; the barrier waits', async () => {
    const { engines } = session();
    const slow = child(stormer());
    const quick = child(stormer());
    const release = new Deferred<number>();
    let begun = 0;
    const engine = attach(engines, slow.pid, EVENT.QUIESCE, {
      reportQuiesce: () => {
        begun++;
        return release.promise;
      },
    });
    engine.control(REPORT);
    await until(() => begun === 1, 'the callback is called');
    let over = false;
    void engine.barrier().then(() => (over = true));
    expect(engine.setEvents(0)).toBe('EINPROGRESS');
    await hold(engines, quick.pid);
    expect(stateOf(slow.pid)).toBe('t');
    expect(over).toBe(false);
    release.resolve(RESUME);
    await until(() => over, 'the barrier is passed');
    await until(() => stateOf(slow.pid) === 'R', 'it runs');
  });

  it('that throw, reject, never settle or vote nonsense are contained, and the others are called', async () => {
    const { engines, faults } = session();
    const { pid } = child(pauser());
    const bad: EngineOps[] = [
      {
        reportQuiesce: () => {
          throw new Error('thrown');
        },
      },
      { reportQuiesce: () => Promise.reject(new Error('rejected')) },
      { reportQuiesce: () => new Promise(() => undefined) },
      {
        reportQuiesce: () => ({
          then: () => {
            throw new Error('no then');
          },
        }),
      },
      { reportQuiesce: () => 99 },
      { reportQuiesce: () => 'nonsense' as unknown as number },
      {
        reportQuiesce: () => {
          engines.pump();
          return RESUME;
        },
      },
    ];
    for (const ops of bad) attach(engines, pid, EVENT.QUIESCE, ops, 50);
    const called = new Deferred();
    const last = attach(engines, pid, EVENT.QUIESCE, { reportQuiesce: () => called.resolve() });
    last.control(REPORT);
    await within(called.promise, 'the last is called');
    expect(faults.map(({ error }) => (error instanceof Error ? error.message : ''))).toEqual([
      'thrown',
      'rejected',
      expect.stringContaining('has not settled within 50 ms'),
      'no then',
      expect.stringContaining('the vote is 0x63'),
      expect.stringContaining('the vote is a string'),
      expect.stringContaining('inside a callback'),
    ]);
    await until(() => stateOf(pid) === 'S', 'it sleeps again');
  });

  it('that detach themselves for ever are gone after one call', async () => {
    const { engines } = session();
    const { pid } = child(stormer());
    let calls = 0;
    const engine = attach(engines, pid, EVENT.QUIESCE, {
      reportQuiesce: () => {
        calls++;
        return DETACH;
      },
    });
    engine.control(REPORT);
    await within(engines.done(), 'it is let go');
    expect(calls).toBe(1);
    expect(engine.isAttached).toBe(false);
    expect(await engine.barrier()).toBe('ESRCH');
  });
});

describe('without an event loop', () => {
  it('a thenable is settled by whoever made it, and the thread goes on in that call', () => {
    const { engines } = session();
    const held = engines.spawn({ file: which('true') });
    let settle: ((vote: number) => unknown) | undefined;
    let reaped = false;
    attach(
      engines,
      held.thread,
      EVENT.EXEC | EVENT.REAP,
      {
        reportExec: () => ({
          then: (done) => {
            settle = done as (vote: number) => unknown;
            return undefined as never;
          },
        }),
        reportReap: () => {
          reaped = true;
        },
      },
      0,
    );
    held.release();
    while (settle === undefined) engines.pumpBlocking();
    expect(stateOf(held.thread.tid)).toBe('t');
    expect(engines.pump()).toBe(true);
    settle(RESUME);
    while (!reaped) engines.pumpBlocking();
    expect(isGone(held.thread.tid)).toBe(true);
  });

  it('a thenable that settles inside its then is a vote like any other', async () => {
    const { engines, faults } = session();
    const { pid } = child(pauser());
    const settled = (settle: (done: (vote: number) => void, failed: (error: unknown) => void) => void): EngineOps => ({
      reportQuiesce: () => ({
        then: (done, failed) => {
          settle(done as (vote: number) => void, failed as (error: unknown) => void);
          return undefined as never;
        },
      }),
    });
    const called: string[] = [];
    attach(
      engines,
      pid,
      EVENT.QUIESCE,
      settled((done) => {
        called.push('votes');
        done(RESUME);
        done(STOP);
      }),
    );
    attach(
      engines,
      pid,
      EVENT.QUIESCE,
      settled((_done, failed) => {
        called.push('fails');
        failed(new Error('at once'));
      }),
    );
    const last = attach(engines, pid, EVENT.QUIESCE, { reportQuiesce: () => void called.push('last') });
    last.control(REPORT);
    await until(
      () => called.length === 3 && stateOf(pid) === 'S',
      () => `it sleeps again: ${called.join()}`,
    );
    expect(called).toEqual(['votes', 'fails', 'last']);
    expect(faults.map(({ error }) => (error as Error).message)).toEqual(['at once']);
  });

  it('SIGKILL is noticed while a promise is waited for', async () => {
    const { engines } = session();
    const { pid } = child(stormer());
    const seen: string[] = [];
    const begun = new Deferred();
    const never = new Deferred<number>();
    const engine = attach(engines, pid, EVENT.QUIESCE | EVENT.EXIT | EVENT.DEATH, {
      reportQuiesce: (_action, _own, event) => {
        if (event !== 0) return undefined;
        begun.resolve();
        return never.promise;
      },
      reportExit: () => void seen.push('exit'),
      reportDeath: () => void seen.push('death'),
    });
    engine.control(REPORT);
    await within(begun.promise, 'it reports');
    send(pid, SIG.SIGKILL);
    await until(() => engine.thread.arbitration.killed, 'SIGKILL is noticed');
    expect(seen).toEqual([]);
    never.resolve(STOP);
    await within(engines.done(), 'it ends');
    expect(seen).toEqual(['exit', 'death']);
  });

  it('a blocking pump makes every pass in the same call', () => {
    const { engines } = session();
    const held = engines.spawn({ file: which('true') });
    let calls = 0;
    let reaped = false;
    attach(engines, held.thread, EVENT.SYSCALL_ENTRY | EVENT.REAP, {
      reportSyscallEntry: () => {
        calls++;
      },
      reportReap: () => {
        reaped = true;
      },
    });
    held.release();
    while (!reaped) engines.pumpBlocking();
    expect(calls).toBeGreaterThan(5);
    expect(isGone(held.thread.tid)).toBe(true);
  });
});
