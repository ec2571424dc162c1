/** Single steps of arm64: what the stops say, and where they are. */
import { PTRACE_O } from '../../../../kernel/options.js';
import type { Actor } from '../../../actor.js';
import { callBytes } from '../../../parts/instructions.js';
import { toSyscallStop } from '../../../parts/system-calls.js';
import { commit, manual, scenario, type Scenario } from '../../../scenario.js';
import type { Stage } from '../../../stage.js';
import { keepOutcome, traceeAt } from '../../selftests/calls.js';

const pseudoStep = commit('ac2081cdc4d9', 'arm64: ptrace: Consistently use pseudo-singlestep exceptions');
const page = manual('ptrace(2)', 'PTRACE_SINGLESTEP');

const BRK = 4n;

function step(e: Actor): void {
  e.step();
  e.wait();
  e.siginfo();
}

/** A tracee that has made a call, stands behind its exit in a stop that is no syscall-stop, and what is before it is the call's instruction. */
function behindCall(s: Stage): Actor {
  const e = traceeAt(s, 'getppid', (c) => keepOutcome(c.syscall('getppid')));
  s.unrecorded(() => {
    toSyscallStop(e);
    e.interrupt();
    e.cont();
    e.wait();
  });
  return e;
}

export const armSteps: readonly Scenario[] = [
  scenario({
    id: 'arm64-step-siginfo',
    title:
      'A step of arm64 is TRAP_TRACE, a breakpoint instruction TRAP_BRKPT before the instruction, also when it is stepped',
    source: [page, commit('478fcb2cdb23', 'arm64: Debugging support')],
    tags: ['step', 'siginfo', 'breakpoint'],
    rule:
      'Unlike on x86 the program counter stays at the breakpoint instruction: to go on, a debugger puts the old instruction back and does not touch pc, and a ' +
      'tracee that is simply continued hits it again.',
    arch: ['arm64'],
    needs: ['step.single'],
    play(s) {
      const e = s.tracee('E', (c) => c.nops().exitGroup(0), { by: 'traceme' });
      e.changeRegisters((registers) => {
        registers.pc = e.child.nops;
      });
      step(e);
      e.observe('at the next', e.registers().pc === e.child.nops + BRK);
      e.changeRegisters((registers) => {
        registers.pc = e.child.trap;
      });
      for (let turn = 0; turn < 2; turn++) {
        step(e);
        e.observe('at the breakpoint', e.registers().pc === e.child.trap);
      }
      e.cont();
      e.wait();
      e.siginfo();
      e.observe('at the breakpoint', e.registers().pc === e.child.trap);
    },
    expect: `
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_TRACE
      E: at the next = true
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_BRKPT
      E: at the breakpoint = true
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_BRKPT
      E: at the breakpoint = true
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_BRKPT
      E: at the breakpoint = true
    `,
  }),

  scenario({
    id: 'arm64-step-syscall',
    title:
      'A step over SVC stops twice at the instruction behind it: at the end of the call, and before anything is executed',
    source: [pseudoStep],
    tags: ['step', 'syscall', 'siginfo'],
    rule:
      'The end of the call reports the step by a signal of the kernel’s own, SI_USER from nobody. The CPU has been through its step when SVC took it into the ' +
      'kernel, and traps again on its return, with no instruction executed. A debugger that counts instructions by steps counts this one twice.',
    history: 'The first of the two is there since Linux 5.9, and in stable kernels of that time.',
    arch: ['arm64'],
    since: '5.9',
    needs: ['step.single'],
    play(s) {
      const e = behindCall(s);
      const behind = e.registers().pc;
      e.changeRegisters((registers) => {
        registers.pc -= callBytes(e);
        registers.set('x8', e.syscallNumber('getppid'));
      });
      for (let turn = 0; turn < 3; turn++) {
        step(e);
        e.observe('behind the call', `${(e.registers().pc - behind) / callBytes(e)} instructions`);
        if (turn === 0) e.observe('x0', s.nameOf(Number(e.registers().get('x0'))));
      }
    },
    expect: `
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP SI_USER from the kernel
      E: behind the call = 0 instructions
      E: x0 = R
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_TRACE
      E: behind the call = 0 instructions
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_TRACE
      E: behind the call = 1 instructions
    `,
  }),

  scenario({
    id: 'arm64-step-from-syscall-entry',
    title: 'SINGLESTEP from a syscall-enter-stop makes the call and stops at its end, x7 unmarked',
    source: [pseudoStep, page],
    tags: ['step', 'syscall-stop', 'registers'],
    rule:
      'It is the same pseudo step as that over the instruction, and no syscall-stop: TRACESYSGOOD does not show, GET_SYSCALL_INFO knows of no call, and x7 has the ' +
      'tracee’s own value, which at a syscall-exit-stop it has not.',
    arch: ['arm64'],
    since: '5.9',
    needs: ['step.single'],
    play(s) {
      const e = behindCall(s);
      e.changeRegisters((registers) => {
        registers.pc -= callBytes(e);
        registers.set('x8', e.syscallNumber('getppid'));
        registers.set('x7', 0xabcn);
      });
      s.unrecorded(() => e.mustSucceed(e.setOptions(PTRACE_O.TRACESYSGOOD), 'SETOPTIONS'));
      e.syscall();
      e.wait();
      e.syscallInfo();
      step(e);
      e.syscallInfo();
      e.observe('x0', s.nameOf(Number(e.registers().get('x0'))));
      e.observe('x7', `0x${e.registers().get('x7').toString(16)}`);
    },
    expect: `
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = entry getppid
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP SI_USER from the kernel
      E: syscall info = none
      E: x0 = R
      E: x7 = 0xabc
    `,
  }),
];
