/**
 * The events of PTRACE_EVENT stops: bits 16 and up of the wait status, bits 8 and up of `si_code`.
 *
 * Source: ptrace(2), "PTRACE_EVENT stops"; uapi/linux/ptrace.h.
 */
export const PTRACE_EVENT = {
  FORK: 1,
  VFORK: 2,
  CLONE: 3,
  EXEC: 4,
  VFORK_DONE: 5,
  EXIT: 6,
  SECCOMP: 7,
  /** Only seized tracees: group-stop, PTRACE_INTERRUPT, the first stop of a new tracee, and the end of a group-stop. */
  STOP: 128,
} as const;

/** Name of an event, without the prefix. */
export type PtraceEventName = keyof typeof PTRACE_EVENT;

const names: ReadonlyMap<number, string> = new Map(
  Object.entries(PTRACE_EVENT).map(([name, event]) => [event, `PTRACE_EVENT_${name}`]),
);

/** The name of an event, such as `PTRACE_EVENT_FORK`. An unknown number gives `PTRACE_EVENT_<number>`. */
export function eventName(event: number): string {
  return names.get(event) ?? `PTRACE_EVENT_${event}`;
}
