/** Single steps, of every machine. */
import { SIG } from '../../../kernel/signals.js';
import type { ChildScript } from '../../../raw/child.js';
import type { Actor } from '../../actor.js';
import { nopBytes } from '../../parts/instructions.js';
import { manual, scenario, suite, type Scenario } from '../../scenario.js';

const EXIT = 0x23;
/** A handler of a script is some hundred instructions. */
const MOST_STEPS = 20_000;

/** Adds to a script: where the handler of a signal begins goes to the first word of `action`. */
function whereIs(c: ChildScript, signal: number): ChildScript {
  return c.buffer('action', 64).syscall('rt_sigaction', signal, 0, c.address('action'), 8);
}

/** Writes down where in the instructions that do nothing a tracee is. */
function observePlace(e: Actor): void {
  const width = nopBytes(e);
  const past = e.registers().pc - e.child.nops;
  e.observe('program counter', past % width === 0n && past >= 0n && past <= 64n ? `nop ${past / width}` : 'elsewhere');
}

function toNops(e: Actor): void {
  e.changeRegisters((registers) => {
    registers.pc = e.child.nops;
  });
}

/** Whether it is at the first instruction of the handler that {@link whereIs} has found. */
function observeHandler(e: Actor): void {
  e.observe('at the first instruction of the handler', e.registers().pc === BigInt.asUintN(64, e.word('action')));
}

export const machineSteps: readonly Scenario[] = [
  scenario({
    id: 'step-simple',
    title: 'SINGLESTEP executes one instruction and stops the tracee with SIGTRAP',
    source: [suite('ptrace-tests', 'step-simple'), manual('ptrace(2)', 'PTRACE_SINGLESTEP')],
    tags: ['step'],
    rule: 'A step is one instruction of the tracee, and the stop after it is the signal-delivery-stop of a SIGTRAP. Each step is asked for by itself.',
    needs: ['step.single'],
    play(s) {
      const e = s.tracee('E', (c) => c.exitGroup(0), { by: 'traceme' });
      toNops(e);
      for (let step = 0; step < 3; step++) {
        e.step();
        e.wait();
        observePlace(e);
      }
    },
    expect: `
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: program counter = nop 1
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: program counter = nop 2
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: program counter = nop 3
    `,
  }),

  scenario({
    id: 'step-into-handler',
    title: 'SINGLESTEP with a signal that has a handler stops before the first instruction of the handler',
    source: [suite('ptrace-tests', 'step-into-handler')],
    tags: ['step', 'signals', 'injection'],
    rule:
      'Delivering a signal to a handler is what the step does: the tracee stops where the handler begins, and none of it has been executed. The next ' +
      'step is the first instruction of the handler.',
    needs: ['step.single'],
    play(s) {
      const e = s.tracee(
        'E',
        (c) => {
          c.handle('SIGALRM', (h) => h.store('ran', 1));
          whereIs(c, SIG.SIGALRM).tgkillSelf('SIGUSR1').exitGroup(0);
        },
        { by: 'traceme' },
      );
      e.cont();
      e.wait();
      e.step('SIGALRM');
      e.wait();
      observeHandler(e);
      e.step();
      e.wait();
      observeHandler(e);
      e.cont();
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: SINGLESTEP SIGALRM = 0
      E: wait = stopped by SIGTRAP
      E: at the first instruction of the handler = true
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: at the first instruction of the handler = false
      E: CONT = 0
      E: wait = exited 0
    `,
  }),

  scenario({
    id: 'step-into-handler-cont',
    title: 'CONT after steps into a handler leaves no step behind: the tracee runs to its end',
    source: [suite('ptrace-tests', 'step-into-handler-cont')],
    tags: ['step', 'signals', 'injection'],
    rule:
      'The kernel saves the flags of the interrupted code in the signal frame while it steps. A trap flag that got into the frame or stayed in the ' +
      'registers came back as a SIGTRAP that no tracer had asked for.',
    history: 'Kernels up to 2.6.34 had this bug on x86 (kernel bug 16061).',
    needs: ['step.single'],
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .handle('SIGINT', (h) => h.store('ran', 1))
            .tgkillSelf('SIGINT')
            .exitGroup(EXIT),
        { by: 'traceme' },
      );
      e.cont();
      e.wait();
      e.step();
      e.wait();
      e.step('SIGINT');
      e.wait();
      e.step();
      e.wait();
      e.cont();
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGINT
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: SINGLESTEP SIGINT = 0
      E: wait = stopped by SIGTRAP
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: CONT = 0
      E: wait = exited ${EXIT}
    `,
  }),

  scenario({
    id: 'step-through-sigret',
    title: 'Steps lead through a handler and its rt_sigreturn back to the interrupted instruction',
    source: [suite('ptrace-tests', 'step-through-sigret')],
    tags: ['step', 'signals', 'sigreturn'],
    rule:
      'rt_sigreturn(2) restores all registers, the flags too, and the step over it still ends with SIGTRAP, at the instruction that the signal had ' +
      'interrupted. A debugger finds out of a handler by steps alone.',
    needs: ['step.single'],
    play(s) {
      const e = s.tracee(
        'E',
        (c) => {
          c.handle('SIGALRM', (h) => h.store('ran', 1));
          whereIs(c, SIG.SIGALRM).tgkillSelf('SIGALRM').exitGroup(0);
        },
        { by: 'traceme' },
      );
      e.cont();
      e.wait();
      const { pc, sp } = e.registers();
      e.step('SIGALRM');
      e.wait();
      observeHandler(e);
      const stops = new Set<string>();
      const isBack = (): boolean => {
        const now = e.registers();
        return now.pc === pc && now.sp === sp;
      };
      s.unrecorded(() => {
        for (let step = 0; step < MOST_STEPS && !isBack(); step++) {
          e.mustSucceed(e.step(), 'SINGLESTEP');
          const status = e.wait();
          stops.add(status?.kind === 'stopped' && status.signal === SIG.SIGTRAP ? 'SIGTRAP' : 'another');
        }
      });
      e.observe('steps end by', [...stops].join(', '));
      e.observe('is back', isBack());
      e.observe('the handler has run', e.word('ran') !== 0n);
      e.cont();
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGALRM
      E: SINGLESTEP SIGALRM = 0
      E: wait = stopped by SIGTRAP
      E: at the first instruction of the handler = true
      E: steps end by = SIGTRAP
      E: is back = true
      E: the handler has run = true
      E: CONT = 0
      E: wait = exited 0
    `,
  }),

  scenario({
    id: 'step-jump-cont',
    title: 'CONT after a step and a new program counter goes there, and no trap of the step is left',
    source: [suite('ptrace-tests', 'step-jump-cont')],
    tags: ['step', 'registers'],
    rule:
      'A debugger steps and then calls a function in the tracee by setting registers. CONT must switch stepping off whatever registers were written in ' +
      'between: the next stop is what that function does, not one more SIGTRAP.',
    needs: ['step.single'],
    play(s) {
      const e = s.tracee('E', (c) => c.exitGroup(0), { by: 'traceme' });
      toNops(e);
      for (let turn = 0; turn < 2; turn++) {
        e.step();
        e.wait();
        const there = e.registers();
        e.changeRegisters((registers) => {
          registers.pc = e.child.illegal;
        });
        e.cont();
        e.wait();
        e.observe('at the undefined instruction', e.registers().pc === e.child.illegal);
        e.setRegisters(there);
      }
      observePlace(e);
    },
    expect: `
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: CONT = 0
      E: wait = stopped by SIGILL
      E: at the undefined instruction = true
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: CONT = 0
      E: wait = stopped by SIGILL
      E: at the undefined instruction = true
      E: program counter = nop 2
    `,
  }),

  scenario({
    id: 'step-detach',
    title: 'DETACH after a step leaves a process that runs on without a trap',
    source: [suite('ptrace-tests', 'step-detach')],
    tags: ['step', 'detach'],
    rule: 'Stepping belongs to the tracer. If DETACH left it on, the next instruction would kill the process: nobody takes its SIGTRAP.',
    needs: ['step.single'],
    play(s) {
      const e = s.tracee('E', (c) => c.exitGroup(EXIT), { by: 'traceme' });
      e.step();
      e.wait();
      e.detach();
      e.wait();
    },
    expect: `
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: DETACH = 0
      E: wait = exited ${EXIT}
    `,
  }),
];
