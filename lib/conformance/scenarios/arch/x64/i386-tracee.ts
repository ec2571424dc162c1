/** The program of fixtures/i386.c as a tracee. */
import { I386Registers } from '../../../../kernel/arch/x64/registers.js';
import { NT } from '../../../../kernel/regsets.js';
import * as raw from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { i386Program } from '../../../fixtures.js';
import { type Program32Options, SHARED, startProgram32, word32At } from '../../../parts/program32.js';
import type { Stage } from '../../../stage.js';

const NOT_IN_A_CALL = -1;

/** A 32-bit tracee of TRACEME, in the stop that its command begins with. */
export class I386Tracee {
  readonly actor: Actor;
  /** Its `shared`. */
  readonly shared: bigint;

  constructor(stage: Stage, name: string, command: string, number = 0, options?: Program32Options) {
    this.actor = startProgram32(stage, name, i386Program(), command, number, options);
    this.shared = this.registers().esi;
  }

  registers(): I386Registers {
    return new I386Registers(raw.getRegset(this.actor.tid, NT.PRSTATUS));
  }

  change(changes: (registers: I386Registers) => void): void {
    const registers = this.registers();
    changes(registers);
    this.actor.setRegisters(registers);
  }

  /** The address of a field of `shared`. */
  address(field: keyof typeof SHARED): bigint {
    return this.shared + BigInt(SHARED[field]);
  }

  /** A field of `shared`. */
  readonly field = (name: keyof typeof SHARED): number => word32At(this.actor, this.address(name));

  readonly value = (): number => this.field('value');

  /** It will go on at one of its functions, outside of any system call. */
  readonly goTo = (name: 'answer' | 'trap' | 'forget'): void => {
    const eip = BigInt.asUintN(32, BigInt(this.field(name)));
    this.change((registers) => {
      registers.eip = eip;
      registers.orig_eax = NOT_IN_A_CALL;
    });
  };
}
