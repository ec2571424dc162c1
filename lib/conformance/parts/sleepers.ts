/** Processes that sleep in pause(2), again and again. */
import type { ChildScript } from '../../raw/child.js';
import type { Actor } from '../actor.js';
import type { Stage } from '../stage.js';

/** A part that sleeps, and that any process may trace where Yama would refuse. */
export function anyonesSleeper(c: ChildScript): void {
  c.setPtracerAny().loop((again) => again.pause());
}

/** A sleeper that any process may trace where Yama would refuse. It sleeps already. */
export function anyonesPauser(stage: Stage, name: string): Actor {
  const actor = stage.child(name, anyonesSleeper);
  actor.untilAsleep();
  return actor;
}

/** A child that has stopped itself, and sleeps when it is continued. Nobody has waited for its stop. */
export function stoppedPauser(stage: Stage): Actor {
  const actor = stage.child('E', (c) => c.tgkillSelf('SIGSTOP').loop((again) => again.pause()));
  actor.untilState('T');
  return actor;
}

/** A part of two threads that sleep; a word is the id of the one that is not the leader. */
export function twoSleepers(c: ChildScript, other = 'T'): void {
  c.thread((t) =>
    t
      .syscall('gettid')
      .store(other)
      .loop((again) => again.pause()),
  );
  c.loop((again) => again.pause());
}

/** A process of two threads that sleep already, its leader and another one. */
export function sleepingPair(stage: Stage, leaderName: string, otherName: string): readonly [Actor, Actor] {
  const leader = stage.child(leaderName, (c) => {
    twoSleepers(c, otherName);
  });
  const other = stage.adopt(otherName, Number(leader.untilSet(otherName)));
  leader.untilAsleep();
  other.untilAsleep();
  return [leader, other];
}
