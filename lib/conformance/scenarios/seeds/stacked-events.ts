/** Events that one system call makes one after the other, and what a restart at each of them means. */
import { PTRACE_O } from '../../../kernel/options.js';
import type { Actor } from '../../actor.js';
import { hollowProgram } from '../../parts/programs.js';
import { RealParent } from '../../parts/real-parent.js';
import { toEntry } from '../../parts/system-calls.js';
import { manual, scenario, type Scenario } from '../../scenario.js';
import type { Beginning, Stage } from '../../stage.js';
import { stackedEvents } from './origins.js';

const ALL_CHILDREN = PTRACE_O.TRACEFORK | PTRACE_O.TRACEVFORK | PTRACE_O.TRACECLONE;

/** The first stop of a child that was attached at its fork: what it has done by then. */
function firstStop(s: Stage, names: readonly [string, string], by: Beginning): void {
  const [name, childName] = names;
  const e = s.tracee(
    name,
    (c) =>
      c
        .block('SIGCHLD')
        .fork((k) => k.store('ran', 1).exitGroup(6))
        .loop((again) => again.pause()),
    { by, options: PTRACE_O.TRACEFORK },
  );
  e.cont();
  e.wait();
  const k = e.newTask(childName);
  k.wait();
  const registers = k.registers();
  k.observe(`stands where the fork of ${name} returns`, registers.pc === e.registers().pc);
  k.observe('result of its fork', registers.result);
  k.observe('has run', k.wordAt(e.address('ran')) !== 0n);
  k.cont();
  k.wait();
}

/** Lets a child of an event end: its first stop, then on. */
function letGo(child: Actor): void {
  child.stage.unrecorded(() => {
    child.wait();
    child.mustSucceed(child.cont(), 'CONT');
  });
}

export const stackedEventScenarios: readonly Scenario[] = [
  scenario({
    id: 'stacked-exec-and-exit',
    title: 'An execve that was entered by SYSCALL reports the event, then its exit: in that order, each once',
    source: [stackedEvents, manual('ptrace(2)', 'Syscall-stops')],
    tags: ['exec', 'syscall-stop', 'event-stop'],
    rule:
      'Both reports belong to one system call and to the same place in the new program, and they must not run into one: each is a stop of its own, with ' +
      "a restart between them. The next stop is the program's own.",
    play(s) {
      const hollow = hollowProgram(s);
      const e = s.tracee('E', (c) => c.exec(hollow).exitGroup(99), {
        by: 'traceme',
        options: PTRACE_O.TRACEEXEC | PTRACE_O.TRACESYSGOOD,
      });
      toEntry(e, 'execve');
      e.syscall();
      e.wait();
      e.poll();
      e.syscall();
      e.wait();
      e.poll();
      e.syscall();
      e.wait();
    },
    // Its first instruction faults.
    expect: `
      E: SYSCALL = 0
      E: wait = event EXEC
      E: poll = nothing
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: poll = nothing
      E: SYSCALL = 0
      E: wait = stopped by SIGSEGV
    `,
  }),

  scenario({
    id: 'cont-disables-stacked-exit-report',
    title:
      'CONT at an event that SYSCALL led to takes back the exit report; options changed at the entry hold at the exit',
    source: [stackedEvents, manual('ptrace(2)', 'Syscall-stops')],
    tags: ['syscall-stop', 'event-stop', 'options'],
    rule:
      'What is reported next is decided by the last restart and the options of that moment, not by what held when the system call began. A tracer that ' +
      'sees enough at a fork or exec event can go on by CONT and gets no exit stop that it would have to account for.',
    play(s) {
      const hollow = hollowProgram(s);
      const e = s.tracee(
        'E',
        (c) =>
          c
            .block('SIGCHLD')
            .fork((k) => k.exitGroup(0))
            .tgkillSelf('SIGUSR1')
            .syscall('getppid')
            .exec(hollow)
            .exitGroup(99),
        { by: 'traceme', options: PTRACE_O.TRACEFORK | PTRACE_O.TRACEEXEC | PTRACE_O.TRACESYSGOOD },
      );
      toEntry(e, 'clone');
      e.syscall();
      e.wait();
      e.newTask('K');
      e.cont();
      e.wait();

      toEntry(e, 'getppid');
      e.setOptions(PTRACE_O.TRACEEXEC);
      e.syscall();
      e.wait();
      e.setOptions(PTRACE_O.TRACEEXEC | PTRACE_O.TRACESYSGOOD);

      toEntry(e, 'execve');
      e.syscall();
      e.wait();
      e.cont();
      e.wait();
    },
    expect: `
      E: SYSCALL = 0
      E: wait = event FORK
      E: event message = K
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: SETOPTIONS = 0
      E: SYSCALL = 0
      E: wait = stopped by SIGTRAP
      E: SETOPTIONS = 0
      E: SYSCALL = 0
      E: wait = event EXEC
      E: CONT = 0
      E: wait = stopped by SIGSEGV
    `,
  }),

  scenario({
    id: 'event-stop-resume-signal-dropped',
    title: 'A signal given at the restart from a fork, vfork, vfork-done, clone or exec event is not delivered',
    source: [stackedEvents, manual('ptrace(2)', 'Signal injection and suppression')],
    tags: ['event-stop', 'injection'],
    rule:
      'Only a signal-delivery-stop has a signal that can be replaced, and only a syscall-stop has the kernel send one. At an event there is nothing to be ' +
      'done on the restart: the signal is checked and forgotten. Who wants it delivered sends it by tgkill(2).',
    play(s) {
      const hollow = hollowProgram(s);
      const e = s.tracee(
        'E',
        (c) =>
          c
            .block('SIGCHLD')
            .fork((k) => k.exitGroup(0))
            .vfork((k) => k.exitGroup(0))
            .thread((t) => t.exit(0))
            .exec(hollow)
            .exitGroup(99),
        { options: ALL_CHILDREN | PTRACE_O.TRACEVFORKDONE | PTRACE_O.TRACEEXEC },
      );
      e.cont();
      for (const name of ['K', 'V']) {
        e.wait();
        letGo(e.newTask(name));
        e.cont('SIGUSR1');
      }
      e.wait();
      e.cont('SIGUSR1');
      e.wait();
      const t = e.newTask('T');
      letGo(t);
      t.wait();
      e.cont('SIGUSR1');
      e.wait();
      e.cont('SIGUSR1');
      // The program's first instruction faults: nothing was delivered before it.
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = event FORK
      E: event message = K
      E: CONT SIGUSR1 = 0
      E: wait = event VFORK
      E: event message = V
      E: CONT SIGUSR1 = 0
      E: wait = event VFORK_DONE
      E: CONT SIGUSR1 = 0
      E: wait = event CLONE
      E: event message = T
      T: wait = exited 0
      E: CONT SIGUSR1 = 0
      E: wait = event EXEC
      E: CONT SIGUSR1 = 0
      E: wait = stopped by SIGSEGV
    `,
  }),

  scenario({
    id: 'autoattached-child-pending-sigstop',
    title: 'A child that was attached at its fork stops before its first instruction',
    source: [stackedEvents, manual('ptrace(2)', 'PTRACE_O_TRACEFORK')],
    tags: ['auto-attach', 'clone', 'attach', 'seize'],
    rule:
      'The stop is pending when the child is made, so it cannot get ahead of its tracer: it stands where fork returns, with the result 0, and has written ' +
      'nothing. It is a SIGSTOP, or where the parent was seized an EVENT_STOP, of which no signal is left.',
    since: '3.4',
    play(s) {
      firstStop(s, ['E', 'K'], 'seize');
      firstStop(s, ['F', 'L'], 'attach');
    },
    expect: `
      E: CONT = 0
      E: wait = event FORK
      E: event message = K
      K: wait = event STOP SIGTRAP
      K: stands where the fork of E returns = true
      K: result of its fork = 0
      K: has run = false
      K: CONT = 0
      K: wait = exited 6
      F: CONT = 0
      F: wait = event FORK
      F: event message = L
      L: wait = stopped by SIGSTOP
      L: stands where the fork of F returns = true
      L: result of its fork = 0
      L: has run = false
      L: CONT = 0
      L: wait = exited 6
    `,
  }),

  scenario({
    id: 'resume-clears-stopped-flag',
    title: 'CONT from a group-stop runs the tracee but leaves its process stopped, as its parent sees',
    source: [stackedEvents, manual('ptrace(2)', 'Group-stop')],
    tags: ['group-stop', 'wait', 'real-parent'],
    rule:
      "Job control is the parent's affair and tracing the tracer's. The restart is of one tracee; that the process is stopped is told to the parent, " +
      'and only SIGCONT ends it.',
    since: '3.0',
    history:
      'Up to 2.6.39 a restart also took the mark of the stop from the process, a bug that was kept for compatibility: the parent saw no stop, and after ' +
      'DETACH the process ran.',
    play(s) {
      const p = new RealParent(s, (c) => c.loop((again) => again.pause()), 'P');
      const e = p.child;
      e.untilAsleep();
      e.attach();
      e.wait();
      e.cont();
      e.kill('SIGSTOP');
      e.wait();
      e.cont('SIGSTOP');
      e.wait();
      e.cont();
      e.rest();
      e.state();
      p.poll(undefined, 'poll for E');
      e.kill('SIGCONT');
      e.wait();
      p.poll(undefined, 'poll for E');
      p.poll(undefined, 'poll for E');
    },
    expect: `
      E: ATTACH = 0
      E: wait = stopped by SIGSTOP
      E: CONT = 0
      E: kill SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: CONT SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: CONT = 0
      E: state = S (sleeping)
      P: poll for E = stopped by SIGSTOP
      E: kill SIGCONT = 0
      E: wait = stopped by SIGCONT
      P: poll for E = continued
      P: poll for E = nothing
    `,
  }),
];
