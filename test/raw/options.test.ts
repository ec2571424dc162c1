import { describe, expect, it } from 'vitest';
import { hostArch } from '../../lib/kernel/arch/host.js';
import { PTRACE_EVENT } from '../../lib/kernel/events.js';
import { PTRACE_O, PTRACE_O_MASK } from '../../lib/kernel/options.js';
import { PTRACE, PTRACE_EVENTMSG } from '../../lib/kernel/requests.js';
import { SIG } from '../../lib/kernel/signals.js';
import { script } from '../../lib/raw/child.js';
import { cont, getEventMessage, oldSetOptions, request, setOptions, syscall } from '../../lib/raw/index.js';
import { expectReason, interrupted, next, stopWord, SYSCALL_STOP, traced } from './tracee.js';

describe('PTRACE_SETOPTIONS', () => {
  it('takes every option, alone and together', () => {
    const pid = interrupted();
    // Suspending a filter needs CAP_SYS_ADMIN and a kernel built for it.
    const plain = PTRACE_O_MASK & ~PTRACE_O.SUSPEND_SECCOMP;
    for (const option of Object.values(PTRACE_O)) if ((option & plain) !== 0) setOptions(pid, option);
    setOptions(pid, plain);
    setOptions(pid, 0);
  });

  it('replaces what was set before', () => {
    const pid = traced();
    setOptions(pid, PTRACE_O.TRACESYSGOOD);
    setOptions(pid, PTRACE_O.TRACEEXIT);
    syscall(pid);
    expect(next(pid)).toBe(stopWord(SIG.SIGTRAP));
  });

  it('refuses unknown options, and so does the kernel', () => {
    const pid = traced();
    for (const options of [1 << 8, 1 << 22, -1, 1.5, NaN, 2 ** 40, '1' as never]) {
      expectReason(() => setOptions(pid, options), 'bad-input');
    }
    expectReason(() => request(PTRACE.SETOPTIONS, pid, 0, 1 << 8), 'not-supported', 'EINVAL');
  });

  it.runIf(hostArch(process.arch) === 'x64')('has an old number (x86-64 only)', () => {
    const pid = traced();
    oldSetOptions(pid, PTRACE_O.TRACESYSGOOD);
    syscall(pid);
    expect(next(pid)).toBe(SYSCALL_STOP);
    expectReason(() => oldSetOptions(pid, 1 << 8), 'bad-input');
  });

  it.runIf(hostArch(process.arch) !== 'x64')('has no old number here (elsewhere than on x86-64)', () => {
    expectReason(() => oldSetOptions(traced(), 0), 'not-supported');
  });
});

describe('PTRACE_GETEVENTMSG', () => {
  it('tells the wait status of an exit', () => {
    const pid = traced(script().traceme().tgkillSelf('SIGSTOP').exitGroup(7));
    setOptions(pid, PTRACE_O.TRACEEXIT);
    cont(pid);
    expect(next(pid)).toBe(stopWord(SIG.SIGTRAP, PTRACE_EVENT.EXIT));
    expect(getEventMessage(pid)).toBe(7n << 8n);
  });

  it('tells entry and exit of a system call', () => {
    const pid = traced();
    setOptions(pid, PTRACE_O.TRACESYSGOOD);
    syscall(pid);
    next(pid);
    expect(getEventMessage(pid)).toBe(BigInt(PTRACE_EVENTMSG.SYSCALL_ENTRY));
  });
});
