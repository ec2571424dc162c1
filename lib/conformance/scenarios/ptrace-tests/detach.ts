/** DETACH: of stopped processes, with a signal, and while the process is killed. */
import { W } from '../../../kernel/wait-flags.js';
import { SIG } from '../../../kernel/signals.js';
import { PTRACE } from '../../../kernel/requests.js';
import { CLONE, result } from '../../../raw/child.js';
import type { Actor } from '../../actor.js';
import { statusText } from '../../describe.js';
import { storedStatus } from '../../parts/script-waits.js';
import { stoppedPauser } from '../../parts/sleepers.js';
import { commit, manual, scenario, suite, type Scenario } from '../../scenario.js';
import type { Stage } from '../../stage.js';
import { noCore } from './no-core.js';
import { takesOrphans } from './orphans.js';
import { others, rounds } from './rounds.js';

const attaching = manual('ptrace(2)', 'Attaching and detaching');
const stateOnDetach = commit('0e9f0a4abfd8', 'ptrace: Always put ptracee into appropriate execution state');

/** A process of three threads that its leader has stopped. */
function stoppedThreads(s: Stage): readonly [Actor, Actor, Actor] {
  const e = s.child('E', (c) => {
    for (const name of ['T1', 'T2']) {
      c.thread((t) =>
        t
          .syscall('gettid')
          .store(name)
          .loop((again) => again.pause()),
      );
    }
    c.waitUntil('T1', '!=', 0)
      .waitUntil('T2', '!=', 0)
      .tgkillSelf('SIGSTOP')
      .loop((again) => again.pause());
  });
  e.untilState('T');
  const threads = [s.adopt('T1', Number(e.word('T1'))), s.adopt('T2', Number(e.word('T2')))] as const;
  for (const thread of threads) thread.untilState('T');
  return [e, ...threads];
}

/** ATTACH to each thread, and DETACH with SIGSTOP from each, the last one first. */
function visit(threads: readonly Actor[]): void {
  for (const thread of threads) {
    thread.attach();
    thread.wait();
  }
  for (const thread of threads.toReversed()) thread.detach('SIGSTOP');
}

function states(threads: readonly Actor[]): void {
  for (const thread of threads) {
    thread.rest();
    thread.state();
  }
}

export const detach: readonly Scenario[] = [
  scenario({
    id: 'ptrace-on-job-control-stopped',
    title: 'DETACH from the group-stop that an injected SIGSTOP has begun succeeds and leaves the process stopped',
    source: [suite('ptrace-tests', 'ptrace-on-job-control-stopped'), stateOnDetach],
    tags: ['attach', 'detach', 'group-stop'],
    rule:
      'A group-stop of a tracee is a ptrace-stop like any other: DETACH works in it and does not give ESRCH, as it did where the stop was one of job ' +
      'control only. Since the process is stopped and nobody has continued it, it stays so without its tracer.',
    history: 'Up to 2.6.39 the process could be left running.',
    since: '3.0',
    play(s) {
      const e = s.pauser();
      e.attach();
      e.wait();
      e.cont('SIGSTOP');
      e.wait();
      e.detach();
      e.rest();
      e.tracer();
      e.state();
    },
    expect: `
      E: ATTACH = 0
      E: wait = stopped by SIGSTOP
      E: CONT SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: DETACH = 0
      E: tracer = nobody
      E: state = T (stopped)
    `,
  }),

  scenario({
    id: 'ptrace-cont-sigstop-detach',
    title: 'A tracee that was restarted before anybody waited for its stop reports the next one, and can be detached',
    source: [suite('ptrace-tests', 'ptrace-cont-sigstop-detach')],
    tags: ['attach', 'detach', 'group-stop', 'wait'],
    rule:
      'Requests need a stop, not a wait: CONT takes a tracee out of a stop that was not reported yet, and the report is gone. The group-stop that follows ' +
      'has one of its own; only the last stop is there to be found.',
    play(s) {
      const e = s.pauser();
      e.attach();
      e.untilState('t');
      e.cont('SIGSTOP');
      e.untilState('t');
      e.wait();
      e.siginfo();
      e.poll();
      e.detach();
    },
    expect: `
      E: ATTACH = 0
      E: CONT SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      # No signal-delivery-stop: the group-stop.
      E: siginfo = EINVAL
      E: poll = nothing
      E: DETACH = 0
    `,
  }),

  scenario({
    id: 'detach-stopped',
    title: 'DETACH from every thread of a stopped process leaves every thread stopped',
    source: [suite('ptrace-tests', 'detach-stopped'), stateOnDetach],
    tags: ['attach', 'detach', 'group-stop', 'threads'],
    rule:
      'ATTACH finds each thread in the group-stop, and DETACH puts it back. Up to 2.6.39 a thread that was let go with SIGSTOP could go on running, since the ' +
      'group was stopped already and nobody counted it.',
    since: '3.0',
    play(s) {
      const threads = stoppedThreads(s);
      threads[0].wait(W.WUNTRACED);
      visit(threads);
      states(threads);
    },
    expect: `
      E: wait = stopped by SIGSTOP
      E: ATTACH = 0
      E: wait = stopped by SIGSTOP
      T1: ATTACH = 0
      T1: wait = stopped by SIGSTOP
      T2: ATTACH = 0
      T2: wait = stopped by SIGSTOP
      T2: DETACH SIGSTOP = 0
      T1: DETACH SIGSTOP = 0
      E: DETACH SIGSTOP = 0
      E: state = T (stopped)
      T1: state = T (stopped)
      T2: state = T (stopped)
    `,
  }),

  scenario({
    id: 'detach-stopped-rhel5',
    title: 'DETACH with SIGSTOP from signal-delivery-stops leaves every thread of a process stopped',
    source: [suite('ptrace-tests', 'detach-stopped-rhel5'), stateOnDetach],
    tags: ['attach', 'detach', 'group-stop', 'threads'],
    rule:
      'Debuggers that were made for kernels before 3.0 send a SIGSTOP after ATTACH and restart the thread without a wait, so that it reports that signal. ' +
      'Then the SIGSTOP of DETACH is delivered, and begins the stop anew.',
    play(s) {
      const threads = stoppedThreads(s);
      for (const thread of threads) {
        thread.attach();
        thread.tgkill('SIGSTOP');
        thread.cont();
        thread.wait();
        thread.siginfo();
      }
      for (const thread of threads.toReversed()) thread.detach('SIGSTOP');
      states(threads);
    },
    expect: `
      E: ATTACH = 0
      E: tgkill SIGSTOP = 0
      E: CONT = 0
      E: wait = stopped by SIGSTOP
      E: siginfo = SIGSTOP SI_KERNEL from the kernel | SIGSTOP SI_USER from the kernel
      T1: ATTACH = 0
      T1: tgkill SIGSTOP = 0
      T1: CONT = 0
      T1: wait = stopped by SIGSTOP
      T1: siginfo = SIGSTOP SI_KERNEL from the kernel | SIGSTOP SI_USER from the kernel
      T2: ATTACH = 0
      T2: tgkill SIGSTOP = 0
      T2: CONT = 0
      T2: wait = stopped by SIGSTOP
      T2: siginfo = SIGSTOP SI_KERNEL from the kernel | SIGSTOP SI_USER from the kernel
      T2: DETACH SIGSTOP = 0
      T1: DETACH SIGSTOP = 0
      E: DETACH SIGSTOP = 0
      E: state = T (stopped)
      T1: state = T (stopped)
      T2: state = T (stopped)
    `,
  }),

  scenario({
    id: 'stopped-attach-transparency',
    title: "A tracer that comes and goes neither takes nor repeats the real parent's news of a stop",
    source: [suite('ptrace-tests', 'stopped-attach-transparency')],
    tags: ['attach', 'detach', 'group-stop', 'wait'],
    rule:
      'That a process has stopped is told to its parent once. Attaching to the stopped process and detaching from it is no new stop: what the parent has not ' +
      'waited for yet is still there afterwards, and what it has waited for does not come back.',
    since: '3.0',
    play(s) {
      const threads = stoppedThreads(s);
      const [e] = threads;
      const news = W.WSTOPPED | W.WCONTINUED | W.WNOHANG;
      e.waitid(news | W.WNOWAIT);
      s.unrecorded(() => {
        visit(threads);
      });
      e.waitid(news | W.WNOWAIT);
      e.waitid(news);
      e.waitid(news);
      s.unrecorded(() => {
        visit(threads);
      });
      e.waitid(news);
      states(threads);
    },
    expect: `
      E: waitid = CLD_STOPPED 0x13
      E: waitid = CLD_STOPPED 0x13
      E: waitid = CLD_STOPPED 0x13
      E: waitid = nothing
      E: waitid = nothing
      E: state = T (stopped)
      T1: state = T (stopped)
      T2: state = T (stopped)
    `,
  }),

  scenario({
    id: 'stopped-detach-sleeping-3x',
    title:
      'A stopped process that was attached stands in a tracing stop at once; after DETACH only SIGCONT lets it go on',
    source: [suite('ptrace-tests', 'stopped-detach-sleeping-3x'), stateOnDetach],
    also: ['stopped-detach-sleeping'],
    tags: ['attach', 'detach', 'group-stop', 'sigcont'],
    rule:
      'DETACH puts the process back into its stop. A tracer that wants it to run sends SIGCONT after DETACH: SIGCONT as the signal of DETACH is ignored, ' +
      'since a group-stop is no signal-delivery-stop, and would do nothing either: what continues a process is the sending.',
    since: '3.0',
    history:
      'Up to 2.6.39 the stop turned into a tracing stop only by another SIGSTOP and CONT, and DETACH let the process run.',
    play(s) {
      const e = stoppedPauser(s);
      e.attach();
      e.state();
      e.wait();
      e.detach('SIGCONT');
      e.rest();
      e.state();
      e.kill('SIGCONT');
      e.rest();
      e.state();
    },
    expect: `
      E: ATTACH = 0
      E: state = t (tracing stop)
      E: wait = stopped by SIGSTOP
      E: DETACH SIGCONT = 0
      E: state = T (stopped)
      E: kill SIGCONT = 0
      E: state = S (sleeping)
    `,
  }),

  scenario({
    id: 'detach-can-signal',
    title: 'SIGKILL ends tracees in a ptrace-stop, and the tracer is told by a wait for any',
    source: [suite('ptrace-tests', 'detach-can-signal'), manual('ptrace(2)', 'Death under ptrace')],
    tags: ['attach', 'sigkill', 'wait'],
    rule:
      'Nothing but SIGKILL takes a task out of a ptrace-stop without its tracer, and the death is reported as one of any child is. Kernels have left such ' +
      'tracees standing for ever.',
    play(s) {
      const names = ['E1', 'E2', 'E3'];
      const tracees = names.map((name) => s.unrecorded(() => s.pauser(name)));
      for (const e of tracees) {
        e.attach();
        e.wait();
      }
      for (const e of tracees) e.kill('SIGKILL');
      const ends = names.map(() => {
        const found = s.await(-1, 0);
        if (found === undefined) return 'nothing';
        s.ended(found.tid);
        return `${s.nameOf(found.tid)} ${statusText(found.status)}`;
      });
      s.observe('R: waits for any, in the order of names', ends.sort().join(', '));
    },
    expect: `
      E1: ATTACH = 0
      E1: wait = stopped by SIGSTOP
      E2: ATTACH = 0
      E2: wait = stopped by SIGSTOP
      E3: ATTACH = 0
      E3: wait = stopped by SIGSTOP
      E1: kill SIGKILL = 0
      E2: kill SIGKILL = 0
      E3: kill SIGKILL = 0
      R: waits for any, in the order of names = E1 killed by SIGKILL, E2 killed by SIGKILL, E3 killed by SIGKILL
    `,
  }),

  scenario({
    id: 'detach-parting-signal',
    title: 'DETACH delivers its signal in place of the one of the signal-delivery-stop',
    source: [suite('ptrace-tests', 'detach-parting-signal'), attaching],
    tags: ['detach', 'signal-delivery-stop', 'injection'],
    rule: 'DETACH is a restart with a signal, and then the end of tracing. The signal takes effect as that of any restart does.',
    play(s) {
      const e = s.tracee('E', (c) => c.tgkillSelf('SIGUSR1').exitGroup(1), { by: 'traceme' });
      e.cont();
      e.wait();
      e.detach('SIGUSR2');
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: DETACH SIGUSR2 = 0
      E: wait = killed by SIGUSR2
    `,
  }),

  scenario({
    id: 'detach-sigkill-race',
    title: 'However DETACH from a thread and SIGKILL meet, the process dies by SIGKILL and its parent can reap it',
    source: [suite('ptrace-tests', 'detach-sigkill-race')],
    tags: ['detach', 'sigkill', 'threads', 'race'],
    rule:
      'A thread that dies while it is traced is a zombie for its tracer; if it dies just when the tracer lets it go, somebody must still release it, or the ' +
      'process is never to be reaped. That went wrong up to 2.6.28. Nor may ATTACH and DETACH end the pause(2) in which the thread sleeps.',
    play(s) {
      const count = 40;
      const rp = s.child('RP', (c) =>
        c
          .loop(
            (again) =>
              again
                .fork((e) =>
                  e
                    .thread((t) => t.syscall('gettid').store('T').pause().exitGroup(42))
                    .loop((forever) => forever.pause()),
                )
                .store('E')
                .label('ready')
                .syscall('sched_yield')
                .jumpIf(again.word('victim'), '==', 0, 'ready')
                .set(again.word('delay'), 1)
                .label('delayed')
                .compute(again.register(1), 'subtract', 1, 1)
                .jumpIf(again.register(1), '>', 0, 'delayed')
                .syscall('tgkill', again.word('E'), again.word('victim'), SIG.SIGKILL)
                .wait4(again.word('E'))
                .store('status', again.status)
                .store('victim', 0)
                .store('E', 0)
                .increment('over'),
            count,
          )
          .loop((forever) => forever.pause()),
      );
      const detached: string[] = [];
      rounds(s, count, (index) => {
        const e = s.adoptFork('E', Number(rp.untilSet('E')), rp);
        const t = s.adopt('T', Number(e.untilSet('T')));
        t.attach();
        t.wait();
        s.unrecorded(() => {
          // Sometimes the one comes first, sometimes the other.
          rp.setWord('delay', BigInt((index % 8) * 25));
          rp.setWord('victim', BigInt(t.tid));
          const done = t.detach();
          detached.push(done);
          // It was dead before: its tracer has to reap it.
          if (done !== '0') t.wait();
        });
        rp.untilWord('over', BigInt(index + 1));
        rp.observe('wait', storedStatus(rp, 'status'));
        e.ended = true;
        t.ended = true;
      });
      s.observe('DETACH, other than 0 and ESRCH', others(detached, '0', 'ESRCH'));
    },
    expect: `
      T: ATTACH = 0
      T: wait = stopped by SIGSTOP
      RP: wait = killed by SIGKILL
      rounds = 40
      DETACH, other than 0 and ESRCH = none
    `,
  }),

  scenario({
    id: 'clone-get-signal',
    title: 'DETACH from a tracee while another process of its memory dumps core neither hangs nor does harm',
    source: [suite('ptrace-tests', 'clone-get-signal')],
    tags: ['detach', 'clone', 'race'],
    rule:
      'A core dump stops all that use the memory; before 5.16 it killed them, whatever process they were of, the traced ones and their tracer too. ' +
      'DETACH at that very moment crashed kernels of 2.6.16 and before. Here it is played for moments only, and without a core file.',
    play(s) {
      const count = 20;
      const rp = s.child('RP', (c) =>
        takesOrphans(c)
          .loop(
            (again) =>
              again
                .fork((p) =>
                  noCore(p)
                    .clone(CLONE.VM, (e) =>
                      e
                        .dieWithParent()
                        .store('ready', 1)
                        .loop((forever) => forever.pause()),
                    )
                    .set(result, 1)
                    .waitUntil('ready', '!=', 0)
                    .syscall('ptrace', PTRACE.ATTACH, p.register(1), 0, 0)
                    .wait4(p.register(1), W.__WALL)
                    .clone(CLONE.VM, (dumper) => dumper.killSelf('SIGQUIT').exitGroup(2))
                    .syscall('ptrace', PTRACE.DETACH, p.register(1), 0, 0)
                    .when(result, '<', 0, (failed) => failed.exitGroup(1))
                    .exitGroup(0),
                )
                .set(result, 2)
                // The tracer P, its tracee and the process that dumps.
                .loop(
                  (one) =>
                    one
                      .wait4(-1, W.__WALL)
                      .when(result, '==', one.register(2), (is) =>
                        is
                          .when(is.status, '==', 0, (zero) => zero.increment('succeeded'))
                          .when(is.status, '==', 1 << 8, (failed) => failed.increment('came too late'))
                          .when(is.status, '==', SIG.SIGKILL, (killed) => killed.increment('was killed'))
                          // A dump that takes another process along gives it the signal that it dumps for.
                          .when(is.status, '==', SIG.SIGQUIT, (taken) => taken.increment('was killed')),
                      )
                      .increment('reaped'),
                  3,
                ),
            count,
          )
          .loop((again) => again.pause()),
      );
      rp.untilWord('reaped', BigInt(3 * count));
      const [succeeded, late, killed] = [rp.word('succeeded'), rp.word('came too late'), rp.word('was killed')];
      s.observe('DETACH that succeeded', succeeded);
      s.observe('tracers that came to an end', succeeded + late + killed);
    },
    expect: [
      {
        since: '5.16',
        because:
          'since 0258b5fd7c71 ("coredump: Limit coredumps to a single thread group") a dump ends its own process only',
        transcript: `
          DETACH that succeeded = 20
          tracers that came to an end = 20
        `,
      },
      {
        before: '5.16',
        because: 'the dump kills tracer and tracee too, and whether DETACH comes first is a race',
        transcript: `
          DETACH that succeeded = *
          tracers that came to an end = 20
        `,
      },
    ],
  }),
];
