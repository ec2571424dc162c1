/** Whose tracee the child of a clone is: that of every client which follows it, and that of all of them if the program itself has asked for it. */
import { PTRACE_EVENT } from '../../kernel/events.js';
import { PTRACE_O } from '../../kernel/options.js';
import type { EngineThread } from '../thread.js';
import type { Attachment } from './attachment.js';
import { eventOf } from './stops.js';
import type { VirtualThread } from './virtual-thread.js';

/**
 * Attaches the child to all clients of its parent at once, in their order: it does not wait until the last of them has been told of the clone. Asked for each of
 * them, it does so for the first.
 */
export function handOver(at: VirtualThread, child: EngineThread): void {
  if (at.named === child) return;
  at.named = child;
  for (const each of at.attachments) {
    if (!wantsChild(each)) continue;
    at.host.attachTo(each.client, child, { seized: each.seized, options: each.options, first: true });
  }
  // Nobody has to wait for the parent: it is known whose the child is.
  if (at.host.isPeopled(child)) child.release();
}

function wantsChild(attachment: Attachment): boolean {
  const { at } = attachment;
  const event = eventOf(at.status);
  // A clone that SIGKILL has kept from being told: the child is a tracee all the same.
  const follows =
    event === PTRACE_EVENT.EXIT
      ? attachment.has(PTRACE_O.TRACECLONE | PTRACE_O.TRACEFORK | PTRACE_O.TRACEVFORK)
      : attachment.hasEvent(event);
  return follows || at.host.askedForPtrace(at);
}
