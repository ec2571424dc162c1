/** ATTACH: to a process in the middle of signals, in a system call, stopped, about to execute a program. */
import { SIG } from '../../../kernel/signals.js';
import { W } from '../../../kernel/wait-flags.js';
import { procState } from '../../../proc.js';
import { SA } from '../../../raw/child.js';
import type { Actor } from '../../actor.js';
import { statusText } from '../../describe.js';
import { TINY_EXIT, tinyProgram } from '../../parts/programs.js';
import { stoppedPauser } from '../../parts/sleepers.js';
import { commit, manual, scenario, suite, type Scenario } from '../../scenario.js';
import { others, rounds } from './rounds.js';

const attaching = manual('ptrace(2)', 'Attaching and detaching');
const stoppedToTraced = commit('d79fdd6d96f4', 'ptrace: Clean transitions between TASK_STOPPED and TRACED');

/** So often a process is attached before it is left to come to its end. */
const MOST_ATTACHES = 100;

/** inotify(7): the watched file itself was deleted. */
const IN_DELETE_SELF = 0x400;

/** Whether requests that need a stop work. */
function readRegisters(e: Actor): void {
  e.observe(
    'GETREGSET',
    e.stage.attempt(() => e.registers()),
  );
}

/** Takes the SIGSTOP of ATTACH; signals that were on their way before it are delivered. Not in the transcript. */
function takeSigstop(e: Actor): void {
  e.stage.unrecorded(() => {
    for (;;) {
      const status = e.wait();
      if (status?.kind !== 'stopped') throw new Error(`${e.name} did not stop by SIGSTOP: ${statusText(status)}`);
      if (status.signal === SIG.SIGSTOP) return;
      e.mustSucceed(e.cont(status.signal), 'CONT');
    }
  });
}

export const attach: readonly Scenario[] = [
  scenario({
    id: 'attach-into-signal',
    title: 'ATTACH amid signals loses none of them, and a signal that DETACH has delivered is not reported again',
    source: [suite('ptrace-tests', 'attach-into-signal'), attaching],
    tags: ['attach', 'detach', 'signal-delivery-stop', 'race'],
    rule:
      'The SIGSTOP of ATTACH joins the signals that are there already, so a tracer may see others first and has to deliver them. What DETACH is given ' +
      'is delivered without another report, also when the next ATTACH comes at once. Kernels have lost the signal there, or reported it twice.',
    play(s) {
      const attempts: string[] = [];
      rounds(s, 20, () => {
        // The handler raises the signal anew. It is blocked until the handler returns, and taken then.
        const e = s.child('E', (c) =>
          c
            .handle('SIGQUIT', (h) => h.store('taken', 1).tgkillSelf('SIGQUIT'), { flags: SA.RESTART })
            .tgkillSelf('SIGQUIT')
            .loop((again) => again.pause()),
        );
        e.untilSet('taken');
        e.attach();
        takeSigstop(e);
        e.cont();
        e.wait();
        e.cont('SIGQUIT');
        e.wait();
        e.detach('SIGQUIT');
        e.attach();
        takeSigstop(e);
        e.cont();
        e.wait();
        e.detach('SIGPIPE');
        // It dies. Whether it can be attached meanwhile, and still stops by that SIGSTOP, is a race.
        const end = s.unrecorded(() => {
          attempts.push(e.attach());
          const status = e.wait();
          if (status?.kind !== 'stopped' || status.signal !== SIG.SIGSTOP) return status;
          e.mustSucceed(e.cont(), 'CONT');
          return e.wait();
        });
        e.observe('end', statusText(end));
      });
      s.observe('ATTACH of the dying, other than 0, EPERM and ESRCH', others(attempts, '0', 'EPERM', 'ESRCH'));
    },
    expect: `
      E: ATTACH = 0
      E: CONT = 0
      E: wait = stopped by SIGQUIT
      E: CONT SIGQUIT = 0
      E: wait = stopped by SIGQUIT
      E: DETACH SIGQUIT = 0
      E: ATTACH = 0
      E: CONT = 0
      E: wait = stopped by SIGQUIT
      E: DETACH SIGPIPE = 0
      E: end = killed by SIGPIPE
      rounds = 20
      ATTACH of the dying, other than 0, EPERM and ESRCH = none
    `,
  }),

  scenario({
    id: 'attach-sigcont-wait-3x',
    title: 'SIGCONT right after ATTACH to a stopped process does not let it go: the wait finds its stop',
    source: [suite('ptrace-tests', 'attach-sigcont-wait-3x'), stoppedToTraced],
    also: ['attach-sigcont-wait'],
    tags: ['attach', 'group-stop', 'sigcont', 'race'],
    rule:
      'ATTACH turns the stop of job control into a ptrace-stop before it returns, and SIGCONT ends no ptrace-stop: it takes away the SIGSTOP that ' +
      'ATTACH has sent, waits its turn, and is the next to be reported. Requests work from the wait on.',
    since: '3.0',
    history:
      'Up to 2.6.39 the process stood in the stop of job control until somebody looked; SIGCONT woke it, and the wait found the stop by SIGCONT.',
    play(s) {
      rounds(s, 20, () => {
        const e = stoppedPauser(s);
        e.attach();
        e.tgkill('SIGCONT');
        e.wait();
        readRegisters(e);
        e.pending();
        e.cont();
        e.wait();
        e.kill('SIGKILL');
        e.wait();
      });
    },
    expect: `
      E: ATTACH = 0
      E: tgkill SIGCONT = 0
      E: wait = stopped by SIGSTOP
      E: GETREGSET = 0
      E: pending = SIGCONT
      E: CONT = 0
      E: wait = stopped by SIGCONT
      E: kill SIGKILL = 0
      E: wait = killed by SIGKILL
      rounds = 20
    `,
  }),

  scenario({
    id: 'attach-wait-on-stopped',
    title: 'ATTACH to a process that is stopped already reports a stop, in which requests work',
    source: [suite('ptrace-tests', 'attach-wait-on-stopped'), stoppedToTraced],
    tags: ['attach', 'group-stop'],
    rule:
      'The SIGSTOP of ATTACH cannot be taken by a process that does not run, so the stop that it is in must do for the report. Older kernels left the ' +
      'wait without an answer when the stop had been waited for, or gave requests ESRCH: tracers then sent another SIGSTOP and restarted a task that ' +
      'they had never seen stop.',
    play(s) {
      const e = stoppedPauser(s);
      e.attach();
      e.wait();
      readRegisters(e);
      e.detach();
      const waited = stoppedPauser(s);
      waited.wait(W.WUNTRACED);
      waited.attach();
      waited.wait();
      readRegisters(waited);
      waited.detach();
    },
    expect: `
      E: ATTACH = 0
      E: wait = stopped by SIGSTOP
      E: GETREGSET = 0
      E: DETACH = 0
      # The same again, when its parent has waited for the stop before.
      E: wait = stopped by SIGSTOP
      E: ATTACH = 0
      E: wait = stopped by SIGSTOP
      E: GETREGSET = 0
      E: DETACH = 0
    `,
  }),

  scenario({
    id: 'stop-attach-then-wait',
    title: 'A stop that was there before ATTACH is reported once, and never with signal 0',
    source: [suite('ptrace-tests', 'stop-attach-then-wait'), suite('ptrace-tests', 'attach-stop-then-wait')],
    also: ['attach-stop-then-wait'],
    tags: ['attach', 'group-stop', 'wait'],
    rule:
      'A wait that takes a report takes it away. When the stop of job control and the ptrace-stop were two states of one task, a second wait could find ' +
      'it again after the first had cleared the signal, and reported a stop by signal 0. The SIGSTOP of ATTACH is still pending then: it comes after the restart.',
    play(s) {
      const e = stoppedPauser(s);
      e.attach();
      e.wait();
      e.poll();
      e.pending();
      e.cont();
      e.wait();
      e.poll();
      e.pending();
    },
    expect: `
      E: ATTACH = 0
      E: wait = stopped by SIGSTOP
      E: poll = nothing
      E: pending = SIGSTOP
      E: CONT = 0
      E: wait = stopped by SIGSTOP
      E: poll = nothing
      E: pending = none
    `,
  }),

  scenario({
    id: 'eintr-on-attach',
    title: 'ATTACH to a process that reads from inotify, and CONT, leave it in that read',
    source: [suite('ptrace-tests', 'eintr-on-attach'), attaching],
    tags: ['attach', 'syscall-restart'],
    rule:
      'The SIGSTOP that the tracer suppresses interrupts the system call all the same; it is for the kernel to restart it, unseen by the program. A driver ' +
      'that gives EINTR instead of ERESTARTSYS makes a tracer visible. inotify did so up to 3.2: the read failed though no handler had run.',
    history: 'inotify gave EINTR up to 3.2.',
    play(s) {
      const e = s.child('E', (c) =>
        c
          .buffer('events', 4096)
          .syscall('inotify_init1', 0)
          .store('queue')
          .syscall('inotify_add_watch', c.word('queue'), '/dev/null', IN_DELETE_SELF)
          .syscall('read', c.word('queue'), c.address('events'), 4096)
          .exitGroup(1),
      );
      e.untilAsleep();
      e.attach();
      e.wait();
      e.cont();
      e.poll();
      e.kill('SIGALRM');
      e.wait();
      e.cont();
      e.poll();
    },
    expect: `
      E: ATTACH = 0
      E: wait = stopped by SIGSTOP
      E: CONT = 0
      E: poll = nothing
      E: kill SIGALRM = 0
      E: wait = stopped by SIGALRM
      E: CONT = 0
      E: poll = nothing
    `,
  }),

  scenario({
    id: 'late-ptrace-may-attach-check',
    title: 'ATTACH and DETACH, at any moment of an execve of another thread, neither hang nor do harm',
    source: [suite('ptrace-tests', 'late-ptrace-may-attach-check')],
    tags: ['attach', 'detach', 'exec', 'threads', 'race'],
    rule:
      'An execve of a thread ends the leader and takes its id; ATTACH must find the one or the other, and has to wait while the new credentials are made. ' +
      'Kernels of 2.6 checked the permission of a task that was gone by then, and crashed. Here it is played for moments only.',
    play(s) {
      const program = tinyProgram();
      const attempts: string[] = [];
      const detached: string[] = [];
      rounds(s, 25, () => {
        const e = s.child('E', (c) =>
          c
            .thread((t) => t.label('wait').jumpIf(t.word('go'), '==', 0, 'wait').exec(program).exitGroup(1))
            .store('ready', 1)
            .loop((again) => again.pause()),
        );
        e.untilSet('ready');
        let end = 'nothing';
        const turn = (): boolean => {
          detached.push(e.detach());
          end = statusText(e.look());
          // A DETACH from another stop leaves the SIGSTOP of ATTACH to stop the process.
          if (procState(e.tid) === 'T') e.kill('SIGCONT');
          return e.ended;
        };
        s.unrecorded(() => {
          e.setWord('go', 1n);
          for (let turns = 0; turns < MOST_ATTACHES && !e.ended; turns++) {
            attempts.push(e.attach());
            turn();
          }
          if (!e.ended) s.until('E ends', turn);
        });
        e.observe('end', end);
      });
      s.observe('ATTACH, other than 0, EPERM and ESRCH', others(attempts, '0', 'EPERM', 'ESRCH'));
      s.observe('DETACH, other than 0 and ESRCH', others(detached, '0', 'ESRCH'));
    },
    expect: `
      E: end = exited ${TINY_EXIT}
      rounds = 25
      ATTACH, other than 0, EPERM and ESRCH = none
      DETACH, other than 0 and ESRCH = none
    `,
  }),
];
