/** What several scenarios of the manual page need. */
import type { Actor } from '../../actor.js';
import { resultText, statusText } from '../../describe.js';
import { manual, type Source } from '../../scenario.js';
import type { Stage } from '../../stage.js';
import { decodeWaitStatus } from '../../../kernel/wait-status.js';
import type { ChildScript, Value } from '../../../raw/child.js';

/** A section of ptrace(2). */
export const page = (section: string): Source => manual('ptrace(2)', section);

/** A tid that no process can have: PID_MAX_LIMIT is 2^22. */
export const NO_SUCH_TID = 0x7ffffffe;

/** An address that no process has in its memory: the last page of the kernel's half. */
export const KERNEL_ADDRESS = 0xffff_ffff_ffff_f000n;

/** A sleeper that any process may trace where Yama would refuse. */
export function anyonesPauser(stage: Stage, name: string): Actor {
  const actor = stage.child(name, (c) => c.setPtracerAny().loop((again) => again.pause()));
  actor.untilAsleep();
  return actor;
}

/** Runs a tracee to the entry of a system call, by SYSCALL. Not in the transcript. */
export function toEntry(e: Actor, call: string): void {
  e.stage.unrecorded(() => {
    const number = e.syscallNumber(call);
    do {
      e.mustSucceed(e.syscall(), 'SYSCALL');
      e.wait();
    } while (e.registers().syscallNumber !== number);
  });
}

/** In the script of a tracer: a request, and its result in a word. */
export function ask(c: ChildScript, word: string, request: number, tid: Value, addr: Value = 0, data: Value = 0): void {
  c.syscall('ptrace', request, tid, addr, data).store(word);
}

/** In the script of a tracer: wait4, the id that it gave in a word, and the status in another (`name status`). */
export function reap(c: ChildScript, word: string, pid: Value, options: Value): void {
  c.wait4(pid, options).store(word);
  c.store(`${word} status`, c.status);
}

/** What {@link reap} found: `nothing`, an error, or the name of the task and its status. */
export function reaped(stage: Stage, actor: Actor, word: string): void {
  const pid = actor.word(word);
  actor.observe(
    word,
    pid > 0n
      ? `${stage.nameOf(Number(pid))} ${statusText(decodeWaitStatus(Number(actor.word(`${word} status`))))}`
      : pid === 0n
        ? 'nothing'
        : resultText(pid),
  );
}
