import { describe, expect, it } from 'vitest';
import { PTRACE_EVENT } from '../../lib/kernel/events.js';
import { PTRACE_O } from '../../lib/kernel/options.js';
import { SIG } from '../../lib/kernel/signals.js';
import { W } from '../../lib/kernel/wait-flags.js';
import { procStatus } from '../../lib/proc.js';
import { script } from '../../lib/raw/child.js';
import {
  attach,
  cont,
  detach,
  getEventMessage,
  getSiginfo,
  gettid,
  interrupt,
  kill,
  listen,
  processVmWrite,
  ptraceKill,
  rawAttached,
  spawnHeld,
  seize,
  syscall,
  tgkill,
  wait4,
} from '../../lib/raw/index.js';
import { stateOf, until } from './ends.js';
import {
  child,
  dead,
  EVENT_STOP,
  expectReason,
  interrupted,
  listening,
  next,
  pauser,
  running,
  stopWord,
  SYSCALL_STOP,
  traced,
  tracedByWorker,
} from './tracee.js';

describe('PTRACE_TRACEME', () => {
  it('makes a Node process the tracee of its parent', () => {
    const code = `
      import { traceme } from ${JSON.stringify(new URL('../../dist/raw/index.js', import.meta.url).href)};
      traceme();
      try {
        traceme();
      } catch (error) {
        if (error.reason !== 'denied' || error.code !== 'EPERM') process.exit(3);
      }
      process.kill(process.pid, 'SIGUSR2');
      setTimeout(() => process.exit(7), 10);
    `;
    const held = spawnHeld({ file: process.execPath, args: ['--input-type=module', '-e', code] });
    const { pid } = held;
    held.release();
    const seen: number[] = [];
    for (;;) {
      const found = wait4(pid, W.__WALL);
      if (found === null) continue;
      if (found.decoded.kind !== 'stopped') {
        expect(found.decoded).toEqual({ kind: 'exited', code: 7 });
        break;
      }
      seen.push(found.decoded.signal);
      expect(procStatus(pid)?.tracerPid).toBe(gettid());
      cont(pid);
    }
    held.free();
    expect(seen).toContain(SIG.SIGUSR2);
  });
});

describe('PTRACE_ATTACH', () => {
  it('stops with SIGSTOP and belongs to the calling thread', () => {
    const { pid } = child(pauser());
    attach(pid);
    expect(next(pid)).toBe(stopWord(SIG.SIGSTOP));
    expect(procStatus(pid)?.tracerPid).toBe(gettid());
    expect(rawAttached().has(pid)).toBe(true);
    detach(pid);
    expect(rawAttached().has(pid)).toBe(false);
    expect(procStatus(pid)?.tracerPid).toBe(0);
  });

  it('a tracee has one tracer only', async () => {
    const pid = running();
    expectReason(() => attach(pid), 'denied', 'EPERM');
    expect(expectReason(() => seize(pid), 'denied', 'EPERM').message).toContain('traces it already');

    const other = child(pauser()).pid;
    const { tid, release } = await tracedByWorker(other);
    expect(expectReason(() => seize(other), 'denied', 'EPERM').message).toContain(String(tid));
    await release();
  });

  it('refuses itself, the dead and the undead', () => {
    expect(expectReason(() => attach(process.pid), 'denied', 'EPERM').message).toContain('its own threads');
    expectReason(() => attach(dead()), 'gone', 'ESRCH');
    const zombie = child(script().exitGroup(3)).pid;
    until('it is a zombie', () => stateOf(zombie) === 'Z');
    expectReason(() => seize(zombie), 'gone', 'EPERM');
    expect(next(zombie)).toBe(3 << 8);
  });

  it('reports a group-stop that was there before as SIGSTOP without siginfo', () => {
    const { pid } = child(pauser());
    tgkill(pid, pid, SIG.SIGSTOP);
    expect(next(pid, W.WUNTRACED)).toBe(stopWord(SIG.SIGSTOP));
    attach(pid);
    expect(next(pid)).toBe(stopWord(SIG.SIGSTOP));
    expect(expectReason(() => getSiginfo(pid), 'kernel', 'EINVAL').message).toContain('group-stop');
  });
});

describe('PTRACE_SEIZE', () => {
  it('does not stop', () => {
    const { pid } = child(pauser());
    seize(pid);
    expect(wait4(pid, W.WNOHANG | W.__WALL)).toBeNull();
    expect(stateOf(pid)).not.toBe('t');
    expect(procStatus(pid)?.tracerPid).toBe(gettid());
  });

  it('puts options in force at once', () => {
    const pid = interrupted(pauser(), PTRACE_O.TRACESYSGOOD);
    syscall(pid);
    expect(next(pid)).toBe(SYSCALL_STOP);
  });

  it('takes no unknown options', () => {
    const { pid } = child(pauser());
    for (const options of [1 << 19, -1, 1.5, NaN, '1' as never, 2 ** 32 + 1]) {
      expectReason(() => seize(pid, options), 'bad-input');
    }
    expect(procStatus(pid)?.tracerPid).toBe(0);
  });

  it('reports a stopped process with PTRACE_EVENT_STOP and the signal', () => {
    const { pid } = child(pauser());
    tgkill(pid, pid, SIG.SIGTSTP);
    expect(next(pid, W.WUNTRACED)).toBe(stopWord(SIG.SIGTSTP));
    seize(pid);
    expect(next(pid)).toBe(stopWord(SIG.SIGTSTP, PTRACE_EVENT.STOP));
  });
});

describe('PTRACE_INTERRUPT', () => {
  it('stops what runs', () => {
    const pid = running();
    interrupt(pid);
    expect(next(pid)).toBe(EVENT_STOP);
  });

  it('during a stop is kept for afterwards', () => {
    const pid = interrupted();
    interrupt(pid);
    expect(wait4(pid, W.WNOHANG | W.__WALL)).toBeNull();
    cont(pid);
    expect(next(pid)).toBe(EVENT_STOP);
  });

  it('wants a seized tracee', () => {
    const pid = traced();
    expect(expectReason(() => interrupt(pid), 'not-supported', 'EIO').message).toContain('PTRACE_SEIZE');
    // The stop is as it was.
    expect(getSiginfo(pid).decoded.signal).toBe(SIG.SIGSTOP);
  });
});

describe('PTRACE_LISTEN', () => {
  it('stays in the group-stop until SIGCONT', () => {
    const pid = running();
    tgkill(pid, pid, SIG.SIGSTOP);
    expect(next(pid)).toBe(stopWord(SIG.SIGSTOP));
    cont(pid, SIG.SIGSTOP);
    expect(next(pid)).toBe(stopWord(SIG.SIGSTOP, PTRACE_EVENT.STOP));
    listen(pid);
    expectReason(() => listen(pid), 'listening', 'ESRCH');
    expectReason(() => cont(pid), 'listening', 'ESRCH');
    expectReason(() => detach(pid), 'listening', 'ESRCH');
    kill(pid, SIG.SIGCONT);
    expect(next(pid)).toBe(EVENT_STOP);
    cont(pid);
    expect(next(pid)).toBe(stopWord(SIG.SIGCONT));
  });

  it('ends by INTERRUPT', () => {
    const pid = listening();
    interrupt(pid);
    expect(next(pid)).toBe(EVENT_STOP);
  });

  it('is for PTRACE_EVENT_STOP of seized tracees', () => {
    const pid = running();
    tgkill(pid, pid, SIG.SIGUSR1);
    expect(next(pid)).toBe(stopWord(SIG.SIGUSR1));
    expect(expectReason(() => listen(pid), 'kernel', 'EIO').message).toContain('PTRACE_EVENT_STOP');
    cont(pid);
    expectReason(() => listen(traced()), 'kernel', 'EIO');
  });
});

describe('PTRACE_DETACH', () => {
  it('delivers the signal that it is given', () => {
    const pid = traced();
    detach(pid, SIG.SIGUSR2);
    expect(next(pid)).toBe(SIG.SIGUSR2);
  });

  it('leaves a stopped process stopped', () => {
    const { pid } = child(pauser());
    tgkill(pid, pid, SIG.SIGSTOP);
    next(pid, W.WUNTRACED);
    seize(pid);
    next(pid);
    detach(pid);
    until('it is stopped', () => stateOf(pid) === 'T');
  });

  it('takes no signal that is none', () => {
    const pid = interrupted();
    for (const signal of [65, -1, 1.5, NaN, Infinity, 'SIGWHAT' as never, {} as never, 9n as never]) {
      expectReason(() => detach(pid, signal), 'bad-input');
    }
    expect(procStatus(pid)?.tracerPid).toBe(gettid());
  });
});

describe('PTRACE_KILL', () => {
  it('kills in a stop', () => {
    const pid = traced();
    ptraceKill(pid);
    expect(next(pid)).toBe(SIG.SIGKILL);
  });

  it('wants a tracee', () => {
    const { pid } = child(pauser());
    expectReason(() => ptraceKill(pid), 'not-tracee', 'ESRCH');
    expectReason(() => ptraceKill(dead()), 'gone', 'ESRCH');
  });
});

describe('rawAttached', () => {
  it('forgets who has ended', () => {
    const pid = running();
    expect(rawAttached().has(pid)).toBe(true);
    kill(pid, SIG.SIGKILL);
    expect(next(pid)).toBe(SIG.SIGKILL);
    expect(rawAttached().has(pid)).toBe(false);
  });

  it('does not list what the kernel attached by itself', () => {
    const forker = child(
      script()
        .waitUntil('go', '==', 1)
        .fork((s) => s.dieWithParent().pause())
        .loop((s) => s.pause()),
    );
    const { pid } = forker;
    seize(pid, PTRACE_O.TRACEFORK);
    expect(processVmWrite(pid, forker.address('go'), new Uint8Array([1]))).toBe(1);
    expect(next(pid)).toBe(stopWord(SIG.SIGTRAP, PTRACE_EVENT.FORK));
    const forked = Number(getEventMessage(pid));
    expect(next(forked)).toBe(EVENT_STOP);
    expect(rawAttached().has(forked)).toBe(false);
    kill(forked, SIG.SIGKILL);
    expect(next(forked)).toBe(SIG.SIGKILL);
  });
});
