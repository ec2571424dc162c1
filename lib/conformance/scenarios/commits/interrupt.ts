/** PTRACE_INTERRUPT, of the series of June 2011. */
import { PTRACE_O } from '../../../kernel/options.js';
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
      s.unrecorded(() => {
        // The entry of getpid: what the gate calls is over when it is open.
        do {
          e.syscall();
          e.wait();
        } while (e.syscallName(e.registers().syscallNumber) !== 'getpid');
      });
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
