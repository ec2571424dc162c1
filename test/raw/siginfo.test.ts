import { describe, expect, it } from 'vitest';
import { SI, encodeSiginfo } from '../../lib/kernel/siginfo.js';
import { SIG, signalSet, signalsInSet } from '../../lib/kernel/signals.js';
import { procSyscall } from '../../lib/proc.js';
import { script } from '../../lib/raw/child.js';
import { hostSyscallNumber } from '../../lib/raw/host-syscalls.js';
import {
  cont,
  getSiginfo,
  getSiginfoInto,
  getSigmask,
  peekSiginfo,
  rtSigqueueinfo,
  rtTgsigqueueinfo,
  setSiginfo,
  setSigmask,
  tgkill,
} from '../../lib/raw/index.js';
import { until } from './ends.js';
import { child, expectReason, interrupted, next, running, stopWord, traced } from './tracee.js';

describe('PTRACE_GETSIGINFO and SETSIGINFO', () => {
  it('tell the signal and its sender', () => {
    const pid = running();
    tgkill(pid, pid, SIG.SIGUSR1);
    next(pid);
    const { bytes, decoded } = getSiginfo(pid);
    expect(bytes.length).toBe(128);
    expect(decoded).toMatchObject({ kind: 'user', signal: SIG.SIGUSR1, code: SI.TKILL, pid: process.pid });
    const buffer = new Uint8Array(200).fill(0xee);
    getSiginfoInto(pid, buffer);
    expect(buffer.slice(0, 128)).toEqual(bytes);
    expect(buffer[128]).toBe(0xee);
  });

  it('tell a PTRACE_EVENT_STOP', () => {
    const pid = interrupted();
    expect(getSiginfo(pid).decoded).toMatchObject({ kind: 'ptrace-event', event: 128, signal: SIG.SIGTRAP, pid });
  });

  it('replace the signal that is delivered', () => {
    const { pid } = child(
      script()
        .handle('SIGUSR2', (s) => s.exitGroup(12))
        .traceme()
        .tgkillSelf('SIGUSR1')
        .exitGroup(1),
    );
    expect(next(pid)).toBe(stopWord(SIG.SIGUSR1));
    setSiginfo(pid, encodeSiginfo({ signal: SIG.SIGUSR2 }));
    cont(pid, SIG.SIGUSR2);
    expect(next(pid)).toBe(12 << 8);
  });

  it('carry the value of a real-time signal', () => {
    const pid = running();
    rtTgsigqueueinfo(pid, pid, 40, encodeSiginfo({ signal: 40, value: 0x1122334455667788n }));
    expect(next(pid)).toBe(stopWord(40));
    expect(getSiginfo(pid).decoded).toMatchObject({ kind: 'queue', signal: 40, value: 0x1122334455667788n });
    setSiginfo(pid, encodeSiginfo({ signal: 41, value: 5n }));
    expect(getSiginfo(pid).decoded).toMatchObject({ kind: 'queue', signal: 41, value: 5n });
    cont(pid, 41);
    expect(next(pid)).toBe(41);
  });

  it('want 128 bytes', () => {
    const pid = interrupted();
    expectReason(() => setSiginfo(pid, new Uint8Array(127)), 'bad-input');
    expectReason(() => getSiginfoInto(pid, new Uint8Array(127)), 'bad-input');
  });
});

describe('PTRACE_PEEKSIGINFO', () => {
  function blocked(): number {
    return traced(
      script()
        .traceme()
        .block('SIGUSR1', 40, 41)
        .tgkillSelf('SIGSTOP')
        .loop((s) => s.pause()),
    );
  }

  it('lists what is pending, for the thread and for the process', () => {
    const pid = blocked();
    expect(peekSiginfo(pid)).toEqual([]);
    for (const value of [1n, 2n, 3n]) rtTgsigqueueinfo(pid, pid, 40, encodeSiginfo({ signal: 40, value }));
    rtSigqueueinfo(pid, 41, encodeSiginfo({ signal: 41, value: 9n }));
    const values = (options?: object) =>
      peekSiginfo(pid, options).map(({ decoded }) => (decoded.kind === 'queue' ? decoded.value : decoded.kind));
    expect(values()).toEqual([1n, 2n, 3n]);
    expect(values({ shared: true })).toEqual([9n]);
    expect(values({ count: 2 })).toEqual([1n, 2n]);
    expect(values({ count: 0 })).toEqual([]);
    expect(values({ offset: 1 })).toEqual([2n, 3n]);
    expect(values({ offset: 3n })).toEqual([]);
    // Looked at, not taken.
    expect(values()).toEqual([1n, 2n, 3n]);
    expect(peekSiginfo(pid)[0]?.bytes.length).toBe(128);
  });

  it('refuses what is no option', () => {
    const pid = blocked();
    for (const options of [{ count: -1 }, { count: 1e9 }, { offset: -1 }, { shared: 1 }, { flags: 1 }, 7, null]) {
      expectReason(() => peekSiginfo(pid, options as never), 'bad-input');
    }
  });
});

describe('PTRACE_GETSIGMASK and SETSIGMASK', () => {
  it('read and set the mask', () => {
    const pid = traced(
      script()
        .traceme()
        .block('SIGUSR1', 64)
        .tgkillSelf('SIGSTOP')
        .loop((s) => s.pause()),
    );
    expect(signalsInSet(getSigmask(pid))).toEqual([SIG.SIGUSR1, 64]);
    setSigmask(pid, signalSet([SIG.SIGUSR2]));
    expect(signalsInSet(getSigmask(pid))).toEqual([SIG.SIGUSR2]);
    // SIGKILL and SIGSTOP cannot be blocked.
    setSigmask(pid, 0xffff_ffff_ffff_ffffn);
    expect(signalsInSet(~getSigmask(pid))).toEqual([SIG.SIGKILL, SIG.SIGSTOP]);
    setSigmask(pid, 0);
    expect(getSigmask(pid)).toBe(0n);
  });

  it('lets out what was blocked', () => {
    const pid = traced(
      script()
        .traceme()
        .block('SIGUSR1')
        .tgkillSelf('SIGUSR1')
        .tgkillSelf('SIGSTOP')
        .loop((s) => s.pause()),
    );
    setSigmask(pid, 0);
    cont(pid);
    expect(next(pid)).toBe(stopWord(SIG.SIGUSR1));
  });

  it('is the mask to be restored, in sigsuspend(2)', () => {
    const pid = running(
      script()
        .block('SIGUSR1')
        .sigsuspend('SIGUSR2')
        .loop((s) => s.pause()),
    );
    until('it is in sigsuspend', () => procSyscall(pid) === hostSyscallNumber('rt_sigsuspend'));
    tgkill(pid, pid, SIG.SIGSTOP);
    expect(next(pid)).toBe(stopWord(SIG.SIGSTOP));
    expect(signalsInSet(getSigmask(pid))).toEqual([SIG.SIGUSR1]);
  });

  it('takes 64 bits', () => {
    const pid = traced();
    for (const mask of [1n << 64n, -1n, -1, 1.5, 'x' as never]) {
      expectReason(() => setSigmask(pid, mask), 'bad-input');
    }
  });
});
