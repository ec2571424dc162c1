import { describe, expect, it } from 'vitest';
import { ERRNO } from '../../lib/kernel/errno.js';
import { PTRACE_O } from '../../lib/kernel/options.js';
import { PTRACE } from '../../lib/kernel/requests.js';
import { SyscallInfoView, encodeSyscallInfo, type SyscallInfo } from '../../lib/kernel/syscall-info.js';
import { result, script } from '../../lib/raw/child.js';
import { hostSyscallNumber } from '../../lib/raw/host-syscalls.js';
import {
  cont,
  getSyscallInfo,
  getSyscallInfoInto,
  request,
  setOptions,
  setSyscallInfo,
  syscall,
} from '../../lib/raw/index.js';
import { expectReason, failure, next, SYSCALL_STOP, traced } from './tracee.js';

/** A tracee at the entry of a system call with these arguments; what comes of it is its exit code. */
function atEntry(): number {
  const pid = traced(
    script()
      .traceme()
      .tgkillSelf('SIGSTOP')
      .syscall('getppid', 1, -2, 0x1122334455667788n, 4, 5, 6)
      .compute(result, 'and', 0xff)
      .exitGroup(result),
  );
  setOptions(pid, PTRACE_O.TRACESYSGOOD);
  syscall(pid);
  expect(next(pid)).toBe(SYSCALL_STOP);
  return pid;
}

function toExit(pid: number): void {
  syscall(pid);
  expect(next(pid)).toBe(SYSCALL_STOP);
}

/** SET_SYSCALL_INFO came with Linux 6.16. */
function hasSetSyscallInfo(): boolean {
  const pid = atEntry();
  const info = new Uint8Array(88);
  getSyscallInfoInto(pid, info);
  return failure(() => setSyscallInfo(pid, info)) === undefined;
}

describe('PTRACE_GET_SYSCALL_INFO', () => {
  it('at a stop for a signal', () => {
    const info = getSyscallInfo(traced());
    expect(info.op).toBe('none');
    expect(info.arch).not.toBe(0);
    expect(info.instructionPointer).not.toBe(0n);
    expect(info.stackPointer).not.toBe(0n);
  });

  it('at the entry and the exit of a system call', () => {
    const pid = atEntry();
    const entry = getSyscallInfo(pid);
    expect(entry).toMatchObject({
      op: 'entry',
      nr: hostSyscallNumber('getppid'),
      args: [1n, 0xffff_ffff_ffff_fffen, 0x1122334455667788n, 4n, 5n, 6n],
    });
    toExit(pid);
    expect(getSyscallInfo(pid)).toMatchObject({ op: 'exit', rval: BigInt(process.pid), isError: false });
  });

  it('into a buffer, and by the escape with any size', () => {
    const pid = atEntry();
    const buffer = new Uint8Array(88);
    const size = getSyscallInfoInto(pid, buffer);
    expect(size).toBeGreaterThanOrEqual(80);
    expect(size).toBeLessThanOrEqual(88);
    expect(new SyscallInfoView(buffer).decode()).toEqual(getSyscallInfo(pid));
    for (const room of [0, 1, 24]) {
      const part = new Uint8Array(88).fill(0xee);
      expect(request(PTRACE.GET_SYSCALL_INFO, pid, room, part)).toBe(size);
      expect(part.slice(0, room)).toEqual(buffer.slice(0, room));
      expect(part.slice(room).every((byte) => byte === 0xee)).toBe(true);
    }
    expectReason(() => getSyscallInfoInto(pid, new Uint8Array(87)), 'bad-input');
    expectReason(() => request(PTRACE.GET_SYSCALL_INFO, pid, 88, null), 'kernel', 'EFAULT');
  });
});

describe('PTRACE_SET_SYSCALL_INFO', () => {
  it('changes number, arguments and result', ({ skip }) => {
    if (!hasSetSyscallInfo()) skip('this kernel is older than Linux 6.16');
    const pid = atEntry();
    const entry = getSyscallInfo(pid) as SyscallInfo & { op: 'entry' };
    const changed: SyscallInfo = { ...entry, nr: hostSyscallNumber('getpid') ?? -1, args: [9n, 8n, 7n, 6n, 5n, 4n] };
    setSyscallInfo(pid, encodeSyscallInfo(changed));
    expect(getSyscallInfo(pid)).toEqual(changed);
    toExit(pid);
    const exit = getSyscallInfo(pid) as SyscallInfo & { op: 'exit' };
    expect(exit.rval).toBe(BigInt(pid));
    setSyscallInfo(pid, encodeSyscallInfo({ ...exit, rval: 21n }));
    cont(pid);
    expect(next(pid)).toBe(21 << 8);
  });

  it('makes a call fail', ({ skip }) => {
    if (!hasSetSyscallInfo()) skip('this kernel is older than Linux 6.16');
    const pid = atEntry();
    const entry = getSyscallInfo(pid) as SyscallInfo & { op: 'entry' };
    setSyscallInfo(pid, encodeSyscallInfo({ ...entry, nr: -1 }));
    toExit(pid);
    const exit = getSyscallInfo(pid) as SyscallInfo & { op: 'exit' };
    expect(exit).toMatchObject({ rval: BigInt(-ERRNO.ENOSYS), isError: true });
    setSyscallInfo(pid, encodeSyscallInfo({ ...exit, rval: BigInt(-ERRNO.EPERM), isError: true }));
    expect(getSyscallInfo(pid)).toMatchObject({ rval: BigInt(-ERRNO.EPERM), isError: true });
  });

  it('refuses what does not belong to the stop', ({ skip }) => {
    if (!hasSetSyscallInfo()) skip('this kernel is older than Linux 6.16');
    const pid = atEntry();
    const entry = getSyscallInfo(pid) as SyscallInfo & { op: 'entry' };
    const { arch, instructionPointer, stackPointer } = entry;
    const exit: SyscallInfo = { op: 'exit', arch, instructionPointer, stackPointer, rval: 0n, isError: false };
    expectReason(() => setSyscallInfo(pid, encodeSyscallInfo(exit)), 'kernel', 'EINVAL');
    const bytes = encodeSyscallInfo(entry);
    new DataView(bytes.buffer).setBigUint64(24, 1n << 40n, true);
    expectReason(() => setSyscallInfo(pid, bytes), 'kernel', 'ERANGE');
    expectReason(() => setSyscallInfo(pid, new Uint8Array(87)), 'bad-input');
    for (const size of [23, 24, 80]) {
      expectReason(() => request(PTRACE.SET_SYSCALL_INFO, pid, size, encodeSyscallInfo(entry)), 'kernel', 'EINVAL');
    }
  });

  it('is not there before Linux 6.16', ({ skip }) => {
    if (hasSetSyscallInfo()) skip('this kernel has it');
    expectReason(() => setSyscallInfo(atEntry(), new Uint8Array(88)), 'not-supported', 'EIO');
  });
});
