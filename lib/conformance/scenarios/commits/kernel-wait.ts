/** Waits for tracees: clone children without flags, a dead leader, a wait beside a restart, and what a dying tracer leaves to be reaped. */
import { PTRACE } from '../../../kernel/requests.js';
import { SIG } from '../../../kernel/signals.js';
import { P_PID, W } from '../../../kernel/wait-flags.js';
import { type ChildScript, CLONE, result, type Value } from '../../../raw/child.js';
import { untilSleepsIn } from '../../parts/activity.js';
import { storedStatus } from '../../parts/script-waits.js';
import { commit, manual, scenario, type Scenario } from '../../scenario.js';

/** Stops of the loop that restarts and waits beside each other. */
const RESTARTS = 100;
/** How a wait status word has a stop by SIGUSR1. */
const STOPPED_BY_SIGUSR1 = (SIG.SIGUSR1 << 8) | 0x7f;
const SIGINFO_BYTES = 128;

/** Kills a tracee and waits until it is a zombie, which it leaves. */
function killed(c: ChildScript, tid: Value): ChildScript {
  return c
    .buffer('info', SIGINFO_BYTES)
    .kill(tid, 'SIGKILL')
    .syscall('waitid', P_PID, tid, c.address('info'), W.WEXITED | W.WNOWAIT, 0);
}

export const kernelWait: readonly Scenario[] = [
  scenario({
    id: 'detach-reaps-ignored-zombie-wakes-waiters',
    title: 'A process that ignores SIGCHLD and waits for its dead traced child is woken when the tracer goes away',
    source: [commit('a7f0765edfdb', 'ptrace: __ptrace_detach: do __wake_up_parent() if we reap the tracee')],
    tags: ['wait', 'tracer-exit', 'zombie', 'threads'],
    rule:
      'A zombie stays for its tracer even where its parent ignores SIGCHLD and would not get to see it. Once the tracer is gone nobody wants it: it is ' +
      'released, and who waits for it in the parent must be woken with ECHILD, or sleeps for ever. A tracer that is a thread of the parent is no other ' +
      'process: there the wait may also get the pid.',
    history: 'Up to 2.6.31 the wait never ended.',
    play(s) {
      const p = s.child('P', (c) =>
        c
          .ignore('SIGCHLD')
          .fork((k) => k.setPtracerAny().loop((again) => again.pause()))
          .store('child')
          .wait4()
          .store('waited')
          .store('done', 1)
          .loop((again) => again.pause()),
      );
      const d = s.adopt('D', Number(p.untilSet('child')));
      untilSleepsIn(p, 'wait4');
      const x = s.child('X', (c) =>
        killed(c.syscall('ptrace', PTRACE.SEIZE, d.tid, 0, 0).store('seize').set(d.tid, 1), c.register(1))
          .store('dead', 1)
          .waitUntil('gate', '!=', 0)
          .exitGroup(0),
      );
      x.untilSet('dead');
      x.result('seize', 'SEIZE of D');
      d.state();
      p.rest();
      p.observe('its wait has ended', p.word('done') !== 0n);
      x.setWord('gate', 1n);
      x.wait();
      p.untilSet('done');
      p.result('waited', 'wait for any');
      d.state();

      const q = s.child('Q', (c) =>
        c
          .ignore('SIGCHLD')
          .fork((k) => k.loop((again) => again.pause()))
          .store('child')
          .thread((t) => {
            t.syscall('ptrace', PTRACE.ATTACH, t.word('child'), 0, 0)
              .store('attach')
              .wait4(t.word('child'), W.__WALL)
              .store('attached', 1)
              .waitUntil('gate', '!=', 0);
            killed(t, t.word('child'));
          })
          .waitUntil('attached', '!=', 0)
          .wait4(-1, W.__WNOTHREAD)
          .store('waited')
          .store('done', 1)
          .loop((again) => again.pause()),
      );
      q.untilSet('attached');
      q.result('attach', 'ATTACH of its child by a thread');
      untilSleepsIn(q, 'wait4');
      const child = q.word('child');
      q.setWord('gate', 1n);
      q.untilSet('done');
      if (q.word('waited') === child) q.observe('wait for any', 'its child');
      else q.result('waited', 'wait for any');
    },
    expect: `
      X: SEIZE of D = 0
      D: state = Z (zombie)
      P: its wait has ended = false
      X: wait = exited 0
      P: wait for any = ECHILD
      D: state = gone
      Q: ATTACH of its child by a thread = 0
      Q: wait for any = its child | ECHILD
    `,
  }),

  scenario({
    id: 'dead-leader-group-stop-visible',
    title: 'A group-stop is reported under the id of a leader that has exited, while other threads live',
    source: [commit('90bc8d8b1a3', 'do_wait: fix waiting for the group stop with the dead leader')],
    tags: ['group-stop', 'wait', 'threads', 'attach'],
    rule:
      'The parent waits for the process, and the process is stopped though its leader is a zombie already. Up to 2.6.29 that wait looked at the leader ' +
      'alone and never ended. A thread of it that is attached then, when the stop was consumed, still reports its stop.',
    play(s) {
      const e = s.child('E', (c) =>
        c
          .setPtracerAny()
          .thread((t) => t.loop((again) => again.pause()))
          .store('thread')
          .waitUntil('gate', '!=', 0)
          .exit(0),
      );
      const t = s.adopt('T', Number(e.untilSet('thread')));
      t.untilAsleep();
      e.setWord('gate', 1n);
      e.untilState('Z');
      e.kill('SIGTSTP');
      e.wait(W.WUNTRACED);
      e.state();
      t.state();
      t.attach();
      t.wait();
      t.detach();
      t.untilState('T');
      e.kill('SIGCONT');
      e.wait(W.WCONTINUED);
    },
    expect: `
      E: kill SIGTSTP = 0
      E: wait = stopped by SIGTSTP
      E: state = Z (zombie)
      T: state = T (stopped)
      T: ATTACH = 0
      T: wait = stopped by SIGTSTP
      T: DETACH = 0
      E: kill SIGCONT = 0
      E: wait = continued
    `,
  }),

  scenario({
    id: 'wall-assumed-for-tracees',
    title: 'A tracee is found by every wait of its tracer: threads and clone children too, without __WALL or __WCLONE',
    source: [
      commit('bf959931ddb8', 'wait/ptrace: assume __WALL if the child is traced'),
      manual('waitpid(2)', '__WALL'),
    ],
    tags: ['wait', 'threads', 'clone'],
    rule:
      'A child whose end sends no SIGCHLD is found with __WCLONE only. For tracees that rule does not hold any more: who did TRACEME in such a child of a ' +
      'process that knows nothing of the flags (init) was a zombie for good.',
    since: '4.7',
    play(s) {
      const p = s.child('P', (c) =>
        c
          .clone(CLONE.VM, (k) => k.waitUntil('gate', '!=', 0).traceme().store('traced', 1).exitGroup(4))
          .store('child')
          .wait4(c.word('child'), W.WNOHANG)
          .store('untraced')
          .store('gate', 1)
          .waitUntil('traced', '!=', 0)
          .wait4(c.word('child'), 0)
          .store('waited')
          .store('status', c.status)
          .store('done', 1)
          .loop((again) => again.pause()),
      );
      p.untilSet('done');
      p.result('untraced', 'wait for its untraced clone child');
      if (p.word('waited') === p.word('child')) {
        p.observe('wait for its traced clone child', storedStatus(p, 'status'));
      } else p.result('waited', 'wait for its traced clone child');

      const e = s.child('E', (c) =>
        c
          .thread((t) => t.loop((again) => again.pause()))
          .store('thread')
          .loop((again) => again.pause()),
      );
      const t = s.adopt('T', Number(e.untilSet('thread')));
      t.seize();
      t.interrupt();
      t.waitid(W.WSTOPPED | W.WNOWAIT);
      t.wait(0);
    },
    expect: `
      P: wait for its untraced clone child = ECHILD
      P: wait for its traced clone child = exited 4
      T: SEIZE = 0
      T: INTERRUPT = 0
      T: waitid = CLD_TRAPPED 0x8005
      T: wait = event STOP SIGTRAP
    `,
  }),

  scenario({
    id: 'resume-vs-wait-race',
    title:
      'A restart beside a wait of another thread of the tracer: no stop is seen twice, no injected signal gets lost',
    source: [commit('b72c186999e6', 'ptrace: fix race between ptrace_resume() and wait_task_stopped()')],
    tags: ['wait', 'race', 'injection', 'threads'],
    rule:
      'CONT puts its signal where the wait status was and then wakes the tracee. Before 4.1 a wait that came in between took that signal for another ' +
      'report, and by consuming it took it away from the tracee.',
    history: 'Broken up to 4.0.',
    play(s) {
      // All share the memory: P, which traces, its thread, which waits, and the child, whose handler counts.
      const p = s.child('P', (c) =>
        c
          .clone(CLONE.VM | SIG.SIGCHLD, (k) =>
            k
              .handle('SIGUSR1', (h) => h.increment('handled'))
              .traceme()
              .loop((again) => again.tgkillSelf('SIGUSR1'), RESTARTS)
              .exitGroup(0),
          )
          .store('child')
          .thread((t) =>
            t
              .label('next')
              .wait4(t.word('child'), W.__WALL)
              .jumpIf(t.status, '==', 0, 'end')
              .when(t.status, '==', STOPPED_BY_SIGUSR1, (right) => right.increment('stops').jump('next'))
              .increment('others')
              .jumpIf(result, '>', RESTARTS, 'end')
              .jump('next')
              .label('end')
              .store('done', 1),
          )
          .label('restart')
          .syscall('ptrace', PTRACE.CONT, c.word('child'), 0, SIG.SIGUSR1)
          .when(result, '==', 0, (right) => right.increment('restarts'))
          .syscall('sched_yield')
          .jumpIf(c.word('done'), '==', 0, 'restart')
          .store('over', 1)
          .loop((again) => again.pause()),
      );
      p.untilSet('over');
      p.observe(
        'CONT SIGUSR1 given',
        p.word('restarts') === BigInt(RESTARTS) ? 'once for every stop' : p.word('restarts'),
      );
      p.observe('handlers run', p.word('handled') === p.word('restarts') ? 'as many' : p.word('handled'));
      // A stop that was restarted before the wait came is not seen.
      p.observe('waits saw more stops', p.word('stops') > p.word('restarts'));
      p.observe('waits saw something else', p.word('others') !== 0n);
    },
    expect: `
      P: CONT SIGUSR1 given = once for every stop
      P: handlers run = as many
      P: waits saw more stops = false
      P: waits saw something else = false
    `,
  }),
];
