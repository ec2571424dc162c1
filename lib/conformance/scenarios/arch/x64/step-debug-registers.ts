/** Steps beside breakpoints, watchpoints and pages that may not be executed. */
import * as raw from '../../../../raw/index.js';
import { scenario, suite, type Scenario } from '../../../scenario.js';
import { arm, takeStatus } from './debug-slots.js';
import { skipUnderTcg } from './emulator.js';
import { codeTracee, I, registersOf } from './machine-code.js';

export const stepsAndDebugRegisters: readonly Scenario[] = [
  scenario({
    id: 'step-to-breakpoint',
    title: 'A hardware breakpoint that one process hits does not make the steps of another skip an instruction',
    source: [suite('ptrace-tests', 'step-to-breakpoint')],
    tags: ['step', 'breakpoint', 'debug-registers'],
    rule:
      'Debug registers and the state of a step belong to a task, although the CPU has one set for all. A kernel that mixed them up when it changed from ' +
      'one task to the next lost the first step of the second: it ended an instruction too late.',
    arch: ['x64'],
    needs: ['step.single', 'debug.breakpoints'],
    play(s) {
      const broken = codeTracee(s, 'E', [I.nop, I.nop, I.nop, I.int3]);
      const stepped = codeTracee(s, 'F', [I.int3, I.nop, I.int3, I.nop, I.nop]);
      const [e, f] = [broken.actor, stepped.actor];
      // On one CPU, so that it has to change.
      const [cpu = 0] = raw.schedGetaffinity();
      for (const { tid } of [e, f]) raw.schedSetaffinity(tid, [cpu]);
      arm(e, { address: broken.code + 1n, access: 'execute', length: 1 });
      e.cont();
      e.wait();
      broken.observePlace();
      f.cont();
      f.wait();
      f.step();
      f.wait();
      stepped.observePlace();
      arm(e);
      e.cont();
      e.wait();
      broken.observePlace();
      f.cont();
      f.wait();
      f.step();
      f.wait();
      stepped.observePlace();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: rip = 1
      F: CONT = 0
      F: wait = stopped by SIGTRAP
      F: SINGLESTEP = 0
      F: wait = stopped by SIGTRAP
      F: rip = 2
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: rip = 4
      F: CONT = 0
      F: wait = stopped by SIGTRAP
      F: SINGLESTEP = 0
      F: wait = stopped by SIGTRAP
      F: rip = 4
    `,
  }),

  scenario({
    id: 'watchpoint-step',
    title: 'A step over a store to a watched word tells in DR6 of both, the step and the watchpoint',
    source: [suite('ptrace-tests', 'watchpoint-step')],
    tags: ['step', 'watchpoint', 'debug-registers'],
    rule:
      'The kernel keeps a DR6 for the tracer: a hit sets the bit of its slot, a step BS, and what happened at once is told at once. A stop that is no debug ' +
      'trap, such as INT3, leaves it as it was. A tracer that clears it after each stop cannot take an old hit for a new one.',
    arch: ['x64'],
    needs: ['step.single', 'debug.watchpoints'],
    play(s) {
      // 0, 8, 17 stores of 8 bytes; between the last two a nop.
      const tracee = codeTracee(s, 'E', [I.store(8, 1), I.store(8, 2), I.nop, I.store(8, 3), I.int3]);
      const e = tracee.actor;
      skipUnderTcg(tracee, 'it comes to no end in a step over a store to a watched word');
      arm(e, { address: tracee.data, access: 'write', length: 8 });
      e.cont();
      e.wait();
      tracee.observePlace();
      takeStatus(e);
      for (let step = 0; step < 3; step++) {
        e.step();
        e.wait();
        tracee.observePlace();
        takeStatus(e);
      }
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: rip = 8
      E: DR6 = slot 0
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: rip = 16
      E: DR6 = slot 0, step
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: rip = 17
      E: DR6 = step
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: rip = 25
      E: DR6 = slot 0, step
    `,
  }),

  scenario({
    id: 'ret-to-nxpage',
    title: 'A return into memory that may not be executed faults there, not at the RET',
    source: [suite('ptrace-tests', 'ret-to-nxpage')],
    tags: ['step', 'signals', 'registers'],
    rule:
      'RET has done its work when the CPU cannot fetch the next instruction: the program counter at the SIGSEGV is the target. So it is with a step. On an ' +
      'executable page the instruction there is executed.',
    arch: ['x64'],
    needs: ['step.single'],
    play(s) {
      const tracee = codeTracee(s, 'E', [I.pushRbx, I.ret], (c) => c.buffer('no code', 64));
      const e = tracee.actor;
      const target = e.address('no code');
      const where = (): string => {
        const past = registersOf(e).rip - target;
        return past === 0n ? 'the target' : past === 1n ? 'one behind the target' : tracee.place;
      };
      const returnTo = (address: bigint): void => {
        tracee.goTo(0, (registers) => (registers.rbx = address));
      };
      returnTo(target);
      e.cont();
      e.wait();
      e.siginfo();
      e.observe('rip', where());
      returnTo(target);
      e.step();
      e.wait();
      e.observe('rip', where());
      e.step();
      e.wait();
      e.observe('rip', where());
      e.step();
      e.wait();
      e.observe('rip', where());
      tracee.write([I.int3], 32);
      returnTo(tracee.code + 32n);
      e.cont();
      e.wait();
      tracee.observePlace();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGSEGV
      E: siginfo = SIGSEGV SEGV_ACCERR
      E: rip = the target
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: rip = 1
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: rip = the target
      E: SINGLESTEP = 0
      E: wait = stopped by SIGSEGV
      E: rip = the target
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: rip = 33
    `,
  }),
];
