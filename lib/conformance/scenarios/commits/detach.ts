/** What a tracee does when its tracer lets it go, and that it does nothing else. */
import { beating, runs } from '../../parts/activity.js';
import { helper } from '../../parts/helper-process.js';
import { ask } from '../../parts/script-requests.js';
import { tell, waitInto } from '../../parts/script-waits.js';
import { commit, scenario, type Scenario } from '../../scenario.js';
import { PTRACE } from '../../../kernel/requests.js';
import { SIG } from '../../../kernel/signals.js';

export const detach: readonly Scenario[] = [
  scenario({
    id: 'detach-restores-running-or-stopped',
    title: 'However a tracee is let go, it is stopped afterwards if its group is, and runs if not',
    source: [commit('0e9f0a4abfd8', 'ptrace: Always put ptracee into appropriate execution state')],
    tags: ['detach', 'tracer-death', 'group-stop', 'attach'],
    rule:
      'A tracer can let a tracee run while its group is stopped. When it goes, by PTRACE_DETACH or by its death, the tracee takes the state that job ' +
      'control has for it. It used to run on, in a group that was stopped.',
    since: '3.0',
    play(s) {
      const e = s.child('E', (c) => {
        c.setPtracerAny();
        beating(c);
      });
      e.untilSet('beats');
      const x = helper(s, 'X', (c) => {
        ask(c, 'ATTACH', PTRACE.ATTACH, e.tid);
        waitInto(c, 'wait', e.tid);
        ask(c, 'CONT SIGSTOP', PTRACE.CONT, e.tid, 0, SIG.SIGSTOP);
        waitInto(c, 'wait for the group-stop', e.tid);
        ask(c, 'CONT', PTRACE.CONT, e.tid);
      });
      tell(x, 'ATTACH', 'wait', 'CONT SIGSTOP', 'wait for the group-stop', 'CONT');
      runs(e);
      x.setWord('gate', 1n);
      x.wait();
      e.rest();
      e.state();
      e.tracer();
      // The same by DETACH, of a tracee that was resumed and stopped for a signal.
      e.attach();
      e.wait();
      e.cont();
      e.wait();
      e.siginfo();
      e.detach();
      e.rest();
      e.state();
      // And with a group that runs.
      e.kill('SIGCONT');
      runs(e);
      e.attach();
      e.wait();
      e.detach();
      runs(e);
    },
    expect: `
      X: ATTACH = 0
      X: wait = stopped by SIGSTOP
      X: CONT SIGSTOP = 0
      X: wait for the group-stop = stopped by SIGSTOP
      X: CONT = 0
      E: runs = true
      X: wait = exited 0
      E: state = T (stopped)
      E: tracer = nobody
      E: ATTACH = 0
      E: wait = stopped by SIGSTOP
      E: CONT = 0
      E: wait = stopped by SIGSTOP
      E: siginfo = SIGSTOP SI_KERNEL from the kernel
      E: DETACH = 0
      E: state = T (stopped)
      E: kill SIGCONT = 0
      E: runs = true
      E: ATTACH = 0
      E: wait = stopped by SIGSTOP
      E: DETACH = 0
      E: runs = true
    `,
  }),

  scenario({
    id: 'detach-does-not-spuriously-wake',
    title: 'A sleeping process that is attached to and let go sleeps on: pause(2) does not return',
    source: [
      commit('9f2bf6513a6', 'ptrace: remove the extra wake_up_state() from ptrace_detach()'),
      commit('95a3540da9c', 'ptrace_detach: the wrong wakeup breaks the ERESTARTxxx logic'),
    ],
    tags: ['detach', 'attach', 'syscall-restart'],
    rule:
      'DETACH ends a ptrace-stop; it wakes nobody who has gone to sleep meanwhile. It used to wake the task once more, and a system call that had just ' +
      'been restarted returned without a reason.',
    since: '3.0',
    play(s) {
      const TIMES = 60;
      const e = s.child('E', (c) => c.loop((again) => again.pause().increment('returned')));
      e.untilAsleep();
      s.unrecorded(() => {
        for (let i = 0; i < TIMES; i++) {
          e.mustSucceed(e.attach(), 'ATTACH');
          e.expectStop(SIG.SIGSTOP);
          e.mustSucceed(e.detach(), 'DETACH');
        }
      });
      e.rest();
      e.state();
      e.result('returned', 'times that pause returned');
    },
    expect: `
      E: state = S (sleeping)
      E: times that pause returned = 0
    `,
  }),

  scenario({
    id: 'resume-does-not-wake-nontraced',
    title: 'PTRACE_KILL of a tracee that sleeps does not make its system call return',
    source: [
      commit('0666fb51b148', "ptrace: ptrace_resume() shouldn't wake up !TASK_TRACED thread"),
      commit('6a2d90ba027a', 'ptrace: Reimplement PTRACE_KILL by always sending SIGKILL'),
    ],
    tags: ['kill', 'traceme', 'syscall-restart'],
    rule:
      'PTRACE_KILL was a resume with SIGKILL, made without a look at what the tracee did. One that slept was woken, and pause(2) gave errno 514, which no ' +
      'program should ever see. Then it did nothing to a tracee that was not stopped, but said 0. Now it is kill(2) with SIGKILL.',
    since: '5.19',
    history:
      'From 3.0 to 5.18 the tracee stayed asleep. Later stable releases of older series send SIGKILL as well: 5.10.223 does.',
    play(s) {
      const e = s.child('E', (c) =>
        c
          .traceme()
          .store('TRACEME')
          .loop((again) => again.pause().store('pause').increment('returned')),
      );
      e.untilAsleep();
      e.result('TRACEME');
      e.ptraceKill();
      if (e.poll() === undefined) e.result('returned', 'times that pause returned');
    },
    expect: `
      E: TRACEME = 0
      E: KILL = 0
      E: poll = killed by SIGKILL
    `,
  }),
];
