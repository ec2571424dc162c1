/** Several clients that want the same of one process: to attach, to follow, to step. What one does with its stop takes nothing from another. */
import { describe, expect, it } from 'vitest';
import { tinyProgram } from '../../../lib/conformance/parts/programs.js';
import { breakpointFor } from '../../../lib/kernel/breakpoint.js';
import { PTRACE_O } from '../../../lib/kernel/options.js';
import { peekData } from '../../../lib/raw/memory.js';
import { clients } from './clients.js';

const { bytes, pcOffset } = breakpointFor(process.arch === 'arm64' ? 'aarch64' : 'x86_64');
const { TRACECLONE, TRACEEXEC, TRACEFORK, TRACESYSGOOD } = PTRACE_O;
const TRAP = { kind: 'stopped', signal: 5 };

/** The word at an address with a breakpoint at its beginning. */
function withBreakpoint(word: bigint): bigint {
  const buffer = new BigUint64Array([word]);
  new Uint8Array(buffer.buffer).set(bytes);
  return buffer[0] ?? 0n;
}

describe('PTRACE_ATTACH of one client', () => {
  it('stops the process for that client; another neither hears of the SIGSTOP nor can suppress it', () => {
    const { stage, on, lines } = clients();
    const e = stage.pauser();
    on('A', () => e.seize());
    on('B', () => e.attach());
    on('A', () => {
      e.poll();
      e.cont();
    });
    on('B', () => {
      e.wait();
      e.siginfo();
      e.cont();
    });
    on('A', () => e.poll());
    e.untilAsleep();
    expect(lines()).toEqual([
      'A: E: SEIZE = 0',
      'B: E: ATTACH = 0',
      'A: E: poll = nothing',
      'A: E: CONT = ESRCH',
      'B: E: wait = stopped by SIGSTOP',
      'B: E: siginfo = SIGSTOP SI_KERNEL from the kernel',
      'B: E: CONT = 0',
      'A: E: poll = nothing',
    ]);
  });

  it('the SIGTRAP after an execve is told to each who has attached without TRACEEXEC, and to nobody else', () => {
    const { stage, on, lines } = clients();
    const e = stage.child('E', (c) => c.waitUntil('go', '!=', 0).exec(tinyProgram()).exitGroup(1));
    stage.unrecorded(() => {
      on('A', () => e.seize(TRACEEXEC));
      for (const name of ['B', 'C']) {
        on(name, () => {
          e.attach();
          e.wait();
          e.cont();
        });
      }
      e.setWord('go', 1n);
    });
    on('A', () => {
      e.wait();
      e.cont();
      e.poll();
    });
    for (const name of ['B', 'C']) {
      on(name, () => {
        e.wait();
        e.siginfo();
        e.cont();
      });
    }
    for (const name of ['A', 'B', 'C']) on(name, () => e.wait());
    expect(lines()).toEqual([
      'A: E: wait = event EXEC',
      'A: E: CONT = 0',
      'A: E: poll = nothing',
      ...['B', 'C'].flatMap((name) => [
        `${name}: E: wait = stopped by SIGTRAP`,
        `${name}: E: siginfo = SIGTRAP SI_USER from E`,
        `${name}: E: CONT = 0`,
      ]),
      ...['A', 'B', 'C'].map((name) => `${name}: E: wait = exited 7`),
    ]);
  });
});

describe('a child that two clients follow', () => {
  it('is the tracee of both, though the first is done with it before the second hears of the clone', () => {
    const { stage, on, lines } = clients();
    const e = stage.child('E', (c) =>
      c
        .waitUntil('go', '!=', 0)
        .thread((t) => t.exit(3))
        .loop((s) => s.pause()),
    );
    for (const name of ['A', 'B']) on(name, () => e.seize(TRACECLONE));
    e.setWord('go', 1n);
    on('A', () => {
      e.wait();
      const t = e.newTask('T');
      t.wait();
      t.cont();
      e.cont();
    });
    on('B', () => {
      e.wait();
      const t = e.newTask('T');
      t.wait();
      t.cont();
      t.wait();
      e.cont();
    });
    expect(lines().filter((line) => line.startsWith('B: '))).toEqual([
      'B: E: SEIZE = 0',
      'B: E: wait = event CLONE',
      'B: E: event message = T',
      'B: T: wait = event STOP SIGTRAP',
      'B: T: CONT = 0',
      'B: T: wait = exited 3',
      'B: E: CONT = 0',
    ]);
  });

  it('stops for both by the one SIGSTOP that is pending, when both have attached', () => {
    const { stage, on, lines } = clients();
    const e = stage.child('E', (c) =>
      c
        .waitUntil('go', '!=', 0)
        .fork((f) => f.exitGroup(3))
        .loop((s) => s.pause()),
    );
    stage.unrecorded(() => {
      for (const name of ['A', 'B']) {
        on(name, () => {
          e.attach();
          e.wait();
          e.setOptions(TRACEFORK);
          e.cont();
        });
      }
      e.setWord('go', 1n);
    });
    for (const name of ['A', 'B']) {
      on(name, () => {
        e.wait();
        const f = e.newTask('F');
        f.wait();
        f.cont();
        e.cont();
      });
    }
    expect(lines().filter((line) => line.includes('F: '))).toEqual([
      'A: F: wait = stopped by SIGSTOP',
      'A: F: CONT = 0',
      'B: F: wait = stopped by SIGSTOP',
      'B: F: CONT = 0',
    ]);
  });
});

describe('two clients that step', () => {
  it('are both told of every step', () => {
    const { stage, on } = clients();
    const e = stage.child('E', (c) => c.waitUntil('go', '!=', 0).nops().exitGroup(5));
    const pcs = new Map<string, bigint[]>();
    stage.unrecorded(() => {
      for (const name of ['A', 'B']) {
        pcs.set(name, []);
        on(name, () => {
          e.seize();
          e.interrupt();
          e.wait();
        });
      }
      for (const name of ['A', 'B']) on(name, () => e.step());
      for (let step = 0; step < 20; step++) {
        for (const name of ['A', 'B']) {
          on(name, () => {
            expect(e.wait()).toEqual(TRAP);
            pcs.get(name)?.push(e.registers().pc);
            e.step();
          });
        }
      }
    });
    expect(pcs.get('A')).toEqual(pcs.get('B'));
  });

  it('a step over another’s breakpoint is one instruction', () => {
    const { stage, on } = clients();
    const e = stage.child('E', (c) => c.waitUntil('go', '!=', 0).nops().exitGroup(5));
    const places: number[] = [];
    stage.unrecorded(() => {
      for (const name of ['A', 'B']) {
        on(name, () => {
          e.seize();
          e.interrupt();
          e.wait();
        });
      }
      const start = e.child.nops;
      const at = start + BigInt(3 * bytes.length);
      const first = on('B', () => peekData(e.tid, start));
      const covered = on('A', () => peekData(e.tid, at));
      on('B', () => e.poke(start, withBreakpoint(first)));
      on('A', () => e.poke(at, withBreakpoint(covered)));
      e.setWord('go', 1n);
      for (const name of ['A', 'B']) on(name, () => e.cont());
      on('B', () => {
        expect(e.wait()).toEqual(TRAP);
        e.poke(start, first);
        e.changeRegisters((registers) => {
          registers.pc = start;
        });
        e.step();
      });
      const step = (): void => {
        on('B', () => {
          expect(e.wait()).toEqual(TRAP);
          places.push(Number(e.registers().pc - start) / bytes.length);
          e.step();
        });
      };
      for (let count = 0; count < 3; count++) step();
      on('A', () => {
        expect(e.wait()).toEqual(TRAP);
        expect(e.registers().pc).toBe(at + pcOffset);
        e.poke(at, covered);
        e.changeRegisters((registers) => {
          registers.pc = at;
        });
        e.step();
        expect(e.wait()).toEqual(TRAP);
        e.poke(at, withBreakpoint(covered));
        e.cont();
      });
      for (let count = 0; count < 3; count++) step();
    });
    expect(places).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('a step from a stop that another’s hold has made possible is made when that lets go, over a system call too', () => {
    const { stage, on, lines } = clients();
    const e = stage.child('E', (c) => c.getppidLoop());
    stage.unrecorded(() => {
      on('A', () => {
        e.seize(TRACESYSGOOD);
        e.interrupt();
        e.wait();
        e.syscall();
        e.wait();
      });
      on('B', () => {
        e.seize(TRACESYSGOOD);
        e.interrupt();
        e.wait();
        e.step();
      });
    });
    on('A', () => {
      e.syscallInfo();
      e.syscall();
      e.wait();
      e.syscallInfo();
      // Nobody wants system calls now: the kernel itself steps.
      e.syscall();
    });
    on('B', () => {
      e.wait();
      e.siginfo();
      e.step();
    });
    on('A', () => e.poll());
    on('B', () => e.wait());
    expect(lines()).toEqual([
      'A: E: syscall info = entry getppid',
      'A: E: SYSCALL = 0',
      'A: E: wait = syscall-stop',
      'A: E: syscall info = exit R',
      'A: E: SYSCALL = 0',
      'B: E: wait = stopped by SIGTRAP',
      'B: E: siginfo = SIGTRAP TRAP_BRKPT',
      'B: E: SINGLESTEP = 0',
      'A: E: poll = nothing',
      'B: E: wait = stopped by SIGTRAP',
    ]);
  });

  it('the trap of one over a system call is not told to the other', () => {
    const { stage, on } = clients();
    const e = stage.child('E', (c) => c.getppidLoop());
    stage.unrecorded(() => {
      for (const name of ['A', 'B']) on(name, () => e.seize());
      on('B', () => {
        e.interrupt();
        e.wait();
        e.step();
        for (let step = 0; step < 30; step++) {
          expect(e.wait()).toEqual(TRAP);
          e.step();
        }
      });
      on('A', () => expect(e.look()).toBeUndefined());
    });
  });
});

describe('a breakpoint', () => {
  it('of a client that has not attached the thread which runs into it is told to those who have', () => {
    const { stage, on } = clients();
    const e = stage.child('E', (c) =>
      c
        .thread((t) => t.waitUntil('go', '!=', 0).nops().exit(0))
        .store('thread')
        .loop((s) => s.pause()),
    );
    stage.unrecorded(() => {
      const t = stage.adopt('T', Number(e.untilSet('thread')));
      on('A', () => {
        e.seize();
        e.interrupt();
        e.wait();
        e.poke(e.child.nops, withBreakpoint(peekData(e.tid, e.child.nops)));
        e.cont();
      });
      for (const name of ['B', 'C']) on(name, () => t.seize());
      e.setWord('go', 1n);
      for (const name of ['B', 'C']) {
        on(name, () => {
          expect(t.wait()).toEqual(TRAP);
          t.cont('SIGTRAP');
        });
      }
    });
  });
});
