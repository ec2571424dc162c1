/** Ways of making tracees, and of having others make them, of which the transcript says nothing. */
import { PTRACE } from '../../kernel/requests.js';
import { SIG } from '../../kernel/signals.js';
import type { ChildScript, Part } from '../../raw/child.js';
import type { Actor } from '../actor.js';
import type { Stage } from '../stage.js';
import { ask } from './script-requests.js';
import { sleepingPair } from './sleepers.js';

/** Makes a sleeping task a tracee that sleeps on. */
export function traceSleeping(actor: Actor, by: 'attach' | 'seize', options = 0): void {
  actor.stage.unrecorded(() => {
    actor.untilAsleep();
    if (by === 'seize') actor.mustSucceed(actor.seize(options), 'SEIZE');
    else {
      actor.mustSucceed(actor.attach(), 'ATTACH');
      actor.expectStop(SIG.SIGSTOP);
      if (options !== 0) actor.mustSucceed(actor.setOptions(options), 'SETOPTIONS');
      actor.mustSucceed(actor.cont(), 'CONT');
      actor.untilAsleep();
    }
  });
}

/** A process of two tracees that sleep: E, its leader, and T, its other thread. */
export function tracedPair(stage: Stage, by: 'attach' | 'seize'): { readonly e: Actor; readonly t: Actor } {
  const [e, t] = sleepingPair(stage, 'E', 'T');
  for (const each of [e, t]) traceSleeping(each, by);
  return { e, t };
}

/** Another tracer T, which has seized a process, or was refused: its word SEIZE tells. It stays. */
export function otherTracer(stage: Stage, tracee: Actor): Actor {
  const tracer = stage.child('T', (c) => {
    ask(c, 'SEIZE', PTRACE.SEIZE, tracee.tid);
    c.store('done', 1).loop((again) => again.pause());
  });
  tracer.untilSet('done');
  return tracer;
}

/** In a script: makes it the tracer of a child of its own, which stands in the stop of a SIGSTOP then. Its id is in the word E. */
export function traceChild(c: ChildScript, prepare: Part = () => undefined): void {
  c.fork((e) => {
    e.dieWithParent().traceme();
    prepare(e);
    e.tgkillSelf('SIGSTOP').loop((again) => again.pause());
  }).store('E');
  c.wait4(c.word('E'));
}

/** Sends a running tracee SIGSTOP and lets it take that: it stands in its group-stop. */
export function toGroupStop(actor: Actor): void {
  actor.stage.unrecorded(() => {
    actor.kill('SIGSTOP');
    actor.expectStop(SIG.SIGSTOP);
    actor.mustSucceed(actor.cont('SIGSTOP'), 'CONT');
    actor.expectStop(SIG.SIGSTOP);
  });
}
