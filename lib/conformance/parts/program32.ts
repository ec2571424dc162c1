/** The programs of a 32-bit ABI (fixtures/tracee32.h) as tracees. */
import { PTRACE_O } from '../../kernel/options.js';
import { SIG } from '../../kernel/signals.js';
import { type Part, script, type ScriptOptions } from '../../raw/child.js';
import type { Actor } from '../actor.js';
import type { Program } from '../fixtures.js';
import type { Stage } from '../stage.js';

/** Where the fields of their `shared` are. */
export const SHARED = { value: 0, answer: 8, trap: 12, forget: 16, entry: 20, tls: 24, arguments: 40 } as const;

/** What {@link SHARED}.tls begins with. */
export const TLS_WORD = 77;

/** How such a tracee is started. */
export interface Program32Options {
  /** What it does before it executes the program: pipes, signals, filters. */
  readonly prepare?: Part;
  /** Bits of PTRACE_O, set in the stop after its execve. TRACESYSGOOD is always there. */
  readonly options?: number;
  readonly script?: ScriptOptions;
}

/** A tracee of TRACEME in the stop that its command begins with. Not in the transcript. */
export function startProgram32(
  stage: Stage,
  name: string,
  program: Program,
  command: string,
  number = 0,
  { prepare, options = 0, script: scriptOptions }: Program32Options = {},
): Actor {
  if ('missing' in program) stage.skip(program.missing);
  return stage.unrecorded(() => {
    const part = script();
    prepare?.(part);
    part
      .traceme()
      .exec(program.path, ['tracee', command, String(number)])
      .exitGroup(127);
    const actor = stage.child(name, part, scriptOptions);
    // That of TRACEME after an execve.
    actor.expectStop(SIG.SIGTRAP);
    actor.mustSucceed(actor.setOptions(PTRACE_O.TRACESYSGOOD | options), 'SETOPTIONS');
    actor.mustSucceed(actor.cont(), 'CONT');
    actor.expectStop(SIG.SIGSTOP);
    return actor;
  });
}

/** A 32-bit word of a tracee's memory, signed. Needs no stop; not in the transcript. */
export const word32At = (actor: Actor, address: bigint): number => Number(BigInt.asIntN(32, actor.wordAt(address)));
