/** Bad input of every call: a typed error or a contained fault, tracee and other engines unharmed. */
import { describe, expect, it } from 'vitest';
import { ATTACH, Engines, EVENT, SIGNAL_ACTION, SYSCALL_ACTION, UTRACE } from '../../lib/engine/index.js';
import type { EngineOps, EnginesOptions, EngineThread } from '../../lib/engine/index.js';
import { SIG } from '../../lib/kernel/signals.js';
import {
  attach,
  child,
  Deferred,
  hold,
  nothing,
  pauser,
  send,
  session,
  stormer,
  until,
  within,
} from '../helpers/engines.js';
import { expectReason, expectUntraced, stateOf } from '../helpers/tracing.js';

const { STOP, REPORT, RESUME, DETACH } = UTRACE;
const QUIESCE: EngineOps = { reportQuiesce: nothing };

describe('options', () => {
  const bad: readonly (readonly [string, unknown])[] = [
    ['a callback that is none', { onFault: 1 }],
    ['options that are no mask', { options: 'all' }],
    ['options that there are not', { options: 1 << 30 }],
    ['referenced that is no boolean', { referenced: 1 }],
    ['a name that is not known', { onfault: nothing }],
    ['no object', 7],
  ];
  it.each(bad)('refuse %s', async (_name, options) => {
    await expectReason(() => new Engines(options as EnginesOptions), 'bad-input');
  });
});

describe('attach', () => {
  it('refuses targets, flags, callbacks and extras that are none', async () => {
    const { engines } = session();
    const { pid } = child(pauser());
    const wrong = (target: unknown, flags: unknown, ops?: unknown, extras?: unknown) => () =>
      engines.attach(target as number, flags as number, ops as EngineOps, undefined, extras as object);
    for (const target of [0, -1, 1.5, '1', null, undefined, {}]) {
      await expectReason(wrong(target, ATTACH.CREATE, {}), 'bad-input');
    }
    for (const flags of ['x', 0x1000, -1, undefined]) await expectReason(wrong(pid, flags, {}), 'bad-input');
    for (const ops of [undefined, null, 'ops']) await expectReason(wrong(pid, ATTACH.CREATE, ops), 'bad-input');
    for (const extras of [{ timeout: -1 }, { timeout: 'x' }, { patience: 1 }]) {
      await expectReason(wrong(pid, ATTACH.CREATE, {}, extras), 'bad-input');
    }
    expect(engines.threads).toEqual([]);
    await expectUntraced(pid, 'S');
  });

  it('twice by the same: two engines, or EEXIST where it was to be exclusive', async () => {
    const { engines } = session();
    const { pid } = child(pauser());
    const first = engines.attach(pid, ATTACH.CREATE, QUIESCE);
    expect(engines.attach(pid, ATTACH.CREATE, QUIESCE)).not.toBe(first);
    const flags = ATTACH.CREATE | ATTACH.EXCLUSIVE | ATTACH.MATCH_OPS;
    expect((await expectReason(() => engines.attach(pid, flags, QUIESCE), 'denied')).code).toBe('EEXIST');
    expect(engines.attach(pid, flags, {}).isAttached).toBe(true);
  });

  it('refuses a thread of other Engines, and one that is traced already', async () => {
    const { engines } = session();
    const { engines: others } = session();
    const { pid } = child(pauser());
    const { thread } = engines.attach(pid, ATTACH.CREATE, QUIESCE);
    await expectReason(() => others.attach(thread, ATTACH.CREATE, {}), 'bad-input');
    await expectReason(() => others.attach(pid, ATTACH.CREATE, {}), 'denied');
    expect(others.threads).toEqual([]);
  });
});

describe('after its time', () => {
  it('every call of an engine that has detached answers ESRCH', async () => {
    const { engines } = session();
    const { pid } = child(pauser());
    const stays = attach(engines, pid, EVENT.QUIESCE, QUIESCE);
    const engine = await hold(engines, pid);
    expect(engine.control(DETACH)).toBe(0);
    for (const action of Object.values(UTRACE)) expect(engine.control(action)).toBe('ESRCH');
    expect(engine.setEvents(EVENT.QUIESCE)).toBe('ESRCH');
    expect(engine.prepareExamine()).toBe('ESRCH');
    expect(await engine.barrier()).toBe('ESRCH');
    expect(stays.isAttached).toBe(true);
  });

  it('every call for a thread that is dead answers ESRCH, its views say that it is gone', async () => {
    const { engines } = session();
    const { pid } = child(pauser());
    let thread: EngineThread | undefined;
    const engine = attach(engines, pid, EVENT.DEATH, {
      reportDeath: (own) => {
        ({ thread } = own);
        expect(own.control(STOP)).toBe('ESRCH');
        expect(own.control(RESUME)).toBe('ESRCH');
        expect(own.control(DETACH)).toBe('EALREADY');
        expect(own.setEvents(0)).toBe('EALREADY');
      },
    });
    send(pid, SIG.SIGKILL);
    await within(engines.done(), 'it ends');
    for (const action of Object.values(UTRACE)) expect(engine.control(action)).toBe('ESRCH');
    expect(engine.setEvents(0)).toBe('ESRCH');
    await expectReason(() => thread?.registers, 'gone');
    await expectReason(() => thread?.siginfo, 'gone');
    await expectReason(() => engines.attach(thread ?? 0, ATTACH.CREATE, {}), 'gone');
  });

  it('a running thread cannot be looked at', async () => {
    const { engines } = session();
    const { thread } = attach(engines, child(stormer()).pid, 0, {});
    await expectReason(() => thread.registers, 'running');
    await expectReason(() => thread.siginfo, 'running');
  });
});

describe('votes that a callback cannot give', () => {
  const cases: readonly (readonly [string, number, (bad: () => number) => EngineOps])[] = [
    ['a signal action of a quiesce', EVENT.QUIESCE, (bad) => ({ reportQuiesce: () => bad() | SIGNAL_ACTION.IGN })],
    ['an abort of an exit', EVENT.SYSCALL_EXIT, (bad) => ({ reportSyscallExit: () => bad() | SYSCALL_ACTION.ABORT })],
    [
      'RESUMED of an entry',
      EVENT.SYSCALL_ENTRY,
      (bad) => ({ reportSyscallEntry: () => bad() | SYSCALL_ACTION.RESUMED }),
    ],
    ['a resume action that there is not', EVENT.SYSCALL_ENTRY, () => ({ reportSyscallEntry: () => 7 })],
    ['a fraction', EVENT.SYSCALL_ENTRY, () => ({ reportSyscallEntry: () => 0.5 })],
    ['a string by a promise', EVENT.SYSCALL_ENTRY, () => ({ reportSyscallEntry: () => Promise.resolve('x' as never) })],
  ];
  it.each(cases)('are a fault, and a RESUME: %s', async (_name, events, make) => {
    const { engines, faults } = session();
    const { pid } = child(stormer());
    const called = new Deferred();
    const engine = attach(engines, pid, EVENT.QUIESCE | events, { ...QUIESCE, ...make(() => STOP) });
    attach(engines, pid, events, {
      reportQuiesce: () => called.resolve(),
      reportSyscallEntry: () => called.resolve(),
      reportSyscallExit: () => called.resolve(),
    });
    engine.control(REPORT);
    await until(() => faults.length > 0, 'the fault is told');
    await within(called.promise, 'the other engine is called');
    expect(faults[0]?.engine).toBe(engine);
    expect(faults[0]?.error).toMatchObject({ reason: 'bad-input' });
    expect(engine.wantsStop).toBe(false);
    expect(engine.control(DETACH)).toBe(0);
    await until(() => stateOf(pid) !== 't', 'it runs');
  });

  it('a handler of faults that throws harms nobody', async () => {
    const warned = new Deferred<Error>();
    process.once('warning', (warning) => warned.resolve(warning));
    const engines = new Engines({
      onFault: () => {
        throw new Error('the handler itself');
      },
    });
    const { pid } = child(pauser());
    const engine = attach(engines, pid, EVENT.QUIESCE, { reportQuiesce: () => 99 });
    engine.control(REPORT);
    expect((await within(warned.promise, 'a warning')).message).toBe('the handler itself');
    await within(engines.close(), 'closes');
    await expectUntraced(pid, 'S');
  });
});

describe('calls from inside a callback', () => {
  it('of every kind are taken: control, events, barrier, attach and detach of oneself and others', async () => {
    const { engines, faults } = session();
    const { pid } = child(stormer());
    const other = attach(engines, pid, EVENT.QUIESCE, QUIESCE);
    const done = new Deferred();
    const engine = attach(engines, pid, EVENT.QUIESCE, {
      reportQuiesce: (_action, own) => {
        expect(own.setEvents(EVENT.QUIESCE)).toBe(0);
        expect(own.control(STOP)).toBe('EINPROGRESS');
        expect(own.control(RESUME)).toBe(0);
        expect(other.control(DETACH)).toBe(0);
        const late = attach(engines, own.thread, EVENT.QUIESCE, QUIESCE);
        expect(late.control(DETACH)).toBe(0);
        void own.barrier().then((result) => {
          expect(result).toBe(0);
          done.resolve();
        });
        return DETACH;
      },
    });
    engine.control(REPORT);
    await within(done.promise, 'the barrier is passed');
    await within(engines.done(), 'all have left');
    expect(faults).toEqual([]);
    await expectUntraced(pid, 'RS');
  });
});
