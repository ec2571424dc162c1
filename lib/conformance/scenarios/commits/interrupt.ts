/** PTRACE_INTERRUPT, of the series of June 2011. */
import { PTRACE_O } from '../../../kernel/options.js';
import { beating, runs } from '../../parts/activity.js';
import { toEntry } from '../../parts/system-calls.js';
import { commit, scenario, suite, type Scenario } from '../../scenario.js';

const implement = commit('fca26f260c52', 'ptrace: implement PTRACE_INTERRUPT');

export const interrupt: readonly Scenario[] = [
  scenario({
    id: 'interrupt-status',
    title: 'INTERRUPT of a running seized tracee stops it with EVENT_STOP and SIGTRAP',
    source: [implement],
    tags: ['interrupt', 'seize', 'event-stop'],
    rule:
      'INTERRUPT traps a running tracee without a signal: nothing is queued, nothing of its job-control state changes. Outside of a group-stop the ' +
      'stop has SIGTRAP, and GETSIGINFO has (PTRACE_EVENT_STOP << 8) | SIGTRAP as its code and the tracee itself as the sender.',
    since: '3.4',
    play(s) {
      const e = s.pauser();
      e.seize();
      e.interrupt();
      e.wait();
      e.siginfo();
      e.state();
      e.pending();
    },
    expect: `
      E: SEIZE = 0
      E: INTERRUPT = 0
      E: wait = event STOP SIGTRAP
      E: siginfo = SIGTRAP 0x8005 from E
      E: state = t (tracing stop)
      E: pending = none
    `,
  }),

  scenario({
    id: 'interrupt-from-running-detach-running',
    title: 'A running tracee that was interrupted and let go runs on',
    source: [implement],
    tags: ['interrupt', 'seize', 'detach'],
    rule:
      'INTERRUPT has no effect on job control: once the tracee is let go nothing of the stop is left. With a SIGSTOP it would have been stopped for its ' +
      'parent, too, or left stopped by a tracer that dies.',
    since: '3.4',
    play(s) {
      const e = s.child('E', beating);
      e.seize();
      runs(e);
      e.interrupt();
      e.wait();
      e.detach();
      runs(e);
      e.pending();
      e.tracer();
    },
    expect: `
      E: SEIZE = 0
      E: runs = true
      E: INTERRUPT = 0
      E: wait = event STOP SIGTRAP
      E: DETACH = 0
      E: runs = true
      E: pending = none
      E: tracer = nobody
    `,
  }),

  scenario({
    id: 'interrupt-from-stopped-detach-stopped',
    title:
      'A tracee that runs in a stopped group stops with the stop signal when interrupted, and is stopped when let go',
    source: [implement],
    tags: ['interrupt', 'seize', 'detach', 'group-stop'],
    rule:
      'The signal of an EVENT_STOP tells the state of the group at that moment: SIGTRAP when it runs, else the signal that has stopped it. DETACH leaves ' +
      'the tracee as its group is.',
    since: '3.4',
    play(s) {
      const e = s.child('E', beating);
      e.kill('SIGSTOP');
      e.untilState('T');
      e.seize();
      e.wait();
      e.cont();
      runs(e);
      e.interrupt();
      e.wait();
      e.siginfo();
      e.detach();
      e.rest();
      e.state();
    },
    expect: `
      E: kill SIGSTOP = 0
      E: SEIZE = 0
      E: wait = event STOP SIGSTOP
      E: CONT = 0
      E: runs = true
      E: INTERRUPT = 0
      E: wait = event STOP SIGSTOP
      E: siginfo = SIGSTOP 0x8013 from E
      E: DETACH = 0
      E: state = T (stopped)
    `,
  }),

  scenario({
    id: 'interrupt-pending-survives-current-stop',
    title: 'INTERRUPT of a tracee that stands in a stop takes effect when it is resumed',
    source: [implement],
    tags: ['interrupt', 'signal-delivery-stop', 'event-stop'],
    rule:
      'The stop that there is does not count as the answer, as the tracer may have asked before it knew of it. The request stays pending, the stop is not ' +
      'disturbed, and the tracee traps again before it executes anything: from an EVENT_STOP, too.',
    since: '3.4',
    play(s) {
      const e = s.pauser();
      e.seize();
      e.tgkill('SIGUSR1');
      e.wait();
      e.interrupt();
      e.poll();
      e.siginfo();
      e.cont();
      e.wait();
      e.interrupt();
      e.poll();
      e.cont();
      e.wait();
      e.cont();
      e.poll();
      e.state();
    },
    expect: `
      E: SEIZE = 0
      E: tgkill SIGUSR1 = 0
      E: wait = stopped by SIGUSR1
      E: INTERRUPT = 0
      E: poll = nothing
      E: siginfo = SIGUSR1 SI_TKILL from R
      E: CONT = 0
      E: wait = event STOP SIGTRAP
      E: INTERRUPT = 0
      E: poll = nothing
      E: CONT = 0
      E: wait = event STOP SIGTRAP
      E: CONT = 0
      E: poll = nothing
      E: state = S (sleeping)
    `,
  }),

  scenario({
    id: 'interrupt-consumed-by-next-trap',
    title: 'A pending INTERRUPT is used up by whatever trap comes next',
    source: [implement],
    tags: ['interrupt', 'syscall-stop'],
    rule:
      'INTERRUPT asks for one trap, of any kind. At a stop it stays pending; the stop of the system call that follows clears it, and no EVENT_STOP ' +
      'comes any more. A tracer that interrupts must take the next stop, whatever it is, for its answer.',
    since: '3.4',
    play(s) {
      const e = s.tracee('E', (c) => c.syscall('getpid').syscall('getppid').exitGroup(0), {
        options: PTRACE_O.TRACESYSGOOD,
      });
      toEntry(e, 'getpid');
      e.syscallInfo();
      e.interrupt();
      e.syscall();
      e.wait();
      e.syscall();
      e.wait();
      e.syscallInfo();
    },
    expect: `
      E: syscall info = entry getpid
      E: INTERRUPT = 0
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = entry getppid
    `,
  }),

  scenario({
    id: 'interrupt-collapses',
    title: 'INTERRUPT twice before the tracee has trapped makes one stop',
    source: [implement],
    tags: ['interrupt', 'event-stop'],
    rule: 'A pending INTERRUPT is a flag, not a count. One that finds it set changes nothing.',
    since: '3.4',
    play(s) {
      const e = s.pauser();
      e.seize();
      e.tgkill('SIGUSR1');
      e.wait();
      for (let i = 0; i < 3; i++) e.interrupt();
      e.cont();
      e.wait();
      e.cont();
      e.poll();
      // Of a running tracee that is too slow to have trapped already: one stop, or two if the second INTERRUPT came after the trap.
      let most = 0;
      s.unrecorded(() => {
        for (let i = 0; i < 40; i++) {
          e.interrupt();
          e.interrupt();
          let stops = 0;
          while (e.poll() !== undefined) {
            stops++;
            e.cont();
          }
          most = Math.max(most, stops);
        }
      });
      e.observe('more than two stops for two', most > 2);
    },
    expect: `
      E: SEIZE = 0
      E: tgkill SIGUSR1 = 0
      E: wait = stopped by SIGUSR1
      E: INTERRUPT = 0
      E: INTERRUPT = 0
      E: INTERRUPT = 0
      E: CONT = 0
      E: wait = event STOP SIGTRAP
      E: CONT = 0
      E: poll = nothing
      E: more than two stops for two = false
    `,
  }),

  scenario({
    id: 'interrupt-requires-seize',
    title: 'INTERRUPT and LISTEN of a tracee that was not seized give EIO and leave its stop alone',
    source: [implement, suite('gvisor', 'Interrupt_Listen_RequireSeize')],
    also: ['Interrupt_Listen_RequireSeize'],
    tags: ['interrupt', 'listen', 'attach', 'errors'],
    rule: 'Both belong to tracees of PTRACE_SEIZE. One of PTRACE_ATTACH or PTRACE_TRACEME refuses them with EIO, not with EINVAL.',
    since: '3.4',
    play(s) {
      const e = s.tracee('E', (c) => c.tgkillSelf('SIGUSR1').exitGroup(3), { by: 'attach' });
      e.interrupt();
      e.listen();
      e.cont();
      e.wait();
      e.interrupt();
      e.listen();
      e.cont();
      e.wait();
    },
    expect: `
      E: INTERRUPT = EIO
      E: LISTEN = EIO
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: INTERRUPT = EIO
      E: LISTEN = EIO
      E: CONT = 0
      E: wait = exited 3
    `,
  }),
];
