/** Tasks that come to a tracer by themselves, and the thread that becomes another by an execve. */
import { commit, manual, scenario, type Scenario } from '../../scenario.js';
import { PTRACE_O } from '../../../kernel/options.js';
import { W } from '../../../kernel/wait-flags.js';
import type { ChildScript } from '../../../raw/child.js';

function forks(c: ChildScript): void {
  c.fork((child) => child.loop((again) => again.pause()));
  c.loop((again) => again.pause());
}

export const autoAttach: readonly Scenario[] = [
  scenario({
    id: 'seized-autoattach-no-sigstop',
    title: 'The child of a seized tracee that is attached automatically begins with EVENT_STOP, and no SIGSTOP is sent',
    source: [commit('d184d6eb1dc3', 'ptrace: dont send SIGSTOP on auto-attach if PT_SEIZED')],
    tags: ['seize', 'fork', 'event-stop', 'group-stop'],
    rule:
      'A new tracee stops before its first instruction. A SIGSTOP for that could be merged with one that somebody sends, or come after one, so that the ' +
      'tracer cannot tell which of them to pass on. A seized tracee’s child traps without a signal. It is no part of its parent’s stopped group.',
    since: '3.4',
    play(s) {
      const e = s.child('E', (c) => {
        forks(c.tgkillSelf('SIGSTOP'));
      });
      e.wait(W.WUNTRACED);
      e.seize();
      e.wait();
      e.setOptions(PTRACE_O.TRACEFORK);
      e.cont();
      e.wait();
      const child = e.newTask('C');
      child.wait();
      child.siginfo();
      child.pending();
      child.cont();
      child.poll();
    },
    expect: `
      E: wait = stopped by SIGSTOP
      E: SEIZE = 0
      E: wait = event STOP SIGSTOP
      E: SETOPTIONS = 0
      E: CONT = 0
      E: wait = event FORK
      E: event message = C
      C: wait = event STOP SIGTRAP
      C: siginfo = SIGTRAP 0x8005 from C
      C: pending = none
      C: CONT = 0
      C: poll = nothing
    `,
  }),

  scenario({
    id: 'traceme-autoattach-sigstop',
    title:
      'The child of a tracee of TRACEME or ATTACH that is attached automatically begins with a SIGSTOP that nobody sent',
    source: [
      commit('dcace06cc29c', 'ptrace: mv send-SIGSTOP from do_fork() to ptrace_init_task()'),
      manual('ptrace(2)', 'Attaching and detaching'),
    ],
    tags: ['traceme', 'attach', 'fork'],
    rule:
      'Without SEIZE a SIGSTOP is made pending for the new tracee, with no sender. It is a signal like any other: a tracer that does not hold it back ' +
      'stops the child for job control.',
    since: '3.0',
    play(s) {
      for (const by of ['traceme', 'attach'] as const) {
        const e = s.tracee(by === 'traceme' ? 'M' : 'A', forks, { by, options: PTRACE_O.TRACEFORK });
        e.cont();
        e.wait();
        const child = e.newTask(`child of ${e.name}`);
        child.wait();
        child.siginfo();
        child.cont();
        child.poll();
      }
    },
    expect: `
      M: CONT = 0
      M: wait = event FORK
      M: event message = child of M
      child of M: wait = stopped by SIGSTOP
      child of M: siginfo = SIGSTOP SI_USER from the kernel
      child of M: CONT = 0
      child of M: poll = nothing
      A: CONT = 0
      A: wait = event FORK
      A: event message = child of A
      child of A: wait = stopped by SIGSTOP
      child of A: siginfo = SIGSTOP SI_USER from the kernel
      child of A: CONT = 0
      child of A: poll = nothing
    `,
  }),

  scenario({
    id: 'exec-former-tid-in-eventmsg',
    title: 'At EVENT_EXEC the event message is the tid that the executing thread had before',
    source: [
      commit(
        'bb188d7e64de',
        'ptrace: make former thread ID available via PTRACE_GETEVENTMSG after PTRACE_EVENT_EXEC stop',
      ),
      manual('ptrace(2)', 'execve(2) under ptrace'),
    ],
    tags: ['exec', 'threads', 'event-message'],
    rule:
      'Whichever thread executes, it goes on under the pid of the process, and its old id is gone without a report. The message is how a tracer learns ' +
      'which of its tracees that was; of a leader it is the pid itself.',
    since: '3.4',
    play(s) {
      const e = s.child('E', (c) => {
        c.thread((t) => t.syscall('gettid').store('T').waitUntil('gate', '!=', 0).exec('/bin/sh', ['sh', '-c', '']));
        c.loop((again) => again.pause());
      });
      const t = s.adopt('T', Number(e.untilSet('T')));
      e.seize(PTRACE_O.TRACEEXEC);
      t.seize(PTRACE_O.TRACEEXEC);
      e.setWord('gate', 1n);
      e.wait();
      e.eventMessage();
      t.wait();
      const alone = s.child('L', (c) => c.waitUntil('gate', '!=', 0).exec('/bin/sh', ['sh', '-c', '']));
      alone.seize(PTRACE_O.TRACEEXEC);
      alone.setWord('gate', 1n);
      alone.wait();
      alone.eventMessage();
    },
    expect: `
      E: SEIZE = 0
      T: SEIZE = 0
      E: wait = event EXEC
      E: event message = T
      T: wait = ECHILD
      L: SEIZE = 0
      L: wait = event EXEC
      L: event message = L
    `,
  }),
];
