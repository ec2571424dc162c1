/** Whether the CPU is one that QEMU emulates in software (TCG), which is not right in everything. */
import { SIG } from '../../../../kernel/signals.js';
import { type CodeTracee, I, registersOf } from './machine-code.js';

const SIGNATURE_LEAF = 0x40000000n;
/** The first letters of TCGTCGTCGTCG. */
const TCGT = 0x54474354n;
/** Behind all that a scenario has the tracee execute. */
const AT = 3072;

/** Ends the play where QEMU emulates the CPU. The tracee asks for that; it will go on at its first instruction. Not in the transcript. */
export function skipUnderTcg(tracee: CodeTracee, why: string): void {
  const { actor } = tracee;
  tracee.write([I.cpuid, I.int3], AT);
  tracee.goTo(AT, (registers) => (registers.rax = SIGNATURE_LEAF));
  actor.stage.unrecorded(() => {
    actor.mustSucceed(actor.cont(), 'CONT');
    actor.expectStop(SIG.SIGTRAP);
  });
  if (registersOf(actor).rbx === TCGT) actor.stage.skip(`QEMU emulates this CPU: ${why}`);
  tracee.goTo();
}
