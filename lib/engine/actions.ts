/**
 * What an engine answers and asks for: resume actions, and in the bits above them what becomes of a signal or a system call.
 *
 * The numbers and names are those of include/linux/utrace.h (API 20091216).
 */

/** Resume actions. **The order is the precedence: the smallest wins.** */
export const UTRACE = {
  /** Stay stopped, for as long as this engine does not say otherwise. */
  STOP: 0,
  /** Report soon, and interrupt a blocking system call for it as SIGSTOP would. */
  INTERRUPT: 1,
  /** Report soon. */
  REPORT: 2,
  /** Resume for one instruction. */
  SINGLESTEP: 3,
  /** Resume for one branch. */
  BLOCKSTEP: 4,
  /** Run. */
  RESUME: 5,
  /** Run, and this engine is gone. */
  DETACH: 6,
} as const;

export type ResumeAction = (typeof UTRACE)[keyof typeof UTRACE];

/** The bits of a vote that are the resume action. */
export const RESUME_MASK = 0x7;

/** What becomes of a signal: the bits above the resume action in a vote of `reportSignal`. */
export const SIGNAL_ACTION = {
  /** What the process has asked for: its handler or the default action. */
  DELIVER: 0x00,
  IGN: 0x10,
  /** End the process. */
  TERM: 0x20,
  /** End the process with a core dump. */
  CORE: 0x30,
  /** Stop the process, as SIGSTOP does. */
  STOP: 0x40,
  /** Stop the process, as SIGTSTP does. */
  TSTP: 0x50,
  /** Argument only: there is no signal (yet), the thread was asked to report. */
  REPORT: 0x60,
  /** Argument only: a handler was just set up, its first instruction has not run. */
  HANDLER: 0x70,
  /** A flag beside the action: put the signal back into the queue. */
  HOLD: 0x100,
} as const;

/** The bits of a vote that are the signal action, without HOLD. */
export const SIGNAL_MASK = 0x70;

/** What becomes of a system call: the bits above the resume action in a vote of `reportSyscallEntry`. */
export const SYSCALL_ACTION = {
  RUN: 0x00,
  /** Skip it. */
  ABORT: 0x10,
  /** A flag, argument only: this entry was reported before, and the thread has been stopped since. */
  RESUMED: 0x100,
} as const;

/** The name of a resume action, for messages. */
export function resumeActionName(action: number): string {
  return Object.entries(UTRACE).find(([, value]) => value === action)?.[0] ?? `${action}`;
}
