/** Group-stops under ptrace: who takes part, and how often it is told. Of the series of March to June 2011. */
import { RealParent } from '../../parts/real-parent.js';
import { twoSleepers } from '../../parts/sleepers.js';
import { tracedPair, traceSleeping } from '../../parts/tracing.js';
import { commit, scenario, type Scenario } from '../../scenario.js';
import { SIG } from '../../../kernel/signals.js';
import { procState, procTasks } from '../../../proc.js';
import { PTRACE_O } from '../../../kernel/options.js';

const once = commit('39efa3ef3a37', 'signal: Use GROUP_STOP_PENDING to stop once for a single group stop');

export const groupStop: readonly Scenario[] = [
  scenario({
    id: 'gstop-premature-completion',
    title: 'A group-stop stops every thread, whatever a tracer makes one of them do meanwhile',
    source: [commit('e5c1902e9260', 'signal: Fix premature completion of group stop when interfered by ptrace')],
    tags: ['group-stop', 'threads', 'attach', 'step'],
    rule:
      'A group-stop is complete when each thread has taken part in it once. A tracee that is resumed from its group-stop and sent into another used ' +
      'to count again, so the count was used up before other threads had seen that they were to stop, and these ran on.',
    since: '3.0',
    play(s) {
      const THREADS = 4;
      const e = s.child('E', (c) => {
        for (let i = 0; i < THREADS; i++) c.thread((t) => t.spin());
        c.spin();
      });
      s.until('E has its threads', () => procTasks(e.tid)?.length === 1 + THREADS);
      const stopped = (): number =>
        (procTasks(e.tid) ?? []).filter((tid) => tid !== e.tid && procState(tid) === 'T').length;
      e.attach();
      e.wait();
      const again = (rounds: number): void => {
        s.unrecorded(() => {
          for (let i = 0; i < rounds; i++) {
            e.mustSucceed(e.step(SIG.SIGSTOP), 'SINGLESTEP');
            e.wait();
          }
        });
      };
      again(12);
      s.until('all threads that nobody traces are stopped', () => stopped() === THREADS);
      again(12);
      e.observe('threads that nobody traces in state T', stopped());
    },
    expect: `
      E: ATTACH = 0
      E: wait = stopped by SIGSTOP
      E: threads that nobody traces in state T = 4
    `,
  }),

  scenario({
    id: 'gstop-report-once-per-stop',
    title: 'A tracee that is resumed from a group-stop does not stop for it a second time',
    source: [once],
    tags: ['group-stop', 'threads', 'seize'],
    rule:
      'Each thread stops at most once for one group-stop. The stop is not complete while another thread stands in a trap of another kind; a tracee ' +
      'that is resumed meanwhile used to look at the count of the group, find it unfinished, and stop again and again.',
    since: '3.4',
    play(s) {
      const { e, t } = tracedPair(s, 'seize');
      t.tgkill('SIGUSR1');
      t.wait();
      e.tgkill('SIGSTOP');
      e.wait();
      e.cont('SIGSTOP');
      e.wait();
      e.cont();
      e.poll();
      // T has not stopped yet. What E does with its signals must not remind it of the stop.
      e.tgkill('SIGUSR2');
      e.wait();
      e.cont();
      e.poll();
      t.cont();
      t.wait();
      e.poll();
      e.state();
    },
    expect: `
      T: tgkill SIGUSR1 = 0
      T: wait = stopped by SIGUSR1
      E: tgkill SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: CONT SIGSTOP = 0
      E: wait = event STOP SIGSTOP
      E: CONT = 0
      E: poll = nothing
      E: tgkill SIGUSR2 = 0
      E: wait = stopped by SIGUSR2
      E: CONT = 0
      E: poll = nothing
      T: CONT = 0
      T: wait = event STOP SIGSTOP
      E: poll = nothing
      E: state = S (sleeping)
    `,
  }),

  scenario({
    id: 'gstop-tracee-in-trap-participates',
    title: 'A tracee that stood in another stop when a group-stop began takes part in it as soon as it is resumed',
    source: [once, commit('73ddff2bee15', 'job control: introduce JOBCTL_TRAP_STOP and use it for group stop trap')],
    tags: ['group-stop', 'threads', 'attach'],
    rule:
      'A group-stop is pending for each thread by itself, and waits for the end of the stop that the thread is in. A tracer that resumes one thread ' +
      'with SIGSTOP must expect the others to report the group-stop too, those included that it holds in a stop.',
    since: '3.0',
    play(s) {
      const { e, t } = tracedPair(s, 'attach');
      t.tgkill('SIGUSR1');
      t.wait();
      e.tgkill('SIGSTOP');
      e.wait();
      e.cont('SIGSTOP');
      e.wait();
      e.siginfo();
      t.poll();
      t.siginfo();
      t.cont();
      t.wait();
      t.siginfo();
      t.state();
    },
    expect: `
      T: tgkill SIGUSR1 = 0
      T: wait = stopped by SIGUSR1
      E: tgkill SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: CONT SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: siginfo = EINVAL
      T: poll = nothing
      T: siginfo = SIGUSR1 SI_TKILL from R
      T: CONT = 0
      T: wait = stopped by SIGSTOP
      T: siginfo = EINVAL
      T: state = t (tracing stop)
    `,
  }),

  scenario({
    id: 'trap-does-not-count-as-gstop',
    title: 'A group-stop is not complete while a tracee of the group stands in a stop of another kind',
    source: [
      commit(
        '0ae8ce1c8c5b',
        'ptrace: Participate in group stop from ptrace_stop() iff the task is trapping for group stop',
      ),
    ],
    tags: ['group-stop', 'threads', 'syscall-stop', 'real-parent'],
    rule:
      'Only the trap for the group-stop itself counts. Any ptrace-stop used to, so that the real parent was told that all had stopped while a thread ' +
      'was going to run on from a syscall-stop.',
    since: '3.4',
    play(s) {
      const rp = new RealParent(s, twoSleepers);
      const e = rp.child;
      const t = s.adopt('T', Number(e.untilSet('T')));
      for (const each of [e, t]) traceSleeping(each, 'seize', PTRACE_O.TRACESYSGOOD);
      s.unrecorded(() => {
        t.interrupt();
        t.expectStop(SIG.SIGTRAP);
      });
      t.syscall();
      t.wait();
      e.tgkill('SIGSTOP');
      e.wait();
      e.cont('SIGSTOP');
      e.wait();
      rp.poll();
      t.cont();
      t.wait();
      rp.poll();
    },
    expect: `
      T: SYSCALL = 0
      T: wait = syscall-stop
      E: tgkill SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: CONT SIGSTOP = 0
      E: wait = event STOP SIGSTOP
      RP: poll = nothing
      T: CONT = 0
      T: wait = event STOP SIGSTOP
      RP: poll = stopped by SIGSTOP
    `,
  }),

  scenario({
    id: 'gstop-under-attach-is-traced-state',
    title: 'In its group-stop a tracee is traced like in any other stop: SIGCONT does not resume it',
    source: [commit('5224fa3660ad', 'ptrace: Make do_signal_stop() use ptrace_stop() if the task is being ptraced')],
    tags: ['group-stop', 'attach', 'sigcont'],
    rule:
      'Only the tracer ends a ptrace-stop, the group-stop included. A tracee used to stand there in T (stopped), from where the first SIGCONT let it ' +
      'run away, and where requests changed its state behind its back. Without SEIZE the stop is known by GETSIGINFO: EINVAL.',
    since: '3.0',
    play(s) {
      const e = s.pauser();
      e.attach();
      e.wait();
      e.cont('SIGSTOP');
      e.wait();
      e.siginfo();
      e.state();
      e.kill('SIGCONT');
      e.poll();
      e.state();
      e.cont();
      e.wait();
    },
    expect: `
      E: ATTACH = 0
      E: wait = stopped by SIGSTOP
      E: CONT SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: siginfo = EINVAL
      E: state = t (tracing stop)
      E: kill SIGCONT = 0
      E: poll = nothing
      E: state = t (tracing stop)
      E: CONT = 0
      E: wait = stopped by SIGCONT
    `,
  }),

  scenario({
    id: 'stop-dequeued-per-thread',
    title: 'A stop signal that SIGCONT has cancelled stays so, though another thread takes a stop signal afterwards',
    source: [commit('ee77f0759217', 'signal: Turn SIGNAL_STOP_DEQUEUED into GROUP_STOP_DEQUEUED')],
    tags: ['group-stop', 'threads', 'sigcont', 'attach'],
    rule:
      'Whether a stop signal was taken since the last SIGCONT is noted for each thread. When it was noted for the whole process, the SIGTTIN that one ' +
      'thread took after the SIGCONT brought the SIGTSTP back to life that another had taken before it.',
    since: '3.0',
    play(s) {
      const { e, t } = tracedPair(s, 'attach');
      e.tgkill('SIGTSTP');
      e.wait();
      // To T: E stands in a stop.
      e.kill('SIGCONT');
      t.wait();
      t.cont();
      t.tgkill('SIGTTIN');
      t.wait();
      e.cont('SIGTSTP');
      e.poll();
      e.state();
      t.cont();
      t.poll();
      t.state();
    },
    expect: `
      E: tgkill SIGTSTP = 0
      E: wait = stopped by SIGTSTP
      E: kill SIGCONT = 0
      T: wait = stopped by SIGCONT
      T: CONT = 0
      T: tgkill SIGTTIN = 0
      T: wait = stopped by SIGTTIN
      E: CONT SIGTSTP = 0
      E: poll = nothing
      E: state = S (sleeping)
      T: CONT = 0
      T: poll = nothing
      T: state = S (sleeping)
    `,
  }),

  scenario({
    id: 'injected-stop-works-after-sigcont',
    title: 'A tracer that answers the report of SIGCONT with SIGSTOP stops its tracee',
    source: [commit('8a35241803ee', 'ptrace: fix ptrace_signal() && STOP_DEQUEUED interaction')],
    tags: ['group-stop', 'injection', 'sigcont', 'attach'],
    rule:
      'Whatever signal a tracee stopped for, the one that the tracer injects may be a stop signal, and it stops the process unless a SIGCONT has come ' +
      'since the report. A SIGCONT from before the report used to forbid it, and the tracer waited for ever.',
    since: '3.1',
    play(s) {
      const e = s.pauser();
      e.attach();
      e.wait();
      e.kill('SIGCONT');
      e.cont();
      e.wait();
      e.cont('SIGSTOP');
      e.wait();
      e.siginfo();
    },
    expect: `
      E: ATTACH = 0
      E: wait = stopped by SIGSTOP
      E: kill SIGCONT = 0
      E: CONT = 0
      E: wait = stopped by SIGCONT
      E: CONT SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: siginfo = EINVAL
    `,
  }),

  scenario({
    id: 'stop-cancelled-by-sigcont-between-report-and-resume',
    title: 'A SIGCONT that comes after the report of a stop signal cancels it, though the tracer injects it',
    source: [commit('8a35241803ee', 'ptrace: fix ptrace_signal() && STOP_DEQUEUED interaction')],
    tags: ['group-stop', 'injection', 'sigcont', 'attach', 'seize'],
    rule:
      'SIGCONT removes all stop signals that are on their way, the one included that the tracer holds in its hand. The tracer cannot tell that the ' +
      'injection came to nothing but by what comes next: of a tracee of SEIZE an EVENT_STOP with SIGTRAP, which says that there is no group-stop, ' +
      'then, as with ATTACH, the SIGCONT.',
    since: '3.4',
    play(s) {
      for (const by of ['attach', 'seize'] as const) {
        const e = s.pauser(by === 'attach' ? 'A' : 'S');
        traceSleeping(e, by);
        e.kill('SIGSTOP');
        e.wait();
        e.kill('SIGCONT');
        e.cont('SIGSTOP');
        e.wait();
        e.siginfo();
        e.cont();
        e.poll();
        if (by === 'seize') {
          e.siginfo();
          e.cont();
          e.poll();
        }
        e.state();
      }
    },
    expect: `
      A: kill SIGSTOP = 0
      A: wait = stopped by SIGSTOP
      A: kill SIGCONT = 0
      A: CONT SIGSTOP = 0
      A: wait = stopped by SIGCONT
      A: siginfo = SIGCONT SI_USER from R
      A: CONT = 0
      A: poll = nothing
      A: state = S (sleeping)
      S: kill SIGSTOP = 0
      S: wait = stopped by SIGSTOP
      S: kill SIGCONT = 0
      S: CONT SIGSTOP = 0
      S: wait = event STOP SIGTRAP
      S: siginfo = SIGTRAP 0x8005 from S
      S: CONT = 0
      S: poll = stopped by SIGCONT
      S: siginfo = SIGCONT SI_USER from R
      S: CONT = 0
      S: poll = nothing
      S: state = S (sleeping)
    `,
  }),
];
