/** Waits of tracers and real parents for tasks that die, or have died: they end, and find what there is. */
import { NO_REPORT } from '../../describe.js';
import { untilSleepsIn } from '../../parts/activity.js';
import { RealParent } from '../../parts/real-parent.js';
import { ask } from '../../parts/script-requests.js';
import { tell, waitInto } from '../../parts/script-waits.js';
import { commit, scenario, type Scenario } from '../../scenario.js';
import { OutOfTime } from '../../stage.js';
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE } from '../../../kernel/requests.js';
import { W } from '../../../kernel/wait-flags.js';
import { type ChildScript, result } from '../../../raw/child.js';
import { cont } from '../../../raw/index.js';

/** The leader exits when `gate` is set, and the other thread lives. */
function leaderExits(c: ChildScript): void {
  c.thread((t) => t.loop((again) => again.pause()));
  c.waitUntil('gate', '!=', 0).exit(0);
}

export const waitZombies: readonly Scenario[] = [
  scenario({
    id: 'wait-wstopped-zombie-tracee-echild',
    title: 'A tracer that waits only for stops of a tracee that is a zombie gets ECHILD, though the process lives on',
    source: [commit('9b84cca2564b', 'job control: Fix ptracer wait(2) hang and explain notask_error clearing')],
    tags: ['wait', 'zombie', 'threads', 'seize'],
    rule:
      'The stops of a tracee are those of one thread, and a dead thread stops no more: there is nothing to wait for. The leader of a process stays a ' +
      'zombie until its last thread has ended, so its end may still be waited for, and the continuation of the process. The wait used to block for ever.',
    since: '3.4',
    play(s) {
      const rp = new RealParent(s, leaderExits);
      const e = rp.child;
      e.seize();
      e.setWord('gate', 1n);
      e.untilState('Z');
      e.waitid(W.WSTOPPED);
      e.waitid(W.WSTOPPED | W.WEXITED | W.WNOHANG);
      e.waitid(W.WSTOPPED | W.WCONTINUED | W.WNOHANG);
    },
    expect: `
      E: SEIZE = 0
      E: waitid = ECHILD
      E: waitid = nothing
      E: waitid = nothing
    `,
  }),

  scenario({
    id: 'wstopped-zombie-leader-other-tracer',
    title: 'A real parent sees the process of a zombie leader stop and continue when another process traces the leader',
    source: [
      commit('7c733eb3ea', "wait: WSTOPPED|WCONTINUED doesn't work if a zombie leader is traced by another process"),
      commit('377d75dafa07', 'wait: WSTOPPED|WCONTINUED hangs if a zombie child is traced by real_parent'),
    ],
    tags: ['wait', 'zombie', 'threads', 'real-parent', 'group-stop'],
    rule:
      'Job control is the affair of the process, which lives as long as one of its threads does. A traced zombie leader used to hide it from the real ' +
      'parent. A real parent that is the tracer itself waits as a tracer, for the dead thread: ECHILD, where it used to block.',
    since: '3.15',
    play(s) {
      const rp = new RealParent(s, leaderExits);
      const e = rp.child;
      e.seize();
      e.setWord('gate', 1n);
      e.untilState('Z');
      rp.begin();
      e.kill('SIGSTOP');
      rp.found();
      rp.begin();
      e.kill('SIGCONT');
      rp.found();
      const own = s.child('C', leaderExits);
      own.seize();
      own.setWord('gate', 1n);
      own.untilState('Z');
      own.waitid(W.WSTOPPED);
    },
    expect: `
      E: SEIZE = 0
      E: kill SIGSTOP = 0
      RP: wait = stopped by SIGSTOP
      E: kill SIGCONT = 0
      RP: wait = continued
      C: SEIZE = 0
      C: waitid = ECHILD
    `,
  }),

  scenario({
    id: 'mt-exec-old-leader-gone-wakes-tracer',
    title: 'A tracer that waits for a leader alone gets ECHILD when another thread executes a program',
    source: [commit('eac1b5e57d7', 'ptrace: do_wait(traced_leader_killed_by_mt_exec) can block forever')],
    tags: ['wait', 'exec', 'threads', 'attach'],
    rule:
      'The thread that executes takes the leader’s pid, and the leader is gone without a report. Its tracer, asleep in a wait for it, must be woken: whoever ' +
      'has the pid now is none of its tracees. It used to sleep for ever.',
    since: '3.1',
    play(s) {
      const e = s.child('E', (c) => {
        c.setPtracerAny();
        c.thread((t) => t.waitUntil('gate', '!=', 0).exec('/bin/sh', ['sh', '-c', 'exit 3']));
        c.loop((again) => again.pause());
      });
      e.untilAsleep();
      const x = s.child('X', (c) => {
        ask(c, 'ATTACH', PTRACE.ATTACH, e.tid);
        waitInto(c, 'wait', e.tid);
        ask(c, 'CONT', PTRACE.CONT, e.tid);
        c.store('ready', 1);
        waitInto(c, 'wait for any', -1);
        c.loop((again) => again.pause());
      });
      x.untilSet('ready');
      untilSleepsIn(x, 'wait4');
      e.setWord('gate', 1n);
      x.untilSet('wait for any');
      tell(x, 'ATTACH', 'wait', 'CONT', 'wait for any');
      e.wait();
    },
    expect: `
      X: ATTACH = 0
      X: wait = stopped by SIGSTOP
      X: CONT = 0
      X: wait for any = ECHILD
      E: wait = exited 3
    `,
  }),

  scenario({
    id: 'traced-forker-wait-never-echild',
    title: 'A traced process always finds its child by a wait, also while its tracer is taking the child’s end',
    source: [
      commit('50b8d257486a', 'ptrace: partially fix the do_wait(WEXITED) vs EXIT_DEAD->EXIT_ZOMBIE race'),
      commit('abd50b39e783', 'wait: introduce EXIT_TRACE to avoid the racy EXIT_DEAD->EXIT_ZOMBIE transition'),
    ],
    tags: ['wait', 'fork', 'zombie', 'race'],
    rule:
      'The end of a traced child is reported twice: to its tracer, then to its real parent. On the way from the one to the other the zombie used to be ' +
      'invisible for a moment, and a wait of the real parent failed with ECHILD.',
    since: '3.15',
    play(s) {
      const TIMES = 40;
      // The forker looks all the time: that is how it would notice the moment.
      const e = s.tracee(
        'E',
        (c) => {
          c.block('SIGCHLD');
          c.loop((again) => {
            again.fork((child) => child.exitGroup(0));
            again.call('take');
          }, TIMES);
          c.exitGroup(c.word('failures'));
          c.label('take').wait4(-1, W.WNOHANG);
          c.jumpIf(result, '==', 0, 'take');
          c.when(result, '<', 0, (failed) => failed.increment('failures'));
          c.return();
        },
        { options: PTRACE_O.TRACEFORK },
      );
      e.cont();
      let ends = 0;
      for (;;) {
        const found = s.await(-e.tid, W.__WALL);
        if (found === undefined) {
          s.observe('R: wait for any', NO_REPORT);
          throw new OutOfTime('wait for any');
        }
        const { tid, status } = found;
        if (status.kind === 'exited' || status.kind === 'killed') {
          if (tid === e.tid) {
            e.observe('waits that failed', status.kind === 'exited' ? status.code : 'killed');
            s.ended(tid);
            break;
          }
          ends++;
        } else cont(tid);
      }
      s.observe('R: children whose end was reported', ends);
    },
    expect: `
      E: CONT = 0
      E: waits that failed = 0
      R: children whose end was reported = 40
    `,
  }),
];
