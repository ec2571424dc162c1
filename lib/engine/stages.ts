/** Where a thread is between two of its stops: what is to be done when the pass under way, if there is one, is over. */
export const STAGE = {
  /** At the entry of a system call: stop at once, or go on. */
  ENTRY: 0,
  /** It has stood at the entry, and goes on: report again? */
  ENTRY_WOKEN: 1,
  SYSCALL_EXIT: 2,
  /** The made-up trap of a step over a system call. */
  STEPPED: 3,
  CLONE: 4,
  /** Exec, end of a vfork: inside a system call, whose exit is the border. */
  INSIDE: 5,
  SECCOMP: 6,
  /** Clones that SIGKILL kept from being reported are, before the exit. */
  ORPHANS: 7,
  ORPHAN: 8,
  EXIT: 9,
  SIGNAL: 10,
  JCTL: 11,
  /** On the way back to user mode. */
  BORDER: 12,
  AFTER_BORDER: 13,
  /** Run on from here. */
  GO: 14,
  DEATH: 15,
  /** It is dead, and its exit was not seen: SIGKILL fell between a stop and the request that ended it. It is told before the death. */
  LATE_EXIT: 16,
} as const;

export type Stage = (typeof STAGE)[keyof typeof STAGE];
