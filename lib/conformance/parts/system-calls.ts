/** Ways of a tracee to its system calls and reports, and what calls and results they are. */
import { SIG } from '../../kernel/signals.js';
import type { WaitStatus } from '../../kernel/wait-status.js';
import type { Actor } from '../actor.js';
import { statusText } from '../describe.js';

/** So many system calls a script makes at most before the one that is looked for. */
const MOST_STOPS = 2000;

/** The name of the system call of a syscall-stop or seccomp-stop, by its registers: also on kernels that have no GET_SYSCALL_INFO. */
export function callName(e: Actor): string {
  return e.syscallName(e.registers().syscallNumber);
}

/** Writes it down. */
export function observeCall(e: Actor): void {
  e.observe('call', callName(e));
}

/** Writes down what the system call of a syscall-exit-stop has given, by its register. */
export function observeResult(e: Actor): void {
  e.observe('result', e.stage.valueText(e.registers().result));
}

/** CONT, and its next report. Not in the transcript. */
export function toNextReport(e: Actor): WaitStatus | undefined {
  return e.stage.unrecorded(() => {
    e.mustSucceed(e.cont(), 'CONT');
    return e.wait();
  });
}

/** SYSCALL, and its next report. Not in the transcript. */
export function toSyscallStop(e: Actor): WaitStatus | undefined {
  return e.stage.unrecorded(() => {
    e.mustSucceed(e.syscall(), 'SYSCALL');
    return e.wait();
  });
}

/** A syscall-stop; without TRACESYSGOOD it looks like a SIGTRAP. */
const isSyscallStop = (status: WaitStatus | undefined): boolean =>
  status?.kind === 'syscall-stop' || (status?.kind === 'stopped' && status.signal === SIG.SIGTRAP);

/**
 * By SYSCALL to the entry of the next such call, through all syscall-stops before it. It must not be within one of that name now; a tracee by
 * TRACEME has the calls behind it that every child begins with. Not in the transcript.
 */
export function toEntry(e: Actor, call: string): void {
  for (let stops = 0; stops < MOST_STOPS; stops++) {
    const status = toSyscallStop(e);
    if (!isSyscallStop(status)) throw new Error(`${e.name} did not come to its ${call}: ${statusText(status)}`);
    if (callName(e) === call) return;
  }
  throw new Error(`${e.name} did not come to its ${call}`);
}

/** To the exit of the next such call. Not in the transcript. */
export function throughCall(e: Actor, call: string): void {
  toEntry(e, call);
  toSyscallStop(e);
}
