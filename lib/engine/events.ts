/** The events of an engine's mask. The first fourteen are those of utrace, in its order. */
export const EVENT = {
  /** Called at every safe point of a pass, and before every other callback to this engine. */
  QUIESCE: 1 << 0,
  REAP: 1 << 1,
  CLONE: 1 << 2,
  EXEC: 1 << 3,
  EXIT: 1 << 4,
  DEATH: 1 << 5,
  SYSCALL_ENTRY: 1 << 6,
  SYSCALL_EXIT: 1 << 7,
  /** A signal that a handler will take. */
  SIGNAL: 1 << 8,
  /** A signal that would be ignored. */
  SIGNAL_IGN: 1 << 9,
  /** A signal that would stop the process. */
  SIGNAL_STOP: 1 << 10,
  /** A signal that would end the process. */
  SIGNAL_TERM: 1 << 11,
  /** A signal that would end the process with a core dump. */
  SIGNAL_CORE: 1 << 12,
  /** The thread has taken part in a group stop, or that has ended. */
  JCTL: 1 << 13,
  /** Beyond utrace: a seccomp filter said SECCOMP_RET_TRACE. */
  SECCOMP: 1 << 14,
  /** Beyond utrace: the child of a vfork has let go of its parent. */
  VFORK_DONE: 1 << 15,
} as const;

/** Both ends of a system call. */
export const EVENT_SYSCALL = EVENT.SYSCALL_ENTRY | EVENT.SYSCALL_EXIT;
/** All signals. */
export const EVENT_SIGNAL_ALL =
  EVENT.SIGNAL | EVENT.SIGNAL_IGN | EVENT.SIGNAL_STOP | EVENT.SIGNAL_TERM | EVENT.SIGNAL_CORE;
/** Every event there is. */
export const EVENT_ALL: number = Object.values(EVENT).reduce((mask, bit) => mask | bit, 0);
/** What only a living thread can be asked for, and cannot be given back once it dies. */
export const DEATH_EVENTS = EVENT.DEATH | EVENT.QUIESCE;

/** The names of the events in a mask, for messages. */
export function eventNames(mask: number): string[] {
  return Object.entries(EVENT)
    .filter(([, bit]) => (mask & bit) !== 0)
    .map(([name]) => name);
}
