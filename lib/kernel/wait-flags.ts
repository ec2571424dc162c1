/** What the id of waitid(2) means. */
export const P_ALL = 0;
/** The id is a process or thread. */
export const P_PID = 1;
/** The id is a process group; 0 is the caller's own. Since Linux 5.4. */
export const P_PGID = 2;
/** The id is a file descriptor of pidfd_open(2). Since Linux 5.4. */
export const P_PIDFD = 3;

export type IdType = typeof P_ALL | typeof P_PID | typeof P_PGID | typeof P_PIDFD;

/**
 * Flags of waitid(2) and wait4(2).
 *
 * `__WCLONE` is bit 31: `|` of JavaScript makes the mask negative. Both forms mean the same 32 bits to the kernel.
 *
 * Source: wait(2); uapi/linux/wait.h.
 */
export const W = {
  WNOHANG: 0x00000001,
  /** The name of WSTOPPED in wait4(2). */
  WUNTRACED: 0x00000002,
  WSTOPPED: 0x00000002,
  WEXITED: 0x00000004,
  WCONTINUED: 0x00000008,
  /** Leave the child in a waitable state. waitid(2) only. */
  WNOWAIT: 0x01000000,
  /** Only children and tracees of the calling thread, not those of its siblings. */
  __WNOTHREAD: 0x20000000,
  /** All children, whatever signal their death sends. Tracees are eligible without it since Linux 4.7. */
  __WALL: 0x40000000,
  /**
   * Only children whose death sends another signal than SIGCHLD or none; tracees are always eligible since Linux 4.7.
   */
  __WCLONE: 0x80000000,
} as const;

/** All flags that wait4(2) takes, as 32 bits unsigned. */
export const WAIT4_MASK: number =
  (W.WNOHANG | W.WUNTRACED | W.WCONTINUED | W.__WNOTHREAD | W.__WALL | W.__WCLONE) >>> 0;

/** All flags that waitid(2) takes, as 32 bits unsigned. */
export const WAITID_MASK: number = (WAIT4_MASK | W.WEXITED | W.WNOWAIT) >>> 0;

/**
 * `si_code` of SIGCHLD and of the answer of waitid(2). A tracee's stops are TRAPPED, the job-control stops of a child
 * are STOPPED.
 *
 * Source: uapi/asm-generic/siginfo.h.
 */
export const CLD = { EXITED: 1, KILLED: 2, DUMPED: 3, TRAPPED: 4, STOPPED: 5, CONTINUED: 6 } as const;
