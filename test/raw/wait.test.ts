import { describe, expect, it } from 'vitest';
import { PTRACE_EVENT } from '../../lib/kernel/events.js';
import { PTRACE_O } from '../../lib/kernel/options.js';
import { SIG } from '../../lib/kernel/signals.js';
import { CLD, P_ALL, P_PGID, P_PID, P_PIDFD, W } from '../../lib/kernel/wait-flags.js';
import { script } from '../../lib/raw/child.js';
import {
  closePidfd,
  cont,
  getpgid,
  interrupt,
  kill,
  pidfdOpen,
  seize,
  setOptions,
  syscall,
  tgkill,
  wait4,
  wait4Into,
  waitid,
} from '../../lib/raw/index.js';
import { stateOf, until } from './ends.js';
import { child, dead, expectReason, interrupted, next, pauser, reaped, running, stopWord, traced } from './tracee.js';

const zombie = (code: number): number => {
  const { pid } = child(script().exitGroup(code));
  until('it is a zombie', () => stateOf(pid) === 'Z');
  return pid;
};

describe('wait4', () => {
  it('tells every end', () => {
    const exited = zombie(42);
    expect(wait4(exited)).toEqual({ pid: exited, status: 42 << 8, decoded: { kind: 'exited', code: 42 } });
    reaped(exited);
    expectReason(() => wait4(exited), 'not-tracee', 'ECHILD');
    const { pid } = child(pauser());
    kill(pid, SIG.SIGTERM);
    expect(wait4(pid)).toEqual({
      pid,
      status: SIG.SIGTERM,
      decoded: { kind: 'killed', signal: SIG.SIGTERM, coreDumped: false },
    });
    reaped(pid);
  });

  it('tells stopped and continued children', () => {
    const { pid } = child(pauser());
    kill(pid, SIG.SIGTSTP);
    expect(wait4(pid, W.WUNTRACED)).toMatchObject({ decoded: { kind: 'stopped', signal: SIG.SIGTSTP } });
    expect(wait4(pid, W.WUNTRACED | W.WNOHANG)).toBeNull();
    kill(pid, SIG.SIGCONT);
    expect(wait4(pid, W.WCONTINUED)).toEqual({ pid, status: 0xffff, decoded: { kind: 'continued' } });
  });

  it('tells the whole word of an event', () => {
    const pid = interrupted();
    setOptions(pid, PTRACE_O.TRACESYSGOOD);
    expect(wait4(pid, W.WNOHANG)).toBeNull();
    syscall(pid);
    expect(wait4(pid)).toMatchObject({
      status: stopWord(SIG.SIGTRAP | 0x80),
      decoded: { kind: 'syscall-stop', signal: SIG.SIGTRAP },
    });
    interrupt(pid);
    cont(pid);
    expect(wait4(pid)).toMatchObject({
      status: stopWord(SIG.SIGTRAP, PTRACE_EVENT.STOP),
      decoded: { kind: 'event', event: PTRACE_EVENT.STOP, signal: SIG.SIGTRAP },
    });
  });

  it('waits for the group and for any', () => {
    const pid = zombie(1);
    expect(wait4(-getpgid(pid))).toMatchObject({ pid });
    reaped(pid);
    const other = zombie(2);
    expect(wait4(-1)).toMatchObject({ pid: other });
    reaped(other);
    expectReason(() => wait4(0, W.WNOHANG), 'not-tracee', 'ECHILD');
  });

  it('tells what was used', () => {
    const { pid } = child(script().spin(30_000_000).exitGroup(0));
    const found = wait4(pid, 0, { rusage: true });
    reaped(pid);
    // Which of the two the time counts for is sampled; the sum is exact.
    expect((found?.rusage?.userCPUTime ?? 0) + (found?.rusage?.systemCPUTime ?? 0)).toBeGreaterThan(0);
    expect(found?.rusage?.maxRSS).toBeGreaterThan(0);
    expect(found?.rusage?.signalsCount).toBe(0);
    expect(Object.keys(found?.rusage ?? {}).sort()).toEqual(Object.keys(process.resourceUsage()).sort());
  });

  it('refuses what is no pid and no flag', () => {
    for (const pid of [NaN, 1.5, 2 ** 31, '1' as never, 1n as never]) expectReason(() => wait4(pid), 'bad-input');
    for (const options of [W.WEXITED, W.WNOWAIT, 0x10, NaN, '0' as never]) {
      expectReason(() => wait4(1, options), 'bad-input');
    }
    expectReason(() => wait4(1, 0, { rusage: 1 } as never), 'bad-input');
    expectReason(() => wait4(1, 0, { usage: true } as never), 'bad-input');
  });
});

describe('wait4Into', () => {
  it('puts the word into the buffer', () => {
    const word = new Int32Array(2);
    const pid = running();
    expect(wait4Into(pid, W.WNOHANG, word)).toBe(0);
    tgkill(pid, pid, SIG.SIGSTOP);
    expect(wait4Into(pid, W.__WALL, word)).toBe(pid);
    expect(word[0]).toBe(stopWord(SIG.SIGSTOP));
    kill(pid, SIG.SIGKILL);
    expect(wait4Into(pid, 0, word)).toBe(pid);
    reaped(pid);
    expect(word[0]).toBe(SIG.SIGKILL);
    expectReason(() => wait4Into(pid, 0, word), 'not-tracee', 'ECHILD');
  });

  it('refuses what is no buffer', () => {
    const pid = dead();
    for (const word of [new Int32Array(0), new Uint8Array(4), [0], null, Object.create(Int32Array.prototype)]) {
      expectReason(() => wait4Into(pid, 0, word as never), 'bad-input');
    }
    const detached = new Int32Array(1);
    expectReason(() => wait4Into(pid, 0, detached), 'not-tracee');
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    expectReason(() => wait4Into(pid, 0, detached), 'kernel', 'EINVAL');
  });
});

describe('waitid', () => {
  it('waits by pid, group, pidfd and for all', () => {
    for (const by of ['pid', 'group', 'pidfd', 'all'] as const) {
      const pid = zombie(5);
      const pidfd = by === 'pidfd' ? pidfdOpen(pid) : -1;
      const found =
        by === 'pid'
          ? waitid(P_PID, pid, W.WEXITED)
          : by === 'group'
            ? waitid(P_PGID, getpgid(pid), W.WEXITED)
            : by === 'pidfd'
              ? waitid(P_PIDFD, pidfd, W.WEXITED)
              : waitid(P_ALL, 0, W.WEXITED);
      if (pidfd >= 0) closePidfd(pidfd);
      reaped(pid);
      expect(found, by).toEqual({
        pid,
        uid: process.getuid?.(),
        code: CLD.EXITED,
        status: 5,
        decoded: { kind: 'exited', code: 5 },
      });
    }
  });

  it('waits for its own group with 0', () => {
    const { pid } = child(script().exitGroup(6), { ownGroup: false });
    until('it is a zombie', () => stateOf(pid) === 'Z');
    expect(waitid(P_PGID, 0, W.WEXITED)).toMatchObject({ pid, status: 6 });
    reaped(pid);
  });

  it('tells each code', () => {
    const { pid } = child(pauser());
    expect(waitid(P_PID, pid, W.WEXITED | W.WSTOPPED | W.WCONTINUED | W.WNOHANG)).toBeNull();
    kill(pid, SIG.SIGSTOP);
    expect(waitid(P_PID, pid, W.WSTOPPED)).toMatchObject({ code: CLD.STOPPED, status: SIG.SIGSTOP });
    kill(pid, SIG.SIGCONT);
    expect(waitid(P_PID, pid, W.WCONTINUED)).toMatchObject({ code: CLD.CONTINUED, status: SIG.SIGCONT });
    seize(pid);
    interrupt(pid);
    expect(waitid(P_PID, pid, W.WSTOPPED)).toMatchObject({
      code: CLD.TRAPPED,
      status: (PTRACE_EVENT.STOP << 8) | SIG.SIGTRAP,
      decoded: { kind: 'event', event: PTRACE_EVENT.STOP, signal: SIG.SIGTRAP },
    });
    kill(pid, SIG.SIGKILL);
    expect(waitid(P_PID, pid, W.WEXITED)).toMatchObject({ code: CLD.KILLED, status: SIG.SIGKILL });
    reaped(pid);
  });

  it('looks with WNOWAIT', () => {
    const pid = zombie(9);
    for (let look = 0; look < 3; look++) {
      expect(waitid(P_PID, pid, W.WEXITED | W.WNOWAIT)).toMatchObject({ pid, status: 9 });
    }
    expect(wait4(pid)).toMatchObject({ status: 9 << 8 });
    reaped(pid);
  });

  it('leaves ordinary children out with __WCLONE, and takes all tracees', () => {
    const ordinary = zombie(1);
    const tracee = traced();
    kill(tracee, SIG.SIGKILL);
    const found = waitid(P_ALL, 0, W.WEXITED | W.__WCLONE | W.__WNOTHREAD);
    expect(found).toMatchObject({ pid: tracee, code: CLD.KILLED });
    reaped(tracee);
    expectReason(() => waitid(P_ALL, 0, W.WEXITED | W.__WCLONE | W.__WNOTHREAD | W.WNOHANG), 'not-tracee', 'ECHILD');
    expect(next(ordinary)).toBe(1 << 8);
  });

  it('tells what was used', () => {
    const { pid } = child(script().spin(30_000_000).exitGroup(0));
    const { userCPUTime = 0, systemCPUTime = 0 } = waitid(P_PID, pid, W.WEXITED, { rusage: true })?.rusage ?? {};
    expect(userCPUTime + systemCPUTime).toBeGreaterThan(0);
    reaped(pid);
  });

  it('fails as the manual has it', () => {
    const pid = dead();
    expectReason(() => waitid(P_PID, pid, W.WEXITED), 'not-tracee', 'ECHILD');
    expect(expectReason(() => waitid(P_PID, pid, W.WNOHANG), 'kernel', 'EINVAL').message).toContain('WEXITED');
    expectReason(() => waitid(P_PIDFD, 999_999, W.WEXITED), 'kernel', 'EBADF');
  });

  it('refuses what is no id and no flag', () => {
    for (const [idtype, id, options] of [
      [4, 1, W.WEXITED],
      [-1, 1, W.WEXITED],
      ['P_PID', 1, W.WEXITED],
      [P_PID, 0, W.WEXITED],
      [P_PID, -1, W.WEXITED],
      [P_PID, 2 ** 31, W.WEXITED],
      [P_PGID, -1, W.WEXITED],
      [P_PIDFD, -1, W.WEXITED],
      [P_ALL, 'all', W.WEXITED],
      [P_PID, 1, 0x10],
      [P_PID, 1, undefined],
    ]) {
      expectReason(() => waitid(idtype as never, id as never, options as never), 'bad-input');
    }
  });
});
