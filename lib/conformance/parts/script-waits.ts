/** Waits that scripts make, and what they have found. */
import { W } from '../../kernel/wait-flags.js';
import { decodeWaitStatus } from '../../kernel/wait-status.js';
import { type ChildScript, result, type Value } from '../../raw/child.js';
import type { Actor } from '../actor.js';
import { resultText, statusText } from '../describe.js';

/** The outcome of a wait4(2) as one word that is never 0: a status with this bit, {@link NOTHING}, or a negative errno. */
const FOUND = 1n << 40n;
const NOTHING = 1n << 41n;

/** The word that tells whom a wait has found. */
const ofWord = (word: string): string => `${word} of`;

/** In a script: wait4(2). Its outcome is in the word, which is 0 until then; whom it has found is in another. */
export function waitInto(c: ChildScript, word: string, pid: Value, flags: Value = W.__WALL): void {
  c.wait4(pid, flags).store(ofWord(word));
  c.when(result, '==', 0, (nothing) => nothing.set(NOTHING));
  c.when(c.word(ofWord(word)), '>', 0, (found) => found.compute(found.status, 'or', FOUND));
  c.store(word);
}

/** What {@link waitInto} has found, as `wait` lines have it: `stopped by SIGSTOP`, `nothing`, `ECHILD`. */
export function waitText(actor: Actor, word: string): string {
  const outcome = actor.word(word);
  actor.stage.require(outcome !== 0n, `the ${word} of ${actor.name} has ended`);
  if (outcome === NOTHING) return statusText(undefined);
  return outcome < 0n ? resultText(outcome) : statusText(decodeWaitStatus(Number(outcome & ~FOUND)));
}

/** Writes down what words of a script hold: of waits those that begin with `wait`, of other calls the rest. */
export function tell(actor: Actor, ...words: readonly string[]): void {
  for (const word of words) {
    actor.observe(word, word.startsWith('wait') ? waitText(actor, word) : resultText(actor.word(word)));
  }
}

/** Writes down what {@link waitInto} has found, and whom: `T: wait = E stopped by SIGSTOP`. */
export function tellFound(actor: Actor, word: string): void {
  const text = waitText(actor, word);
  const pid = actor.word(ofWord(word));
  actor.observe(word, pid > 0n ? `${actor.stage.nameOf(Number(pid))} ${text}` : text);
}

/** A wait status that a script has stored in a word. */
export function storedStatus(actor: Actor, word: string): string {
  return statusText(decodeWaitStatus(Number(actor.word(word))));
}
