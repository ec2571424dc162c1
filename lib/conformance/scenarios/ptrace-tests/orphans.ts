/** Processes that get to see the ends of their grandchildren. */
import type { ChildScript } from '../../../raw/child.js';

const PR_SET_CHILD_SUBREAPER = 36;

/** In a script: children of children that have lost their parents are its own from here on. */
export function takesOrphans(c: ChildScript): ChildScript {
  return c.prctl(PR_SET_CHILD_SUBREAPER, 1);
}
