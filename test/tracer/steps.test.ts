import { describe, expect, it } from 'vitest';
import { isPtraceError } from '../../lib/errors.js';
import { encodeDr7 } from '../../lib/kernel/arch/x64/debug-registers.js';
import { breakpointFor } from '../../lib/kernel/breakpoint.js';
import { SI, TRAP } from '../../lib/kernel/siginfo.js';
import { SIG } from '../../lib/kernel/signals.js';
import { peekUser, pokeUser } from '../../lib/raw/memory.js';
import { type ResumeMode, type Stop, type Tracee } from '../../lib/tracer/index.js';
import { expectEnd, expectKind, expectReason, send, within } from '../helpers/tracing.js';
import { held, nr, runTo, type HeldPart } from './programs.js';

const X64 = process.arch === 'x64';
const BREAKPOINT = breakpointFor(X64 ? 'x86_64' : 'aarch64');
/** offsetof(struct user, u_debugreg) */
const DEBUG_REGISTER = 848;

const debugRegister = (index: number): number => DEBUG_REGISTER + 8 * index;

async function breakpoint(next: PromiseLike<Stop>): Promise<Extract<Stop, { kind: 'breakpoint' }>> {
  return expectKind(await within(next, 'the breakpoint'), 'breakpoint');
}

async function step(tracee: Tracee, mode: ResumeMode = 'step'): Promise<Extract<Stop, { kind: 'step' }>> {
  return expectKind(await within(tracee.resume(mode), 'the step'), 'step');
}

/** A child in front of machine code of ours, which its script then runs as a function. */
async function atCode(
  code: readonly number[],
  after: (s: Parameters<Parameters<typeof held>[0]>[0]) => unknown,
): Promise<HeldPart> {
  const part = await held((s) => {
    s.nops();
    after(s);
  });
  const { tracee, started } = part;
  tracee.memory.write(started.nops, BREAKPOINT.bytes);
  await breakpoint(part.go());
  tracee.memory.write(started.nops, Uint8Array.from(code));
  tracee.registers.pc = started.nops;
  return part;
}

describe.skipIf(!X64)('a step (x86 machine code)', () => {
  const NOP = 0x90;

  it('runs one instruction', async () => {
    const { tracee, started, word } = await atCode([NOP, 0x48, 0x89, 0xc0, NOP, NOP], (s) =>
      s.store('done', 1).pause(),
    );
    for (const length of [1n, 4n, 5n, 6n]) {
      const stop = await step(tracee);
      expect(stop.cause).toBe('instruction');
      expect(stop.signal).toBe(SIG.SIGTRAP);
      expect(stop.status).toBe(0x057f);
      expect(stop.siginfo).toMatchObject({ kind: 'fault', code: TRAP.TRACE, addr: started.nops + length });
      expect(tracee.registers.pc).toBe(started.nops + length);
    }
    // A plain resume delivers no SIGTRAP: the child goes on.
    tracee.resume();
    expectKind(await within(tracee.interrupt(), 'the interrupt'), 'event-stop');
    expect([0n, 1n]).toContain(word('done'));
  });

  it('over a system call gives its result, and says that it was one', async () => {
    // mov eax, getppid; syscall; nop
    const { tracee, started } = await atCode([0xb8, nr('getppid'), 0, 0, 0, 0x0f, 0x05, NOP], (s) => s.pause());
    expect((await step(tracee)).cause).toBe('instruction');
    const stop = await step(tracee);
    expect(stop.cause).toBe('syscall');
    expect(stop.siginfo.code).toBe(TRAP.BRKPT);
    expect(tracee.registers.pc).toBe(started.nops + 7n);
    expect(tracee.registers.result).toBe(BigInt(process.pid));
    expect((await step(tracee)).cause).toBe('instruction');
  });

  it('into a signal handler stops in front of its first instruction', async () => {
    const part = await held((s) =>
      s
        .handle('SIGUSR1', (h) => h.store('ran', 1))
        .tgkillSelf('SIGUSR1')
        .pause(),
    );
    const { tracee } = part;
    const delivery = expectKind(await within(part.go(), 'the signal'), 'signal-delivery');
    const stop = expectKind(await within(delivery.resume('step'), 'the step'), 'step');
    expect(stop.cause).toBe('handler');
    expect(stop.siginfo).toMatchObject({ kind: 'ptrace-event', code: SIG.SIGTRAP, pid: tracee.pid });
    expect(part.word('ran')).toBe(0n);
    expect((await step(tracee)).cause).toBe('instruction');
  });

  it('takes no user signal for its own', async () => {
    const { tracee } = await atCode([NOP, NOP, NOP], (s) => s.pause());
    await step(tracee);
    send(tracee.pid, SIG.SIGTRAP);
    const stop = await runTo(tracee, 'signal-delivery', 'step');
    expect(stop.signal).toBe(SIG.SIGTRAP);
    expect(stop.siginfo).toMatchObject({ kind: 'user', code: SI.USER, pid: process.pid });
    const end = expectEnd(await within(stop.resume(), 'its end'));
    expect(end).toMatchObject({ kind: 'killed', signal: SIG.SIGTRAP });
  });

  it('onto a breakpoint instruction is a breakpoint', async () => {
    const { tracee, started } = await atCode([NOP, 0xcc, NOP], (s) => s.pause());
    await step(tracee);
    const stop = await breakpoint(tracee.resume('step'));
    expect(stop.address).toBe(started.nops + 1n);
    expect((await step(tracee)).cause).toBe('instruction');
  });

  it('of a block ends behind a branch, or where the CPU cannot do that, behind an instruction', async () => {
    // nop; nop; jmp +2; (two bytes); nop
    const { tracee, started } = await atCode([NOP, NOP, 0xeb, 0x02, 0x0f, 0x0b, NOP, NOP], (s) => s.pause());
    try {
      const stop = await step(tracee, 'block-step');
      expect(stop.cause).toBe('instruction');
      const behind = tracee.registers.pc - started.nops;
      if (behind !== 6n) console.log(`block-step: this CPU steps by instructions (stopped ${behind} bytes on)`);
      expect([1n, 6n]).toContain(behind);
    } catch (error) {
      if (!isPtraceError(error)) throw error;
      console.log(`block-step: ${error.message}`);
      expect(error.reason).toBe('not-supported');
      expect(tracee.state).toBe('stopped');
    }
  });

  it("by 'sysemu-step' skips a system call and stops behind it", async () => {
    // mov eax, getppid; syscall; nop
    const { tracee, started } = await atCode([0xb8, nr('getppid'), 0, 0, 0, 0x0f, 0x05, NOP], (s) => s.pause());
    expect((await step(tracee, 'sysemu-step')).cause).toBe('instruction');
    const entry = expectKind(await within(tracee.resume('sysemu-step'), 'the entry'), 'syscall-entry');
    expect(entry.name).toBe('getppid');
    tracee.registers.result = 99;
    const stop = await step(tracee, 'sysemu-step');
    expect(tracee.registers.result).toBe(99n);
    expect(tracee.registers.pc).toBeGreaterThanOrEqual(started.nops + 7n);
    expect(['syscall', 'instruction']).toContain(stop.cause);
  });
});

describe('a mode that is none', () => {
  it('is refused and leaves the tracee where it is', async () => {
    const { tracee } = await held((s) => s.pause());
    for (const mode of [
      '',
      'continue',
      'toString',
      '__proto__',
      'constructor',
      null,
      0,
      1n,
      {},
      [],
      ['cont'],
      Symbol('s'),
    ]) {
      const error = await expectReason(() => tracee.resume(mode as never), 'bad-input');
      expect(error.message).toContain("'sysemu-step'");
      await expectReason(() => tracee.stop!.resume(mode as never), 'bad-input');
    }
    const throwing = {
      toString() {
        throw new Error('called');
      },
    };
    await expectReason(() => tracee.resume(throwing as never), 'bad-input');
    expect(tracee.state).toBe('stopped');
  });
});

describe('a breakpoint instruction', () => {
  it('is told with its address; resumed plainly its SIGTRAP is not delivered', async () => {
    const part = await held((s) => s.trap().store('behind', 1).trap().pause());
    const stop = await breakpoint(part.go());
    expect(stop.address).toBe(part.started.trap);
    expect(stop.hardware).toBe(false);
    expect(stop.signal).toBe(SIG.SIGTRAP);
    expect(stop.signalName).toBe('SIGTRAP');
    expect(stop.status).toBe(0x057f);
    expect(part.tracee.registers.pc).toBe(part.started.trap + BigInt(X64 ? 1 : 0));
    if (!X64) part.tracee.registers.pc = part.started.trap + 4n;
    const again = await breakpoint(stop.resume());
    expect(part.word('behind')).toBe(1n);
    expect(stop.usedUp).toBe(true);
    expect(stop.address).toBe(part.started.trap);
    // With its signal it does what it does without a tracer.
    const end = await within(again.resume('cont', { signal: 'SIGTRAP' }), 'the end');
    expect(expectKind(end, 'killed').signalName).toBe('SIGTRAP');
  });

  it('can give another signal, and none with a number', async () => {
    const part = await held((s) =>
      s
        .handle('SIGUSR2', (h) => h.store('got', 1))
        .trap()
        .trap()
        .pause(),
    );
    const first = await breakpoint(part.go());
    if (!X64) part.tracee.registers.pc += 4n;
    const second = await breakpoint(first.resume('cont', { signal: 'SIGUSR2' }));
    expect(part.word('got')).toBe(1n);
    if (!X64) part.tracee.registers.pc += 4n;
    second.resume('cont', { signal: 0 });
    expectKind(await within(part.tracee.interrupt(), 'the interrupt'), 'event-stop');
  });

  it('put into read-only program text is hit and can be taken out again', async () => {
    const part = await held((s) => s.nops().store('first', 1).nops().store('second', 1).pause());
    const { tracee, started } = part;
    const original = Uint8Array.from(tracee.memory.read(started.nops, BREAKPOINT.bytes.length).bytes);
    expect(tracee.memory.write(started.nops, BREAKPOINT.bytes)).toMatchObject({ complete: true, path: 'proc-mem' });
    const stop = await breakpoint(part.go());
    expect(stop.address).toBe(started.nops);
    tracee.memory.write(started.nops, original);
    tracee.registers.pc = started.nops;
    stop.resume('syscall');
    expectKind(await within(tracee.wait(), 'the pause'), 'syscall-entry');
    expect([part.word('first'), part.word('second')]).toEqual([1n, 1n]);
  });

  it.skipIf(!X64)('of one byte by icebp (0xf1) is one, too (x86)', async (context) => {
    const { tracee, started } = await atCode([0xf1, 0x90], (s) => s.pause());
    const next = await within(tracee.resume(), 'the breakpoint');
    if (next.kind === 'signal-delivery' && next.signal === SIG.SIGILL) context.skip('this emulator has no icebp');
    const stop = expectKind(next, 'breakpoint');
    expect(stop.siginfo.code).toBe(TRAP.BRKPT);
    // Some hypervisors stop in front of it instead of behind it.
    const behind = tracee.registers.pc - started.nops;
    if (behind !== 1n) console.log(`icebp: this machine stops ${behind} bytes behind its address`);
    expect(stop.address).toBe(started.nops + behind - 1n);
  });
});

describe.skipIf(!X64)('the debug registers (x86, by POKEUSER)', () => {
  it('stop the tracee in front of an instruction: a hardware breakpoint', async () => {
    const part = await held((s) => s.nops().store('behind', 1).nops().pause());
    const { tracee, started } = part;
    pokeUser(tracee.tid, debugRegister(0), started.nops + 3n);
    pokeUser(tracee.tid, debugRegister(7), encodeDr7([{ slot: 0, access: 'execute', length: 1 }]));
    const stop = await breakpoint(part.go());
    expect(stop.hardware).toBe(true);
    expect(stop.address).toBe(started.nops + 3n);
    expect(stop.siginfo.code).toBe(TRAP.HWBKPT);
    expect(tracee.registers.pc).toBe(started.nops + 3n);
    expect(part.word('behind')).toBe(0n);
    // Not hit again by going on, but by the next round.
    const again = await breakpoint(stop.resume());
    expect(again.address).toBe(started.nops + 3n);
    expect(part.word('behind')).toBe(1n);
    pokeUser(tracee.tid, debugRegister(7), 0);
    const end = await within(again.resume('cont', { signal: 'SIGTERM' }), 'the end');
    expect(expectKind(end, 'killed').signal).toBe(SIG.SIGTERM);
  });

  it('stop it behind a write, each slot with its own address: watchpoints', async () => {
    const part = await held((s) =>
      s.store('a', 1).store('b', 2).store('unwatched', 3).store('c', 4).store('a', 5).load('c').pause(),
    );
    const { tracee, started } = part;
    const slots = ['a', 'b', 'c'].map((name) => started.address(name));
    for (const [slot, address] of slots.entries()) pokeUser(tracee.tid, debugRegister(slot), address);
    pokeUser(
      tracee.tid,
      debugRegister(7),
      encodeDr7([
        { slot: 0, access: 'write', length: 8 },
        { slot: 1, access: 'write', length: 8 },
        { slot: 2, access: 'read-write', length: 8 },
      ]),
    );
    const hits: [address: bigint, value: bigint][] = [];
    let next: PromiseLike<Stop> = part.go('syscall');
    for (;;) {
      const stop = await within(next, 'a watchpoint');
      if (stop.kind === 'syscall-entry' && stop.name === 'pause') break;
      if (stop.kind === 'watchpoint') {
        expect(stop.signal).toBe(SIG.SIGTRAP);
        expect(stop.siginfo.code).toBe(TRAP.HWBKPT);
        hits.push([stop.address, part.word(['a', 'b', 'c'][slots.indexOf(stop.address)] ?? '')]);
        // Resumed plainly it delivers no SIGTRAP.
      }
      next = tracee.resume('syscall');
    }
    expect(hits).toEqual([
      [slots[0], 1n],
      [slots[1], 2n],
      [slots[2], 4n],
      [slots[0], 5n],
      [slots[2], 4n],
    ]);
    expect(peekUser(tracee.tid, debugRegister(0))).toBe(slots[0]);
  });

  it('kill with a watchpoint whose SIGTRAP is delivered', async () => {
    const part = await held((s) => s.store('a', 1).pause());
    pokeUser(part.tracee.tid, debugRegister(3), part.started.address('a'));
    pokeUser(part.tracee.tid, debugRegister(7), encodeDr7([{ slot: 3, access: 'write', length: 8 }]));
    const stop = expectKind(await within(part.go(), 'the watchpoint'), 'watchpoint');
    expect(stop.address).toBe(part.started.address('a'));
    const end = await within(stop.resume('cont', { signal: stop.signal }), 'the end');
    expect(expectKind(end, 'killed').signal).toBe(SIG.SIGTRAP);
  });
});
