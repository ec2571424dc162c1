/** Processes that help and go again. */
import type { Part } from '../../raw/child.js';
import type { Actor } from '../actor.js';
import type { Stage } from '../stage.js';

/** A process that has played its part when this returns, and stays until it is let go: by {@link dismiss}, or by its word `gate`. */
export function helper(s: Stage, name: string, part: Part): Actor {
  const actor = s.child(name, (c) => {
    part(c);
    c.store('done', 1).waitUntil('gate', '!=', 0).exitGroup(0);
  });
  actor.untilSet('done');
  return actor;
}

/** Lets a {@link helper} end, and reaps it. Not in the transcript. */
export function dismiss(actor: Actor): void {
  actor.setWord('gate', 1n);
  actor.stage.unrecorded(() => actor.wait());
}
