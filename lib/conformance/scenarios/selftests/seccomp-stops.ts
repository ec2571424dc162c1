/** Where the stop of a seccomp filter stands among the other stops of a system call. */
import { PTRACE_O } from '../../../kernel/options.js';
import type { ChildScript } from '../../../raw/child.js';
import { observeCall, throughCall } from '../../parts/system-calls.js';
import { seccompFilter, VERDICT } from '../../parts/seccomp-filter.js';
import { commit, manual, scenario, suite, type Scenario } from '../../scenario.js';
import { answerInstead, keepOutcome, observeOutcome, traceeBefore } from './calls.js';

const implement = commit('fb0fadf9b213', 'ptrace,seccomp: Add PTRACE_SECCOMP support');
const order = commit('93e35efb8de4', 'x86/ptrace: run seccomp after ptrace');
const page = manual('ptrace(2)', 'PTRACE_EVENT_SECCOMP stops (Linux 3.5 to 4.7)');
const newPage = manual('ptrace(2)', 'PTRACE_EVENT_SECCOMP stops (since Linux 4.8)');

export const seccompStops: readonly Scenario[] = [
  scenario({
    id: 'seccomp-stop-msg-and-order',
    title: 'PTRACE_EVENT_SECCOMP comes between the two syscall-stops, with the data of the verdict as its message',
    source: [order, newPage, page],
    tags: ['seccomp', 'syscall-stop', 'event-message', 'siginfo'],
    rule:
      'Since Linux 4.8 filters run after the syscall-enter-stop; before, their event came in front of it. The event changes nothing about the syscall-stops: ' +
      'there are two, by whichever restart.',
    since: '3.5',
    needs: ['seccomp-filters'],
    play(s) {
      const filter = seccompFilter([['getppid', VERDICT.trace(0x1234)]]);
      const part = (c: ChildScript) => keepOutcome(c.seccompFilter(filter).syscall('geteuid').syscall('getppid'));
      const e = traceeBefore(s, part, { options: PTRACE_O.TRACESECCOMP });
      throughCall(e, 'geteuid');
      for (let stops = 0; stops < 3; stops++) {
        e.syscall();
        const status = e.wait();
        observeCall(e);
        if (status?.kind !== 'event') continue;
        e.eventMessage();
        e.siginfo();
      }
      e.cont();
      observeOutcome(e);
    },
    expect: [
      {
        since: '4.8',
        because: 'filters run after the syscall-enter-stop',
        transcript: `
          E: SYSCALL = 0
          E: wait = syscall-stop
          E: call = getppid
          E: SYSCALL = 0
          E: wait = event SECCOMP
          E: call = getppid
          E: event message = 0x1234
          E: siginfo = SIGTRAP 0x705 from E
          E: SYSCALL = 0
          E: wait = syscall-stop
          E: call = getppid
          E: CONT = 0
          E: outcome = R
        `,
      },
      {
        before: '4.8',
        because: 'filters ran before the syscall-enter-stop',
        transcript: `
          E: SYSCALL = 0
          E: wait = event SECCOMP
          E: call = getppid
          E: event message = 0x1234
          E: siginfo = SIGTRAP 0x705 from E
          E: SYSCALL = 0
          E: wait = syscall-stop
          E: call = getppid
          E: SYSCALL = 0
          E: wait = syscall-stop
          E: call = getppid
          E: CONT = 0
          E: outcome = R
        `,
      },
    ],
  }),

  scenario({
    id: 'seccomp-skip',
    title: 'A call that is left out at PTRACE_EVENT_SECCOMP still has its syscall-exit-stop',
    source: [implement, newPage],
    tags: ['seccomp', 'syscall-stop'],
    rule:
      'Number -1 at the event and a result: the call is not made, and its end is reported as any other. A tracer that left it out must expect one more stop ' +
      'when it restarts with SYSCALL.',
    since: '4.8',
    needs: ['seccomp-filters'],
    play(s) {
      const filter = seccompFilter([['getppid', VERDICT.trace(0)]]);
      const part = (c: ChildScript) => keepOutcome(c.seccompFilter(filter).syscall('geteuid').syscall('getppid'));
      const e = traceeBefore(s, part, { options: PTRACE_O.TRACESECCOMP });
      throughCall(e, 'geteuid');
      e.cont();
      e.wait();
      observeCall(e);
      answerInstead(e, 77);
      e.syscall();
      e.wait();
      e.observe('result', e.registers().result);
      e.cont();
      observeOutcome(e);
    },
    expect: `
      E: CONT = 0
      E: wait = event SECCOMP
      E: call = getppid
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: result = 77
      E: CONT = 0
      E: outcome = 77
    `,
  }),

  scenario({
    id: 'seccomp-sysemu',
    title: 'A call that SYSEMU leaves out is not judged by filters',
    source: [order, manual('ptrace(2)', 'PTRACE_SYSEMU')],
    tags: ['seccomp', 'sysemu'],
    rule: 'The stop of SYSEMU is where the entry is, and what it leaves out goes no further: a filter that would kill for the call has nothing to judge.',
    since: '4.8',
    needs: ['seccomp-filters', 'step.sysemu'],
    play(s) {
      const filter = seccompFilter([['getppid', VERDICT.KILL_THREAD]]);
      const part = (c: ChildScript) => keepOutcome(c.seccompFilter(filter).syscall('geteuid').syscall('getppid'));
      const e = traceeBefore(s, part, { options: PTRACE_O.TRACESECCOMP });
      throughCall(e, 'geteuid');
      e.sysemu();
      e.wait();
      observeCall(e);
      e.changeRegisters((registers) => {
        registers.result = 77;
      });
      e.cont();
      observeOutcome(e);
    },
    expect: `
      E: SYSEMU = 0
      E: wait = syscall-stop
      E: call = getppid
      E: CONT = 0
      E: outcome = 77
    `,
  }),

  scenario({
    id: 'syscall_restart',
    title: 'A call that is restarted after a stop is judged by the filter again, as restart_syscall',
    source: [suite('selftests', 'seccomp/seccomp_bpf.c syscall_restart')],
    tags: ['seccomp', 'restart', 'group-stop'],
    rule:
      'A nanosleep that a signal without a handler interrupts goes on by restart_syscall(2), which is a system call as any other: a filter that knows only of ' +
      'nanosleep does not let a stopped tracee continue.',
    since: '4.8',
    needs: ['seccomp-filters'],
    play(s) {
      const filter = seccompFilter([
        ['nanosleep', VERDICT.trace(0x100)],
        ['restart_syscall', VERDICT.trace(0x200)],
      ]);
      const e = s.tracee('E', (c) => c.seccompFilter(filter).nanosleep(3_600_000), {
        by: 'attach',
        options: PTRACE_O.TRACESECCOMP,
      });
      e.cont();
      e.wait();
      observeCall(e);
      e.eventMessage();
      s.unrecorded(() => {
        e.cont();
        e.untilAsleep();
      });
      e.kill('SIGSTOP');
      e.wait();
      e.cont('SIGSTOP');
      e.wait();
      e.kill('SIGCONT');
      e.cont();
      e.wait();
      e.cont('SIGCONT');
      e.wait();
      observeCall(e);
      e.eventMessage();
    },
    expect: `
      E: CONT = 0
      E: wait = event SECCOMP
      E: call = nanosleep
      E: event message = 0x100
      E: kill SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: CONT SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: kill SIGCONT = 0
      E: CONT = 0
      E: wait = stopped by SIGCONT
      E: CONT SIGCONT = 0
      E: wait = event SECCOMP
      E: call = restart_syscall
      E: event message = 0x200
    `,
  }),
];
