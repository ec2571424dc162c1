/** PTRACE_EVENT stops of new tasks: their siginfo, which event it is, and the order around vfork. */
import { PTRACE_O } from '../../../kernel/options.js';
import { SIG, signalsInSet } from '../../../kernel/signals.js';
import { procStatus } from '../../../proc.js';
import { CLONE } from '../../../raw/child.js';
import type { Actor } from '../../actor.js';
import { statusText } from '../../describe.js';
import { seccompFilter, VERDICT } from '../../parts/seccomp-filter.js';
import { THREAD_FLAGS } from '../../parts/clone-flags.js';
import { tinyProgram } from '../../parts/programs.js';
import { toNextReport } from '../../parts/system-calls.js';
import { scenario, type Scenario } from '../../scenario.js';
import { page } from './tools.js';

const eventStops = page('PTRACE_EVENT stops');
const options = page('PTRACE_SETOPTIONS');

const FORKS = PTRACE_O.TRACEFORK | PTRACE_O.TRACEVFORK | PTRACE_O.TRACECLONE;
const EVERYTHING = FORKS | PTRACE_O.TRACEVFORKDONE | PTRACE_O.TRACESECCOMP | PTRACE_O.TRACEEXEC | PTRACE_O.TRACEEXIT;

/** The new task of an event is let go. Not in the transcript. */
function letGo(e: Actor): void {
  e.stage.unrecorded(() => {
    const task = e.newTask('new task');
    task.expectStop(SIG.SIGTRAP);
    e.mustSucceed(task.detach(), 'DETACH');
  });
}

export const taskEvents: readonly Scenario[] = [
  scenario({
    id: 'getsiginfo-event-code',
    title: 'At every PTRACE_EVENT stop the code of the siginfo is the event with SIGTRAP, and the sender the tracee',
    source: [eventStops],
    tags: ['event-stop', 'siginfo'],
    rule:
      'No signal is behind an event; its siginfo has SIGTRAP, (event << 8) | SIGTRAP as the code, and the tracee’s own pid. So the code tells the same ' +
      'stops apart that the wait status tells apart.',
    since: '3.5',
    needs: ['option.PTRACE_O_TRACESECCOMP.effect'],
    play(s) {
      const e = s.tracee(
        'E',
        (c) => {
          c.block('SIGCHLD');
          c.fork((f) => f.exitGroup(0));
          c.vfork((f) => f.exitGroup(0));
          c.thread((f) => f.exit(0));
          c.seccompFilter(seccompFilter([['getppid', VERDICT.trace(0)]])).syscall('getppid');
          c.exec(tinyProgram());
        },
        { options: EVERYTHING },
      );
      const next = (): void => {
        s.unrecorded(() => e.cont());
        e.wait();
        e.siginfo();
      };
      e.siginfo();
      next();
      letGo(e);
      next();
      letGo(e);
      next();
      next();
      letGo(e);
      next();
      next();
      next();
    },
    expect: `
      E: siginfo = SIGTRAP 0x8005 from E
      E: wait = event FORK
      E: siginfo = SIGTRAP 0x105 from E
      E: wait = event VFORK
      E: siginfo = SIGTRAP 0x205 from E
      E: wait = event VFORK_DONE
      E: siginfo = SIGTRAP 0x505 from E
      E: wait = event CLONE
      E: siginfo = SIGTRAP 0x305 from E
      E: wait = event SECCOMP
      E: siginfo = SIGTRAP 0x705 from E
      E: wait = event EXEC
      E: siginfo = SIGTRAP 0x405 from E
      E: wait = event EXIT
      E: siginfo = SIGTRAP 0x605 from E
    `,
  }),

  scenario({
    id: 'fork-vs-clone-vs-vfork-selection',
    title: 'CLONE_VFORK gives a VFORK event, an exit signal of SIGCHLD a FORK event, all else a CLONE event',
    source: [options],
    tags: ['event-stop', 'fork', 'vfork', 'clone', 'options'],
    rule:
      'The event does not follow the name of the system call but the flags: first CLONE_VFORK, then the exit signal. A tracer that asks for one of the ' +
      'three only will miss children that a program makes in another way.',
    since: '3.4',
    play(s) {
      const cases: readonly (readonly [what: string, flags: number])[] = [
        ['SIGCHLD', SIG.SIGCHLD],
        ['CLONE_VM and SIGCHLD', CLONE.VM | SIG.SIGCHLD],
        ['CLONE_VM, CLONE_VFORK and SIGCHLD', CLONE.VM | CLONE.VFORK | SIG.SIGCHLD],
        ['CLONE_VFORK and SIGUSR1', CLONE.VFORK | SIG.SIGUSR1],
        ['SIGUSR1', SIG.SIGUSR1],
        ['no exit signal', 0],
        ['a thread', THREAD_FLAGS],
      ];
      const e = s.tracee(
        'E',
        (c) => {
          c.block('SIGCHLD', 'SIGUSR1');
          for (const [, flags] of cases) c.clone(flags, (f) => f.exit(0));
          c.loop((again) => again.pause());
        },
        { options: FORKS },
      );
      for (const [what] of cases) {
        e.observe(what, statusText(toNextReport(e)));
        letGo(e);
      }
      e.cont();
      e.poll();
      // Only one of the options: the others make no event, and their children are not traced.
      const f = s.tracee(
        'only TRACEFORK',
        (c) => {
          c.block('SIGCHLD', 'SIGUSR1');
          c.clone(SIG.SIGUSR1, (g) => g.exitGroup(0));
          c.vfork((g) => g.exitGroup(0));
          c.fork((g) => g.exitGroup(0));
          c.exitGroup(3);
        },
        { options: PTRACE_O.TRACEFORK },
      );
      f.cont();
      f.wait();
      letGo(f);
      f.cont();
      f.wait();
    },
    expect: `
      E: SIGCHLD = event FORK
      E: CLONE_VM and SIGCHLD = event FORK
      E: CLONE_VM, CLONE_VFORK and SIGCHLD = event VFORK
      E: CLONE_VFORK and SIGUSR1 = event VFORK
      E: SIGUSR1 = event CLONE
      E: no exit signal = event CLONE
      E: a thread = event CLONE
      E: CONT = 0
      E: poll = nothing
      only TRACEFORK: CONT = 0
      only TRACEFORK: wait = event FORK
      only TRACEFORK: CONT = 0
      only TRACEFORK: wait = exited 3
    `,
  }),

  scenario({
    id: 'clone-untraced',
    title: 'A child of CLONE_UNTRACED is not traced and makes no event, whatever the options',
    source: [options],
    tags: ['event-stop', 'clone'],
    rule: 'CLONE_UNTRACED is the one way out of being traced: meant for threads that the kernel makes, but any program can set it.',
    play(s) {
      const e = s.tracee(
        'E',
        (c) => {
          c.clone(CLONE.UNTRACED | SIG.SIGCHLD, (f) => f.loop((again) => again.pause())).store('F');
          c.tgkillSelf('SIGUSR1').exitGroup(3);
        },
        { by: 'attach', options: FORKS },
      );
      e.cont();
      e.wait();
      const f = s.adopt('F', Number(e.word('F')));
      f.tracer();
      f.untilAsleep();
      f.state();
      f.look();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      F: tracer = nobody
      F: state = S (sleeping)
      F: poll = ECHILD
    `,
  }),

  scenario({
    id: 'clone-ptrace-under-seize',
    title: 'A child that a seized tracee makes with CLONE_PTRACE is seized too, and its first stop is EVENT_STOP',
    source: [page('Attaching and detaching')],
    tags: ['clone', 'seize', 'event-stop'],
    rule:
      'CLONE_PTRACE gives the child its parent’s tracer although the tracer has asked for no events: a tracer must be ready for tasks that it has never ' +
      'heard of. How the child first stops depends on how its parent was attached: no SIGSTOP here.',
    since: '3.4',
    play(s) {
      const e = s.tracee('E', (c) => {
        c.clone(CLONE.PTRACE | SIG.SIGCHLD, (f) => f.exitGroup(5)).store('F');
        c.tgkillSelf('SIGUSR1').exitGroup(3);
      });
      e.cont();
      e.wait();
      const f = s.adopt('F', Number(e.word('F')));
      f.wait();
      f.tracer();
      f.siginfo();
      f.pending();
      f.interrupt();
      f.cont();
      f.wait();
      f.cont();
      f.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      F: wait = event STOP SIGTRAP
      F: tracer = R
      F: siginfo = SIGTRAP 0x8005 from F
      F: pending = none
      F: INTERRUPT = 0
      F: CONT = 0
      F: wait = event STOP SIGTRAP
      F: CONT = 0
      F: wait = exited 5
    `,
  }),

  scenario({
    id: 'vfork-order',
    title: 'vfork: VFORK in the parent, which then sleeps until its child is gone; VFORK_DONE, the exit-stop, SIGCHLD',
    source: [options, eventStops],
    tags: ['event-stop', 'vfork', 'order'],
    rule:
      'Between the two events the parent waits in the kernel and takes no signals. VFORK_DONE comes when the child has given the memory back, not when it ' +
      'was reaped, and has the child’s pid as its message, also where TRACEVFORK is not set. SIGCHLD comes after the tracer has reaped the child.',
    since: '3.4',
    play(s) {
      const e = s.tracee('E', (c) => c.vfork((v) => v.exitGroup(7)).exitGroup(3), {
        by: 'traceme',
        options: PTRACE_O.TRACEVFORK | PTRACE_O.TRACEVFORKDONE | PTRACE_O.TRACESYSGOOD,
      });
      e.cont();
      e.wait();
      const f = e.newTask('F');
      f.wait();
      e.cont();
      e.untilState('D');
      e.look();
      f.cont();
      e.wait();
      e.eventMessage();
      f.wait();
      e.syscall();
      e.wait();
      e.cont();
      e.wait();
      e.siginfo();
      e.cont();
      e.wait();
      const g = s.tracee(
        'only TRACEVFORKDONE',
        (c) => c.vfork((v) => v.syscall('gettid').store('child').exitGroup(7)).exitGroup(3),
        { by: 'attach', options: PTRACE_O.TRACEVFORKDONE },
      );
      g.cont();
      g.wait();
      s.adopt('its child', Number(g.word('child')));
      g.eventMessage();
      // The memory is given back a little before the end of the child is told.
      s.until('SIGCHLD pends', () => signalsInSet(procStatus(g.tid)?.shdPnd ?? 0n).includes(SIG.SIGCHLD));
      g.cont();
      g.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = event VFORK
      E: event message = F
      F: wait = stopped by SIGSTOP
      E: CONT = 0
      E: poll = nothing
      F: CONT = 0
      E: wait = event VFORK_DONE
      E: event message = F
      F: wait = exited 7
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: CONT = 0
      E: wait = stopped by SIGCHLD
      E: siginfo = SIGCHLD CLD_EXITED from F
      E: CONT = 0
      E: wait = exited 3
      only TRACEVFORKDONE: CONT = 0
      only TRACEVFORKDONE: wait = event VFORK_DONE
      only TRACEVFORKDONE: event message = its child
      only TRACEVFORKDONE: CONT = 0
      only TRACEVFORKDONE: wait = stopped by SIGCHLD
    `,
  }),
];
