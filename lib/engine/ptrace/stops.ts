/** What one client sees of a tracee: its stops, as the wait status words that it is told. */
import { PTRACE_EVENT } from '../../kernel/events.js';
import { PTRACE_O } from '../../kernel/options.js';
import { SIG } from '../../kernel/signals.js';

/**
 * - `signal`: a signal on its way to the tracee, which a resume can change
 * - `group`: the group-stop of a tracee that was not seized: no signal, GETSIGINFO fails
 * - `trap`: PTRACE_EVENT_STOP
 * - `event`: any other PTRACE_EVENT
 * - `syscall`: entry or exit of a system call
 * - `end`: it has ended
 */
export type StopKind = 'signal' | 'group' | 'trap' | 'event' | 'syscall' | 'end';

export interface VirtualStop {
  readonly kind: StopKind;
  /** The status word of wait4(2). */
  readonly status: number;
  /** Whether this is the stop of the kernel that the tracee stands in. Else it stands for another client's sake, and the details of this stop are made up. */
  readonly real: boolean;
  /** The siginfo of a trap that the engines have made up: the kernel does not know it. */
  siginfo?: Uint8Array;
  /** Counts the kernel's stops of the thread: that in which it is told. */
  readonly id: number;
  /** It comes by an id that the client has taken for another thread's: no request works before a wait has told of it. */
  unexpected?: boolean;
  /** A wait has consumed it. */
  reported: boolean;
}

const STOPPED = 0x7f;
const SYSGOOD = 0x80;

/** The status word of a stop by a signal. */
export const signalWord = (signal: number): number => (signal << 8) | STOPPED;

/** The status word of an event. */
export const eventWord = (event: number, signal: number = SIG.SIGTRAP): number =>
  (event << 16) | (signal << 8) | STOPPED;

/** The status word of a system call stop. */
export const syscallWord = (sysgood: boolean): number => ((SIG.SIGTRAP | (sysgood ? SYSGOOD : 0)) << 8) | STOPPED;

/** The event of a status word, 0 for none. */
export const eventOf = (status: number): number => status >>> 16;

/** The signal of a stop's status word, with the mark of TRACESYSGOOD. */
export const signalOf = (status: number): number => (status >>> 8) & 0xff;

/** Whether a status word tells of PTRACE_EVENT_STOP. */
export const isEventStop = (status: number): boolean =>
  (status & 0xff) === STOPPED && eventOf(status) === PTRACE_EVENT.STOP;

/** Whether a status word tells of the end. */
export const isEnd = (status: number): boolean => (status & 0xff) !== STOPPED;

const OPTION_OF: Readonly<Record<number, number>> = {
  [PTRACE_EVENT.FORK]: PTRACE_O.TRACEFORK,
  [PTRACE_EVENT.VFORK]: PTRACE_O.TRACEVFORK,
  [PTRACE_EVENT.CLONE]: PTRACE_O.TRACECLONE,
  [PTRACE_EVENT.EXEC]: PTRACE_O.TRACEEXEC,
  [PTRACE_EVENT.VFORK_DONE]: PTRACE_O.TRACEVFORKDONE,
  [PTRACE_EVENT.EXIT]: PTRACE_O.TRACEEXIT,
  [PTRACE_EVENT.SECCOMP]: PTRACE_O.TRACESECCOMP,
};

/** The PTRACE_O bit that asks for an event; undefined for one that needs none. */
export const optionOf = (event: number): number | undefined => OPTION_OF[event];
