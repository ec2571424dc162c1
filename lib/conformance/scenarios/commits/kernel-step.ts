/** PTRACE_SINGLESTEP into handlers and over, and out of, system calls. */
import { SIG } from '../../../kernel/signals.js';
import { encodeSiginfo } from '../../../kernel/siginfo.js';
import { PTRACE_O } from '../../../kernel/options.js';
import { SA } from '../../../raw/child.js';
import * as raw from '../../../raw/index.js';
import { observeResult, toEntry } from '../../parts/system-calls.js';
import { commit, manual, scenario, type Scenario } from '../../scenario.js';

/** More instructions than the machine's loop of system calls has. */
const LOOP_STEPS = 24;

export const kernelStep: readonly Scenario[] = [
  scenario({
    id: 'handler-setup-complete-before-step-stop',
    title: 'A step that delivers a signal stops at the first instruction of the handler, with frame and mask in place',
    source: [commit('36a033082b5', 'x86: tracehook_signal_handler')],
    tags: ['step', 'signal-delivery-stop', 'sigmask'],
    rule:
      'The stop comes when the handler is about to run: its frame is on the stack, its arguments are set, the signal and those of sa_mask are blocked. A ' +
      'tracer may read the frame there or go on elsewhere. Up to 2.6.26 x86 stopped before the mask was set.',
    needs: ['step.single'],
    play(s) {
      const e = s.tracee('E', (c) =>
        c
          .handle('SIGUSR1', (h) => h.store('ran', 1), { mask: ['SIGUSR2'], flags: SA.SIGINFO })
          .tgkillSelf('SIGUSR1')
          .exitGroup(0),
      );
      e.cont();
      e.wait();
      e.sigmask();
      const before = e.registers();
      e.step('SIGUSR1');
      e.wait();
      e.sigmask();
      const registers = e.registers();
      e.observe('first argument', registers.arg(0) === BigInt(SIG.SIGUSR1) ? 'SIGUSR1' : registers.arg(0));
      e.observe('signal of the siginfo on its stack', BigInt.asIntN(32, e.wordAt(registers.arg(1))));
      e.observe('stack pointer is lower', registers.sp < before.sp);
      e.observe('the handler has run', e.word('ran') !== 0n);
      e.cont();
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: sigmask = none
      E: SINGLESTEP SIGUSR1 = 0
      E: wait = stopped by SIGTRAP
      E: sigmask = SIGUSR1 SIGUSR2
      E: first argument = SIGUSR1
      E: signal of the siginfo on its stack = 10
      E: stack pointer is lower = true
      E: the handler has run = false
      E: CONT = 0
      E: wait = exited 0
    `,
  }),

  scenario({
    id: 'step-trap-after-syscall-return',
    title: 'A step over the instruction of a system call stops right behind it, with the result in place',
    source: [commit('6342adcaa683', 'entry: Ensure trap after single-step on system call return')],
    tags: ['step', 'syscall'],
    rule:
      'The instruction that makes the call and all that the kernel does for it are one step. In 5.10 the trap was lost on the way back and the tracee ' +
      'stopped one instruction later, so a debugger never saw the place behind the call.',
    history: 'Broken in 5.10, mended in 5.11.',
    needs: ['step.single'],
    play(s) {
      const e = s.tracee('E', (c) => c.getppidLoop(), { by: 'traceme', options: PTRACE_O.TRACESYSGOOD });
      toEntry(e, 'getppid');
      e.syscall();
      e.wait();
      // At an exit stop the program counter is behind the instruction.
      const behind = e.registers().pc;
      const stops = new Set<string>();
      let there: string | undefined;
      // The first step leaves the exit stop, a whole round of the loop is behind it.
      s.unrecorded(() => {
        for (let step = 0; step < LOOP_STEPS && there === undefined; step++) {
          e.changeRegisters((registers) => {
            if (registers.pc === behind) registers.result = 0;
          });
          e.mustSucceed(e.step(), 'SINGLESTEP');
          const status = e.wait();
          stops.add(status?.kind === 'stopped' && status.signal === SIG.SIGTRAP ? 'SIGTRAP' : 'another');
          if (e.registers().pc === behind) there = s.valueText(e.registers().result);
        }
      });
      e.observe('steps end by', [...stops].join(', '));
      e.observe('result right behind the call', there ?? 'it did not stop there');
    },
    expect: `
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: steps end by = SIGTRAP
      E: result right behind the call = R
    `,
  }),

  scenario({
    id: 'step-from-syscall-entry-is-signal-trap',
    title: 'SINGLESTEP at a syscall-enter-stop ends behind the call by a SIGTRAP that is a signal, not a syscall-stop',
    source: [
      commit('2f0edac5555', 'ptrace: change tracehook_report_syscall_exit() to handle stepping'),
      commit('d5196503732', 'ptrace: x86: change syscall_trace_leave() to rely on tracehook when stepping'),
      manual('ptrace(2)', 'PTRACE_SINGLESTEP'),
    ],
    tags: ['step', 'syscall-stop', 'injection'],
    rule:
      'Who steps from within a system call wants to stop where the call returns. The kernel sends the tracee a SIGTRAP there: without the 0x80 of ' +
      'TRACESYSGOOD, with a siginfo that can be changed, and another signal can be injected in its place.',
    needs: ['step.single'],
    play(s) {
      const e = s.tracee('E', (c) => c.syscall('getppid').exitGroup(0), {
        by: 'traceme',
        options: PTRACE_O.TRACESYSGOOD,
      });
      toEntry(e, 'getppid');
      e.step();
      e.wait();
      observeResult(e);
      e.observe(
        'SETSIGINFO',
        s.attempt(() => raw.setSiginfo(e.tid, encodeSiginfo({ signal: SIG.SIGUSR1, value: 7n, pid: e.tid }))),
      );
      e.siginfo();
      e.cont('SIGUSR1');
      e.wait();
    },
    expect: `
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: result = R
      E: SETSIGINFO = 0
      E: siginfo = SIGUSR1 SI_QUEUE from E
      E: CONT SIGUSR1 = 0
      E: wait = killed by SIGUSR1
    `,
  }),
];
