/** execve: the SIGTRAP of old, PTRACE_EVENT_EXEC, and what becomes of the other threads. */
import { PTRACE_O } from '../../../kernel/options.js';
import type { Actor } from '../../actor.js';
import { tinyProgram } from '../../parts/programs.js';
import { observeCall, toEntry } from '../../parts/system-calls.js';
import { scenario, suite, type Scenario } from '../../scenario.js';
import type { Stage } from '../../stage.js';
import { page } from './tools.js';

const underPtrace = page('execve(2) under ptrace');

/** A process of three threads, all seized and running; B executes a program when its gate opens. */
function threeThreads(s: Stage, options: number): readonly [leader: Actor, b: Actor, c: Actor] {
  const leader = s.child('leader', (c) => {
    c.thread((b) => b.syscall('gettid').store('B').waitUntil('gate', '!=', 0).exec(tinyProgram()));
    c.thread((other) =>
      other
        .syscall('gettid')
        .store('C')
        .loop((again) => again.pause()),
    );
    c.loop((again) => again.pause());
  });
  const b = s.adopt('B', Number(leader.untilSet('B')));
  const c = s.adopt('C', Number(leader.untilSet('C')));
  leader.untilAsleep();
  c.untilAsleep();
  s.unrecorded(() => {
    for (const thread of [leader, b, c]) thread.mustSucceed(thread.seize(options), 'SEIZE');
  });
  leader.setWord('gate', 1n);
  return [leader, b, c];
}

export const execs: readonly Scenario[] = [
  scenario({
    id: 'exec-legacy-trap',
    title: 'Without TRACEEXEC an execve sends its tracee a SIGTRAP, unless it was seized',
    source: [underPtrace],
    tags: ['exec', 'signals', 'attach', 'seize'],
    rule:
      'It is a real signal, sent by the tracee to itself as with kill(2): it comes after the exit-stop of the execve, waits while SIGTRAP is blocked, and ' +
      'kills when it is delivered. TRACEEXEC takes its place, and SEIZE leaves it out in any case.',
    since: '3.4',
    play(s) {
      const e = s.tracee('traceme', (c) => c.exec(tinyProgram()), { by: 'traceme' });
      e.cont();
      e.wait();
      e.siginfo();
      e.cont('SIGTRAP');
      e.wait();
      const f = s.tracee('SYSCALL', (c) => c.exec(tinyProgram()), { by: 'attach', options: PTRACE_O.TRACESYSGOOD });
      toEntry(f, 'execve');
      f.syscall();
      f.wait();
      f.syscall();
      f.wait();
      f.cont();
      f.wait();
      const g = s.tracee('SIGTRAP blocked', (c) => c.block('SIGTRAP').exec(tinyProgram()), {
        by: 'attach',
        options: PTRACE_O.TRACESYSGOOD,
      });
      toEntry(g, 'execve');
      g.syscall();
      g.wait();
      g.syscall();
      g.wait();
      g.pending();
      g.cont();
      g.wait();
      const h = s.tracee('seized', (c) => c.exec(tinyProgram()));
      h.cont();
      h.wait();
    },
    expect: `
      traceme: CONT = 0
      traceme: wait = stopped by SIGTRAP
      traceme: siginfo = SIGTRAP SI_USER from traceme
      traceme: CONT SIGTRAP = 0
      traceme: wait = killed by SIGTRAP
      SYSCALL: SYSCALL = 0
      SYSCALL: wait = syscall-stop
      SYSCALL: SYSCALL = 0
      SYSCALL: wait = stopped by SIGTRAP
      SYSCALL: CONT = 0
      SYSCALL: wait = exited 7
      SIGTRAP blocked: SYSCALL = 0
      SIGTRAP blocked: wait = syscall-stop
      SIGTRAP blocked: SYSCALL = 0
      # the entry of the new program's exit_group
      SIGTRAP blocked: wait = syscall-stop
      SIGTRAP blocked: pending = SIGTRAP
      SIGTRAP blocked: CONT = 0
      SIGTRAP blocked: wait = exited 7
      seized: CONT = 0
      seized: wait = exited 7
    `,
  }),

  scenario({
    id: 'exec-event-then-syscall-exit',
    title: 'At EVENT_EXEC the restart decides whether the exit-stop of the execve follows; a failed one has no event',
    source: [page('PTRACE_SETOPTIONS'), suite('ptrace-tests', 'sigint-before-syscall-exit')],
    tags: ['exec', 'event-stop', 'syscall-stop'],
    rule:
      'The event comes within the system call. SYSCALL from there reports its end although CONT has led into it, CONT does not although SYSCALL has. An ' +
      'execve that fails has its two syscall-stops and no event: EVENT_EXEC says that the new program is there.',
    since: '3.4',
    play(s) {
      const by = 'traceme';
      const options = PTRACE_O.TRACEEXEC | PTRACE_O.TRACESYSGOOD;
      const e = s.tracee('CONT, SYSCALL', (c) => c.exec(tinyProgram()), { by, options });
      e.cont();
      e.wait();
      e.syscall();
      e.wait();
      e.syscall();
      e.wait();
      observeCall(e);
      const f = s.tracee('SYSCALL, CONT', (c) => c.exec(tinyProgram()), { by, options });
      toEntry(f, 'execve');
      f.syscall();
      f.wait();
      f.cont();
      f.wait();
      const g = s.tracee('failing', (c) => c.exec('/nonexistent/program').exitGroup(3), { by, options });
      toEntry(g, 'execve');
      g.syscall();
      g.wait();
      g.cont();
      g.wait();
    },
    expect: `
      CONT, SYSCALL: CONT = 0
      CONT, SYSCALL: wait = event EXEC
      CONT, SYSCALL: SYSCALL = 0
      CONT, SYSCALL: wait = syscall-stop
      CONT, SYSCALL: SYSCALL = 0
      CONT, SYSCALL: wait = syscall-stop
      CONT, SYSCALL: call = exit_group
      SYSCALL, CONT: SYSCALL = 0
      SYSCALL, CONT: wait = event EXEC
      SYSCALL, CONT: CONT = 0
      SYSCALL, CONT: wait = exited 7
      failing: SYSCALL = 0
      failing: wait = syscall-stop
      failing: CONT = 0
      failing: wait = exited 3
    `,
  }),

  scenario({
    id: 'mt-exec-with-traceexit',
    title: 'When a thread executes a program, every other thread reports EVENT_EXIT first; the leader then has no end',
    source: [underPtrace, suite('gvisor', 'PtraceExecveTest')],
    tags: ['exec', 'threads', 'exit', 'event-stop'],
    rule:
      'An execve ends all other threads, each of them through its EVENT_EXIT with a status of 0; the execve waits until their tracer lets them go. Then the ' +
      'thread takes over the leader’s id: the leader is never reported as exited, the next that is heard under its id is EVENT_EXEC, whose ' +
      'message is the id that the thread had.',
    since: '3.4',
    play(s) {
      const [leader, , c] = threeThreads(s, PTRACE_O.TRACEEXIT | PTRACE_O.TRACEEXEC);
      leader.wait();
      leader.eventMessage();
      c.wait();
      c.eventMessage();
      leader.cont();
      leader.poll();
      c.cont();
      c.wait();
      leader.wait();
      leader.eventMessage();
      leader.cont();
      leader.wait();
      leader.eventMessage();
      leader.cont();
      leader.wait();
    },
    expect: `
      leader: wait = event EXIT
      leader: event message = 0x0
      C: wait = event EXIT
      C: event message = 0x0
      leader: CONT = 0
      leader: poll = nothing
      C: CONT = 0
      C: wait = exited 0
      leader: wait = event EXEC
      leader: event message = B
      leader: CONT = 0
      leader: wait = event EXIT
      leader: event message = 0x700
      leader: CONT = 0
      leader: wait = exited 7
    `,
  }),

  scenario({
    id: 'mt-exec-bystander-exit-0',
    title:
      'Threads that an execve of a sibling has ended are reported as exited with 0; the old id of the sibling is gone',
    source: [underPtrace, suite('strace', 'threads-execve.test')],
    tags: ['exec', 'threads', 'wait'],
    rule:
      'Neither a signal nor an event is told of the bystanders, only WIFEXITED with 0. No end is told of the leader and of the thread that executed: of ' +
      'those two one goes on under the id of the other. A wait for the old id fails.',
    since: '3.4',
    play(s) {
      const [leader, b, c] = threeThreads(s, PTRACE_O.TRACEEXEC);
      c.wait();
      leader.wait();
      leader.eventMessage();
      b.look();
      b.cont();
      leader.cont();
      leader.wait();
    },
    expect: `
      C: wait = exited 0
      leader: wait = event EXEC
      leader: event message = B
      B: poll = ECHILD
      B: CONT = ESRCH
      leader: CONT = 0
      leader: wait = exited 7
    `,
  }),
];
