/** rr's tests of attaching, of seizing, of SIGCHLD for tracers, and of killing. */
import { PTRACE } from '../../../kernel/requests.js';
import { SIG } from '../../../kernel/signals.js';
import { W } from '../../../kernel/wait-flags.js';
import { type ChildScript, SA } from '../../../raw/child.js';
import { untilRuns } from '../../parts/activity.js';
import { ask } from '../../parts/script-requests.js';
import { tellFound, waitInto } from '../../parts/script-waits.js';
import { anyonesPauser } from '../../parts/sleepers.js';
import { manual, scenario, suite, type Scenario } from '../../scenario.js';

/** A process that counts, and calls nothing. */
function counts(c: ChildScript): void {
  c.loop((again) => again.increment('count'));
}

/** A child of a script's that stops by SIGUSR1 as its tracee when a word of its own says so. */
function stopsWhenTold(child: ChildScript): void {
  child.traceme().waitUntil('gate', '!=', 0).setMask().tgkillSelf('SIGUSR1').exitGroup(0);
}

export const rrAttach: readonly Scenario[] = [
  scenario({
    id: 'ptrace_attach_null_status',
    title: 'A tracer may wait for a stop without wanting to know its status',
    source: [suite('rr', 'ptrace_attach_null_status'), manual('wait4(2)', 'DESCRIPTION')],
    tags: ['attach', 'wait'],
    rule: 'A null pointer in the place of the status consumes the report all the same.',
    play(s) {
      const e = anyonesPauser(s, 'E');
      const t = s.child('T', (c) => {
        ask(c, 'ATTACH', PTRACE.ATTACH, e.tid);
        c.syscall('wait4', e.tid, 0, W.__WALL, 0).store('wait');
        waitInto(c, 'second wait', e.tid, W.__WALL | W.WNOHANG);
        ask(c, 'DETACH', PTRACE.DETACH, e.tid);
        c.store('done', 1).loop((again) => again.pause());
      });
      t.untilSet('done');
      t.result('ATTACH');
      t.observe('wait with the null pointer', s.nameOf(Number(t.word('wait'))));
      tellFound(t, 'second wait');
      t.result('DETACH');
    },
    expect: `
      T: ATTACH = 0
      T: wait with the null pointer = E
      T: second wait = nothing
      T: DETACH = 0
    `,
  }),

  scenario({
    id: 'ptrace_attach_running',
    title: 'ATTACH gives the same one stop by SIGSTOP whether the process ran, slept or was stopped',
    source: [
      suite('rr', 'ptrace_attach_running'),
      suite('rr', 'ptrace_attach_sleeping'),
      suite('rr', 'ptrace_attach_stopped'),
    ],
    also: ['ptrace_attach_sleeping', 'ptrace_attach_stopped'],
    tags: ['attach', 'group-stop', 'signals'],
    rule:
      'It is a signal-delivery-stop for the first two and the group-stop of the third, where the SIGSTOP of ATTACH is still to come. Whoever attaches need ' +
      'not know the state before: one wait, and the tracee stands.',
    since: '3.0',
    play(s) {
      const running = s.child('running', counts);
      untilRuns(running, 'count');
      const sleeping = s.pauser('sleeping');
      const stopped = s.pauser('stopped');
      s.unrecorded(() => stopped.kill('SIGSTOP'));
      stopped.untilState('T');
      for (const e of [running, sleeping, stopped]) {
        e.attach();
        e.wait();
        e.poll();
        e.state();
        e.siginfo();
      }
      running.detach();
      untilRuns(running, 'count');
      sleeping.detach();
      sleeping.untilAsleep();
      sleeping.state();
      stopped.detach();
      stopped.rest();
      stopped.state();
    },
    expect: `
      running: ATTACH = 0
      running: wait = stopped by SIGSTOP
      running: poll = nothing
      running: state = t (tracing stop)
      running: siginfo = SIGSTOP SI_KERNEL from the kernel
      sleeping: ATTACH = 0
      sleeping: wait = stopped by SIGSTOP
      sleeping: poll = nothing
      sleeping: state = t (tracing stop)
      sleeping: siginfo = SIGSTOP SI_KERNEL from the kernel
      stopped: ATTACH = 0
      stopped: wait = stopped by SIGSTOP
      stopped: poll = nothing
      stopped: state = t (tracing stop)
      stopped: siginfo = EINVAL
      running: DETACH = 0
      sleeping: DETACH = 0
      sleeping: state = S (sleeping)
      stopped: DETACH = 0
      stopped: state = T (stopped)
    `,
  }),

  scenario({
    id: 'ptrace_attach_thread_running',
    title: 'ATTACH of a thread that is not the leader stops that thread alone, and is waited for by its id',
    source: [suite('rr', 'ptrace_attach_thread_running')],
    tags: ['attach', 'threads', 'wait'],
    rule:
      'The SIGSTOP of ATTACH goes to the thread, and as long as it is not delivered the others run. Before 4.7 such a thread was found by a wait with ' +
      '__WALL or __WCLONE only.',
    play(s) {
      const e = s.child('E', (c) => {
        c.thread((thread) =>
          thread
            .syscall('gettid')
            .store('thread')
            .loop((again) => again.increment('count')),
        );
        c.loop((again) => again.increment('count of the leader'));
      });
      const thread = s.adopt('thread', Number(e.untilSet('thread')));
      thread.attach();
      thread.wait(W.__WALL);
      thread.state();
      thread.tracer();
      e.tracer();
      untilRuns(e, 'count of the leader');
      const count = e.word('count');
      e.observe('the thread stands', e.word('count') === count);
      thread.detach();
      s.until('the thread runs', () => e.word('count') > count);
      thread.tracer();
    },
    expect: `
      thread: ATTACH = 0
      thread: wait = stopped by SIGSTOP
      thread: state = t (tracing stop)
      thread: tracer = R
      E: tracer = nobody
      E: the thread stands = true
      thread: DETACH = 0
      thread: tracer = nobody
    `,
  }),

  scenario({
    id: 'ptrace_seize',
    title:
      'A seized tracee that was resumed from its group-stop runs, and every INTERRUPT of it reports the group-stop again',
    source: [suite('rr', 'ptrace_seize'), manual('ptrace(2)', 'Group-stop')],
    tags: ['seize', 'interrupt', 'group-stop'],
    rule:
      'CONT from a group-stop runs the tracee although its process is stopped still, for all the world. So the EVENT_STOP that INTERRUPT brings has the ' +
      'stop signal, not SIGTRAP, until SIGCONT ends the stop.',
    since: '3.4',
    play(s) {
      const e = s.child('E', counts);
      e.seize();
      untilRuns(e, 'count');
      e.kill('SIGSTOP');
      e.wait();
      e.cont('SIGSTOP');
      e.wait();
      e.cont();
      untilRuns(e, 'count');
      e.interrupt();
      e.wait();
      // And without waiting until it runs.
      e.cont();
      e.interrupt();
      e.wait();
      e.siginfo();
    },
    expect: `
      E: SEIZE = 0
      E: kill SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: CONT SIGSTOP = 0
      E: wait = event STOP SIGSTOP
      E: CONT = 0
      E: INTERRUPT = 0
      E: wait = event STOP SIGSTOP
      E: CONT = 0
      E: INTERRUPT = 0
      E: wait = event STOP SIGSTOP
      E: siginfo = SIGSTOP 0x8013 from E
    `,
  }),

  scenario({
    id: 'ptrace_sigchld',
    title: 'The SIGCHLD of a tracee’s stop interrupts the tracer’s wait for another child, and says CLD_TRAPPED',
    source: [suite('rr', 'ptrace_sigchld'), manual('ptrace(2)', 'Stopped states')],
    tags: ['wait', 'signals', 'tracer'],
    rule:
      'A stop is told to the tracer like a change of a child: by SIGCHLD, with the signal of the stop as its status. A handler without SA_RESTART ends ' +
      'a wait that has nothing to do with the tracee.',
    play(s) {
      const t = s.child('T', (c) => {
        c.handle(
          'SIGCHLD',
          (h) => {
            h.increment('SIGCHLD');
            h.compute(h.register(1), 'add', 8).loadAt(h.register(0), 4).store('si_code');
            h.compute(h.register(1), 'add', 24).loadAt(h.register(0), 4).store('si_status');
          },
          { flags: SA.SIGINFO },
        );
        c.fork((other) => other.loop((again) => again.pause())).store('other');
        c.fork(stopsWhenTold).store('E');
        waitInto(c, 'wait for another child', c.word('other'), 0);
        waitInto(c, 'wait for E', c.word('E'), 0);
        c.store('done', 1).loop((again) => again.pause());
      });
      const e = s.adoptFork('E', Number(t.untilSet('E')), t);
      e.untilState('S');
      t.untilAsleep();
      e.setWord('gate', 1n);
      t.untilSet('done');
      tellFound(t, 'wait for another child');
      t.observe('signals SIGCHLD', t.word('SIGCHLD'));
      // CLD_TRAPPED, SIGUSR1
      t.observe('si_code', t.word('si_code'));
      t.observe('si_status', t.word('si_status'));
      tellFound(t, 'wait for E');
    },
    expect: `
      T: wait for another child = EINTR
      T: signals SIGCHLD = 1
      T: si_code = 4
      T: si_status = ${SIG.SIGUSR1}
      T: wait for E = E stopped by SIGUSR1
    `,
  }),

  scenario({
    id: 'sigchld_blocked',
    title: 'A tracer that blocks SIGCHLD, or all signals, waits for its tracees as any other',
    source: [suite('rr', 'ptrace_sigchld_blocked')],
    also: ['ptrace_sigchld_blocked'],
    tags: ['wait', 'signals', 'sigmask', 'tracer'],
    rule: 'What wakes a wait is the report, not the signal. The SIGCHLD stays pending, one for any number of reports.',
    play(s) {
      const t = s.child('T', (c) => {
        c.block(...Array.from({ length: 31 }, (_, n) => n + 1));
        c.fork(stopsWhenTold).store('E');
        waitInto(c, 'first wait', c.word('E'), 0);
        ask(c, 'CONT', PTRACE.CONT, c.word('E'));
        waitInto(c, 'second wait', c.word('E'), 0);
        c.store('done', 1).loop((again) => again.pause());
      });
      const e = s.adoptFork('E', Number(t.untilSet('E')), t);
      t.untilAsleep();
      e.setWord('gate', 1n);
      t.untilSet('done');
      tellFound(t, 'first wait');
      t.result('CONT');
      tellFound(t, 'second wait');
      t.pending();
    },
    expect: `
      T: first wait = E stopped by SIGUSR1
      T: CONT = 0
      T: second wait = E exited 0
      T: pending = SIGCHLD
    `,
  }),

  scenario({
    id: 'kill_ptracee',
    title:
      'A tracee that PTRACE_KILL and SIGKILL have met ends, whether it ran or stood, and whatever the tracer asks still',
    source: [suite('rr', 'kill_ptracee')],
    tags: ['sigkill', 'kill', 'death'],
    rule:
      'SIGKILL resumes a tracee from its stop. A CONT that comes after it may find it gone from the stop (ESRCH); nothing that the tracer does keeps it ' +
      'alive.',
    since: '3.4',
    play(s) {
      const running = s.child('running', counts);
      running.seize();
      const standing = s.pauser('standing');
      standing.seize();
      standing.interrupt();
      standing.wait();
      for (const e of [running, standing]) {
        e.ptraceKill();
        e.kill('SIGKILL');
        e.cont();
        e.wait();
      }
    },
    expect: `
      running: SEIZE = 0
      standing: SEIZE = 0
      standing: INTERRUPT = 0
      standing: wait = event STOP SIGTRAP
      running: KILL = 0
      running: kill SIGKILL = 0
      running: CONT = ESRCH
      running: wait = killed by SIGKILL
      standing: KILL = 0
      standing: kill SIGKILL = 0
      standing: CONT = 0 | ESRCH
      standing: wait = killed by SIGKILL
    `,
  }),
];
