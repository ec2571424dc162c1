/** fork, vfork and clone: who becomes a tracee, what the event says, and what the call reports afterwards. */
import { PTRACE_O } from '../../../kernel/options.js';
import { SIG } from '../../../kernel/signals.js';
import { W } from '../../../kernel/wait-flags.js';
import { CLONE } from '../../../raw/child.js';
import type { Actor } from '../../actor.js';
import { observeResult } from '../../parts/system-calls.js';
import { commit, manual, scenario, suite, type Scenario } from '../../scenario.js';

const PTRACED_CHILD = CLONE.PTRACE | SIG.SIGCHLD;

export const kernelClone: readonly Scenario[] = [
  scenario({
    id: 'clone-ptrace-flag-works-without-opts',
    title: 'A child of a tracee made with CLONE_PTRACE is a tracee too, without any option and without an event',
    source: [commit('5861bbfcc10f', 'tracehook: fix CLONE_PTRACE'), manual('clone(2)', 'CLONE_PTRACE')],
    tags: ['clone', 'auto-attach'],
    rule:
      'CLONE_PTRACE is the wish of the tracee, the options of SETOPTIONS are that of the tracer: either is enough to trace the child, and only the ' +
      'option makes an event. So a tracer can get a tracee that it has not asked for, by a SIGSTOP of an id it does not know.',
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .block('SIGCHLD')
            .clone(PTRACED_CHILD, (k) => k.exitGroup(7))
            .store('child')
            .loop((again) => again.pause()),
        { by: 'attach' },
      );
      e.cont();
      const k = s.adopt('K', Number(e.untilSet('child')));
      k.wait();
      k.siginfo();
      k.tracer();
      e.poll();
      k.cont();
      k.wait();
    },
    expect: `
      E: CONT = 0
      K: wait = stopped by SIGSTOP
      K: siginfo = SIGSTOP SI_USER from the kernel
      K: tracer = R
      E: poll = nothing
      K: CONT = 0
      K: wait = exited 7
    `,
  }),

  scenario({
    id: 'clone-ptrace-by-untraced-is-noop',
    title: 'CLONE_PTRACE of a process that nobody traces does nothing: no tracer, no SIGSTOP',
    source: [
      commit('087eb437051', 'ptrace: tracehook_report_clone: fix false positives'),
      manual('clone(2)', 'CLONE_PTRACE'),
    ],
    tags: ['clone', 'auto-attach'],
    rule:
      'The flag means "if I am traced, trace the child". Up to 2.6.30 the child of an untraced process could get the SIGSTOP of a new tracee though ' +
      'nobody was there to wait for it, and stayed stopped.',
    play(s) {
      const p = s.child('P', (c) =>
        c
          .clone(PTRACED_CHILD, (k) => k.loop((again) => again.pause()))
          .store('child')
          .loop((again) => again.pause()),
      );
      const k = s.adopt('K', Number(p.untilSet('child')));
      k.rest();
      k.tracer();
      k.pending();
      // In pause(2): one that had got the SIGSTOP would be in T.
      k.state();
    },
    expect: `
      K: tracer = nobody
      K: pending = none
      K: state = S (sleeping)
    `,
  }),

  scenario({
    id: 'clone-event-then-syscall-reports-exit',
    title:
      'SYSCALL at a fork event stops at the exit of that fork, also when its entry was passed by CONT; SINGLESTEP traps there',
    source: [
      commit('b60e714dc3e', 'x86: ptrace: sysret path should reach syscall_trace_leave'),
      suite('ptrace-tests', 'syscall-from-clone'),
      suite('ptrace-tests', 'step-from-clone'),
    ],
    also: ['syscall-from-clone', 'step-from-clone'],
    tags: ['clone', 'event-stop', 'syscall-stop', 'step'],
    rule:
      'The event is reported from within the system call. What the tracer asks for at it holds for the rest of the call, so the exit must look again ' +
      'whether it is traced. x86 kernels before 2.6.32 decided that at the entry: the stop was missed and the next one was the entry of another call.',
    needs: ['step.single'],
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .block('SIGCHLD')
            .loop((again) => again.fork((k) => k.exitGroup(0)), 2)
            .exitGroup(5),
        { options: PTRACE_O.TRACEFORK | PTRACE_O.TRACESYSGOOD },
      );
      e.cont();
      e.wait();
      e.newTask('K');
      e.syscall();
      e.wait();
      const exit = e.registers();
      observeResult(e);
      e.cont();
      e.wait();
      e.newTask('L');
      e.step();
      e.wait();
      observeResult(e);
      e.observe('at the same place', e.registers().pc === exit.pc);
      e.cont();
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = event FORK
      E: event message = K
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: result = K
      E: CONT = 0
      E: wait = event FORK
      E: event message = L
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: result = L
      E: at the same place = true
      E: CONT = 0
      E: wait = exited 5
    `,
  }),

  scenario({
    id: 'pid-ns-event-messages',
    title: 'The message of a fork, vfork or vfork-done event is the child in the pid namespace of the tracer',
    source: [
      commit('4e52365f2795', 'ptrace: fix fork event messages across pid namespaces'),
      manual('ptrace(2)', 'PTRACE_GETEVENTMSG'),
    ],
    tags: ['clone', 'event-stop', 'namespaces'],
    rule:
      'A process in a pid namespace of its own has one number there and another for the tracer outside. The message is to be used by the tracer, so it ' +
      "has the tracer's. Up to 3.15 it had the number of the forking process's namespace, and a tracer that went on with it hit a stranger.",
    since: '3.16',
    needs: ['pid-namespaces'],
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .block('SIGCHLD')
            .clone(CLONE.NEWPID | SIG.SIGCHLD, (first) =>
              first
                .fork((g) => g.exitGroup(4))
                .store('number')
                .vfork((v) => v.exitGroup(5))
                .store('second number')
                .loop((again) => again.pause()),
            )
            .loop((again) => again.pause()),
        { options: PTRACE_O.TRACEFORK | PTRACE_O.TRACEVFORK | PTRACE_O.TRACEVFORKDONE },
      );
      e.cont();
      e.wait();
      const first = e.newTask('N');
      first.wait();
      first.cont();
      first.wait();
      const g = first.newTask('G');
      g.wait();
      g.cont();
      g.wait();
      first.cont();
      first.wait();
      first.observe('number of G in its namespace', first.wordAt(e.address('number')));
      const v = first.newTask('V');
      v.wait();
      v.cont();
      v.wait();
      first.cont();
      first.wait();
      first.eventMessage();
      first.cont();
      first.untilAsleep();
      first.observe('number of V in its namespace', first.wordAt(e.address('second number')));
    },
    expect: `
      E: CONT = 0
      E: wait = event FORK
      E: event message = N
      N: wait = event STOP SIGTRAP
      N: CONT = 0
      N: wait = event FORK
      N: event message = G
      G: wait = event STOP SIGTRAP
      G: CONT = 0
      G: wait = exited 4
      N: CONT = 0
      N: wait = event VFORK
      N: number of G in its namespace = 2
      N: event message = V
      V: wait = event STOP SIGTRAP
      V: CONT = 0
      V: wait = exited 5
      N: CONT = 0
      N: wait = event VFORK_DONE
      N: event message = V
      N: CONT = 0
      N: number of V in its namespace = 3
    `,
  }),

  scenario({
    id: 'new-thread-joins-group-stop',
    title: 'A thread made while the process is stopped, by a tracee that was restarted, takes part in that group-stop',
    source: [
      commit('924de3b8c941', 'fork: Have new threads join on-going signal group stops'),
      commit('7b3c36fc4c23', 'ptrace: fix task_join_group_stop() for the case when current is traced'),
    ],
    tags: ['group-stop', 'threads', 'clone', 'seize'],
    rule:
      'CONT lets one tracee run while its process stays stopped. What it creates belongs to the stopped process, so a new thread stops before its first ' +
      'instruction: in T when nobody traces it, in a group-stop of its own, with the stop signal, when it is auto-attached.',
    since: '5.10',
    history: 'Before 4.18, and for a traced creator before 5.10, the new thread ran.',
    play(s) {
      const begin = (name: string): Actor => {
        const made = s.child(name, (c) =>
          c
            .setPtracerAny()
            .waitUntil('gate', '!=', 0)
            .thread((t) => t.store('ran', 1).loop((again) => again.pause()))
            .store('thread')
            .loop((again) => again.pause()),
        );
        made.kill('SIGSTOP');
        made.wait(W.WUNTRACED);
        made.setWord('gate', 1n);
        return made;
      };
      const e = begin('E');
      e.seize(PTRACE_O.TRACECLONE);
      e.wait();
      e.cont();
      e.wait();
      const t = e.newTask('T');
      t.wait();
      t.siginfo();
      e.observe('T has run', e.word('ran') !== 0n);

      const f = begin('F');
      f.seize();
      f.wait();
      f.cont();
      const u = s.adopt('U', Number(f.untilSet('thread')));
      u.untilState('T');
      u.state();
      f.observe('U has run', f.word('ran') !== 0n);
    },
    expect: `
      E: kill SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: SEIZE = 0
      E: wait = event STOP SIGSTOP
      E: CONT = 0
      E: wait = event CLONE
      E: event message = T
      T: wait = event STOP SIGSTOP
      T: siginfo = SIGSTOP 0x8013 from T
      E: T has run = false
      F: kill SIGSTOP = 0
      F: wait = stopped by SIGSTOP
      F: SEIZE = 0
      F: wait = event STOP SIGSTOP
      F: CONT = 0
      U: state = T (stopped)
      F: U has run = false
    `,
  }),
];
