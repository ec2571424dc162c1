import { describe, expect, it } from 'vitest';
import { breakpointFor } from '../../lib/kernel/breakpoint.js';
import { PTRACE } from '../../lib/kernel/requests.js';
import { SIG } from '../../lib/kernel/signals.js';
import { peekUser } from '../../lib/raw/memory.js';
import { getRegset } from '../../lib/raw/registers.js';
import { NT } from '../../lib/kernel/regsets.js';
import { X64_REGISTER_NAMES } from '../../lib/kernel/arch/x64/registers.js';
import { expectKind, expectReason, newTracer, send, until, within } from '../helpers/tracing.js';
import { held, onLayer, paused, watchedLayer, type HeldPart } from './programs.js';
import { attachOne, child, pauser, seizeOne } from '../helpers/tracing.js';

const X64 = process.arch === 'x64';
const BREAKPOINT = breakpointFor(X64 ? 'x86_64' : 'aarch64');

/** A child in front of machine code of ours. */
async function atCode(code: readonly number[]): Promise<HeldPart> {
  const part = await held((s) =>
    s
      .nops()
      .store('behind', 1)
      .loop((t) => t.pause()),
  );
  const { tracee, started } = part;
  tracee.memory.write(started.nops, BREAKPOINT.bytes);
  expectKind(await within(part.go(), 'the breakpoint'), 'breakpoint');
  tracee.memory.write(started.nops, Uint8Array.from(code));
  tracee.registers.pc = started.nops;
  return part;
}

describe('registers', () => {
  it('are what the kernel has, each by its name', async () => {
    const tracee = await attachOne(newTracer(), child(pauser()).pid);
    const { registers } = tracee;
    expect(Buffer.compare(registers.bytes, getRegset(tracee.tid, NT.PRSTATUS))).toBe(0);
    expect(Object.keys(registers.toObject())).toEqual([...registers.names]);
    for (const [index, name] of registers.names.entries()) {
      expect(registers.get(name), name).toBe(registers.toObject()[name as never]);
      if (X64) expect(registers.get(name), name).toBe(peekUser(tracee.tid, 8 * index));
    }
    if (X64) {
      expect(registers.names).toEqual(X64_REGISTER_NAMES);
      expect(registers.pc).toBe(registers.get('rip'));
      expect(registers.sp).toBe(registers.get('rsp'));
      expect(registers.flags).toBe(registers.get('eflags'));
      expect(registers.get('cs')).toBe(0x33n);
    }
    expect(registers.abi).toBe(X64 ? 'x86_64' : 'aarch64');
    expect(tracee.registers).toBe(registers);
  });

  it('are read once a stop, when first asked for, and written once, when changed', async () => {
    const watched = watchedLayer();
    await onLayer(watched.layer, async () => {
      const tracer = newTracer();
      const { tracee, go } = await held((s) => s.getppidLoop(), tracer);
      await within(go('syscall'), 'a call');
      watched.forget();
      await within(tracee.resume('syscall'), 'the next stop');
      expect(watched.count(PTRACE.GETREGSET)).toBe(0);

      for (let count = 0; count < 5; count++) expect(tracee.registers.pc).toBeGreaterThan(0n);
      expect(watched.count(PTRACE.GETREGSET)).toBe(1);
      await within(tracee.resume('syscall'), 'the next stop');
      // Nothing was changed.
      expect(watched.count(PTRACE.SETREGSET)).toBe(0);

      watched.forget();
      const { registers } = tracee;
      registers.set(X64 ? 'r12' : 'x19', registers.get(X64 ? 'r12' : 'x19'));
      registers.set(X64 ? 'r13' : 'x20', registers.get(X64 ? 'r13' : 'x20'));
      expect(registers.dirty).toBe(true);
      expect(watched.count(PTRACE.SETREGSET)).toBe(0);
      await within(tracee.resume('syscall'), 'the next stop');
      expect(watched.count(PTRACE.GETREGSET)).toBe(1);
      expect(watched.count(PTRACE.SETREGSET)).toBe(1);
      // In front of the resume that it is for.
      const order = watched.requests.map(({ request }) => request);
      expect(order.indexOf(PTRACE.SETREGSET)).toBeLessThan(order.indexOf(PTRACE.SYSCALL));
      expect(tracee.registers).not.toBe(registers);
      expect(tracee.registers.dirty).toBe(false);
      await tracer.close();
    });
  });

  it('of former stops keep their values, and change nothing any more', async () => {
    const { tracee, go } = await held((s) => s.getppidLoop());
    await within(go('syscall'), 'a call');
    const kept: { registers: typeof tracee.registers; pc: bigint; result: bigint; bytes: Buffer }[] = [];
    for (let count = 0; count < 300; count++) {
      const { registers } = tracee;
      kept.push({ registers, pc: registers.pc, result: registers.result, bytes: Buffer.from(registers.bytes) });
      await within(tracee.resume('syscall'), 'the next stop');
    }
    for (const { registers, pc, result, bytes } of kept) {
      expect(registers.pc).toBe(pc);
      expect(registers.result).toBe(result);
      expect(Buffer.compare(registers.bytes, bytes)).toBe(0);
    }
    const before = tracee.registers.pc;
    kept[0]!.registers.pc = 0;
    await within(tracee.resume('syscall'), 'the next stop');
    expect(tracee.registers.pc).toBe(before);
  });
});

describe.skipIf(!X64)('what is written into registers (x86 machine code)', () => {
  it('is what the tracee has', async () => {
    // mov [rdi], rsi; nop
    const { tracee, started, word } = await atCode([0x48, 0x89, 0x37, 0x90]);
    tracee.registers.set('rdi', started.address('behind'));
    tracee.registers.set('rsi', 0xfedc_ba98_7654_3210n);
    expectKind(await within(tracee.resume('step'), 'the step'), 'step');
    expect(word('behind')).toBe(0xfedc_ba98_7654_3210n);
    expect(tracee.registers.get('rsi')).toBe(0xfedc_ba98_7654_3210n);
  });

  it("is there for each general register, negative numbers as two's complement", async () => {
    const { tracee } = await atCode([0x90, 0x90, 0x90, 0x90]);
    const names = X64_REGISTER_NAMES.filter(
      (name) => /^r([a-ds89]|1\d|di|si|bp|[a-d]x)/.test(name) && name !== 'rsp' && name !== 'rip',
    );
    for (const [index, name] of names.entries())
      tracee.registers.set(name, index % 2 === 0 ? -1 - index : BigInt(index) << 40n);
    expectKind(await within(tracee.resume('step'), 'the step'), 'step');
    for (const [index, name] of names.entries()) {
      expect(tracee.registers.get(name), name).toBe(
        index % 2 === 0 ? BigInt.asUintN(64, BigInt(-1 - index)) : BigInt(index) << 40n,
      );
    }
    expect(names.length).toBe(15);
  });

  it('is written by a detach, and by what tells the tracee to listen', async () => {
    const part = await held((s) =>
      s
        .nops()
        .store('behind', 1)
        .loop((t) => t.pause()),
    );
    const { tracee, started } = part;
    tracee.memory.write(started.nops, BREAKPOINT.bytes);
    expectKind(await within(part.go(), 'the breakpoint'), 'breakpoint');
    // jmp to itself where the breakpoint was: only a written program counter gets past it.
    tracee.memory.write(started.nops, Uint8Array.of(0xeb, 0xfe));
    tracee.registers.pc = started.nops + 2n;
    expect(await within(tracee.detach(), 'the detach')).toMatchObject({ kind: 'detached' });
    const again = await seizeOne(newTracer(), started.pid);
    await until(() => again.memory.read(started.address('behind'), 1).bytes[0] === 1, 'it is past the jump');

    send(started.pid, SIG.SIGSTOP);
    expectKind(await within(again.wait(), 'the signal'), 'signal-delivery');
    const stop = expectKind(await within(again.resume(), 'the group-stop'), 'group-stop');
    again.registers.set('r15', 0x1515n);
    stop.listen();
    send(started.pid, SIG.SIGCONT);
    expectKind(await within(again.wait(), 'the change'), 'event-stop');
    expect(again.registers.get('r15')).toBe(0x1515n);
  });

  it('and refused by the kernel leaves the tracee in its stop, to be mended', async () => {
    const tracee = await attachOne(newTracer(), child(pauser()).pid);
    const { registers } = tracee;
    registers.set('cs', 0);
    const error = await expectReason(() => tracee.resume(), 'kernel');
    expect(error.request).toBe('PTRACE_SETREGSET');
    expect(error.code).toBe('EIO');
    expect(error.message).toContain('a register cannot have that value');
    expect(tracee.state).toBe('stopped');
    expect(tracee.stop?.usedUp).toBe(false);
    registers.set('cs', 0x33);
    tracee.resume();
    expect(tracee.state).toBe('running');
  });

  it('of the flags is what user code may change', async () => {
    const { tracee } = await atCode([0x90, 0x90]);
    tracee.registers.flags = 0xffff_ffff_ffff_ffffn & ~(1n << 14n) & ~(1n << 8n);
    expectKind(await within(tracee.resume('step'), 'the step'), 'step');
    const flags = tracee.registers.flags;
    // IF and the fixed bit stay, IOPL does not come, the step's TF is hidden.
    expect(flags & 0x202n).toBe(0x202n);
    expect(flags & 0x3000n).toBe(0n);
    expect(flags & 0x100n).toBe(0n);
    expect(flags & 0x8d5n).toBe(0x8d5n);
  });
});

describe('a value that is none', () => {
  it('is a RangeError or a TypeError, and changes nothing', async () => {
    const tracee = await attachOne(newTracer(), child(pauser()).pid);
    const { registers } = tracee;
    const name = X64 ? 'rax' : 'x0';
    const before = registers.get(name);
    for (const value of [1n << 64n, -(1n << 63n) - 1n, 1.5, Number.NaN, 2 ** 60]) {
      expect(() => registers.set(name, value)).toThrow(RangeError);
      expect(() => (registers.pc = value)).toThrow(RangeError);
      expect(() => (registers.result = value)).toThrow(RangeError);
    }
    for (const value of ['1', undefined, null, {}, [], Symbol('s'), true]) {
      expect(() => registers.set(name, value as never)).toThrow(TypeError);
      expect(() => (registers.sp = value as never)).toThrow(TypeError);
    }
    for (const unknown of ['', 'RAX', 'x99', '__proto__', 'toString', 0, null, Symbol('s')]) {
      expect(() => registers.get(unknown as never)).toThrow(RangeError);
      expect(() => registers.set(unknown as never, 1)).toThrow(RangeError);
    }
    expect(() => registers.arg(6)).toThrow(RangeError);
    expect(() => registers.setArg(-1, 1)).toThrow(RangeError);
    expect(registers.dirty).toBe(false);
    expect(registers.get(name)).toBe(before);
  });
});

describe('of a tracee that is not in a stop', () => {
  it('registers are refused, with the reason and what to do', async () => {
    const pid = await paused();
    const tracer = newTracer();
    const tracee = await seizeOne(tracer, pid);
    const running = await expectReason(() => tracee.registers, 'running');
    expect(running).toMatchObject({ tid: pid, request: 'PTRACE_GETREGSET' });
    expect(running.message).toContain('wait for its next stop first');

    send(pid, SIG.SIGSTOP);
    await within(tracee.wait(), 'the signal');
    expectKind(await within(tracee.resume(), 'the group-stop'), 'group-stop');
    tracee.listen();
    expect((await expectReason(() => tracee.registers, 'listening')).message).toContain('interrupt it');

    await within(tracee.kill(), 'the end');
    expect((await expectReason(() => tracee.registers, 'gone')).message).toContain('gone');

    const other = await seizeOne(tracer, await paused());
    await other.detach();
    expect((await expectReason(() => other.registers, 'not-tracee')).message).toContain('detached');
  });

  it('by a SIGKILL nobody has seen yet they are gone', async () => {
    const tracee = await attachOne(newTracer(), child(pauser()).pid);
    send(tracee.pid, SIG.SIGKILL);
    const error = await expectReason(() => tracee.registers, 'gone');
    expect(error.code).toBe('ESRCH');
    // A resume does not fail: it gives the end.
    expect(expectKind(await within(tracee.resume(), 'the end'), 'killed').signal).toBe(SIG.SIGKILL);
  });
});
