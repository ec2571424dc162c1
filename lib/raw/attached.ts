import { binding } from '../binding.js';

/**
 * Which tasks the callers of raw/ attached in this thread. Whoever waits for everything (the tracer does) leaves the stops of these alone:
 * they belong to the caller who waits for them by id.
 *
 * Only what passed through PTRACE_ATTACH and PTRACE_SEIZE here is known. Children that the kernel attaches by PTRACE_O_TRACEFORK and the like,
 * children that said PTRACE_TRACEME, and the new tid that an execve gives to a thread are not.
 */
const attached = new Set<number>();

/** The tids attached by this thread through raw/ whose end or detach has not been seen yet. A live view. */
export function rawAttached(): ReadonlySet<number> {
  return attached;
}

/** Adds a tid: it was attached. */
export function noteAttached(tid: number): void {
  attached.add(tid);
}

/** Takes a tid out: it was detached, its end was consumed, or somebody else answers for it from now on. */
export function forgetAttached(tid: number): void {
  // Called for every end that a wait consumes, whoever it belongs to.
  if (attached.size !== 0) attached.delete(tid);
}

/** The end of a task was consumed: its id may be anybody's from now on. */
export function noteEnd(tid: number): void {
  forgetAttached(tid);
  binding().forgetChild(tid);
}
