import { describe, expect, it } from 'vitest';
import { ERRNO } from '../../../../lib/kernel/errno.js';
import { NT } from '../../../../lib/kernel/regsets.js';
import { getRegset } from '../../../../lib/raw/registers.js';
import type { Tracee } from '../../../../lib/tracer/index.js';
import { expectKind, within } from '../../../helpers/tracing.js';
import { nr } from '../../programs.js';
import { A64, ARM64, atCode, breakpoint } from './code.js';

/** What NT_ARM_SYSTEM_CALL has. */
function callOf({ tid }: Tracee): number {
  const bytes = getRegset(tid, NT.ARM_SYSTEM_CALL);
  expect(bytes.length).toBe(4);
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
}

const CODE = [A64.call('getppid'), A64.svc, A64.brk, A64.nop];

describe.skipIf(!ARM64)('system calls of arm64 (arm64 only)', () => {
  it('have 0 in x7 at the entry and 1 at the exit; what is written there is lost', async () => {
    const { tracee } = await atCode(CODE);
    tracee.registers.set('x7', 0x7777n);
    expectKind(await within(tracee.resume('syscall'), 'the entry'), 'syscall-entry');
    expect(tracee.registers.get('x7')).toBe(0n);
    tracee.registers.set('x7', 0x1234n);
    expectKind(await within(tracee.resume('syscall'), 'the exit'), 'syscall-exit');
    expect(tracee.registers.get('x7')).toBe(1n);
    tracee.registers.set('x7', 0x5678n);
    await breakpoint(tracee.resume());
    expect(tracee.registers.get('x7')).toBe(0x7777n);
  });

  it('are changed by NT_ARM_SYSTEM_CALL, not by x8', async () => {
    const { tracee, started } = await atCode(CODE);
    const entry = expectKind(await within(tracee.resume('syscall'), 'the entry'), 'syscall-entry');
    expect(callOf(tracee)).toBe(nr('getppid'));
    tracee.registers.syscallNumber = nr('gettid');
    expect(expectKind(await within(entry.resume('syscall'), 'the exit'), 'syscall-exit').result).toBe(
      BigInt(process.pid),
    );
    await breakpoint(tracee.resume());

    tracee.registers.pc = started.nops;
    const second = expectKind(await within(tracee.resume('syscall'), 'the entry'), 'syscall-entry');
    second.setNumber(nr('getpid'));
    expect(callOf(tracee)).toBe(nr('getpid'));
    expect(tracee.registers.syscallNumber).toBe(nr('getppid'));
    expect(expectKind(await within(second.resume('syscall'), 'the exit'), 'syscall-exit').result).toBe(
      BigInt(started.pid),
    );
  });

  it('that are skipped give -ENOSYS, or what is put into x0 after that', async () => {
    const { tracee, started } = await atCode(CODE);
    // Left alone, the first argument would be taken for the result.
    tracee.registers.set('x0', 5n);
    const entry = expectKind(await within(tracee.resume('syscall'), 'the entry'), 'syscall-entry');
    entry.skip();
    const exit = expectKind(await within(entry.resume('syscall'), 'the exit'), 'syscall-exit');
    expect(exit).toMatchObject({ isError: true, errno: ERRNO.ENOSYS });
    await breakpoint(tracee.resume());
    expect(tracee.registers.result).toBe(-BigInt(ERRNO.ENOSYS));

    tracee.registers.pc = started.nops;
    const second = expectKind(await within(tracee.resume('syscall'), 'the entry'), 'syscall-entry');
    second.skip();
    tracee.registers.result = 4711;
    await breakpoint(second.resume());
    expect(tracee.registers.result).toBe(4711n);
  });

  it("of 'sysemu' have their result from the tracer", async () => {
    const { tracee } = await atCode(CODE);
    const entry = expectKind(await within(tracee.resume('sysemu'), 'the entry'), 'syscall-entry');
    expect(entry.name).toBe('getppid');
    tracee.registers.result = 4242;
    await breakpoint(tracee.resume('sysemu'));
    expect(tracee.registers.result).toBe(4242n);
  });
});
