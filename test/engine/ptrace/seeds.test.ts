/** Cases of the discussions in which ptrace became a client of utrace. */
import { chmodSync, chownSync, copyFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ATTACH, EVENT } from '../../../lib/engine/index.js';
import { Ticket } from '../../../lib/engine/ptrace/ticket.js';
import { PTRACE_O } from '../../../lib/kernel/options.js';
import { tinyProgram } from '../../../lib/conformance/parts/programs.js';
import { procStatus } from '../../../lib/proc.js';
import { scratch } from '../../helpers/scratch.js';
import { clients, type Clients } from './clients.js';

const NOBODY = 65534;

/** A process that waits, and executes a program. */
function executor({ stage }: Clients) {
  return stage.child('E', (c) => c.waitUntil('go', '!=', 0).exec(tinyProgram()).exitGroup(1));
}

describe('the FIFO of events (utrace-devel 2009, "cleanup/simplify stop/resume mess")', () => {
  it('EXEC, then PTRACE_SYSCALL: the exit of the call is reported next', () => {
    const all = clients();
    const { on, lines } = all;
    const e = executor(all);
    on('A', () => {
      e.seize(PTRACE_O.TRACEEXEC | PTRACE_O.TRACESYSGOOD);
      e.setWord('go', 1n);
      e.wait();
      e.syscall();
      e.wait();
      e.syscallInfo();
      e.cont();
      e.wait();
    });
    expect(lines()).toEqual([
      'A: E: SEIZE = 0',
      'A: E: wait = event EXEC',
      'A: E: SYSCALL = 0',
      'A: E: wait = syscall-stop',
      'A: E: syscall info = exit 0',
      'A: E: CONT = 0',
      'A: E: wait = exited 7',
    ]);
  });

  it('EXEC, then PTRACE_CONT: the exit of the call is not reported', () => {
    const all = clients();
    const { on, lines } = all;
    const e = executor(all);
    on('A', () => {
      e.seize(PTRACE_O.TRACEEXEC | PTRACE_O.TRACESYSGOOD);
      e.setWord('go', 1n);
      e.wait();
      e.cont();
      e.wait();
    });
    expect(lines()).toEqual(['A: E: SEIZE = 0', 'A: E: wait = event EXEC', 'A: E: CONT = 0', 'A: E: wait = exited 7']);
  });

  /** Another engine, in front of A's, holds E at the exec; A asks for a stop meanwhile, so that the event stacks behind that. */
  function stack(all: Clients, options: number) {
    const { virtual, on } = all;
    const e = executor(all);
    const ticket = new Ticket();
    // The first client makes the thread known, the engine comes next, and A behind it.
    on('first', () => e.seize());
    const engine = virtual.engines.attach(e.tid, ATTACH.CREATE, { reportExec: () => ticket.answer }, ticket, {
      timeout: 0,
    });
    engine.setEvents(EVENT.EXEC);
    on('A', () => {
      e.seize(options);
      e.setWord('go', 1n);
      all.stage.until('the other engine holds E', () => virtual.engines.suspended > 0);
      e.interrupt();
    });
    ticket.settle(undefined);
    return e;
  }

  it('an event that stacks behind another stop is told when that is resumed, with its own message', () => {
    const all = clients();
    const e = stack(all, PTRACE_O.TRACEEXEC);
    all.on('A', () => {
      e.wait();
      e.cont();
      e.wait();
      e.eventMessage();
      e.cont();
      e.wait();
    });
    expect(all.lines()).toEqual([
      'first: E: SEIZE = 0',
      'A: E: SEIZE = 0',
      'A: E: INTERRUPT = 0',
      'A: E: wait = event STOP SIGTRAP',
      'A: E: CONT = 0',
      'A: E: wait = event EXEC',
      'A: E: event message = E',
      'A: E: CONT = 0',
      'A: E: wait = exited 7',
    ]);
  });

  it('options that change in between make a stacked event void', () => {
    const all = clients();
    const e = stack(all, PTRACE_O.TRACEEXEC);
    all.on('A', () => {
      e.wait();
      e.setOptions(0);
      e.cont();
      e.wait();
    });
    expect(all.lines().slice(2)).toEqual([
      'A: E: INTERRUPT = 0',
      'A: E: wait = event STOP SIGTRAP',
      'A: E: SETOPTIONS = 0',
      'A: E: CONT = 0',
      'A: E: wait = exited 7',
    ]);
  });

  /** E enters a system call, and at its exit another engine holds it while A, which wants system calls, asks for a stop: the exit stacks behind that. */
  function stackExit(all: Clients) {
    const { stage, virtual, on } = all;
    const e = stage.child('E', (c) => c.getppidLoop());
    const ticket = new Ticket();
    on('first', () => e.seize());
    const engine = virtual.engines.attach(e.tid, ATTACH.CREATE, { reportSyscallExit: () => ticket.answer }, ticket, {
      timeout: 0,
    });
    stage.unrecorded(() => {
      on('A', () => {
        e.seize(PTRACE_O.TRACESYSGOOD);
        e.interrupt();
        e.wait();
        e.syscall();
        e.wait();
      });
    });
    engine.setEvents(EVENT.SYSCALL_EXIT);
    on('A', () => {
      e.syscall();
      stage.until('the other engine holds E', () => {
        virtual.pump();
        return virtual.engines.suspended > 0;
      });
      e.interrupt();
    });
    engine.setEvents(0);
    ticket.settle(undefined);
    return e;
  }

  it('the exit of a system call that stacks behind another stop is told after PTRACE_SYSCALL, and dropped by PTRACE_CONT', () => {
    for (const request of ['syscall', 'cont'] as const) {
      const all = clients();
      const e = stackExit(all);
      all.on('A', () => {
        e.wait();
        e[request]();
        e.look();
      });
      expect(all.lines().slice(1)).toEqual([
        'A: E: SYSCALL = 0',
        'A: E: INTERRUPT = 0',
        'A: E: wait = event STOP SIGTRAP',
        `A: E: ${request.toUpperCase()} = 0`,
        `A: E: poll = ${request === 'cont' ? 'nothing' : 'syscall-stop'}`,
      ]);
    }
  });

  it('a resume with a signal from a system call stop sends the signal', () => {
    const { stage, on, lines } = clients();
    const e = stage.child('E', (c) => c.getppidLoop());
    on('A', () => {
      stage.unrecorded(() => {
        e.seize(PTRACE_O.TRACESYSGOOD);
        e.interrupt();
        e.wait();
        e.syscall();
        e.wait();
      });
      e.cont('SIGUSR1');
      e.wait();
      e.siginfo();
      e.cont();
    });
    expect(lines()).toEqual([
      'A: E: CONT SIGUSR1 = 0',
      'A: E: wait = stopped by SIGUSR1',
      'A: E: siginfo = SIGUSR1 SI_KERNEL from the kernel',
      'A: E: CONT = 0',
    ]);
  });
});

describe('what a virtual ptrace cannot be (utrace-devel 2009, "utrace_ptrace && task->ptrace")', () => {
  it('TracerPid is the real tracer as long as anybody traces, whichever client it is', () => {
    const { stage, on, lines } = clients();
    const e = stage.pauser();
    for (const name of ['A', 'B']) {
      on(name, () => {
        e.seize();
        e.interrupt();
        e.wait();
        e.tracer();
      });
    }
    on('A', () => {
      e.detach();
      e.tracer();
    });
    on('B', () => {
      e.detach();
      e.tracer();
    });
    expect(lines().filter((line) => line.includes('tracer'))).toEqual([
      'A: E: tracer = R',
      'B: E: tracer = R',
      'A: E: tracer = R',
      'B: E: tracer = nobody',
    ]);
  });

  const noRoot = process.geteuid?.() === 0 ? '' : ' (needs root to make a set-user-ID program of another user)';
  it.skipIf(noRoot !== '')(
    `an execve is judged for the real tracer’s capabilities, not for a client’s${noRoot}`,
    () => {
      const { stage, on } = clients();
      const program = join(scratch(), 'program');
      chmodSync(dirname(program), 0o755);
      copyFileSync(tinyProgram(), program);
      chownSync(program, NOBODY, NOBODY);
      chmodSync(program, 0o4755);
      const e = stage.child('E', (c) => c.waitUntil('go', '!=', 0).exec(program).exitGroup(1));
      on('A', () => {
        e.seize(PTRACE_O.TRACEEXEC);
        e.setWord('go', 1n);
        expect(e.wait()).toEqual({ kind: 'event', event: 4, signal: 5 });
        // This process has CAP_SYS_PTRACE: the program gets its user, though it is traced.
        expect(procStatus(e.tid)?.uids[1]).toBe(NOBODY);
        e.cont();
        expect(e.wait()).toEqual({ kind: 'exited', code: 7 });
      });
    },
  );

  it('waits: a client hears nothing of the stops of another’s tracee, and of the end as its parent', () => {
    const { stage, on, lines } = clients();
    const e = stage.pauser();
    on('A', () => {
      e.seize();
      e.interrupt();
      e.wait();
    });
    on('B', () => e.poll());
    e.kill('SIGKILL');
    on('B', () => {
      const found = stage.await(e.tid, 0);
      stage.observe('B hears', found?.status.kind ?? 'nothing');
    });
    on('A', () => e.wait());
    expect(lines()).toEqual([
      'A: E: SEIZE = 0',
      'A: E: INTERRUPT = 0',
      'A: E: wait = event STOP SIGTRAP',
      'B: E: poll = nothing',
      'E: kill SIGKILL = 0',
      'B: B hears = killed',
      'A: E: wait = killed by SIGKILL',
    ]);
  });

  it('waits: the zombie stays until every client that has attached it has waited', () => {
    const { stage, on, lines } = clients();
    const e = stage.pauser();
    for (const name of ['A', 'B']) on(name, () => e.seize());
    e.kill('SIGKILL');
    on('A', () => e.wait());
    on('B', () => {
      e.state();
      e.wait();
      e.state();
    });
    expect(lines().slice(2)).toEqual([
      'E: kill SIGKILL = 0',
      'A: E: wait = killed by SIGKILL',
      'B: E: state = Z (zombie)',
      'B: E: wait = killed by SIGKILL',
      'B: E: state = gone',
    ]);
  });
});
