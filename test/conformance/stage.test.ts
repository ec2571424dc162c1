import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { resultText, signalSetText, statusText } from '../../lib/conformance/describe.js';
import { TINY_EXIT, tinyProgram } from '../../lib/conformance/parts/programs.js';
import { OutOfTime, Skip, Stage } from '../../lib/conformance/stage.js';
import { PTRACE_O } from '../../lib/kernel/options.js';
import { signalSet } from '../../lib/kernel/signals.js';
import { processes } from '../helpers/leftovers.js';
import { stateOf, statusOf } from '../helpers/processes.js';

const stages: Stage[] = [];

function newStage(patience?: number): Stage {
  const stage = new Stage(patience);
  stages.push(stage);
  return stage;
}

afterEach(() => {
  for (const stage of stages.splice(0)) expect(stage.close()).toEqual([]);
});

describe('a stage', () => {
  it('writes down what requests and waits gave', () => {
    const s = newStage();
    const e = s.pauser();
    e.seize();
    e.cont();
    e.interrupt();
    e.wait();
    e.siginfo();
    e.state();
    e.tracer();
    expect(s.lines).toEqual([
      'E: SEIZE = 0',
      'E: CONT = ESRCH',
      'E: INTERRUPT = 0',
      'E: wait = event STOP SIGTRAP',
      'E: siginfo = SIGTRAP 0x8005 from E',
      'E: state = t (tracing stop)',
      'E: tracer = R',
    ]);
  });

  it('writes nothing of what leads to a behaviour', () => {
    const s = newStage();
    s.unrecorded(() => {
      s.unrecorded(() => s.pauser().seize());
      s.observe('this', 'that');
    });
    expect(s.lines).toEqual([]);
  });

  it.each(['seize', 'attach', 'traceme'] as const)('makes a tracee by %s, in a stop before its part', (by) => {
    const s = newStage();
    const e = s.tracee('E', (c) => c.exitGroup(5), { by, options: PTRACE_O.TRACESYSGOOD });
    expect(s.lines).toEqual([]);
    e.state();
    e.cont();
    e.wait();
    expect(s.lines).toEqual(['E: state = t (tracing stop)', 'E: CONT = 0', 'E: wait = exited 5']);
  });

  it('proves silence without waiting for it', () => {
    const s = newStage(60_000);
    const e = s.pauser();
    e.seize();
    e.poll();
    e.kill('SIGWINCH');
    e.poll();
    expect(s.lines.slice(1)).toEqual(['E: poll = nothing', 'E: kill SIGWINCH = 0', 'E: poll = stopped by SIGWINCH']);
  });

  it('waits no longer than its patience, and says what did not come', () => {
    const s = newStage(50);
    const e = s.pauser();
    e.seize();
    expect(() => e.wait()).toThrow(OutOfTime);
    expect(() => {
      s.until('pigs fly', () => false);
    }).toThrow(OutOfTime);
    expect(s.lines).toEqual(['E: SEIZE = 0', 'E: wait = no report in time', 'until pigs fly = no report in time']);
  });

  it('ends a play that does not apply', () => {
    expect(() => newStage().skip('no')).toThrow(Skip);
  });

  it('names who takes part, and tells ids of others from them', () => {
    const s = newStage();
    const e = s.pauser('one');
    expect([s.nameOf(e.tid), s.nameOf(process.pid), s.nameOf(0), s.nameOf(1)]).toEqual([
      'one',
      'R',
      'the kernel',
      'another process',
    ]);
  });
});

describe('closing a stage', () => {
  it('ends and reaps children in all states, and their children', () => {
    const s = new Stage();
    const pids = [
      s.pauser('sleeping'),
      s.tracee('traced', (c) => c.loop((again) => again.pause())),
      s.child('stopped', (c) => c.tgkillSelf('SIGSTOP')),
      s.child('spinning', (c) => c.spin()),
      s.tracee('zombie', (c) => c.exitGroup(0)),
      s.tracee('exiting', (c) => c.exitGroup(0), { options: PTRACE_O.TRACEEXIT }),
      s.child('threaded', (c) => c.thread((t) => t.loop((again) => again.pause())).exit(0)),
    ].map(({ tid }) => tid);
    const parent = s.child('parent', (c) =>
      c
        .fork((child) => child.loop((again) => again.pause()))
        .store('child')
        .loop((again) => again.pause()),
    );
    const grandchild = Number(parent.untilSet('child'));
    const [, , , , zombie, exiting] = pids;
    s.unrecorded(() => {
      for (const pid of [zombie!, exiting!]) s.adopt('again', pid).cont();
    });
    expect(s.close()).toEqual([]);
    expect([...pids, parent.tid].filter((pid) => statusOf(pid)?.ppid === process.pid)).toEqual([]);
    expect([undefined, 'Z', 'X']).toContain(stateOf(grandchild));
    expect(
      processes().filter(({ ppid, state, pid }) => ppid === process.pid && state !== 'Z' && pids.includes(pid)),
    ).toEqual([]);
  });

  it('undoes what was to be undone, the last first', () => {
    const s = new Stage();
    const order: number[] = [];
    s.onClose(() => order.push(1));
    s.onClose(() => order.push(2));
    s.close();
    expect(order).toEqual([2, 1]);
  });
});

describe('the words of transcripts', () => {
  it.each([
    [{ kind: 'exited', code: 7 }, 'exited 7'],
    [{ kind: 'killed', signal: 11, coreDumped: true }, 'killed by SIGSEGV'],
    [{ kind: 'stopped', signal: 34 }, 'stopped by SIGRTMIN'],
    [{ kind: 'syscall-stop', signal: 5 }, 'syscall-stop'],
    [{ kind: 'event', event: 128, signal: 19 }, 'event STOP SIGSTOP'],
    [{ kind: 'event', event: 4, signal: 5 }, 'event EXEC'],
    [{ kind: 'event', event: 99, signal: 5 }, 'event 99'],
    [{ kind: 'continued' }, 'continued'],
    [undefined, 'nothing'],
  ] as const)('%j is %s', (status, text) => {
    expect(statusText(status)).toBe(text);
  });

  it('tell results as the kernel gives them', () => {
    expect([resultText(-3n), resultText(0), resultText(42n), resultText(-4096)]).toEqual(['ESRCH', '0', '42', '-4096']);
  });

  it('tell sets of signals', () => {
    expect(signalSetText(0n)).toBe('none');
    expect(signalSetText(signalSet([10, 15]))).toBe('SIGUSR1 SIGTERM');
    expect(signalSetText((1n << 64n) - 1n)).toBe('all');
    expect(signalSetText(BigInt.asUintN(64, ~signalSet([9, 19])))).toBe('all but SIGKILL SIGSTOP');
  });
});

describe('the tiny program', () => {
  it('runs here and exits with its code', () => {
    expect(() => execFileSync(tinyProgram())).toThrow(expect.objectContaining({ status: TINY_EXIT }) as Error);
  });
});
