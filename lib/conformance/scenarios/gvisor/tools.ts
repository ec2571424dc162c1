/** What the scenarios of gVisor's suite share: players that take turns, and exceptions from Yama's rules. */
import type { Actor } from '../../actor.js';
import { ask } from '../../parts/script-requests.js';
import { waitInto } from '../../parts/script-waits.js';
import { suite, type Source } from '../../scenario.js';
import type { Stage } from '../../stage.js';
import { PTRACE } from '../../../kernel/requests.js';
import { procStatus } from '../../../proc.js';
import { type ChildScript, type Part, result, type Value } from '../../../raw/child.js';

const CAP_SYS_PTRACE = 19n;
const PR_SET_PTRACER = 0x59616d61;

/** A test of gVisor's ptrace.cc. */
export const gvisorTest = (name: string): Source => suite('gvisor', name);

/** Any process, for {@link setPtracer}. */
export const ANY_PTRACER = -1;

/** Skips where processes that give up their privileges would still have the right to trace any process. */
export function withoutCapability(s: Stage): void {
  const capabilities = procStatus('thread-self')?.capEff ?? 0n;
  if (process.geteuid?.() !== 0 && ((capabilities >> CAP_SYS_PTRACE) & 1n) === 1n) {
    s.skip('its processes cannot give up CAP_SYS_PTRACE');
  }
}

/** In a script: prctl(PR_SET_PTRACER), its result in a word. */
export function setPtracer(c: ChildScript, word: string, tracer: Value): void {
  c.prctl(PR_SET_PTRACER, tracer, 0, 0, 0).store(word);
}

/** In the script of a tracer: attaches to a task and lets it go again, if it may. The result of ATTACH is in the word. */
export function tryAttach(c: ChildScript, word: string, tid: Value): void {
  ask(c, word, PTRACE.ATTACH, tid);
  c.when(result, '==', 0, (allowed) => {
    waitInto(allowed, `${word}, wait`, tid);
    ask(allowed, `${word}, DETACH`, PTRACE.DETACH, tid);
  });
}

/** In a script: plays its parts one after the other, each when {@link turn} says so, then sleeps. */
export function inTurns(c: ChildScript, ...parts: readonly Part[]): void {
  for (const [index, part] of parts.entries()) {
    c.waitUntil('turn', '>', index);
    part(c);
    c.set(index + 1).store('done');
  }
  c.loop((again) => again.pause());
}

/** Lets a player that plays {@link inTurns} have its next turn, and waits until it is done. */
export function turn(actor: Actor): void {
  const next = actor.word('turn') + 1n;
  actor.setWord('turn', next);
  actor.untilWord('done', next);
}
