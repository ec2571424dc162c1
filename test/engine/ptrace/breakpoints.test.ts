/** Breakpoints of two clients in one program: each sees its own alone. */
import { describe, expect, it } from 'vitest';
import { breakpointFor } from '../../../lib/kernel/breakpoint.js';
import { PTRACE_O } from '../../../lib/kernel/options.js';
import type { Actor } from '../../../lib/conformance/actor.js';
import { peekData } from '../../../lib/raw/memory.js';
import { clients } from './clients.js';

const { bytes, pcOffset } = breakpointFor(process.arch === 'arm64' ? 'aarch64' : 'x86_64');

/** The word at an address with a breakpoint at its beginning. */
function withBreakpoint(word: bigint): bigint {
  const buffer = new BigUint64Array([word]);
  new Uint8Array(buffer.buffer).set(bytes);
  return buffer[0] ?? 0n;
}

/** A process that is about to execute 64 instructions which do nothing, again and again, and both clients' tracee. */
function nopRunner(all: ReturnType<typeof clients>): { readonly e: Actor; readonly at: bigint } {
  const { stage, on } = all;
  const e = stage.child('E', (c) =>
    c.waitUntil('go', '!=', 0).nops().store('done', 1).waitUntil('again', '!=', 0).nops().exitGroup(5),
  );
  stage.unrecorded(() => {
    for (const name of ['A', 'B']) {
      on(name, () => {
        e.seize();
        e.interrupt();
        e.wait();
      });
    }
  });
  return { e, at: e.child.nops };
}

describe('breakpoints of two clients', () => {
  it('what one inserts the other does not read, and what the other writes there is kept', () => {
    const all = clients();
    const { on } = all;
    const { e, at } = nopRunner(all);
    const original = on('A', () => peekData(e.tid, at));
    const broken = withBreakpoint(original);
    all.stage.unrecorded(() => on('A', () => e.poke(at, broken)));
    expect(on('A', () => peekData(e.tid, at))).toBe(broken);
    expect(on('B', () => peekData(e.tid, at))).toBe(original);
    // B puts its own there and takes it away: A's stays.
    all.stage.unrecorded(() => on('B', () => e.poke(at, broken)));
    expect(on('B', () => peekData(e.tid, at))).toBe(broken);
    all.stage.unrecorded(() => on('B', () => e.poke(at, original)));
    expect(on('A', () => peekData(e.tid, at))).toBe(broken);
    expect(on('B', () => peekData(e.tid, at))).toBe(original);
    expect(BigInt.asUintN(64, e.wordAt(at))).toBe(broken);
    all.stage.unrecorded(() => on('A', () => e.poke(at, original)));
    expect(BigInt.asUintN(64, e.wordAt(at))).toBe(original);
  });

  it('the trap of one is not told to the other', () => {
    const all = clients();
    const { on, stage } = all;
    const { e, at } = nopRunner(all);
    stage.unrecorded(() => {
      const original = on('A', () => peekData(e.tid, at));
      on('A', () => e.poke(at, withBreakpoint(original)));
      e.setWord('go', 1n);
      for (const name of ['A', 'B']) on(name, () => e.cont());
      on('A', () => {
        expect(e.wait()).toEqual({ kind: 'stopped', signal: 5 });
        expect(e.registers().pc).toBe(at + pcOffset);
        e.poke(at, original);
        e.changeRegisters((registers) => {
          registers.pc = at;
        });
        e.cont();
      });
      e.setWord('again', 1n);
      on('B', () => expect(e.wait()).toEqual({ kind: 'exited', code: 5 }));
      on('A', () => expect(e.wait()).toEqual({ kind: 'exited', code: 5 }));
    });
  });

  it('at one address both are told, each with the thread as the trap has left it, and both step over it', () => {
    const all = clients();
    const { on, stage } = all;
    const { e, at } = nopRunner(all);
    stage.unrecorded(() => {
      const original = on('A', () => peekData(e.tid, at));
      const broken = withBreakpoint(original);
      for (const name of ['A', 'B']) on(name, () => e.poke(at, broken));
      e.setWord('go', 1n);
      for (const name of ['A', 'B']) on(name, () => e.cont());
      for (const name of ['A', 'B']) {
        on(name, () => {
          expect(e.wait()).toEqual({ kind: 'stopped', signal: 5 });
          expect(e.registers().pc).toBe(at + pcOffset);
          e.poke(at, original);
          e.changeRegisters((registers) => {
            registers.pc = at;
          });
          e.step();
        });
      }
      for (const name of ['A', 'B']) {
        on(name, () => {
          expect(e.wait()).toEqual({ kind: 'stopped', signal: 5 });
          expect(e.registers().pc).not.toBe(at);
          e.poke(at, broken);
          e.cont();
        });
      }
      // The second time around: both again.
      e.setWord('again', 1n);
      for (const name of ['A', 'B']) {
        on(name, () => {
          expect(e.wait()).toEqual({ kind: 'stopped', signal: 5 });
          expect(e.registers().pc).toBe(at + pcOffset);
          e.poke(at, original);
          e.changeRegisters((registers) => {
            registers.pc = at;
          });
          e.cont();
        });
      }
      for (const name of ['A', 'B']) on(name, () => expect(e.wait()).toEqual({ kind: 'exited', code: 5 }));
    });
  });

  it('what the program writes over a breakpoint everybody reads', () => {
    const all = clients();
    const { on, stage } = all;
    const e = stage.child('E', (c) =>
      c
        .store('data', 7)
        .waitUntil('go', '!=', 0)
        .store('data', 8)
        .store('done', 1)
        .loop((s) => s.pause()),
    );
    stage.unrecorded(() => {
      e.untilWord('data', 7n);
      for (const name of ['A', 'B']) {
        on(name, () => {
          e.seize();
          e.interrupt();
          e.wait();
        });
      }
      const at = e.address('data');
      on('A', () => e.poke(at, withBreakpoint(7n)));
      expect(on('B', () => peekData(e.tid, at))).toBe(7n);
      for (const name of ['A', 'B']) on(name, () => e.cont());
      e.setWord('go', 1n);
      e.untilWord('done', 1n);
      for (const name of ['A', 'B']) {
        on(name, () => {
          e.interrupt();
          e.wait();
          expect(peekData(e.tid, at)).toBe(8n);
        });
      }
      on('B', () => e.poke(at + 1n, 0n));
      expect(on('A', () => peekData(e.tid, at))).toBe(8n);
    });
  });

  it('one that a client leaves behind is nobody’s: the others see it, and are told of its trap', () => {
    const all = clients();
    const { on, stage } = all;
    const { e, at } = nopRunner(all);
    stage.unrecorded(() => {
      on('C', () => {
        e.seize();
        e.interrupt();
        e.wait();
      });
      const original = on('A', () => peekData(e.tid, at));
      const broken = withBreakpoint(original);
      on('A', () => {
        e.poke(at, broken);
        e.detach();
      });
      for (const name of ['B', 'C']) expect(on(name, () => peekData(e.tid, at))).toBe(broken);
      e.setWord('go', 1n);
      for (const name of ['B', 'C']) on(name, () => e.cont());
      on('B', () => {
        expect(e.wait()).toEqual({ kind: 'stopped', signal: 5 });
        expect(e.registers().pc).toBe(at + pcOffset);
        e.kill('SIGKILL');
        e.wait();
      });
      on('C', () => e.wait());
    });
  });

  it('a fork copies them: the child’s tracer sees none of another client’s there either', () => {
    const all = clients();
    const { on, stage } = all;
    const e = stage.child('E', (c) =>
      c
        .waitUntil('go', '!=', 0)
        .fork((f) => f.exitGroup(3))
        .nops()
        .exitGroup(4),
    );
    stage.unrecorded(() => {
      for (const name of ['A', 'B']) {
        on(name, () => {
          e.seize(name === 'B' ? PTRACE_O.TRACEFORK : 0);
          e.interrupt();
          e.wait();
        });
      }
      const at = e.child.nops;
      const original = on('B', () => peekData(e.tid, at));
      on('A', () => e.poke(at, withBreakpoint(original)));
      for (const name of ['A', 'B']) on(name, () => e.cont());
      e.setWord('go', 1n);
      on('B', () => {
        e.wait();
        const f = e.newTask('F');
        f.wait();
        expect(BigInt.asUintN(64, peekData(f.tid, at))).toBe(original);
        f.kill('SIGKILL');
        f.wait();
      });
      e.kill('SIGKILL');
      for (const name of ['A', 'B']) on(name, () => e.wait());
    });
  });
});
