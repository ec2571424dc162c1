/** SINGLESTEP and SINGLEBLOCK of x86-64, which the manual page leaves open: siginfo, the trap flag, and a tracer that dies meanwhile. */
import { PTRACE_X64 } from '../../../../kernel/arch/x64/requests.js';
import { PTRACE } from '../../../../kernel/requests.js';
import type { Actor } from '../../../actor.js';
import { ask } from '../../../parts/script-requests.js';
import { tellFound, waitInto } from '../../../parts/script-waits.js';
import { observeResult, toNextReport } from '../../../parts/system-calls.js';
import { manual, scenario, suite, type Scenario } from '../../../scenario.js';

const source = manual('ptrace(2)', 'PTRACE_SINGLESTEP stops');

const TRAP_FLAG = 0x100n;

/** Instructions, to be put in the place of those that do nothing. */
const SYSCALL = 0x9090_9090_9090_050fn;

/** Goes on at an address, out of no system call. */
function at(e: Actor, address: bigint): void {
  e.changeRegisters((registers) => {
    registers.syscallNumber = -1;
    registers.pc = address;
  });
}

const distance = (e: Actor, address: bigint): void => {
  e.observe('bytes on', e.registers().pc - address);
};

export const x64ManualStep: readonly Scenario[] = [
  scenario({
    id: 'step-siginfo',
    title: 'What a SIGTRAP comes from shows in its code: a step, a system call, a breakpoint, a handler',
    source: [source],
    arch: ['x64'],
    needs: ['step.single'],
    tags: ['step', 'siginfo'],
    rule:
      'A step has TRAP_TRACE. Over a system call it stops behind the instruction, with the result there, and has TRAP_BRKPT. The breakpoint ' +
      'instruction itself has SI_KERNEL, and the stop before a handler is none of a signal: its code is SIGTRAP.',
    since: '5.11',
    play(s) {
      const e = s.tracee(
        'E',
        (c) => {
          c.handle('SIGUSR2', (h) => h.store('handled', 1));
          c.tgkillSelf('SIGUSR1').tgkillSelf('SIGUSR2').exitGroup(3);
        },
        { by: 'traceme' },
      );
      toNextReport(e);
      const saved = e.registers();
      const { nops, trap } = e.child;
      at(e, nops);
      e.step();
      e.wait();
      e.siginfo();
      distance(e, nops);

      s.unrecorded(() => e.poke(nops, SYSCALL));
      at(e, nops);
      e.changeRegisters((registers) => registers.set('rax', e.syscallNumber('getppid')));
      e.step();
      e.wait();
      e.siginfo();
      distance(e, nops);
      observeResult(e);

      at(e, trap);
      e.cont();
      e.wait();
      e.siginfo();

      e.setRegisters(saved);
      e.cont();
      e.wait();
      e.step('SIGUSR2');
      e.wait();
      e.siginfo();
    },
    expect: `
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_TRACE
      E: bytes on = 1
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_BRKPT
      E: bytes on = 2
      E: result = R
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP SI_KERNEL from the kernel
      E: CONT = 0
      E: wait = stopped by SIGUSR2
      E: SINGLESTEP SIGUSR2 = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP 0x5 from E
    `,
  }),

  scenario({
    id: 'tf-hidden',
    title: 'The trap flag that SINGLESTEP sets is not in the registers that the tracer reads',
    source: [source],
    arch: ['x64'],
    needs: ['step.single'],
    tags: ['step', 'registers'],
    rule:
      'The kernel steps by the CPU’s trap flag, and hides it: a tracer that reads the registers and writes them back, or hands them on, leaves no flag in ' +
      'them that would trap later. Only a flag that the tracee, or the tracer, has set itself is shown.',
    play(s) {
      const e = s.tracee('E', (c) => c.tgkillSelf('SIGUSR1').exitGroup(3), { by: 'traceme' });
      const flag = (): void => {
        e.observe('trap flag', (e.registers().flags & TRAP_FLAG) !== 0n);
      };
      toNextReport(e);
      const saved = e.registers();
      flag();
      at(e, e.child.nops);
      e.step();
      e.wait();
      flag();
      e.step();
      e.wait();
      flag();
      e.setRegisters(e.registers());
      e.changeRegisters((registers) => (registers.flags |= TRAP_FLAG));
      flag();
      e.setRegisters(saved);
      flag();
      e.cont();
      e.wait();
    },
    expect: `
      E: trap flag = false
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: trap flag = false
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: trap flag = false
      E: trap flag = true
      E: trap flag = false
      E: CONT = 0
      E: wait = exited 3
    `,
  }),

  scenario({
    id: 'singleblock',
    title: 'SINGLEBLOCK stops after the next taken branch, or steps where the CPU, or the hypervisor, cannot do that',
    source: [manual('ptrace(2)', 'DESCRIPTION'), suite('ptrace-tests', 'block-step')],
    arch: ['x64'],
    tags: ['step', 'block-step'],
    rule:
      'The request is accepted on every x86-64. It needs the branch trap flag of the CPU, which few virtual machines offer: then it is SINGLESTEP. A tracer ' +
      'must look where the tracee stands.',
    play(s) {
      const e = s.tracee('E', (c) => c.tgkillSelf('SIGUSR1').nops().exitGroup(3), { by: 'traceme' });
      toNextReport(e);
      const { nops } = e.child;
      at(e, nops);
      e.request('SINGLEBLOCK', PTRACE_X64.SINGLEBLOCK, 0, 0);
      e.wait();
      const on = e.registers().pc - nops;
      e.observe('it went', on === 1n ? 'one instruction' : on > 1n && on < 64n ? 'some instructions' : 'to a branch');
    },
    expect: `
      E: SINGLEBLOCK = 0
      E: wait = stopped by SIGTRAP
      E: it went = one instruction | to a branch
    `,
  }),

  scenario({
    id: 'tracer-death-while-stepping',
    title: 'When a tracer dies that was stepping, the next instruction kills its tracee with SIGTRAP',
    source: [manual('ptrace(2)', 'Attaching and detaching')],
    arch: ['x64'],
    needs: ['step.single'],
    tags: ['step', 'tracer-death', 'detach'],
    rule:
      'PTRACE_DETACH ends stepping, the death of the tracer does not: the trap flag stays set, and the SIGTRAP has nobody to stop it. A tracer that steps ' +
      'should set PTRACE_O_EXITKILL or end stepping before it can die.',
    play(s) {
      for (const how of ['exits', 'detaches'] as const) {
        // It runs code of its own until the gate opens: a step ends at once.
        const e = s.child(`E, its tracer ${how}`, (c) => {
          c.setPtracerAny().label('again').syscall('sched_yield').jumpIf(c.word('gate'), '==', 0, 'again');
          c.loop((again) => again.pause());
        });
        const t = s.child(`T that ${how}`, (c) => {
          ask(c, 'ATTACH', PTRACE.ATTACH, e.tid);
          waitInto(c, 'wait', e.tid);
          ask(c, 'SINGLESTEP', PTRACE.SINGLESTEP, e.tid);
          waitInto(c, 'wait', e.tid);
          c.store('done', 1).waitUntil('gate', '!=', 0);
          if (how === 'detaches') ask(c, 'DETACH', PTRACE.DETACH, e.tid);
          c.exitGroup(0);
        });
        t.untilSet('done');
        tellFound(t, 'wait');
        t.setWord('gate', 1n);
        t.wait();
        if (how === 'detaches') {
          e.setWord('gate', 1n);
          e.untilAsleep();
          e.state();
        } else e.wait();
      }
    },
    expect: `
      T that exits: wait = E, its tracer exits stopped by SIGTRAP
      T that exits: wait = exited 0
      E, its tracer exits: wait = killed by SIGTRAP
      T that detaches: wait = E, its tracer detaches stopped by SIGTRAP
      T that detaches: wait = exited 0
      E, its tracer detaches: state = S (sleeping)
    `,
  }),
];
