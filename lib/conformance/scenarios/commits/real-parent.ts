/** What the real parent of a tracee sees of its job control: neither less than without a tracer, nor more. */
import { RealParent } from '../../parts/real-parent.js';
import { ask } from '../../parts/script-requests.js';
import { blockSigchld, takeSigchld, tellSigchld } from '../../parts/script-sigchld.js';
import { tell, waitInto } from '../../parts/script-waits.js';
import { anyonesSleeper, twoSleepers } from '../../parts/sleepers.js';
import { traceSleeping } from '../../parts/tracing.js';
import { commit, manual, scenario, type Scenario } from '../../scenario.js';
import type { Stage } from '../../stage.js';
import { PTRACE } from '../../../kernel/requests.js';
import { SIG } from '../../../kernel/signals.js';
import { CLD, P_PID, W } from '../../../kernel/wait-flags.js';
import type { ChildScript } from '../../../raw/child.js';

/** Stops itself, and continues itself, each time that `go` is set: for that it must be let run while its group is stopped. */
function stopsAndContinues(c: ChildScript): void {
  c.loop((again) => {
    for (const signal of ['SIGSTOP', 'SIGCONT']) {
      again.tgkillSelf(signal).waitUntil('go', '!=', 0).store('go', 0);
    }
  });
}

/** The steps of both commits: the tracee stops and continues itself twice while it is traced; the real parent looks, or waits. */
function watchThroughTracer(s: Stage, waits: boolean): void {
  const rp = new RealParent(s, stopsAndContinues);
  const e = rp.child;
  const begin = (): void => {
    if (waits) rp.begin();
  };
  const see = (): void => {
    if (waits) rp.found();
    else rp.poll();
  };
  begin();
  see();
  e.attach();
  e.wait();
  e.cont();
  e.wait();
  e.cont('SIGSTOP');
  e.wait();
  begin();
  if (!waits) rp.poll();
  e.cont();
  for (let round = 0; round < 2; round++) {
    e.setWord('go', 1n);
    e.wait();
    see();
    begin();
    e.cont('SIGCONT');
    e.setWord('go', 1n);
    e.wait();
    e.cont('SIGSTOP');
    e.wait();
    see();
    begin();
    e.cont();
  }
}

const ROUND = `
  E: wait = stopped by SIGCONT
  RP: LOOK = continued
  E: CONT SIGCONT = 0
  E: wait = stopped by SIGSTOP
  E: CONT SIGSTOP = 0
  E: wait = stopped by SIGSTOP
  RP: LOOK = stopped by SIGSTOP
  E: CONT = 0
`;

const WATCHED = `
  RP: LOOK = stopped by SIGSTOP
  E: ATTACH = 0
  E: wait = stopped by SIGSTOP
  E: CONT = 0
  E: wait = stopped by SIGSTOP
  E: CONT SIGSTOP = 0
  E: wait = stopped by SIGSTOP
  RP: LOOK = nothing
  E: CONT = 0
  ${ROUND}
  ${ROUND}
`;

export const realParent: readonly Scenario[] = [
  scenario({
    id: 'no-double-clds-stopped-exitcode',
    title: 'A real parent that has waited for a stop sees no second one when a tracer resumes and stops the process',
    source: [commit('408a37de6c99', "job control: Don't set group_stop exit_code if re-entering job control stop")],
    tags: ['real-parent', 'group-stop', 'attach', 'wait'],
    rule:
      'While a group is stopped, a tracee that is resumed and stopped again re-enters the same stop; the real parent has one stop to wait for until SIGCONT. ' +
      'The SIGSTOP of ATTACH, injected, used to make a second.',
    since: '3.0',
    play(s) {
      const rp = new RealParent(s, anyonesSleeper);
      const e = rp.child;
      e.untilAsleep();
      e.kill('SIGSTOP');
      rp.wait();
      e.attach();
      e.wait();
      e.siginfo();
      rp.poll();
      e.cont('SIGSTOP');
      e.wait();
      e.siginfo();
      rp.poll();
      e.cont('SIGSTOP');
      e.wait();
      e.siginfo();
      rp.poll();
      e.detach();
      rp.poll();
      e.state();
    },
    expect: `
      E: kill SIGSTOP = 0
      RP: wait = stopped by SIGSTOP
      E: ATTACH = 0
      E: wait = stopped by SIGSTOP
      E: siginfo = EINVAL
      RP: poll = nothing
      E: CONT SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: siginfo = SIGSTOP SI_KERNEL from the kernel
      RP: poll = nothing
      E: CONT SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: siginfo = EINVAL
      RP: poll = nothing
      E: DETACH = 0
      RP: poll = nothing
      E: state = T (stopped)
    `,
  }),

  scenario({
    id: 'no-duplicate-sigchld-stop',
    title: 'A real parent gets one SIGCHLD for one stop, whatever stops a tracer sees in between',
    source: [commit('244056f9dbbc', "job control: Don't send duplicate job control stop notification while ptraced")],
    tags: ['real-parent', 'group-stop', 'attach', 'sigchld'],
    rule:
      'Re-entering a group-stop tells nobody but the tracer. Its SIGCHLD for a trap of a stopped group has CLD_STOPPED and, as the stop was waited for, no ' +
      'signal; for a signal-delivery-stop CLD_TRAPPED and the signal. The real parent used to get an empty CLD_STOPPED at the end.',
    since: '3.0',
    play(s) {
      const rp = new RealParent(s, anyonesSleeper);
      const e = rp.child;
      e.untilAsleep();
      e.kill('SIGSTOP');
      rp.sigchld();
      rp.wait();
      const x = s.child('X', (c) => {
        blockSigchld(c, 'SIGCHLD 1', 'SIGCHLD 2', 'SIGCHLD 3');
        ask(c, 'ATTACH', PTRACE.ATTACH, e.tid);
        takeSigchld(c, 'SIGCHLD 1');
        waitInto(c, 'wait 1', e.tid);
        ask(c, 'CONT SIGSTOP', PTRACE.CONT, e.tid, 0, SIG.SIGSTOP);
        takeSigchld(c, 'SIGCHLD 2');
        waitInto(c, 'wait 2', e.tid);
        ask(c, 'CONT SIGSTOP again', PTRACE.CONT, e.tid, 0, SIG.SIGSTOP);
        takeSigchld(c, 'SIGCHLD 3');
        waitInto(c, 'wait 3', e.tid);
        ask(c, 'DETACH', PTRACE.DETACH, e.tid);
        c.store('done', 1);
        c.loop((again) => again.pause());
      });
      x.untilSet('done');
      tell(x, 'ATTACH');
      tellSigchld(x, 'SIGCHLD 1');
      tell(x, 'wait 1', 'CONT SIGSTOP');
      tellSigchld(x, 'SIGCHLD 2');
      tell(x, 'wait 2', 'CONT SIGSTOP again');
      tellSigchld(x, 'SIGCHLD 3');
      tell(x, 'wait 3', 'DETACH');
      rp.pollSigchld();
      // A late one would come before this, or in its place.
      e.kill('SIGKILL');
      rp.sigchld();
    },
    expect: `
      E: kill SIGSTOP = 0
      RP: SIGCHLD = CLD_STOPPED 0x13 from E
      RP: wait = stopped by SIGSTOP
      X: ATTACH = 0
      X: SIGCHLD 1 = CLD_STOPPED 0x0 from E
      X: wait 1 = stopped by SIGSTOP
      X: CONT SIGSTOP = 0
      X: SIGCHLD 2 = CLD_TRAPPED 0x13 from E
      X: wait 2 = stopped by SIGSTOP
      X: CONT SIGSTOP again = 0
      X: SIGCHLD 3 = CLD_STOPPED 0x0 from E
      X: wait 3 = stopped by SIGSTOP
      X: DETACH = 0
      RP: SIGCHLD = none
      E: kill SIGKILL = 0
      RP: SIGCHLD = CLD_KILLED 0x9 from E
    `,
  }),

  scenario({
    id: 'rp-wait-sees-jobctl-through-ptrace',
    title: 'A real parent that looks finds the stops and continuations of its child while another process traces it',
    source: [
      commit('45cb24a1da53', 'job control: Allow access to job control events through ptracees'),
      manual('ptrace(2)', 'Group-stop'),
    ],
    tags: ['real-parent', 'group-stop', 'attach', 'wait'],
    rule:
      'Group-stop and continuation are states of the process and belong to its real parent; the stops of the tracee belong to the tracer. One does ' +
      'not hide the other. The real parent used to see nothing as long as the child was traced.',
    since: '3.0',
    play(s) {
      watchThroughTracer(s, false);
    },
    expect: WATCHED.replaceAll('LOOK', 'poll'),
  }),

  scenario({
    id: 'rp-notified-of-jobctl-through-ptrace',
    title:
      'A real parent that sleeps in a wait is woken by stops and continuations of its child while another process traces it',
    source: [commit('ceb6bd67f9b9', 'job control: Notify the real parent of job control events regardless of ptrace')],
    tags: ['real-parent', 'group-stop', 'attach', 'wait', 'sigchld'],
    rule:
      'Both are told: the tracer of the stop of its tracee, the real parent of the stop and the continuation of its child. What it could find by looking it ' +
      'used to sleep through, when it waited.',
    since: '3.0',
    play(s) {
      watchThroughTracer(s, true);
    },
    expect: WATCHED.replaceAll('LOOK', 'wait').replace('RP: wait = nothing', ''),
  }),

  scenario({
    id: 'jobctl-suppressed-when-tracer-is-rp-group',
    title: 'A group-stop of a child that is traced by its parent’s own process is reported once, as a ptrace-stop',
    source: [
      commit('45cb24a1da53', 'job control: Allow access to job control events through ptracees'),
      commit('ceb6bd67f9b9', 'job control: Notify the real parent of job control events regardless of ptrace'),
    ],
    tags: ['real-parent', 'group-stop', 'attach', 'seize', 'threads', 'wait'],
    rule:
      'A process that traces its own child would have each stop twice: as the stop of its tracee, and as that of its child. It gets the first alone. ' +
      'What counts is the process, not the thread: a sibling of the tracer sees no stop of the child either.',
    since: '3.4',
    play(s) {
      const e = s.pauser();
      e.seize();
      e.kill('SIGSTOP');
      e.wait();
      e.cont('SIGSTOP');
      e.wait();
      e.poll(W.WUNTRACED);
      e.cont();
      e.poll(W.WUNTRACED);
      const x = s.child('X', (c) => {
        c.fork((child) => child.loop((again) => again.pause())).store('C');
        c.thread((t) => {
          ask(t, 'ATTACH', PTRACE.ATTACH, t.word('C'));
          waitInto(t, 'wait', t.word('C'));
          ask(t, 'CONT SIGSTOP', PTRACE.CONT, t.word('C'), 0, SIG.SIGSTOP);
          // Waits, but consumes nothing: what is to be consumed is the main thread's.
          t.syscall('waitid', P_PID, t.word('C'), 0, W.WSTOPPED | W.WNOWAIT, 0).store('stopped');
          t.store('done', 1);
          t.loop((again) => again.pause());
        });
        c.waitUntil('done', '!=', 0);
        waitInto(c, 'wait of the main thread', c.word('C'), W.WUNTRACED | W.WNOHANG);
        waitInto(c, 'wait of the main thread again', c.word('C'), W.WUNTRACED | W.WNOHANG);
        c.set(2).store('done');
        c.loop((again) => again.pause());
      });
      x.untilWord('done', 2n);
      tell(x, 'ATTACH', 'wait', 'CONT SIGSTOP', 'stopped');
      tell(x, 'wait of the main thread', 'wait of the main thread again');
    },
    expect: `
      E: SEIZE = 0
      E: kill SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: CONT SIGSTOP = 0
      E: wait = event STOP SIGSTOP
      E: poll = nothing
      E: CONT = 0
      E: poll = nothing
      X: ATTACH = 0
      X: wait = stopped by SIGSTOP
      X: CONT SIGSTOP = 0
      X: stopped = 0
      X: wait of the main thread = stopped by SIGSTOP
      X: wait of the main thread again = nothing
    `,
  }),

  scenario({
    id: 'cldstop-always-to-real-parent',
    title: 'The real parent is told of every group-stop, also when a tracer attaches while it is under way',
    source: [commit('62bcf9d992ec', 'job control: Job control stop notifications should always go to the real parent')],
    tags: ['real-parent', 'group-stop', 'attach', 'sigchld', 'race'],
    rule:
      'The stop is complete when its last thread stops, and that is told to the real parent, whoever is the parent by ptrace at that moment. An ATTACH in ' +
      'between used to lead the notification to the tracer.',
    since: '3.0',
    play(s) {
      const TIMES = 40;
      const rp = s.child('RP', (c) => {
        blockSigchld(c, 'SIGCHLD');
        c.fork((e) => {
          anyonesSleeper(e.setMask());
        }).store('E');
        c.loop((again) => {
          takeSigchld(again, 'SIGCHLD');
          again.compute(again.address('SIGCHLD siginfo'), 'add', 8).loadAt(again.register(0), 4);
          again.set(again.register(0), 1);
          again.when(again.register(1), '==', CLD.STOPPED, (stop) => stop.increment('stops'));
          again.when(again.register(1), '==', CLD.CONTINUED, (go) => go.increment('continuations'));
        });
      });
      const e = s.adopt('E', Number(rp.untilSet('E')));
      e.untilAsleep();
      s.unrecorded(() => {
        for (let i = 1; i <= TIMES; i++) {
          e.kill('SIGSTOP');
          e.mustSucceed(e.attach(), 'ATTACH');
          e.expectStop(SIG.SIGSTOP);
          // Still the signal: the tracer was faster than the stop.
          if (e.siginfo() !== undefined) {
            e.mustSucceed(e.cont('SIGSTOP'), 'CONT');
            e.expectStop(SIG.SIGSTOP);
          }
          rp.untilWord('stops', BigInt(i));
          e.mustSucceed(e.detach(), 'DETACH');
          e.kill('SIGCONT');
          rp.untilWord('continuations', BigInt(i));
        }
      });
      rp.result('stops', 'SIGCHLD of CLD_STOPPED');
      rp.result('continuations', 'SIGCHLD of CLD_CONTINUED');
    },
    expect: `
      RP: SIGCHLD of CLD_STOPPED = 40
      RP: SIGCHLD of CLD_CONTINUED = 40
    `,
  }),

  scenario({
    id: 'sigcont-clds-code-selection',
    title: 'SIGCONT tells the real parent CLD_CONTINUED of a stop that was complete, CLD_STOPPED of one that was not',
    source: [commit('c672af35d54', 'signal: Fix SIGCONT notification code')],
    tags: ['real-parent', 'group-stop', 'sigcont', 'sigchld', 'threads'],
    rule:
      'A stop that SIGCONT ends before the last thread has stopped is told as if it had been completed: CLD_STOPPED, and the continuation, which would ' +
      'come right after it, is left out. Which of the two is told used to depend on whether the stop had been waited for.',
    since: '3.4',
    play(s) {
      const rp = new RealParent(s, twoSleepers);
      const e = rp.child;
      const t = s.adopt('T', Number(e.untilSet('T')));
      e.untilAsleep();
      e.kill('SIGSTOP');
      rp.sigchld();
      e.kill('SIGCONT');
      rp.sigchld();
      // The same, and waited for.
      e.kill('SIGSTOP');
      rp.sigchld();
      rp.wait();
      e.kill('SIGCONT');
      rp.sigchld();
      rp.wait();
      // A thread that stands in another stop keeps the group-stop from being complete.
      traceSleeping(t, 'seize');
      t.tgkill('SIGUSR1');
      t.wait();
      e.tgkill('SIGSTOP');
      e.untilState('T');
      rp.poll();
      rp.pollSigchld();
      e.kill('SIGCONT');
      rp.sigchld();
      rp.poll();
    },
    expect: `
      E: kill SIGSTOP = 0
      RP: SIGCHLD = CLD_STOPPED 0x13 from E
      E: kill SIGCONT = 0
      RP: SIGCHLD = CLD_CONTINUED 0x12 from E
      E: kill SIGSTOP = 0
      RP: SIGCHLD = CLD_STOPPED 0x13 from E
      RP: wait = stopped by SIGSTOP
      E: kill SIGCONT = 0
      RP: SIGCHLD = CLD_CONTINUED 0x12 from E
      RP: wait = continued
      T: tgkill SIGUSR1 = 0
      T: wait = stopped by SIGUSR1
      E: tgkill SIGSTOP = 0
      RP: poll = nothing
      RP: SIGCHLD = none
      E: kill SIGCONT = 0
      RP: SIGCHLD = CLD_STOPPED 0x0 from E
      RP: poll = continued
    `,
  }),

  scenario({
    id: 'attach-thread-in-same-group-as-rp',
    title: 'The end of a child that is traced by another thread of its parent is reported once',
    source: [commit('0347e177', 'ptrace: ptrace_reparented() should check same_thread_group()')],
    tags: ['real-parent', 'attach', 'threads', 'wait', 'exit'],
    rule:
      'Whether a tracee has a real parent beside its tracer is asked of processes, not of threads. When threads were compared, the parent got the death of ' +
      'its child twice: as its tracer and as its parent.',
    since: '3.1',
    play(s) {
      const x = s.child('X', (c) => {
        c.fork((e) => e.loop((again) => again.pause())).store('E');
        c.thread((t) => {
          ask(t, 'ATTACH by a thread', PTRACE.ATTACH, t.word('E'));
          t.loop((again) => again.pause());
        });
        waitInto(c, 'wait for any', -1);
        c.kill(c.word('E'), 'SIGKILL');
        waitInto(c, 'wait for any again', -1);
        waitInto(c, 'wait for the child', c.word('E'));
        c.store('done', 1);
        c.loop((again) => again.pause());
      });
      x.untilSet('done');
      tell(x, 'ATTACH by a thread', 'wait for any', 'wait for any again', 'wait for the child');
    },
    expect: `
      X: ATTACH by a thread = 0
      X: wait for any = stopped by SIGSTOP
      X: wait for any again = killed by SIGKILL
      X: wait for the child = ECHILD
    `,
  }),
];
