/** What the scenarios of gVisor's suite share: processes without privileges, players that take turns, and Yama. */
import { readFileSync } from 'node:fs';
import type { Actor } from '../../actor.js';
import { suite, type Source } from '../../scenario.js';
import type { Stage } from '../../stage.js';
import { PTRACE } from '../../../kernel/requests.js';
import { W } from '../../../kernel/wait-flags.js';
import { procStatus } from '../../../proc.js';
import { type ChildScript, type Part, result, type Value } from '../../../raw/child.js';
import { ask, reap } from '../manual/tools.js';

/** The user that has no rights. */
const NOBODY = 65534;
const CAP_SYS_PTRACE = 19n;
const PR_SET_DUMPABLE = 4;
const PR_SET_PTRACER = 0x59616d61;

/** A test of gVisor's ptrace.cc. */
export const gvisorTest = (name: string): Source => suite('gvisor', name);

/** Any process, for {@link setPtracer}. */
export const ANY_PTRACER = -1;

/** In a script: gives up all privileges, but may be traced by others of the same user. A user who has none keeps what he is. */
export function unprivileged(c: ChildScript): void {
  if (process.geteuid?.() === 0) {
    c.syscall('setresgid', NOBODY, NOBODY, NOBODY).syscall('setresuid', NOBODY, NOBODY, NOBODY);
    // Both are undone by a change of user.
    c.prctl(PR_SET_DUMPABLE, 1).dieWithParent();
  }
}

/** Skips where {@link unprivileged} processes would still have the right to trace any process. */
export function withoutCapability(s: Stage): void {
  const capabilities = procStatus('thread-self')?.capEff ?? 0n;
  if (process.geteuid?.() !== 0 && ((capabilities >> CAP_SYS_PTRACE) & 1n) === 1n) {
    s.skip('its processes cannot give up CAP_SYS_PTRACE');
  }
}

/** Yama's ptrace_scope; 0 where there is no Yama. */
export function yamaScope(): number {
  try {
    return Number(readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'utf8'));
  } catch {
    return 0;
  }
}

/** Skips where Yama's ptrace_scope is not in this range. With 3 nobody can look into a script's memory, not even root. */
export function needsScope(s: Stage, least: number, most: number): void {
  const scope = yamaScope();
  const wanted = least === most ? `${least}` : `${least} to ${most}`;
  if (scope < least || scope > most) s.skip(`Yama's ptrace_scope is ${scope}, it needs ${wanted}`);
}

/** In a script: prctl(PR_SET_PTRACER), its result in a word. */
export function setPtracer(c: ChildScript, word: string, tracer: Value): void {
  c.prctl(PR_SET_PTRACER, tracer, 0, 0, 0).store(word);
}

/** In the script of a tracer: attaches to a task and lets it go again, if it may. The result of ATTACH is in the word. */
export function tryAttach(c: ChildScript, word: string, tid: Value): void {
  ask(c, word, PTRACE.ATTACH, tid);
  c.when(result, '==', 0, (allowed) => {
    reap(allowed, `${word}, wait`, tid, W.__WALL);
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
