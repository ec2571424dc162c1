/** Seccomp filters: a verdict for each of some system calls, another for all that are not named. */
import { badInput } from '../../errors.js';
import { hostSyscallNumber } from '../../raw/host-syscalls.js';

/** What a filter answers. Source: uapi/linux/seccomp.h. */
export const VERDICT = {
  ALLOW: 0x7fff0000,
  LOG: 0x7ffc0000,
  /** PTRACE_EVENT_SECCOMP with this message; ENOSYS when nobody wants to know. */
  trace: (data: number): number => 0x7ff00000 | data,
  /** Not called; the error instead. */
  errno: (error: number): number => 0x00050000 | error,
  /** SIGSYS, with this si_errno. */
  trap: (data: number): number => 0x00030000 | data,
  KILL_THREAD: 0,
  KILL_PROCESS: 0x80000000,
} as const;

/** Flags of seccomp(2). Source: uapi/linux/seccomp.h. */
export const FILTER_FLAG = { TSYNC: 1, LOG: 2 } as const;

/** A system call, by its name on this machine or its number, and the verdict about it. */
export type Rule = readonly [call: string | number, verdict: number];

const LOAD_NUMBER = 0x20;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;

function numberOf(call: string | number): number {
  const number = typeof call === 'number' ? call : hostSyscallNumber(call);
  if (number === undefined) throw badInput('seccomp filter', `there is no system call ${call} on ${process.arch}`);
  return number;
}

/** How many instructions {@link seccompFilter} makes of so many rules. */
export const filterLength = (rules: number): number => 2 + 2 * rules;

/**
 * A program for seccomp(2), for `ChildScript.seccompFilter`. It does not look at the ABI: numbers of another one are taken for this one's.
 *
 * @param otherwise the verdict about all other system calls
 */
export function seccompFilter(rules: readonly Rule[], otherwise: number = VERDICT.ALLOW): Uint8Array {
  const instructions: (readonly [code: number, jumpTrue: number, jumpFalse: number, k: number])[] = [
    [LOAD_NUMBER, 0, 0, 0],
    ...rules.flatMap(
      ([call, verdict]) =>
        [
          [JUMP_IF_EQUAL, 0, 1, numberOf(call)],
          [RETURN, 0, 0, verdict],
        ] as const,
    ),
    [RETURN, 0, 0, otherwise],
  ];
  const view = new DataView(new ArrayBuffer(8 * instructions.length));
  for (const [index, [code, jumpTrue, jumpFalse, k]] of instructions.entries()) {
    view.setUint16(8 * index, code, true);
    view.setUint8(8 * index + 2, jumpTrue);
    view.setUint8(8 * index + 3, jumpFalse);
    view.setUint32(8 * index + 4, k, true);
  }
  return new Uint8Array(view.buffer);
}
