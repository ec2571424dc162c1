/** Flags of clone(2) that go together. */
import { CLONE } from '../../raw/child.js';

/** What makes a new task a thread. */
export const THREAD_FLAGS = CLONE.VM | CLONE.FS | CLONE.FILES | CLONE.SIGHAND | CLONE.THREAD | CLONE.SYSVSEM;
