import { describe, expect, it } from 'vitest';
import { SI, TRAP } from '../../../../lib/kernel/siginfo.js';
import { SIG } from '../../../../lib/kernel/signals.js';
import { expectEnd, expectKind, expectReason, send, within } from '../../../helpers/tracing.js';
import { held, runTo } from '../../programs.js';
import { A64, ARM64, atCode, breakpoint, step } from './code.js';

describe.skipIf(!ARM64)('a step (A64 machine code: arm64 only)', () => {
  it('runs one instruction, a branch too', async () => {
    const { tracee, started } = await atCode([A64.nop, A64.nop, A64.skipOne, A64.brk, A64.nop, A64.nop]);
    for (const offset of [4n, 8n, 16n, 20n]) {
      const stop = await step(tracee);
      expect(stop.cause).toBe('instruction');
      expect(stop.signal).toBe(SIG.SIGTRAP);
      expect(stop.status).toBe(0x057f);
      expect(stop.siginfo).toMatchObject({ kind: 'fault', code: TRAP.TRACE, addr: started.nops + offset });
      expect(tracee.registers.pc).toBe(started.nops + offset);
    }
    // A plain resume delivers no SIGTRAP: the child goes on.
    tracee.resume();
    expectKind(await within(tracee.interrupt(), 'the interrupt'), 'event-stop');
  });

  it('over a system call stops behind it twice: for the call with its result, then for the instruction', async () => {
    const { tracee, started } = await atCode([A64.call('getppid'), A64.svc, A64.nop]);
    expect((await step(tracee)).cause).toBe('instruction');
    const stop = await step(tracee);
    expect(stop.cause).toBe('syscall');
    expect(tracee.registers.pc).toBe(started.nops + 8n);
    expect(tracee.registers.result).toBe(BigInt(process.pid));
    const second = await step(tracee);
    expect(second.cause).toBe('instruction');
    expect(tracee.registers.pc).toBe(started.nops + 8n);
    expect((await step(tracee)).cause).toBe('instruction');
    expect(tracee.registers.pc).toBe(started.nops + 12n);
  });

  it('into a signal handler stops in front of its first instruction', async () => {
    const part = await held((s) =>
      s
        .handle('SIGUSR1', (h) => h.store('ran', 1))
        .tgkillSelf('SIGUSR1')
        .pause(),
    );
    const delivery = expectKind(await within(part.go(), 'the signal'), 'signal-delivery');
    const stop = expectKind(await within(delivery.resume('step'), 'the step'), 'step');
    expect(stop.cause).toBe('handler');
    expect(stop.siginfo).toMatchObject({ kind: 'ptrace-event', code: SIG.SIGTRAP, pid: part.tracee.pid });
    expect(part.word('ran')).toBe(0n);
    expect((await step(part.tracee)).cause).toBe('instruction');
  });

  it('takes no user signal for its own', async () => {
    const { tracee } = await atCode([A64.nop, A64.nop, A64.nop]);
    await step(tracee);
    send(tracee.pid, SIG.SIGTRAP);
    const stop = await runTo(tracee, 'signal-delivery', 'step');
    expect(stop.siginfo).toMatchObject({ kind: 'user', code: SI.USER, pid: process.pid });
    expect(expectEnd(await within(stop.resume(), 'its end'))).toMatchObject({ kind: 'killed', signal: SIG.SIGTRAP });
  });

  it('onto a breakpoint instruction is a breakpoint, at which the program counter stays', async () => {
    const { tracee, started } = await atCode([A64.nop, A64.brk, A64.nop]);
    await step(tracee);
    const stop = await breakpoint(tracee.resume('step'));
    expect(stop.address).toBe(started.nops + 4n);
    expect(stop.hardware).toBe(false);
    expect(tracee.registers.pc).toBe(started.nops + 4n);
    tracee.registers.pc += 4n;
    expect((await step(tracee)).cause).toBe('instruction');
    expect(tracee.registers.pc).toBe(started.nops + 12n);
  });

  it('of a block is not there', async () => {
    const { tracee } = await atCode([A64.nop]);
    await expectReason(() => tracee.resume('block-step'), 'not-supported');
    expect(tracee.state).toBe('stopped');
  });

  it("by 'sysemu-step' skips a system call", async () => {
    const { tracee, started } = await atCode([A64.call('getppid'), A64.svc, A64.nop]);
    expect((await step(tracee, 'sysemu-step')).cause).toBe('instruction');
    const entry = expectKind(await within(tracee.resume('sysemu-step'), 'the entry'), 'syscall-entry');
    expect(entry.name).toBe('getppid');
    tracee.registers.result = 99;
    const stop = await step(tracee, 'sysemu-step');
    expect(tracee.registers.result).toBe(99n);
    expect(tracee.registers.pc).toBeGreaterThanOrEqual(started.nops + 8n);
    expect(['syscall', 'instruction']).toContain(stop.cause);
  });
});
