/** What the design discussion of 2009 stumbled over (sticky resume action, requests lost in a reset, SIGKILL in between), on live tracees. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EVENT, SIGNAL_ACTION, SYSCALL_ACTION, UTRACE } from '../../lib/engine/index.js';
import type { Engine, EngineOps, Engines } from '../../lib/engine/index.js';
import { SIG } from '../../lib/kernel/signals.js';
import { script } from '../../lib/raw/child.js';
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
  threaded,
  until,
  within,
} from '../helpers/engines.js';
import { expectUntraced, gate, openGate, readWord, stateOf, statusOf, tasksOf, which } from '../helpers/tracing.js';

const { STOP, INTERRUPT, REPORT, SINGLESTEP, RESUME, DETACH } = UTRACE;
const QUIESCE: EngineOps = { reportQuiesce: nothing };

/** The signal action of a callback's argument. */
const fateIn = (action: number): number => action & 0x70;

describe('the sticky resume action', () => {
  it('a step asked for while another engine holds the thread is made when that lets go', async () => {
    const { engines } = session();
    const { pid } = child(stormer());
    let traps = 0;
    const stepper = attach(engines, pid, EVENT.QUIESCE, {
      reportQuiesce: nothing,
      reportSignal: (action, _own, { signal }) => {
        if (signal === SIG.SIGTRAP) traps++;
        return RESUME | fateIn(action);
      },
    });
    const holder = await hold(engines, pid);
    const { pc } = holder.thread.registers;
    expect(stepper.control(SINGLESTEP)).toBe(0);
    expect(stateOf(pid)).toBe('t');
    expect(holder.thread.registers.pc).toBe(pc);
    expect(traps).toBe(0);
    expect(holder.control(DETACH)).toBe(0);
    await until(() => traps === 1, 'one step is made');
    await until(() => stateOf(pid) === 'R', 'and no other');
    expect(traps).toBe(1);
  });

  it('nobody raises what another has asked for: a report outlives the RESUME of everyone else', async () => {
    const { engines } = session();
    const { pid } = child(stormer());
    const others = [attach(engines, pid, EVENT.QUIESCE, QUIESCE), attach(engines, pid, EVENT.QUIESCE, QUIESCE)];
    let reports = 0;
    const asker = attach(engines, pid, EVENT.QUIESCE, {
      reportQuiesce: () => {
        reports++;
        return RESUME;
      },
    });
    for (let round = 1; round <= 50; round++) {
      const before = reports;
      expect(asker.control(REPORT)).toBe(0);
      for (const other of others) expect(other.control(RESUME)).toBe(0);
      await until(() => reports > before, `report ${round} comes`);
    }
  });

  it('INTERRUPT asked for by one engine and REPORT by another come as one report in the signal path', async () => {
    const { engines } = session();
    const { pid } = child(pauser());
    const holder = await hold(engines, pid);
    const seen: number[] = [];
    const asker = attach(engines, pid, EVENT.QUIESCE, {
      reportQuiesce: nothing,
      reportSignal: (action) => {
        seen.push(fateIn(action));
      },
    });
    const second = attach(engines, pid, EVENT.QUIESCE, QUIESCE);
    expect(asker.control(INTERRUPT)).toBe(0);
    expect(second.control(REPORT)).toBe(0);
    seen.length = 0;
    expect(holder.control(DETACH)).toBe(0);
    await until(() => seen.length > 0, 'it reports');
    expect(seen[0]).toBe(SIGNAL_ACTION.REPORT);
    await until(() => stateOf(pid) === 'S', 'it sleeps again');
  });
});

describe('a stop that is asked for while a detach is in flight', () => {
  const orders: readonly (readonly [string, (leaving: Engine, holder: Engine) => void])[] = [
    [
      'detach, then stop',
      (leaving, holder) => {
        leaving.control(DETACH);
        holder.control(STOP);
      },
    ],
    [
      'stop, then detach',
      (leaving, holder) => {
        holder.control(STOP);
        leaving.control(DETACH);
      },
    ],
    [
      'stop of both, then detach',
      (leaving, holder) => {
        leaving.control(STOP);
        holder.control(STOP);
        leaving.control(DETACH);
      },
    ],
  ];
  it.each(orders)('is not lost: %s', async (_name, ask) => {
    const { engines } = session();
    for (let round = 0; round < 25; round++) {
      const { pid } = child(stormer());
      const leaving = attach(engines, pid, EVENT.QUIESCE, QUIESCE);
      // A quiesce without a vote abstains: the STOP of control() stands.
      const holder = attach(engines, pid, EVENT.QUIESCE, QUIESCE);
      ask(leaving, holder);
      await until(() => holder.control(STOP) === 0, `round ${round}: it is held`);
      expect(stateOf(pid)).toBe('t');
      expect(leaving.control(RESUME)).toBe('ESRCH');
      expect(holder.thread.engines).toEqual([holder]);
      expect(holder.control(DETACH)).toBe(0);
      send(pid, SIG.SIGKILL);
    }
    await within(engines.done(), 'all are let go');
  });

  it('is not lost inside the pass in which the other leaves, before it or behind it', async () => {
    const { engines } = session();
    for (const first of [true, false]) {
      const { pid } = child(stormer());
      let holder: Engine | undefined = undefined as Engine | undefined;
      const leave: EngineOps = {
        reportQuiesce: () => {
          holder?.control(STOP);
          return DETACH;
        },
      };
      const leaving = first ? attach(engines, pid, EVENT.QUIESCE, leave) : undefined;
      holder = attach(engines, pid, EVENT.QUIESCE, QUIESCE);
      const last = leaving ?? attach(engines, pid, EVENT.QUIESCE, leave);
      expect(last.control(REPORT)).toBe(0);
      await until(() => !last.isAttached, 'it has left');
      await until(() => holder?.control(STOP) === 0, 'the other holds the thread');
      expect(stateOf(pid)).toBe('t');
    }
  });

  it('is not lost to the end of another engine’s stop', async () => {
    const { engines } = session();
    const { pid } = child(stormer());
    let first = await hold(engines, pid);
    for (let round = 0; round < 50; round++) {
      const second = attach(engines, pid, EVENT.QUIESCE, QUIESCE);
      expect(second.control(STOP)).toBe(0);
      expect(first.control(DETACH)).toBe(0);
      expect(stateOf(pid)).toBe('t');
      first = second;
    }
    expect(first.thread.engines).toEqual([first]);
    expect(first.control(DETACH)).toBe(0);
    await expectUntraced(pid, 'RS');
  });
});

/** The process group of a process that has not ended. */
function groupOf(pid: number): number | undefined {
  if ((stateOf(pid) ?? 'Z') === 'Z') return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
  } catch {
    return undefined; // gone meanwhile
  }
}

describe('SIGKILL', () => {
  it('while the engine that holds the thread is being detached: the others are told exit, death and reaping once', async () => {
    const { engines } = session();
    for (let round = 0; round < 40; round++) {
      const { pid } = child(stormer());
      const seen: string[] = [];
      attach(engines, pid, EVENT.QUIESCE | EVENT.EXIT | EVENT.DEATH | EVENT.REAP | EVENT.SYSCALL_EXIT, {
        reportQuiesce: nothing,
        reportSyscallExit: () => void seen.push('call'),
        reportExit: () => void seen.push('exit'),
        reportDeath: () => void seen.push('death'),
        reportReap: () => void seen.push('reap'),
      });
      const holder = await hold(engines, pid);
      seen.length = 0;
      if (round % 2 === 0) {
        send(pid, SIG.SIGKILL);
        expect(holder.control(DETACH)).toBe(0);
      } else {
        expect(holder.control(DETACH)).toBe(0);
        send(pid, SIG.SIGKILL);
      }
      await within(engines.done(), `round ${round}: it ends`);
      // Let go before, it may have made a call or two.
      const end = round % 2 === 0 ? seen : seen.filter((what) => what !== 'call');
      expect(end, `round ${round}: ${seen.join()}`).toEqual(['exit', 'death', 'reap']);
    }
  });

  it('skips no clone that has happened', async () => {
    const { engines } = session();
    for (let round = 0; round < 100; round++) {
      const forker = child(gate(script()).loop((s) => s.fork((t) => t.loop((u) => u.pause()))));
      const reported = new Set<number>();
      attach(engines, forker.pid, EVENT.CLONE, {
        reportClone: (_action, _own, { child: born }) => {
          reported.add(born.tid);
        },
      });
      openGate(forker);
      await until(() => reported.size > round % 3, 'it forks');
      // At another place of its loop each time.
      const begin = performance.now();
      while (performance.now() - begin < (round % 50) * 0.01);
      send(forker.pid, SIG.SIGKILL);
      await within(engines.done(), `round ${round}: it ends`);
      for (const pid of reported) send(pid, SIG.SIGKILL);
      // A child that nobody was told of lives on, under one of the next pids.
      const last = Math.max(forker.pid, ...reported) + 200;
      const missed: number[] = [];
      for (let pid = forker.pid + 1; pid < last; pid++) {
        if (!reported.has(pid) && statusOf(pid)?.ppid !== process.pid && groupOf(pid) === forker.pid) missed.push(pid);
      }
      send(-forker.pid, SIG.SIGKILL);
      expect(missed, `round ${round}: reported ${[...reported].join()}`).toEqual([]);
    }
  });

  it('by a sibling that executes a program is told as every exit, of threads that are held too', async () => {
    const { engines } = session();
    for (let round = 0; round < 12; round++) {
      const started = child(
        threaded(
          4,
          (s) => s.waitUntil('role', '==', 1).getppidLoop(),
          (s) =>
            s
              .thread((t) => gate(t).exec(which('sleep'), ['sleep', '1000']))
              .store('role', 1)
              .loop((t) => t.pause()),
        ),
      );
      await until(() => readWord(started, 'threads') === 4n && readWord(started, 'role') === 1n, 'the threads run');
      const seen = new Map<number, string[]>();
      const executed = new Deferred();
      const tids = tasksOf(started.pid);
      expect(tids).toHaveLength(6);
      for (const tid of tids) {
        const events: string[] = [];
        seen.set(tid, events);
        attach(engines, tid, EVENT.EXIT | EVENT.DEATH | EVENT.REAP | EVENT.EXEC, {
          reportExit: () => void events.push('exit'),
          reportDeath: () => void events.push('death'),
          reportReap: () => void events.push('reap'),
          reportExec: () => {
            events.push('exec');
            executed.resolve();
          },
        });
      }
      const loops = tids.slice(1, 5);
      for (const tid of loops.slice(0, round % 5)) await hold(engines, tid);
      openGate(started);
      await within(executed.promise, () => `round ${round}: exec; ${JSON.stringify([...seen])}`);
      const executing = tids.at(-1);
      for (const [tid, events] of seen) {
        expect(events, `round ${round}, ${tid} of ${tids.join()}`).toEqual(
          tid === executing ? ['exec'] : ['exit', 'death', 'reap'],
        );
      }
      send(started.pid, SIG.SIGKILL);
      await within(engines.done(), 'it ends');
    }
  });
});

describe('a stepping resume', () => {
  interface Steps {
    /** 'entry', 'exit' and 'trap' in their order. */
    readonly seen: string[];
    /** Where the traps were. */
    readonly pcs: bigint[];
  }

  /** Steps through a loop that makes system calls, so many instructions. */
  async function step(engines: Engines, wantsCalls: boolean, count: number): Promise<Steps> {
    const started = child(gate(script()).store('begun', 1).getppidLoop());
    openGate(started);
    await until(() => readWord(started, 'begun') === 1n, 'it has begun');
    const seen: string[] = [];
    const pcs: bigint[] = [];
    const done = new Deferred();
    let over = false;
    const note = (what: string): void => {
      if (pcs.length > 0 && !over) seen.push(what);
    };
    if (wantsCalls) {
      attach(engines, started.pid, EVENT.SYSCALL_ENTRY | EVENT.SYSCALL_EXIT, {
        reportSyscallEntry: () => {
          note('entry');
        },
        reportSyscallExit: () => {
          note('exit');
        },
      });
    }
    const stepper = attach(engines, started.pid, EVENT.QUIESCE, {
      reportQuiesce: nothing,
      reportSignal: (action, own, { signal, siginfo }) => {
        if (signal !== SIG.SIGTRAP) return SINGLESTEP | fateIn(action);
        expect(new DataView(siginfo.buffer, siginfo.byteOffset).getInt32(0, true)).toBe(SIG.SIGTRAP);
        seen.push('trap');
        pcs.push(own.thread.registers.pc);
        if (pcs.length < count) return SINGLESTEP | fateIn(action);
        over = true;
        done.resolve();
        return RESUME | fateIn(action);
      },
    });
    expect(stepper.control(REPORT)).toBe(0);
    await within(done.promise, () => `${count} steps: ${pcs.length}`);
    expect(stepper.control(DETACH)).toBe(0);
    return { seen, pcs };
  }

  /** The fewest steps between two visits of an address. */
  function period(pcs: readonly bigint[], address: bigint | undefined): number {
    const visits = pcs.flatMap((pc, index) => (pc === address ? [index] : []));
    return Math.min(...visits.slice(1).map((at, index) => at - (visits[index] ?? 0)));
  }

  it('that passes the exit of a system call synthesizes the trap: as many as without anyone who looks at calls', async () => {
    const { engines } = session();
    const looked = await step(engines, true, 3000);
    // Entry and exit come between two traps, never of more than one call.
    const between = looked.seen.join(' ').split('trap');
    expect([...new Set(between.map((calls) => calls.trim()))]).toEqual(['', 'entry exit']);
    const plain = await step(engines, false, 3000);
    // Children of one process have their code in one place. The address behind the call:
    const traps = looked.seen.slice(0, looked.seen.indexOf('exit')).filter((what) => what === 'trap').length;
    const behind = looked.pcs[traps];
    expect(period(looked.pcs, behind)).toBeGreaterThan(2);
    expect(period(looked.pcs, behind)).toBe(period(plain.pcs, behind));
  });
});

describe('strace and kmview', () => {
  it('a logger and an editor of registers at one entry both see what the kernel will', async () => {
    const { engines } = session();
    const started = child(
      gate(script()).loop((s) => {
        s.syscall('dup', 99).store('result');
        s.increment('rounds');
      }),
    );
    const first: bigint[] = [];
    const last: bigint[] = [];
    const results: bigint[] = [];
    // Attached first, called last at the entry but for repeats: it asks for one, and what that shows is final.
    const logger = attach(engines, started.pid, EVENT.QUIESCE | EVENT.SYSCALL_ENTRY | EVENT.SYSCALL_EXIT, {
      reportQuiesce: nothing,
      reportSyscallEntry: (action, _own, call) => {
        if (call.name !== 'dup') return undefined;
        if ((action & SYSCALL_ACTION.RESUMED) !== 0) {
          last.push(call.arg(0));
          return RESUME | (action & SYSCALL_ACTION.ABORT);
        }
        first.push(call.arg(0));
        return REPORT | (action & SYSCALL_ACTION.ABORT);
      },
      reportSyscallExit: (_action, _own, call) => {
        if (first.length > 0 && results.length < first.length) results.push(call.result);
      },
    });
    const held: bigint[] = [];
    const editor = attach(engines, started.pid, EVENT.SYSCALL_ENTRY, {
      reportSyscallEntry: (action, own, call) => {
        if (call.name !== 'dup' || (action & SYSCALL_ACTION.RESUMED) !== 0) return undefined;
        // As one who has to think about it: it stops the thread, looks and edits later.
        setImmediate(() => {
          const begun = own.prepareExamine();
          if (typeof begun === 'string') return;
          held.push(own.thread.registers.arg(0));
          own.thread.registers.setArg(0, 2);
          expect(own.finishExamine(begun)).toBe(0);
          own.control(RESUME);
        });
        return STOP | (action & SYSCALL_ACTION.ABORT);
      },
    });
    expect(logger.control(REPORT)).toBe(0);
    openGate(started);
    await until(
      () => results.length >= 3,
      () => `three calls: ${first.join()} / ${last.join()} / ${results.join()}`,
    );
    expect(editor.control(DETACH)).toBe(0);
    expect(first.slice(0, 3)).toEqual([99n, 99n, 99n]);
    expect(held.slice(0, 3)).toEqual([99n, 99n, 99n]);
    expect(last.slice(0, 3)).toEqual([2n, 2n, 2n]);
    // dup(2) works where dup(99) does not: the edit is what the kernel took.
    for (const result of results.slice(0, 3)) expect(result).toBeGreaterThan(2n);
  });
});
