import { describe, expect, it } from 'vitest';
import { PTRACE_EVENT } from '../../lib/kernel/events.js';
import { NT } from '../../lib/kernel/regsets.js';
import { registersFrom } from '../../lib/kernel/registers.js';
import { PTRACE_O } from '../../lib/kernel/options.js';
import { SIG } from '../../lib/kernel/signals.js';
import { TRAP } from '../../lib/kernel/siginfo.js';
import { hostArch } from '../../lib/kernel/arch/host.js';
import { result, script } from '../../lib/raw/child.js';
import {
  cont,
  getRegset,
  getSiginfo,
  getSyscallInfo,
  setOptions,
  setRegset,
  singleblock,
  singlestep,
  syscall,
  sysemu,
  sysemuSinglestep,
  tgkill,
} from '../../lib/raw/index.js';
import { child, expectReason, next, running, stopWord, SYSCALL_STOP, traced } from './tracee.js';

const TRAPPED = stopWord(SIG.SIGTRAP);
const arch = hostArch(process.arch);

function instructionPointer(tid: number): bigint {
  return getSyscallInfo(tid).instructionPointer;
}

const getpidForever = () =>
  script()
    .traceme()
    .tgkillSelf('SIGSTOP')
    .loop((s) => s.syscall('getpid'));

describe('PTRACE_CONT', () => {
  it('delivers the signal, or none', () => {
    const pid = running();
    tgkill(pid, pid, SIG.SIGUSR1);
    expect(next(pid)).toBe(stopWord(SIG.SIGUSR1));
    cont(pid);
    tgkill(pid, pid, SIG.SIGUSR1);
    expect(next(pid)).toBe(stopWord(SIG.SIGUSR1));
    cont(pid, SIG.SIGTERM);
    expect(next(pid)).toBe(SIG.SIGTERM);
  });

  it('delivers real-time signals', () => {
    const pid = running();
    tgkill(pid, pid, 64);
    expect(next(pid)).toBe(stopWord(64));
    cont(pid, 35);
    expect(next(pid)).toBe(35);
  });

  it('starts the group-stop of a SIGSTOP', () => {
    const pid = running();
    tgkill(pid, pid, SIG.SIGSTOP);
    expect(next(pid)).toBe(stopWord(SIG.SIGSTOP));
    cont(pid, SIG.SIGSTOP);
    expect(next(pid)).toBe(stopWord(SIG.SIGSTOP, PTRACE_EVENT.STOP));
  });
});

describe('PTRACE_SYSCALL', () => {
  it('stops at entry and exit', () => {
    const pid = traced(
      script()
        .traceme()
        .tgkillSelf('SIGSTOP')
        .loop((s) => s.syscall('getppid')),
    );
    setOptions(pid, PTRACE_O.TRACESYSGOOD);
    const ops: string[] = [];
    for (let count = 0; count < 4; count++) {
      syscall(pid);
      expect(next(pid)).toBe(SYSCALL_STOP);
      ops.push(getSyscallInfo(pid).op);
    }
    // The tgkill that stopped it was left before anybody asked for its exit.
    expect(ops).toEqual(['entry', 'exit', 'entry', 'exit']);
    const info = getSyscallInfo(pid);
    expect(info.op === 'exit' && info.rval).toBe(BigInt(process.pid));
  });
});

describe('PTRACE_SINGLESTEP', () => {
  it('stops after one instruction', () => {
    const started = child(script().traceme().tgkillSelf('SIGSTOP').nops().exitGroup(0));
    const { pid, nops } = started;
    expect(next(pid)).toBe(stopWord(SIG.SIGSTOP));
    for (let steps = 0; instructionPointer(pid) !== nops; steps++) {
      expect(steps).toBeLessThan(20_000);
      singlestep(pid);
      expect(next(pid)).toBe(TRAPPED);
    }
    for (let index = 1n; index <= 5n; index++) {
      singlestep(pid);
      expect(next(pid)).toBe(TRAPPED);
      const width = arch === 'x64' ? 1n : 4n;
      expect(instructionPointer(pid)).toBe(nops + index * width);
      expect(getSiginfo(pid).decoded.code).toBe(TRAP.TRACE);
    }
  });
});

describe('PTRACE_SINGLEBLOCK', () => {
  it.runIf(arch === 'x64')('stops at a branch, or where the CPU cannot, at an instruction (x86-64 only)', () => {
    const pid = traced(getpidForever());
    singleblock(pid);
    expect(next(pid)).toBe(TRAPPED);
  });

  it.runIf(arch !== 'x64')('is not there (elsewhere than on x86-64)', () => {
    expectReason(() => singleblock(traced()), 'not-supported');
  });
});

describe('PTRACE_SYSEMU', () => {
  /** Puts a result where the kernel would have put it. */
  function answer(pid: number, value: bigint): void {
    if (arch === undefined) throw new Error('unknown machine');
    const registers = registersFrom(arch, getRegset(pid, NT.PRSTATUS));
    registers.result = value;
    setRegset(pid, NT.PRSTATUS, registers.bytes);
  }

  it('has the tracer play the kernel', () => {
    // No kernel has a system call of this number.
    const pid = traced(script().traceme().tgkillSelf('SIGSTOP').syscall(4242, 1, 2, 3).exitGroup(result));
    sysemu(pid);
    expect(next(pid)).toBe(TRAPPED);
    answer(pid, 77n);
    cont(pid);
    expect(next(pid)).toBe(77 << 8);
  });

  it('marks its stops with TRACESYSGOOD, and skips the call', () => {
    const pid = traced(script().traceme().tgkillSelf('SIGSTOP').killSelf('SIGKILL').exitGroup(3));
    setOptions(pid, PTRACE_O.TRACESYSGOOD);
    for (const call of ['getpid', 'kill']) {
      sysemu(pid);
      expect(next(pid), call).toBe(SYSCALL_STOP);
    }
    answer(pid, 0n);
    cont(pid);
    expect(next(pid)).toBe(3 << 8);
  });

  it('steps with SYSEMU_SINGLESTEP', () => {
    const pid = traced();
    sysemuSinglestep(pid);
    expect(next(pid)).toBe(TRAPPED);
    expect(getSiginfo(pid).decoded.code).toBe(TRAP.TRACE);
  });
});
