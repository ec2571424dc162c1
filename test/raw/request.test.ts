import { describe, expect, it } from 'vitest';
import { hostArch } from '../../lib/kernel/arch/host.js';
import { PTRACE_X64 } from '../../lib/kernel/arch/x64/requests.js';
import { NT } from '../../lib/kernel/regsets.js';
import { PTRACE } from '../../lib/kernel/requests.js';
import { encodePeeksiginfoArgs } from '../../lib/kernel/structs.js';
import { SIG, signalSet } from '../../lib/kernel/signals.js';
import { script } from '../../lib/raw/child.js';
import {
  getEventMessage,
  getRegset,
  getSiginfo,
  getSigmask,
  peekData,
  rawAttached,
  request,
  tgkill,
} from '../../lib/raw/index.js';
import { kernelLayer, withKernelLayer } from '../../lib/raw/kernel-layer.js';
import { child, EVENT_STOP, expectReason, next, pauser, traced } from './tracee.js';

const isX64 = hostArch(process.arch) === 'x64';
const UNKNOWN = 0x7777;

describe('the escape', () => {
  it('makes requests with words', () => {
    const { pid } = child(pauser());
    expect(request(PTRACE.SEIZE, pid, 0, 0)).toBe(0);
    expect(rawAttached().has(pid)).toBe(true);
    expect(request(PTRACE.INTERRUPT, pid, 0, null)).toBe(0);
    expect(next(pid)).toBe(EVENT_STOP);
    expect(request(PTRACE.DETACH, pid, 0, 0n)).toBe(0);
    expect(rawAttached().has(pid)).toBe(false);
  });

  it('makes requests with a pointer', () => {
    const started = child(script().set(5).store('five').traceme().tgkillSelf('SIGSTOP').pause());
    const { pid } = started;
    next(pid);
    const word = new BigUint64Array(1);
    expect(request(PTRACE.PEEKDATA, pid, started.address('five'), word)).toBe(0);
    expect(word[0]).toBe(5n);
    expect(request(PTRACE.POKEDATA, pid, started.address('five'), -1)).toBe(0);
    expect(peekData(pid, started.address('five'))).toBe(0xffff_ffff_ffff_ffffn);
    expect(request(PTRACE.GETEVENTMSG, pid, 0, word)).toBe(0);
    expect(word[0]).toBe(getEventMessage(pid));
    const siginfo = new Uint8Array(128);
    expect(request(PTRACE.GETSIGINFO, pid, 0, siginfo)).toBe(0);
    expect(siginfo).toEqual(getSiginfo(pid).bytes);
    expect(request(PTRACE.SETSIGINFO, pid, 0, siginfo.buffer)).toBe(0);
    word[0] = signalSet([SIG.SIGUSR1]);
    expect(request(PTRACE.SETSIGMASK, pid, 8, word)).toBe(0);
    expect(getSigmask(pid)).toBe(word[0]);
    if (isX64) {
      const registers = new Uint8Array(216);
      expect(request(PTRACE_X64.GETREGS, pid, 0, registers)).toBe(0);
      expect(registers).toEqual(getRegset(pid, NT.PRSTATUS));
    }
  });

  it('makes requests with an iovec and with two pointers', () => {
    const pid = traced(
      script()
        .traceme()
        .block('SIGUSR1')
        .tgkillSelf('SIGUSR1')
        .tgkillSelf('SIGSTOP')
        .loop((s) => s.pause()),
    );
    const registers = new Uint8Array(16);
    expect(request(PTRACE.GETREGSET, pid, NT.PRSTATUS, registers)).toBe(16);
    expect(registers).toEqual(getRegset(pid, NT.PRSTATUS).slice(0, 16));
    expectReason(() => request(PTRACE.GETREGSET, pid, NT.PRSTATUS, null), 'kernel', 'EFAULT');
    const args = encodePeeksiginfoArgs({ offset: 0n, flags: 0, count: 2 });
    const room = new Uint8Array(256);
    expect(request(PTRACE.PEEKSIGINFO, pid, args, room)).toBe(1);
    expect(new Int32Array(room.buffer)[0]).toBe(SIG.SIGUSR1);
    expectReason(() => request(PTRACE.PEEKSIGINFO, pid, args, new Uint8Array(255)), 'bad-input');
    expectReason(() => request(PTRACE.PEEKSIGINFO, pid, args, null), 'kernel', 'EFAULT');
    expectReason(() => request(PTRACE.PEEKSIGINFO, pid, null, room), 'kernel', 'EFAULT');
    expectReason(() => request(PTRACE.PEEKSIGINFO, pid, 0, room), 'bad-input');
    const bad = encodePeeksiginfoArgs({ offset: 0n, flags: 2, count: 2 });
    expectReason(() => request(PTRACE.PEEKSIGINFO, pid, bad, room), 'kernel', 'EINVAL');
    const negative = encodePeeksiginfoArgs({ offset: 0n, flags: 0, count: -1 });
    expectReason(() => request(PTRACE.PEEKSIGINFO, pid, negative, room), 'kernel', 'EINVAL');
    const beyond = encodePeeksiginfoArgs({ offset: 0xffff_ffff_ffff_ffffn, flags: 0, count: 2 });
    expect(request(PTRACE.PEEKSIGINFO, pid, beyond, room)).toBe(0);
  });

  it('lets bad arguments through to the kernel', () => {
    const pid = traced();
    expectReason(() => request(PTRACE.CONT, pid, 0, 65), 'kernel', 'EIO');
    expectReason(() => request(PTRACE.CONT, pid, 0, -1), 'kernel', 'EIO');
    expectReason(() => request(PTRACE.SETOPTIONS, pid, 0, 1 << 30), 'not-supported', 'EINVAL');
    expectReason(() => request(PTRACE.GETSIGMASK, pid, 0, new Uint8Array(8)), 'kernel', 'EINVAL');
    expectReason(() => request(PTRACE.SETSIGMASK, pid, 8, null), 'kernel', 'EFAULT');
    expectReason(() => request(PTRACE.GETSIGINFO, pid, 0, null), 'kernel', 'EFAULT');
    expectReason(() => request(PTRACE.SEIZE, child(pauser()).pid, 1, 0), 'kernel', 'EIO');
  });

  it('has no word stand for a pointer', () => {
    const pid = traced();
    const pointers = [
      PTRACE.PEEKTEXT,
      PTRACE.PEEKUSER,
      PTRACE.GETEVENTMSG,
      PTRACE.GETSIGINFO,
      PTRACE.SETSIGINFO,
      PTRACE.GETREGSET,
      PTRACE.SETREGSET,
      PTRACE.GETSIGMASK,
      PTRACE.SETSIGMASK,
      PTRACE.SECCOMP_GET_FILTER,
      PTRACE.SECCOMP_GET_METADATA,
      PTRACE.GET_SYSCALL_INFO,
      PTRACE.SET_SYSCALL_INFO,
      PTRACE.GET_RSEQ_CONFIGURATION,
      PTRACE.GET_SYSCALL_USER_DISPATCH_CONFIG,
      PTRACE.SET_SYSCALL_USER_DISPATCH_CONFIG,
      ...(isX64 ? [PTRACE_X64.GETREGS, PTRACE_X64.SETFPREGS, PTRACE_X64.GETFPXREGS, PTRACE_X64.GET_THREAD_AREA] : []),
    ];
    for (const number of pointers) {
      for (const word of [0, 1, 0x1000n, 0xffff_ffff_ffff_ffffn]) {
        expect.soft(expectReason(() => request(number, pid, 1, word), 'bad-input').message).toContain('pointer');
      }
      if (number !== PTRACE.GETREGSET && number !== PTRACE.SETREGSET && number !== PTRACE.SECCOMP_GET_FILTER) {
        expectReason(() => request(number, pid, 24, new Uint8Array(7)), 'bad-input');
      }
    }
    expectReason(() => request(PTRACE.CONT, pid, 0, new Uint8Array(8)), 'bad-input');
    expectReason(() => request(PTRACE.GET_SYSCALL_INFO, pid, -1, new Uint8Array(88)), 'bad-input');
  });

  it('does not become a tracee', () => {
    expect(expectReason(() => request(PTRACE.TRACEME, 1, 0, 0), 'bad-input').message).toContain('traceme()');
  });

  it('refuses what is no number of a request', () => {
    const pid = traced();
    for (const number of [-1, 1.5, NaN, 2 ** 32, '7' as never, 7n as never]) {
      expectReason(() => request(number, pid, 0, 0), 'bad-input');
    }
    expectReason(() => request(UNKNOWN, pid, undefined as never, 0), 'bad-input');
    expectReason(() => request(UNKNOWN, pid, 0, 'x' as never), 'bad-input');
    // The tracee stands as it stood.
    tgkill(pid, pid, 0);
    expect(getSiginfo(pid).decoded.signal).toBe(SIG.SIGSTOP);
  });

  it('says that the kernel does not know a number', () => {
    const pid = traced();
    for (const [addr, data] of [
      [0, 0],
      [0, new Uint8Array(4)],
      [new Uint8Array(4), 0n],
      [new Uint8Array(4), new Uint8Array(4)],
      [null, null],
    ] as const) {
      expectReason(() => request(UNKNOWN, pid, addr, data), 'not-supported', 'EIO');
    }
  });

  it('gives an unknown request room, and hands back what it wrote', () => {
    const layer = {
      ...kernelLayer(),
      ptraceBuffer: (_request: number, _tid: number, _addr: unknown, data: NodeJS.TypedArray | DataView) => {
        const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
        expect(bytes.length).toBe(4 + 4096);
        expect([...bytes.subarray(0, 4)]).toEqual([1, 2, 3, 4]);
        bytes.fill(9);
        return 42;
      },
    };
    const memory = new Uint8Array([0, 1, 2, 3, 4, 0]);
    const answer = withKernelLayer(layer, () => request(UNKNOWN, 1, 0, memory.subarray(1, 5)));
    expect(answer).toBe(42);
    expect([...memory]).toEqual([0, 9, 9, 9, 9, 0]);
  });
});
