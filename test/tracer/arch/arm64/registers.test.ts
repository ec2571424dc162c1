import { describe, expect, it } from 'vitest';
import { ARM64_REGISTER_NAMES } from '../../../../lib/kernel/arch/arm64/registers.js';
import { SIG } from '../../../../lib/kernel/signals.js';
import { expectKind, expectReason, newTracer, seizeOne, send, until, within } from '../../../helpers/tracing.js';
import { A64, ARM64, atCode, bytesOf, step } from './code.js';

/** The mode bits of PSTATE: EL1 with its own stack pointer. */
const EL1H = 0b101n;
const NZCV = 0xf000_0000n;

describe.skipIf(!ARM64)('registers of arm64 (arm64 only)', () => {
  it('have the names of struct user_pt_regs', async () => {
    const { tracee, started } = await atCode([A64.nop]);
    const { registers } = tracee;
    expect(registers.names).toEqual(ARM64_REGISTER_NAMES);
    expect([registers.abi, registers.bytes.length]).toEqual(['aarch64', 272]);
    expect(registers.pc).toBe(started.nops);
    expect(registers.get('pc')).toBe(registers.pc);
    expect(registers.get('sp')).toBe(registers.sp);
    expect(registers.sp % 16n).toBe(0n);
    expect(registers.get('pstate')).toBe(registers.flags);
    expect(registers.flags & 0xfn, 'EL0').toBe(0n);
  });

  it('that are written are what the tracee has', async () => {
    const { tracee, started, word } = await atCode([A64.store], (s) => s.store('behind', 0).pause());
    tracee.registers.set('x0', started.address('behind'));
    tracee.registers.set('x1', 0xfedc_ba98_7654_3210n);
    await step(tracee);
    expect(word('behind')).toBe(0xfedc_ba98_7654_3210n);
    expect(tracee.registers.get('x1')).toBe(0xfedc_ba98_7654_3210n);
  });

  it("take each their own value, negative numbers as two's complement", async () => {
    const { tracee } = await atCode([A64.nop, A64.nop]);
    const names = ARM64_REGISTER_NAMES.filter((name) => /^x\d/.test(name));
    expect(names.length).toBe(31);
    const value = (index: number): bigint => (index % 2 === 0 ? BigInt(-1 - index) : BigInt(index) << 40n);
    for (const [index, name] of names.entries()) tracee.registers.set(name, value(index));
    await step(tracee);
    for (const [index, name] of names.entries())
      expect(tracee.registers.get(name), name).toBe(BigInt.asUintN(64, value(index)));
  });

  it('are written by a detach, and by what tells the tracee to listen', async () => {
    const { tracee, started } = await atCode([A64.nop], (s) => s.store('behind', 1).loop((t) => t.pause()));
    // Only a written program counter gets past it.
    tracee.memory.write(started.nops, bytesOf([A64.forever]));
    tracee.registers.pc = started.nops + 4n;
    expect(await within(tracee.detach(), 'the detach')).toMatchObject({ kind: 'detached' });
    const again = await seizeOne(newTracer(), started.pid);
    await until(() => again.memory.read(started.address('behind'), 1).bytes[0] === 1, 'it is past the jump');

    send(started.pid, SIG.SIGSTOP);
    expectKind(await within(again.wait(), 'the signal'), 'signal-delivery');
    const stop = expectKind(await within(again.resume(), 'the group-stop'), 'group-stop');
    again.registers.set('x27', 0x2727n);
    stop.listen();
    send(started.pid, SIG.SIGCONT);
    expectKind(await within(again.wait(), 'the change'), 'event-stop');
    expect(again.registers.get('x27')).toBe(0x2727n);
  });

  it('refused by the kernel leave the tracee in its stop, to be mended', async () => {
    const { tracee } = await atCode([A64.nop]);
    const { registers } = tracee;
    const before = registers.flags;
    registers.flags = before | EL1H;
    const error = await expectReason(() => tracee.resume(), 'kernel');
    expect(error).toMatchObject({ request: 'PTRACE_SETREGSET', code: 'EINVAL' });
    expect(error.message).toContain('a register cannot have that value');
    expect(tracee.state).toBe('stopped');
    expect(tracee.stop?.usedUp).toBe(false);
    registers.flags = before;
    tracee.resume();
    expect(tracee.state).toBe('running');
  });

  it('for the flags take the condition flags', async () => {
    const { tracee } = await atCode([A64.nop, A64.nop]);
    for (const flags of [NZCV, 0n]) {
      tracee.registers.flags = (tracee.registers.flags & ~NZCV) | flags;
      await step(tracee);
      expect(tracee.registers.flags & NZCV).toBe(flags);
    }
  });
});
