/** Syscall-stops: how they look, what comes between entry and exit, and what a tracer can change. */
import { PTRACE_O } from '../../../kernel/options.js';
import { observeCall, observeResult, toEntry } from '../../parts/system-calls.js';
import { scenario, suite, type Scenario } from '../../scenario.js';
import { page } from './tools.js';

const syscallStops = page('Syscall-stops');
const sysgood = { by: 'traceme', options: PTRACE_O.TRACESYSGOOD } as const;

export const syscallStopScenarios: readonly Scenario[] = [
  scenario({
    id: 'sysgood-bit',
    title: 'TRACESYSGOOD marks syscall-stops with 0x80, in the wait status and in the siginfo; a SIGTRAP has no mark',
    source: [syscallStops],
    tags: ['syscall-stop', 'options', 'siginfo'],
    rule:
      'Without the option a syscall-stop has the wait status of a SIGTRAP, and only the code of its siginfo, which is that of no signal, tells them apart: ' +
      'one more request at every stop.',
    play(s) {
      for (const options of [PTRACE_O.TRACESYSGOOD, 0]) {
        const e = s.tracee(
          options === 0 ? 'without' : 'TRACESYSGOOD',
          (c) => c.syscall('getppid').tgkillSelf('SIGTRAP').exitGroup(3),
          { by: 'traceme', options },
        );
        e.syscall();
        e.wait();
        e.siginfo();
        e.syscall();
        e.wait();
        e.siginfo();
        e.cont();
        e.wait();
        e.siginfo();
      }
    },
    expect: `
      TRACESYSGOOD: SYSCALL = 0
      TRACESYSGOOD: wait = syscall-stop
      TRACESYSGOOD: siginfo = SIGTRAP 0x85 from TRACESYSGOOD
      TRACESYSGOOD: SYSCALL = 0
      TRACESYSGOOD: wait = syscall-stop
      TRACESYSGOOD: siginfo = SIGTRAP 0x85 from TRACESYSGOOD
      TRACESYSGOOD: CONT = 0
      TRACESYSGOOD: wait = stopped by SIGTRAP
      TRACESYSGOOD: siginfo = SIGTRAP SI_TKILL from TRACESYSGOOD
      without: SYSCALL = 0
      without: wait = stopped by SIGTRAP
      without: siginfo = SIGTRAP 0x5 from without
      without: SYSCALL = 0
      without: wait = stopped by SIGTRAP
      without: siginfo = SIGTRAP 0x5 from without
      without: CONT = 0
      without: wait = stopped by SIGTRAP
      without: siginfo = SIGTRAP SI_TKILL from without
    `,
  }),

  scenario({
    id: 'no-signal-between-entry-and-exit',
    title: 'Between syscall-enter-stop and syscall-exit-stop there is no signal-delivery-stop',
    source: [syscallStops],
    tags: ['syscall-stop', 'signals', 'order'],
    rule:
      'Signals are delivered on the way back to user mode, which is behind the exit-stop. One that is sent before waits, or interrupts the call: its exit-stop ' +
      'comes first in any case. So the tracer can pair the two stops.',
    play(s) {
      const e = s.tracee('E', (c) => c.syscall('getppid').store('parent').exitGroup(3), sysgood);
      toEntry(e, 'getppid');
      e.tgkill('SIGUSR1');
      e.poll();
      e.syscall();
      e.wait();
      observeResult(e);
      e.poll();
      e.syscall();
      e.wait();
      e.syscall();
      e.wait();
      observeCall(e);
    },
    expect: `
      E: tgkill SIGUSR1 = 0
      E: poll = nothing
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: result = R
      E: poll = nothing
      E: SYSCALL = 0
      E: wait = stopped by SIGUSR1
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: call = exit_group
    `,
  }),

  scenario({
    id: 'cont-cancels-exit-stop',
    title: 'CONT at a syscall-enter-stop leaves the exit-stop out, and the next syscall-stop is an entry',
    source: [syscallStops],
    tags: ['syscall-stop', 'cont'],
    rule:
      'Each restart decides anew. A tracer that counts stops to tell entries from exits must begin anew with an entry after CONT, SINGLESTEP or a signal ' +
      'death; PTRACE_GET_SYSCALL_INFO spares it that.',
    play(s) {
      const e = s.tracee(
        'E',
        (c) => c.syscall('getppid').tgkillSelf('SIGUSR1').syscall('getuid').exitGroup(3),
        sysgood,
      );
      toEntry(e, 'getppid');
      e.cont();
      e.wait();
      e.syscall();
      e.wait();
      observeCall(e);
      e.syscall();
      e.wait();
      observeCall(e);
      e.cont();
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: call = getuid
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: call = getuid
      E: CONT = 0
      E: wait = exited 3
    `,
  }),

  scenario({
    id: 'sysemu',
    title: 'SYSEMU stops at the entry of a system call that is not made, and has no exit-stop, but under SYSCALL',
    source: [page('DESCRIPTION'), suite('rr', 'ptrace_sysemu_syscall'), suite('gvisor', 'Sysemu_PokeUser')],
    needs: ['step.sysemu'],
    tags: ['sysemu', 'syscall-stop'],
    rule:
      'The tracer makes the call itself and writes the result. What is decided is this call: it is left out whatever the next restart is. That one decides ' +
      'whether its end is reported and whether the next call is made.',
    play(s) {
      const e = s.tracee(
        'E',
        (c) => {
          c.syscall('getppid').store('getppid').syscall('getppid').store('getppid again');
          c.syscall('getuid').exitGroup(3);
        },
        sysgood,
      );
      const answer = (value: number): void => {
        e.changeRegisters((registers) => (registers.result = value));
      };
      e.sysemu();
      e.wait();
      observeCall(e);
      answer(4242);
      e.sysemu();
      e.wait();
      observeCall(e);
      e.result('getppid');
      answer(17);
      e.syscall();
      e.wait();
      observeCall(e);
      e.syscall();
      e.wait();
      observeCall(e);
      e.result('getppid again');
      e.cont();
      e.wait();
    },
    expect: `
      E: SYSEMU = 0
      E: wait = syscall-stop
      E: call = getppid
      E: SYSEMU = 0
      E: wait = syscall-stop
      E: call = getppid
      E: getppid = 4242
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: call = getppid
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: call = getuid
      E: getppid again = 17
      E: CONT = 0
      E: wait = exited 3
    `,
  }),

  scenario({
    id: 'entry-nr-change',
    title: 'At a syscall-enter-stop the number and the arguments of the call can be changed',
    source: [syscallStops],
    tags: ['syscall-stop', 'registers'],
    rule: 'The kernel reads both again when the tracee goes on, before seccomp sees them. What the tracee gets is the result of the changed call.',
    play(s) {
      const e = s.tracee('E', (c) => c.syscall('getppid').store('getppid').exitGroup(3), sysgood);
      toEntry(e, 'getppid');
      e.setSyscallNumber(e.syscallNumber('getpid'));
      e.syscall();
      e.wait();
      e.syscall();
      e.wait();
      e.observe('what getppid gave', s.nameOf(Number(e.word('getppid'))));
      e.changeRegisters((registers) => {
        registers.setArg(0, 5);
      });
      e.cont();
      e.wait();
    },
    expect: `
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: what getppid gave = E
      E: CONT = 0
      E: wait = exited 5
    `,
  }),
];
