/** The program of fixtures/i386.c as a tracee. */
import { I386Registers } from '../../../../kernel/arch/x64/registers.js';
import { NT } from '../../../../kernel/regsets.js';
import { SIG } from '../../../../kernel/signals.js';
import { type Part, script, type ScriptOptions } from '../../../../raw/child.js';
import * as raw from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { i386Program } from '../../../fixtures.js';
import type { Stage } from '../../../stage.js';

/** Fields of its `shared`, 4 bytes each. */
const FIELDS = { value: 0, answer: 8, trap: 12, forget: 16, entry: 20, tls: 24, arguments: 40 } as const;

const NOT_IN_A_CALL = -1;

/** A 32-bit tracee of TRACEME, in the stop that its command begins with. */
export class I386Tracee {
  readonly actor: Actor;
  /** Its `shared`. */
  readonly shared: bigint;

  /** @param prepare what it does before it executes the program: pipes, signals */
  constructor(stage: Stage, name: string, command: string, number = 0, prepare?: Part, options?: ScriptOptions) {
    const program = i386Program();
    if ('missing' in program) stage.skip(program.missing);
    this.actor = stage.unrecorded(() => {
      const part = script();
      prepare?.(part);
      part
        .traceme()
        .exec(program.path, ['i386', command, String(number)])
        .exitGroup(127);
      const actor = stage.child(name, part, options);
      // That of TRACEME after an execve.
      actor.expectStop(SIG.SIGTRAP);
      actor.mustSucceed(actor.cont(), 'CONT');
      actor.expectStop(SIG.SIGSTOP);
      return actor;
    });
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
  address(field: keyof typeof FIELDS): bigint {
    return this.shared + BigInt(FIELDS[field]);
  }

  /** A field of `shared`. */
  readonly field = (name: keyof typeof FIELDS): number =>
    Number(BigInt.asIntN(32, this.actor.wordAt(this.address(name))));

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
