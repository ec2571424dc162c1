/** Actions and events that are rare, on live tracees: branches, held and forced signals, seccomp, vfork, interrupted calls. */
import { describe, expect, it } from 'vitest';
import { EVENT, EVENT_SIGNAL_ALL, SIGNAL_ACTION, UTRACE } from '../../lib/engine/index.js';
import { SIG } from '../../lib/kernel/signals.js';
import { script } from '../../lib/raw/child.js';
import { nr, RET, seccompFilter } from '../tracer/programs.js';
import { attach, child, Deferred, nothing, pauser, send, session, stormer, until, within } from '../helpers/engines.js';
import { describeProcess, gate, openGate, readWord, stateOf } from '../helpers/tracing.js';

const { STOP, INTERRUPT, REPORT, SINGLESTEP, BLOCKSTEP, RESUME } = UTRACE;

describe('BLOCKSTEP', () => {
  /** How many traps it takes to come from one system call to the next. */
  async function trapsBetweenCalls(action: number): Promise<number> {
    const { engines } = session();
    const started = child(gate(script()).store('begun', 1).getppidLoop());
    openGate(started);
    await until(() => readWord(started, 'begun') === 1n, 'it has begun');
    const done = new Deferred();
    const counts: number[] = [];
    let traps = 0;
    const engine = attach(engines, started.pid, EVENT.QUIESCE | EVENT.SYSCALL_ENTRY, {
      reportQuiesce: () => action,
      reportSyscallEntry: () => {
        counts.push(traps);
        traps = 0;
        if (counts.length === 20) done.resolve();
        return action;
      },
      reportSignal: (given, _own, { signal }) => {
        if (signal === SIG.SIGTRAP) traps++;
        return action | (given & 0x70);
      },
    });
    expect(engine.control(REPORT)).toBe(0);
    await within(done.promise, () => `steps from call to call: ${counts.join()}`);
    return Math.min(...counts.slice(5));
  }

  it('takes fewer steps than SINGLESTEP where the processor can, and as many elsewhere', async () => {
    const single = await trapsBetweenCalls(SINGLESTEP);
    const block = await trapsBetweenCalls(BLOCKSTEP);
    expect(single).toBeGreaterThan(3);
    expect(block).toBeGreaterThan(0);
    // Emulated and virtual machines may step single where branches were asked for.
    expect(block).toBeLessThanOrEqual(single);
  });
});

describe('signals', () => {
  it('HOLD puts one back, and it comes again', async () => {
    const { engines } = session();
    const started = child(
      script()
        .handle('SIGUSR1', (s) => s.increment('handled'))
        .store('ready', 1)
        .loop((s) => s.pause()),
    );
    await until(() => readWord(started, 'ready') === 1n, 'its handler is there');
    let reports = 0;
    attach(engines, started.pid, EVENT_SIGNAL_ALL, {
      reportSignal: (action, _own, { signal }) => {
        if (signal !== SIG.SIGUSR1) return undefined;
        return ++reports < 3 ? RESUME | SIGNAL_ACTION.DELIVER | SIGNAL_ACTION.HOLD : RESUME | (action & 0x70);
      },
    });
    send(started.pid, SIG.SIGUSR1);
    await until(() => readWord(started, 'handled') === 1n, 'it is handled in the end');
    expect(reports).toBe(3);
  });

  const forced: readonly (readonly [string, number, number])[] = [
    ['TERM', SIGNAL_ACTION.TERM, SIG.SIGTERM],
    ['CORE', SIGNAL_ACTION.CORE, SIG.SIGQUIT],
  ];
  it.each(forced)('%s ends a process that would have ignored the signal', async (_name, action, by) => {
    const { engines } = session();
    const started = child(
      script()
        .ignore('SIGUSR2')
        .store('ready', 1)
        .loop((s) => s.pause()),
    );
    await until(() => readWord(started, 'ready') === 1n, 'it is ready');
    let status = -1;
    attach(engines, started.pid, EVENT_SIGNAL_ALL | EVENT.DEATH, {
      reportSignal: () => RESUME | action,
      reportDeath: (_own, death) => {
        ({ status } = death);
      },
    });
    send(started.pid, SIG.SIGUSR2);
    await within(engines.done(), 'it ends');
    expect(status & 0x7f).toBe(by);
  });

  it.each([
    ['STOP', SIGNAL_ACTION.STOP],
    ['TSTP', SIGNAL_ACTION.TSTP],
  ] as const)('%s stops a process that would have ignored the signal', async (_name, action) => {
    const { engines } = session();
    const started = child(
      script()
        .ignore('SIGUSR2')
        .store('ready', 1)
        .loop((s) => s.pause()),
    );
    await until(() => readWord(started, 'ready') === 1n, 'it is ready');
    let types = 0;
    attach(engines, started.pid, EVENT.SIGNAL_IGN | EVENT.JCTL, {
      reportSignal: (_given, _own, { signal }) => (signal === SIG.SIGUSR2 ? RESUME | action : undefined),
      reportJctl: () => {
        types++;
      },
    });
    send(started.pid, SIG.SIGUSR2);
    // An orphaned process group, as a test's may be, is not stopped by SIGTSTP: the kernel drops it.
    if (action === SIGNAL_ACTION.STOP) await until(() => types === 1, 'the group stop');
    else await until(() => types === 1 || stateOf(started.pid) === 'S', 'the group stop, or nothing');
    send(started.pid, SIG.SIGCONT);
    await until(() => stateOf(started.pid) === 'S', 'it sleeps again');
  });
});

describe('INTERRUPT', () => {
  it('makes a call that sleeps report, and the call goes on afterwards', async () => {
    const { engines } = session();
    const { pid } = child(pauser());
    await until(() => stateOf(pid) === 'S', 'it sleeps');
    const seen = new Deferred<string>();
    const engine = attach(engines, pid, EVENT.QUIESCE, {
      reportQuiesce: nothing,
      reportSignal: (_action, { thread }) => {
        seen.resolve(thread.state);
      },
    });
    expect(engine.control(INTERRUPT)).toBe(0);
    expect(await within(seen.promise, 'it reports')).toBe('stopped');
    await until(() => stateOf(pid) === 'S', 'it sleeps again');
  });
});

describe('vfork', () => {
  it('STOP in the report holds the parent before it waits; VFORK_DONE comes when the child lets go', async () => {
    const { engines } = session();
    const started = child(
      gate(script())
        .vfork((s) => s.increment('child'))
        .store('after', 1)
        .loop((s) => s.pause()),
    );
    let born = 0;
    let done = 0;
    const engine = attach(engines, started.pid, EVENT.CLONE | EVENT.VFORK_DONE, {
      reportClone: (_action, _own, { kind, child: thread }) => {
        expect(kind).toBe('vfork');
        born = thread.tid;
        return STOP;
      },
      reportVforkDone: (_action, _own, childPid) => {
        done = childPid;
      },
    });
    openGate(started);
    await until(() => born !== 0 && engine.control(STOP) === 0, 'the parent is held');
    expect(stateOf(started.pid)).toBe('t');
    // The child runs once the pass is over.
    await until(
      () => readWord(started, 'child') === 1n,
      () =>
        `the child plays its part: ${describeProcess(born)} ${String(engines.thread(born))} ${String(engines.thread(born)?.waitsForParent)}`,
    );
    expect(readWord(started, 'after')).toBe(0n);
    expect(engine.control(RESUME)).toBe(0);
    await until(() => readWord(started, 'after') === 1n, 'the parent goes on');
    expect(done).toBe(born);
  });
});

describe('SECCOMP', () => {
  it('is reported with the data of the verdict, to who wants it and as long as someone does; STOP holds, the call can be changed', async () => {
    const { engines } = session();
    const filter = seccompFilter({ getppid: RET.trace(0xabcd) });
    const started = child(
      gate(script())
        .seccompFilter(filter)
        .loop((s) => s.syscall('getppid').store('result')),
    );
    const seen: string[] = [];
    let holds = true;
    const engine = attach(engines, started.pid, EVENT.SECCOMP, {
      reportSeccomp: (_action, _own, call) => {
        seen.push(`${call.name} ${call.retData.toString(16)}`);
        if (holds) return STOP;
        call.setNumber(nr('getpid'));
        return RESUME;
      },
    });
    // The option of the event is set in a stop: it is made to come by one.
    const kick = attach(engines, started.pid, EVENT.QUIESCE, { reportQuiesce: nothing });
    let stood = false;
    kick.control(REPORT);
    await until(() => stood || (stood = kick.control(STOP) === 0), 'it stands');
    expect(kick.control(RESUME)).toBe(0);
    openGate(started);
    await until(() => seen.length === 1 && engine.thread.state === 'stopped', 'the filter stops it');
    expect(seen).toEqual(['getppid abcd']);
    expect(stateOf(started.pid)).toBe('t');
    holds = false;
    expect(engine.control(RESUME)).toBe(0);
    await until(() => readWord(started, 'result') === BigInt(started.pid), 'it gets its own pid');
  });
});

describe('a stop in a storm', () => {
  it('REPORT of one and STOP of another come in one pass, and the thread stands', async () => {
    const { engines } = session();
    const { pid } = child(stormer());
    let reports = 0;
    const reporter = attach(engines, pid, EVENT.QUIESCE, {
      reportQuiesce: () => {
        reports++;
      },
    });
    const holder = attach(engines, pid, EVENT.QUIESCE, { reportQuiesce: nothing });
    reporter.control(REPORT);
    holder.control(STOP);
    await until(() => holder.control(STOP) === 0, 'it is held');
    expect(reports).toBeGreaterThan(0);
    expect(stateOf(pid)).toBe('t');
  });
});
