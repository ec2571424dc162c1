/** Two clients of a virtual ptrace on one process, neither of which knows of the other. */
import { describe, expect, it } from 'vitest';
import { PTRACE_O } from '../../../lib/kernel/options.js';
import { clients } from './clients.js';

describe('two clients on one process', () => {
  it('one single-steps while the other logs system calls', () => {
    const { stage, on } = clients();
    const e = stage.child('E', (c) => c.getppidLoop());
    stage.unrecorded(() => {
      for (const name of ['stepper', 'logger']) {
        on(name, () => {
          e.seize(PTRACE_O.TRACESYSGOOD);
          e.interrupt();
        });
      }
      on('stepper', () => e.wait());
      on('stepper', () => e.step());
      on('logger', () => e.wait());
      on('logger', () => e.syscall());
    });
    const calls: string[] = [];
    const codes = new Set<string>();
    let steps = 0;
    stage.until('both have seen enough', () => {
      stage.unrecorded(() => {
        on('logger', () => {
          const status = e.look();
          if (status === undefined) return;
          expect(status.kind).toBe('syscall-stop');
          const info = e.syscallInfo();
          calls.push(info?.op === 'entry' ? `entry ${e.syscallName(info.nr)}` : (info?.op ?? '?'));
          e.syscall();
        });
        on('stepper', () => {
          const status = e.look();
          if (status === undefined) return;
          expect(status).toEqual({ kind: 'stopped', signal: 5 });
          codes.add(e.siginfo()?.codeName ?? '?');
          expect(e.syscallInfo()?.op).toBe('none');
          steps++;
          e.step();
        });
      });
      return steps >= 60 && calls.length >= 6;
    });
    expect([...codes].sort()).toEqual(['TRAP_BRKPT', 'TRAP_TRACE']);
    for (const [index, call] of calls.entries()) {
      expect(call).toBe(index % 2 === (calls[0] === 'exit' ? 1 : 0) ? 'entry getppid' : 'exit');
    }
  });

  it('one detaches while the other listens', () => {
    const { stage, on, lines } = clients();
    const e = stage.pauser();
    for (const name of ['A', 'B']) on(name, () => e.seize());
    e.kill('SIGSTOP');
    for (const name of ['A', 'B']) {
      on(name, () => {
        e.wait();
        e.cont('SIGSTOP');
      });
    }
    on('A', () => {
      e.wait();
      e.listen();
    });
    on('B', () => {
      e.wait();
      e.detach();
    });
    on('A', () => {
      e.poll();
      e.state();
      e.cont();
    });
    e.kill('SIGCONT');
    on('A', () => {
      e.wait();
      e.cont();
      e.wait();
      e.cont();
      e.poll();
    });
    expect(lines()).toEqual([
      'A: E: SEIZE = 0',
      'B: E: SEIZE = 0',
      'E: kill SIGSTOP = 0',
      'A: E: wait = stopped by SIGSTOP',
      'A: E: CONT SIGSTOP = 0',
      'B: E: wait = stopped by SIGSTOP',
      'B: E: CONT SIGSTOP = 0',
      'A: E: wait = event STOP SIGSTOP',
      'A: E: LISTEN = 0',
      'B: E: wait = event STOP SIGSTOP',
      'B: E: DETACH = 0',
      'A: E: poll = nothing',
      'A: E: state = t (tracing stop)',
      'A: E: CONT = ESRCH',
      'E: kill SIGCONT = 0',
      'A: E: wait = event STOP SIGTRAP',
      'A: E: CONT = 0',
      'A: E: wait = stopped by SIGCONT',
      'A: E: CONT = 0',
      'A: E: poll = nothing',
    ]);
  });

  it('one interrupts while the other holds it: it stands at once, and goes on when both let it', () => {
    const { stage, on, lines } = clients();
    const e = stage.pauser();
    stage.unrecorded(() => {
      on('A', () => {
        e.seize();
        e.interrupt();
        e.wait();
      });
      on('B', () => e.seize());
    });
    on('B', () => {
      e.interrupt();
      e.wait();
      e.siginfo();
      e.eventMessage();
      e.detach();
    });
    e.state();
    on('A', () => {
      e.siginfo();
      e.cont();
    });
    on('A', () => {
      e.untilAsleep();
    });
    expect(lines()).toEqual([
      'B: E: INTERRUPT = 0',
      'B: E: wait = event STOP SIGTRAP',
      'B: E: siginfo = SIGTRAP 0x8005 from E',
      'B: E: event message = 0x0',
      'B: E: DETACH = 0',
      'E: state = t (tracing stop)',
      'A: E: siginfo = SIGTRAP 0x8005 from E',
      'A: E: CONT = 0',
    ]);
  });

  it('a signal that one suppresses does not reach the other, one that it changes does so changed', () => {
    const { stage, on, lines } = clients();
    const e = stage.pauser();
    stage.unrecorded(() => {
      for (const name of ['A', 'B']) on(name, () => e.seize());
    });
    e.kill('SIGUSR1');
    on('A', () => {
      e.wait();
      e.cont();
    });
    on('B', () => e.poll());
    e.kill('SIGUSR1');
    on('A', () => {
      e.wait();
      e.cont('SIGUSR2');
    });
    on('B', () => {
      e.wait();
      e.siginfo();
      e.cont('SIGUSR2');
      e.wait();
    });
    on('A', () => e.wait());
    expect(lines()).toEqual([
      'E: kill SIGUSR1 = 0',
      'A: E: wait = stopped by SIGUSR1',
      'A: E: CONT = 0',
      'B: E: poll = nothing',
      'E: kill SIGUSR1 = 0',
      'A: E: wait = stopped by SIGUSR1',
      'A: E: CONT SIGUSR2 = 0',
      'B: E: wait = stopped by SIGUSR2',
      'B: E: siginfo = SIGUSR2 SI_USER from R',
      'B: E: CONT SIGUSR2 = 0',
      'B: E: wait = killed by SIGUSR2',
      'A: E: wait = killed by SIGUSR2',
    ]);
  });

  it('each has options of its own: a fork is an event for one, and its child one’s tracee', () => {
    const { stage, on, lines } = clients();
    const e = stage.child('E', (c) =>
      c
        .waitUntil('go', '!=', 0)
        .fork((f) => f.exitGroup(3))
        .exitGroup(4),
    );
    on('A', () => e.seize(PTRACE_O.TRACEFORK));
    on('B', () => e.seize(PTRACE_O.TRACEEXIT));
    e.setWord('go', 1n);
    on('A', () => {
      e.wait();
      const f = e.newTask('F');
      f.wait();
      f.cont();
      f.wait();
      e.cont();
    });
    // The child's end sends SIGCHLD, which both are told of.
    on('A', () => {
      e.wait();
      e.cont();
    });
    on('B', () => {
      for (let status = e.wait(); status?.kind === 'stopped'; status = e.wait()) e.cont();
      e.cont();
      e.wait();
    });
    on('A', () => e.wait());
    const found = lines();
    expect(found.filter((line) => line.startsWith('A: '))).toEqual([
      'A: E: SEIZE = 0',
      'A: E: wait = event FORK',
      'A: E: event message = F',
      'A: F: wait = event STOP SIGTRAP',
      'A: F: CONT = 0',
      'A: F: wait = exited 3',
      'A: E: CONT = 0',
      'A: E: wait = stopped by SIGCHLD',
      'A: E: CONT = 0',
      'A: E: wait = exited 4',
    ]);
    expect(found.filter((line) => line.startsWith('B: ')).slice(-3)).toEqual([
      'B: E: wait = event EXIT',
      'B: E: CONT = 0',
      'B: E: wait = exited 4',
    ]);
  });

  it('SIGKILL ends the stops of both', () => {
    const { stage, on, lines } = clients();
    const e = stage.pauser();
    stage.unrecorded(() => {
      for (const name of ['A', 'B']) {
        on(name, () => {
          e.seize();
          e.interrupt();
        });
      }
      for (const name of ['A', 'B']) on(name, () => e.wait());
    });
    e.kill('SIGKILL');
    on('A', () => {
      e.wait();
      e.cont();
    });
    on('B', () => {
      e.cont();
      e.wait();
    });
    on('A', () => e.look());
    expect(lines()).toEqual([
      'E: kill SIGKILL = 0',
      'A: E: wait = killed by SIGKILL',
      'A: E: CONT = ESRCH',
      'B: E: CONT = ESRCH',
      'B: E: wait = killed by SIGKILL',
      'A: E: poll = ECHILD',
    ]);
  });
});
