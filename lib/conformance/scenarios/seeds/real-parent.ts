/** A real parent that is not the tracer: it forks the tracee and looks, without waiting, when it is told to. */
import { W } from '../../../kernel/wait-flags.js';
import { decodeWaitStatus } from '../../../kernel/wait-status.js';
import type { Part } from '../../../raw/child.js';
import type { Actor } from '../../actor.js';
import { resultText, statusText } from '../../describe.js';
import type { Stage } from '../../stage.js';

const LOOK = W.WNOHANG | W.WUNTRACED | W.WCONTINUED;

/** P, whose child E plays the part. */
export function parentAndChild(s: Stage, part: Part): { readonly p: Actor; readonly e: Actor } {
  const p = s.child('P', (c) =>
    c
      .fork(part)
      .store('child')
      .loop((again) =>
        again
          .waitUntil('look', '!=', 0)
          .wait4(again.word('child'), LOOK)
          .store('found')
          .store('status', again.status)
          .store('look', 0),
      ),
  );
  return { p, e: s.adopt('E', Number(p.untilSet('child'))) };
}

/** What P finds of E at this moment: `P: poll for E = stopped by SIGSTOP`. */
export function parentLooks(p: Actor): void {
  p.setWord('look', 1n);
  p.untilWord('look', 0n);
  const found = p.word('found');
  const text =
    found === 0n ? 'nothing' : found < 0n ? resultText(found) : statusText(decodeWaitStatus(Number(p.word('status'))));
  p.observe('poll for E', text);
}
