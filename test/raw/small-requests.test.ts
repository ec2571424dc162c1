import { describe, expect, it } from 'vitest';
import { hostArch } from '../../lib/kernel/arch/host.js';
import { PTRACE_X64 } from '../../lib/kernel/arch/x64/requests.js';
import { PTRACE } from '../../lib/kernel/requests.js';
import { PR_SYS_DISPATCH } from '../../lib/kernel/structs.js';
import {
  ARCH,
  archPrctlGet,
  archPrctlSet,
  getRseqConfiguration,
  getSyscallUserDispatch,
  getThreadArea,
  peekMteTags,
  peekUser,
  pokeMteTags,
  request,
  setSyscallUserDispatch,
  setThreadArea,
} from '../../lib/raw/index.js';
import { expectReason, failure, traced } from './tracee.js';

const arch = hostArch(process.arch);

describe('PTRACE_GET_RSEQ_CONFIGURATION', () => {
  it('tells what the tracee has registered', ({ skip }) => {
    // RSEQ_SIG: on arm64 an instruction that traps.
    const signature = arch === 'arm64' ? 0xd428bc00 : 0x53053053;
    const pid = traced();
    if (failure(() => getRseqConfiguration(pid))?.reason === 'not-supported') skip('this kernel has no rseq');
    // A forked child keeps the registration that the C library made for its parent, if that made one.
    const inherited = getRseqConfiguration(pid);
    expect(inherited.flags).toBe(0);
    expect(inherited.rseqAbiPointer === 0n).toBe(inherited.signature === 0);
    expect([0, signature]).toContain(inherited.signature);
  });
});

describe('PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG', () => {
  it('is what GET reads', ({ skip }) => {
    const pid = traced();
    if (failure(() => getSyscallUserDispatch(pid))?.reason === 'not-supported') skip('this kernel cannot dispatch');
    const off = { mode: 0n, selector: 0n, offset: 0n, length: 0n };
    expect(getSyscallUserDispatch(pid)).toEqual(off);
    const on = { mode: BigInt(PR_SYS_DISPATCH.EXCLUSIVE_ON), selector: 0n, offset: 0x400000n, length: 0x1000n };
    setSyscallUserDispatch(pid, on);
    expect(getSyscallUserDispatch(pid)).toEqual(on);
    expectReason(() => setSyscallUserDispatch(pid, { ...on, mode: 77n }), 'kernel', 'EINVAL');
    expectReason(
      () => request(PTRACE.GET_SYSCALL_USER_DISPATCH_CONFIG, pid, 31, new Uint8Array(32)),
      'kernel',
      'EINVAL',
    );
    for (const config of [
      undefined,
      null,
      7,
      {},
      { ...on, mode: -1n },
      { ...on, length: 1n << 64n },
      { ...on, x: 1 },
    ]) {
      expectReason(() => setSyscallUserDispatch(pid, config as never), 'bad-input');
    }
  });
});

describe.runIf(arch === 'x64')('PTRACE_ARCH_PRCTL (x86-64 only)', () => {
  it('reads and sets the segment bases', () => {
    const pid = traced();
    // fs_base and gs_base in struct user
    expect(archPrctlGet(pid, ARCH.GET_FS)).toBe(peekUser(pid, 21 * 8));
    archPrctlSet(pid, ARCH.SET_FS, 0x123456789000n);
    expect(archPrctlGet(pid, ARCH.GET_FS)).toBe(0x123456789000n);
    archPrctlSet(pid, ARCH.SET_GS, 0x1000);
    expect(archPrctlGet(pid, ARCH.GET_GS)).toBe(0x1000n);
    expect(peekUser(pid, 22 * 8)).toBe(0x1000n);
    expectReason(() => archPrctlSet(pid, ARCH.SET_FS, 0xffff_8000_0000_0000n), 'kernel', 'EPERM');
  });

  it('sends no command that could write to this process', () => {
    const pid = traced();
    for (const command of [ARCH.GET_FS, ARCH.GET_GS, ARCH.SHSTK_STATUS, 0x2001, 0x1021, 0, -1, 1.5, 'x' as never]) {
      expectReason(() => archPrctlSet(pid, command, 0x1000), 'bad-input');
    }
    for (const command of [ARCH.SET_FS, 0x2001, 0x1022, 0]) {
      expectReason(() => archPrctlGet(pid, command), 'bad-input');
    }
    expectReason(() => request(PTRACE_X64.ARCH_PRCTL, pid, 0x1000, ARCH.GET_FS), 'bad-input');
  });
});

describe.runIf(arch === 'x64')('PTRACE_GET_THREAD_AREA and SET_THREAD_AREA (x86-64 only)', () => {
  it('read and set a descriptor', ({ skip }) => {
    const pid = traced();
    if (failure(() => getThreadArea(pid, 12))?.reason === 'not-supported') skip('this kernel has no IA32 emulation');
    const empty = new DataView(getThreadArea(pid, 12).buffer);
    expect(empty.getUint32(0, true)).toBe(12);
    const descriptor = new Uint32Array([12, 0x12345000, 0xfffff, 0x51]);
    setThreadArea(pid, 12, descriptor);
    const now = new Uint32Array(getThreadArea(pid, 12).buffer);
    expect([...now.slice(0, 3)]).toEqual([12, 0x12345000, 0xfffff]);
  });

  it('refuse any other entry, and short buffers', ({ skip }) => {
    const pid = traced();
    if (failure(() => getThreadArea(pid, 12))?.reason === 'not-supported') skip('this kernel has no IA32 emulation');
    expectReason(() => getThreadArea(pid, 3), 'kernel', 'EINVAL');
    expectReason(() => setThreadArea(pid, 3, new Uint8Array(16)), 'kernel', 'EINVAL');
    expectReason(() => setThreadArea(pid, 12, new Uint8Array(15)), 'bad-input');
    for (const entry of [-1, 1.5, 2 ** 31, '12' as never]) expectReason(() => getThreadArea(pid, entry), 'bad-input');
  });
});

describe.runIf(arch !== 'x64')('requests of x86 (elsewhere than on x86-64)', () => {
  it('are not there', () => {
    const pid = traced();
    expectReason(() => archPrctlGet(pid, ARCH.GET_FS), 'not-supported');
    expectReason(() => getThreadArea(pid, 12), 'not-supported');
    expectReason(() => setThreadArea(pid, 12, new Uint8Array(16)), 'not-supported');
  });
});

describe('PTRACE_PEEKMTETAGS and POKEMTETAGS', () => {
  it.runIf(arch !== 'arm64')('are not there, and no other request is made for them (elsewhere than on arm64)', () => {
    const pid = traced();
    expectReason(() => peekMteTags(pid, 0x1000n, new Uint8Array(16)), 'not-supported');
    expectReason(() => pokeMteTags(pid, 0x1000n, new Uint8Array(16)), 'not-supported');
    // The tracee still stands.
    expect(peekUser(pid, 0)).toBeTypeOf('bigint');
  });

  it.runIf(arch === 'arm64')('want memory with tags (arm64 only)', () => {
    expectReason(() => peekMteTags(traced(), 0x1000n, new Uint8Array(16)), 'not-supported');
  });
});
