/** Single steps around system calls, what is x86-64's own about them. */
import { PTRACE_O } from '../../../../kernel/options.js';
import { nopBytes } from '../../../parts/instructions.js';
import { toEntry } from '../../../parts/system-calls.js';
import { commit, scenario, type Scenario } from '../../../scenario.js';

export const kernelStepX64: readonly Scenario[] = [
  scenario({
    id: 'step-after-syscall-exit-no-extra-trap',
    title: 'SINGLESTEP at a syscall-exit-stop executes exactly one instruction and traps once',
    source: [commit('d5196503732', 'ptrace: x86: change syscall_trace_leave() to rely on tracehook when stepping')],
    tags: ['step', 'syscall-stop'],
    arch: ['x64'],
    rule:
      'At the exit stop the call is over: the step begins at the instruction behind it. Up to 2.6.32 the way back to user mode trapped once more, before ' +
      'that instruction, and a tracer that counts steps counted one without an instruction.',
    play(s) {
      const e = s.tracee('E', (c) => c.nops().syscall('getppid').exitGroup(0), {
        by: 'traceme',
        options: PTRACE_O.TRACESYSGOOD,
      });
      toEntry(e, 'getppid');
      e.syscall();
      e.wait();
      const { nops } = e.child;
      const instructions = (): bigint => (e.registers().pc - nops) / nopBytes(e);
      e.changeRegisters((registers) => {
        registers.pc = nops;
      });
      for (let step = 0; step < 3; step++) {
        e.step();
        e.wait();
        e.siginfo();
        e.observe('instructions executed', instructions());
      }
    },
    expect: `
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_TRACE
      E: instructions executed = 1
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_TRACE
      E: instructions executed = 2
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_TRACE
      E: instructions executed = 3
    `,
  }),

  scenario({
    id: 'step-from-syscall-entry-siginfo',
    title: 'The SIGTRAP of a step out of a system call has TRAP_BRKPT, that of any other step TRAP_TRACE',
    source: [
      commit('7f38551fc3f', 'ptrace: x86: implement user_single_step_siginfo()'),
      commit('d5196503732', 'ptrace: x86: change syscall_trace_leave() to rely on tracehook when stepping'),
    ],
    tags: ['step', 'syscall-stop', 'siginfo'],
    arch: ['x64'],
    rule:
      'Behind a system call it is not the processor that traps: the kernel sends the signal itself, and x86 gives it the code of a breakpoint. It is the ' +
      'way to tell the two apart.',
    play(s) {
      const e = s.tracee('E', (c) => c.syscall('getppid').exitGroup(0), {
        by: 'traceme',
        options: PTRACE_O.TRACESYSGOOD,
      });
      toEntry(e, 'getppid');
      e.step();
      e.wait();
      e.siginfo();
      e.step();
      e.wait();
      e.siginfo();
    },
    expect: `
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_BRKPT
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_TRACE
    `,
  }),
];
