/** The trap flag of a program, and that of its tracer. */
import { PTRACE_X64 } from '../../../../kernel/arch/x64/requests.js';
import { signalName } from '../../../../kernel/signals.js';
import { manual, scenario, suite, type Scenario } from '../../../scenario.js';
import { type CodeTracee, codeTracee, I, registersOf } from './machine-code.js';

const TF = 0x100;

/** 0 pushfq; 1 or dword [rsp], TF; 8 popfq; 9, 10, 11 nop; 12 hlt */
const SET_FLAG = [I.pushfq, I.orOnStack(TF), I.popfq, I.nop, I.nop, I.nop, I.hlt];
const BEHIND_POPF = 9;

function observeFlag({ actor }: CodeTracee): void {
  actor.observe('TF', (registersOf(actor).eflags & BigInt(TF)) === 0n ? 0 : 1);
}

/** Lets it run until it has stopped so often; the places where it stopped, with what stopped it. */
function placesOfStops(tracee: CodeTracee, stops: number): string {
  const { actor } = tracee;
  return actor.stage.unrecorded(() => {
    const places: string[] = [];
    for (let stop = 0; stop < stops; stop++) {
      actor.mustSucceed(actor.cont(), 'CONT');
      const status = actor.wait();
      const by = status?.kind === 'stopped' ? signalName(status.signal) : 'no signal';
      places.push(by === 'SIGTRAP' ? tracee.place : `${tracee.place} by ${by}`);
    }
    return places.join(', ');
  });
}

export const stepFlags: readonly Scenario[] = [
  scenario({
    id: 'step-jump-cont-strict',
    title: 'A trap flag that the program sets itself is its own: the tracer sees it, and it traps under CONT as well',
    source: [suite('ptrace-tests', 'step-jump-cont-strict')],
    tags: ['step', 'registers', 'eflags'],
    rule:
      'The kernel hides the TF that it sets to step, and must tell it from one that POPF has set. The latter shows in the registers, survives a step, and ' +
      'traps after each instruction behind the one that follows POPF, until the HLT that no user program may execute. TF set by SETREGS counts as ' +
      'the program’s too. What stays visible to a program is PUSHF under a step: the pushed flags have TF.',
    arch: ['x64'],
    needs: ['step.single'],
    play(s) {
      const tracee = codeTracee(s, 'E', SET_FLAG);
      const e = tracee.actor;
      for (let step = 0; step < 4; step++) {
        e.step();
        e.wait();
        tracee.observePlace();
        observeFlag(tracee);
        if (step === 0)
          e.observe('TF that PUSHF has pushed', (e.wordAt(registersOf(e).rsp) & BigInt(TF)) === 0n ? 0 : 1);
      }
      e.observe('then CONT stops at', placesOfStops(tracee, 3));
      s.unrecorded(() => tracee.goTo(0, (registers) => (registers.eflags &= ~BigInt(TF))));
      e.observe('without a step CONT stops at', placesOfStops(tracee, 4));
      s.unrecorded(() => tracee.goTo(BEHIND_POPF, (registers) => (registers.eflags |= BigInt(TF))));
      observeFlag(tracee);
      e.observe('with TF from SETREGSET CONT stops at', placesOfStops(tracee, 4));
    },
    expect: `
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: rip = 1
      E: TF = 0
      E: TF that PUSHF has pushed = 1
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: rip = 8
      E: TF = 0
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: rip = 9
      E: TF = 1
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: rip = 10
      E: TF = 1
      E: then CONT stops at = 11, 12, 12 by SIGSEGV
      E: without a step CONT stops at = 10, 11, 12, 12 by SIGSEGV
      E: TF = 1
      E: with TF from SETREGSET CONT stops at = 10, 11, 12, 12 by SIGSEGV
    `,
  }),

  scenario({
    id: 'block-step',
    title: 'SINGLEBLOCK runs to behind the next branch that is taken, and SINGLESTEP after it is one instruction again',
    source: [suite('ptrace-tests', 'block-step'), manual('ptrace(2)', 'PTRACE_SINGLEBLOCK')],
    tags: ['step', 'block-step'],
    rule:
      'With DEBUGCTL.BTF the CPU takes TF for a trap on branches. The kernel must switch it off again for the next SINGLESTEP. Where the CPU, or the virtual ' +
      'machine, does not have it, SINGLEBLOCK gives EIO or steps one instruction.',
    arch: ['x64'],
    needs: ['step.block'],
    play(s) {
      // 0, 7, 14 stores of 7 bytes; 21 a jump to 24; 23 int3; 24, 25 nops
      const stores = [I.store(4, 1), I.store(4, 2, 8), I.store(4, 3, 16)];
      const tracee = codeTracee(s, 'E', [...stores, I.jump(1), I.int3, I.nop, I.nop]);
      const e = tracee.actor;
      e.request('SINGLEBLOCK', PTRACE_X64.SINGLEBLOCK, 0, 0);
      e.wait();
      tracee.observePlace();
      e.observe('last store', e.wordAt(tracee.data + 16n));
      e.step();
      e.wait();
      tracee.observePlace();
    },
    expect: `
      E: SINGLEBLOCK = 0
      E: wait = stopped by SIGTRAP
      E: rip = 24
      E: last store = 3
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: rip = 25
    `,
  }),
];
