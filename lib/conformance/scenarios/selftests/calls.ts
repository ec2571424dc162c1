/** What scenarios about system calls share: tracees before and at one, what has come of it, and what PTRACE_GET_SYSCALL_INFO says. */
import { throughCall, toEntry } from '../../parts/system-calls.js';
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE, STRUCT_SIZE } from '../../../kernel/requests.js';
import { decodeSyscallInfo, type SyscallInfo } from '../../../kernel/syscall-info.js';
import type { Part } from '../../../raw/child.js';
import { getSyscallInfoInto } from '../../../raw/index.js';
import type { Actor } from '../../actor.js';
import type { Stage } from '../../stage.js';

/** A system call that nothing else makes. */
const MARK = 'getegid';

/** A tracee in the exit of a system call just before its part. */
export function traceeBefore(s: Stage, part: Part, { name = 'E', options = 0 } = {}): Actor {
  const e = s.tracee(name, (c) => part(c.syscall(MARK)), { options: PTRACE_O.TRACESYSGOOD | options });
  throughCall(e, MARK);
  return e;
}

/** A tracee at the entry of a system call of its part: what every child does before its part is not taken for it. */
export function traceeAt(s: Stage, call: string, part: Part, where?: Parameters<typeof traceeBefore>[2]): Actor {
  const e = traceeBefore(s, part, where);
  toEntry(e, call);
  return e;
}

/** What the tracee itself has got: a word of its script, once the word `done` is 1. */
export function observeOutcome(e: Actor, word = 'outcome'): void {
  e.untilWord('done', 1n);
  e.observe(word, e.stage.valueText(e.word(word)));
}

/** Stores the result of the last system call for {@link observeOutcome}; then it sleeps. */
export const keepOutcome: Part = (c) =>
  c
    .store('outcome')
    .store('done', 1)
    .loop((again) => again.pause());

/** Arguments as they are, for those that are no addresses. */
export function argsText(args: readonly bigint[]): string {
  return args.map((arg) => `0x${arg.toString(16)}`).join(' ');
}

/** GET_SYSCALL_INFO with all the room, over `fill`: the size that the kernel tells is a line. */
export function readInfo(e: Actor, fill = 0): { readonly info: SyscallInfo; readonly bytes: Uint8Array } {
  const bytes = new Uint8Array(STRUCT_SIZE.SYSCALL_INFO).fill(fill);
  e.request('GET_SYSCALL_INFO', PTRACE.GET_SYSCALL_INFO, bytes.length, bytes);
  return { info: decodeSyscallInfo(bytes), bytes };
}

/** At the entry: not called at all, and this result instead. At the exit only the result can be changed. */
export function answerInstead(e: Actor, result: number): void {
  e.changeRegisters((registers) => {
    registers.result = result;
  });
  e.setSyscallNumber(-1);
}

/** What GET_SYSCALL_INFO gives, all 88 bytes. */
export function infoBytes(e: Actor): Uint8Array {
  const bytes = new Uint8Array(STRUCT_SIZE.SYSCALL_INFO);
  getSyscallInfoInto(e.tid, bytes);
  return bytes;
}
