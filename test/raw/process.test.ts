import { execa } from 'execa';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SI, encodeSiginfo } from '../../lib/kernel/siginfo.js';
import { SIG } from '../../lib/kernel/signals.js';
import { P_PIDFD, W } from '../../lib/kernel/wait-flags.js';
import { script } from '../../lib/raw/child.js';
import {
  closePidfd,
  getcpu,
  getpgid,
  getSiginfo,
  gettid,
  kill,
  killGroup,
  personality,
  PIDFD,
  pidfdOpen,
  pidfdSendSignal,
  rtSigqueueinfo,
  rtTgsigqueueinfo,
  schedGetaffinity,
  schedSetaffinity,
  setpgid,
  tgkill,
  waitid,
} from '../../lib/raw/index.js';
import { until } from './ends.js';
import { child, dead, expectReason, failure, next, pauser, reaped, running, stopWord } from './tracee.js';

const isRoot = process.getuid?.() === 0;

describe('signals', () => {
  it('kill one process', () => {
    const { pid } = child(pauser());
    kill(pid, 0);
    kill(pid, SIG.SIGTERM);
    expect(next(pid)).toBe(SIG.SIGTERM);
    expectReason(() => kill(pid, 0), 'gone', 'ESRCH');
  });

  it('kill a group, never everything', () => {
    const { pid } = child(pauser());
    until('it has a group of its own', () => getpgid(pid) === pid);
    killGroup(pid, 0);
    killGroup(pid, SIG.SIGTERM);
    expect(next(pid)).toBe(SIG.SIGTERM);
    expectReason(() => killGroup(pid, 0), 'gone', 'ESRCH');
    for (const group of [1, 0, -1, -pid, 1.5, NaN, '2' as never]) {
      expectReason(() => killGroup(group, 0), 'bad-input');
    }
  });

  it('refuse what could mean many', () => {
    for (const pid of [-1, 0, -2, NaN, 2 ** 31, 2 ** 32 - 1, '1' as never, 1n as never, undefined as never]) {
      expectReason(() => kill(pid, 0), 'bad-input');
      expectReason(() => tgkill(pid, process.pid, 0), 'bad-input');
      expectReason(() => tgkill(process.pid, pid, 0), 'bad-input');
      expectReason(() => rtSigqueueinfo(pid, 0, new Uint8Array(128)), 'bad-input');
    }
    for (const signal of [65, -1, 1.5, 'SIGNONE' as never]) expectReason(() => kill(process.pid, signal), 'bad-input');
  });

  it('reach one thread', () => {
    const pid = running();
    tgkill(pid, pid, SIG.SIGUSR1);
    expect(next(pid)).toBe(stopWord(SIG.SIGUSR1));
    expect(getSiginfo(pid).decoded).toMatchObject({ code: SI.TKILL, pid: process.pid });
    expectReason(() => tgkill(process.pid, pid, 0), 'gone', 'ESRCH');
  });

  it('carry data', () => {
    for (const send of [
      (pid: number, info: Uint8Array) => rtSigqueueinfo(pid, 40, info),
      (pid: number, info: Uint8Array) => rtTgsigqueueinfo(pid, pid, 40, info),
    ]) {
      const pid = running();
      send(pid, encodeSiginfo({ signal: 1, value: 77n, pid: 5, uid: 6 }));
      expect(next(pid)).toBe(stopWord(40));
      expect(getSiginfo(pid).decoded).toMatchObject({ kind: 'queue', signal: 40, value: 77n, pid: 5, uid: 6 });
      expectReason(() => send(pid, encodeSiginfo({ signal: 40, code: SI.TKILL })), 'denied', 'EPERM');
      expectReason(() => send(pid, new Uint8Array(127)), 'bad-input');
    }
    expectReason(() => rtSigqueueinfo(dead(), 40, encodeSiginfo({ signal: 40 })), 'gone', 'ESRCH');
  });
});

describe('pidfds', () => {
  it('stand for a process', () => {
    const { pid } = child(pauser());
    const pidfd = pidfdOpen(pid);
    expect(readFileSync(`/proc/self/fdinfo/${pidfd}`, 'utf8')).toContain(`Pid:\t${pid}`);
    pidfdSendSignal(pidfd, 0);
    pidfdSendSignal(pidfd, SIG.SIGTERM);
    expect(waitid(P_PIDFD, pidfd, W.WEXITED)).toMatchObject({ pid, status: SIG.SIGTERM });
    reaped(pid);
    expectReason(() => pidfdSendSignal(pidfd, 0), 'gone', 'ESRCH');
    closePidfd(pidfd);
    expectReason(() => pidfdSendSignal(pidfd, 0), 'kernel', 'EBADF');
  });

  it('send data', () => {
    const pid = running();
    const pidfd = pidfdOpen(pid, PIDFD.NONBLOCK);
    pidfdSendSignal(pidfd, 40, encodeSiginfo({ signal: 40, value: 3n }));
    expect(next(pid)).toBe(stopWord(40));
    expect(getSiginfo(pid).decoded).toMatchObject({ value: 3n });
    expectReason(() => pidfdSendSignal(pidfd, 41, encodeSiginfo({ signal: 40 })), 'kernel', 'EINVAL');
    expectReason(() => pidfdSendSignal(pidfd, 40, null, 0x100), 'kernel', 'EINVAL');
    closePidfd(pidfd);
  });

  it('are the only descriptors that are closed', () => {
    const fd = openSync('/dev/null', 'r');
    for (const value of [fd, 0, 1, 2, -1, 1.5, NaN, 'x' as never, {} as never]) {
      expectReason(() => closePidfd(value), 'bad-input');
    }
    closeSync(fd);
    const pidfd = pidfdOpen(process.pid);
    closePidfd(pidfd);
    expectReason(() => closePidfd(pidfd), 'bad-input');
    expectReason(() => pidfdOpen(dead()), 'gone', 'ESRCH');
    expectReason(() => pidfdOpen(process.pid, 0x40000000), 'kernel', 'EINVAL');
  });
});

describe('affinity', () => {
  it('is read and set by CPU numbers', () => {
    const { pid } = child(pauser());
    const cpus = schedGetaffinity(pid);
    expect(cpus.length).toBeGreaterThan(0);
    expect(schedGetaffinity()).toEqual(schedGetaffinity(gettid()));
    const [first = 0] = cpus;
    schedSetaffinity(pid, [first, first]);
    expect(schedGetaffinity(pid)).toEqual([first]);
    schedSetaffinity(pid, cpus.toReversed());
    expect(schedGetaffinity(pid)).toEqual(cpus);
    expectReason(() => schedSetaffinity(pid, []), 'kernel', 'EINVAL');
    expectReason(() => schedSetaffinity(pid, [8191]), 'kernel', 'EINVAL');
    expectReason(() => schedGetaffinity(dead()), 'gone', 'ESRCH');
  });

  it('refuses what is no CPU', () => {
    for (const cpus of [[-1], [8192], [1.5], ['0'], 0, null, { length: 1 }, new Array(10_000).fill(0), [0n]]) {
      expectReason(() => schedSetaffinity(process.pid, cpus as never), 'bad-input');
    }
    expectReason(() => schedGetaffinity(-1), 'bad-input');
  });

  it('says where the thread runs', () => {
    expect(schedGetaffinity()).toContain(getcpu());
  });
});

describe('groups and personality', () => {
  it('setpgid moves a child', () => {
    const { pid } = child(pauser(), { ownGroup: false });
    expect(getpgid(pid)).toBe(getpgid());
    setpgid(pid, 0);
    expect(getpgid(pid)).toBe(pid);
    setpgid(pid, getpgid(0));
    expect(getpgid(pid)).toBe(getpgid());
    expectReason(() => setpgid(dead(), 0), 'gone', 'ESRCH');
    expectReason(() => setpgid(pid, -1), 'bad-input');
    expectReason(() => getpgid(-1), 'bad-input');
  });

  it.runIf(isRoot)('setpgid after an exec is denied', () => {
    const { pid } = child(script().exec('/bin/sleep', ['sleep', '1000']), { ownGroup: false });
    until('it has executed', () => readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('sleep'));
    expectReason(() => setpgid(pid, 0), 'denied', 'EACCES');
  });

  it('personality is that of the thread', async () => {
    const before = personality();
    expect(personality()).toBe(before);
    for (const persona of [-1, 2 ** 32, 1.5, '0' as never]) expectReason(() => personality(persona), 'bad-input');
    // In a process of its own: what it changes is for good.
    const { stdout } = await execa(process.execPath, [
      '--input-type=module',
      '-e',
      `import { personality } from ${JSON.stringify(new URL('../../dist/raw/index.js', import.meta.url).href)};
       const before = personality(0x0040000);
       console.log(personality() === 0x0040000, personality(before) === 0x0040000, personality() === before);`,
    ]);
    expect(stdout).toBe('true true true');
  });

  it('gettid is the thread', () => {
    expect(gettid()).toBe(process.pid);
    expect(failure(() => gettid())).toBeUndefined();
  });
});
