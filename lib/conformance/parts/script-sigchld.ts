/** The SIGCHLD that scripts take, and what it says. */
import { SIG, signalSet } from '../../kernel/signals.js';
import type { ChildScript } from '../../raw/child.js';
import type { Actor } from '../actor.js';
import { childCodeText, resultText } from '../describe.js';

/** Fields of siginfo_t. */
const SI_CODE = 8n;
const SI_PID = 16n;
const SI_STATUS = 24n;
const SIGINFO_BYTES = 128;

const SIGCHLD_SET = new Uint8Array(new BigUint64Array([signalSet([SIG.SIGCHLD])]).buffer);
const NO_TIME = new Uint8Array(16);

/** In a script: blocks SIGCHLD from here on, and has room for those that it takes by the names given. */
export function blockSigchld(c: ChildScript, ...words: readonly string[]): void {
  for (const word of words) c.buffer(`${word} siginfo`, SIGINFO_BYTES);
  c.block('SIGCHLD');
}

function sigchldInto(c: ChildScript, word: string, time: Uint8Array | 0): void {
  c.syscall('rt_sigtimedwait', SIGCHLD_SET, c.address(`${word} siginfo`), time, 8).store(word);
}

/** In a script behind {@link blockSigchld}: waits for SIGCHLD, and keeps what it says. */
export function takeSigchld(c: ChildScript, word: string): void {
  sigchldInto(c, word, 0);
}

/** In a script behind {@link blockSigchld}: takes SIGCHLD if it is there. */
export function lookForSigchld(c: ChildScript, word: string): void {
  sigchldInto(c, word, NO_TIME);
}

/** What was taken: `CLD_STOPPED 0x13 from E`, or `none`. */
function sigchldText(actor: Actor, word: string): string {
  const got = actor.word(word);
  if (got < 0n) return resultText(got) === 'EAGAIN' ? 'none' : resultText(got);
  const at = actor.address(`${word} siginfo`);
  const field = (offset: bigint): number => Number(BigInt.asIntN(32, actor.wordAt(at + offset)));
  const from = actor.stage.nameOf(field(SI_PID));
  return `${childCodeText(field(SI_CODE))} 0x${field(SI_STATUS).toString(16)} from ${from}`;
}

/** Writes down the SIGCHLD that a script has taken. */
export function tellSigchld(actor: Actor, ...words: readonly string[]): void {
  for (const word of words) actor.observe(word, sigchldText(actor, word));
}
