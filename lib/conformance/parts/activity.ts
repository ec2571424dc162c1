/** Whether a process runs, and in which system call it sleeps. */
import { procState, procSyscall } from '../../proc.js';
import type { ChildScript } from '../../raw/child.js';
import type { Actor } from '../actor.js';

/** A part that counts, a thousand times a second at most. */
export function beating(c: ChildScript): void {
  c.loop((again) => again.increment('beats').nanosleep(1));
}

/** Waits until a process runs: a word that its script counts in grows. Not in the transcript. */
export function untilRuns(actor: Actor, word = 'beats'): void {
  const before = actor.word(word);
  actor.stage.until(`${actor.name} runs`, () => actor.word(word) > before);
}

/** The same, written down as `runs = true`. */
export function runs(actor: Actor, word?: string): void {
  untilRuns(actor, word);
  actor.observe('runs', true);
}

/** Whether a task sleeps in a system call, by its name. */
export function sleepsIn(actor: Actor, call: string): boolean {
  if (procState(actor.tid) !== 'S') return false;
  const number = procSyscall(actor.tid);
  // Not every kernel tells.
  return number === undefined || number === actor.syscallNumber(call);
}

/** Waits until a task sleeps in a system call. Not in the transcript. */
export function untilSleepsIn(actor: Actor, call: string): void {
  actor.stage.until(`${actor.name} sleeps in ${call}`, () => sleepsIn(actor, call));
}
