/** What an engine is made of: its callbacks, and what they are told. */
import type { Engine } from './engine.js';
import type { EngineThread } from './thread.js';
import type { SyscallView } from './thread-view.js';

/**
 * A vote: a resume action of UTRACE, in `reportSignal` with a SIGNAL_ACTION and in `reportSyscallEntry` with a SYSCALL_ACTION in the bits above. Nothing
 * (undefined) leaves things as they are: STOP while this engine holds the thread already (by control()), else RESUME, and the fate of the signal or
 * system call as the engines before have decided it.
 */
export type Vote = number | undefined;

/**
 * What a callback gives. A plain vote is applied at once. With a promise the thread stays stopped until it settles: the one thing that utrace forbids
 * and this layer allows, since JavaScript cannot wait in any other way. A callback that throws, rejects, exceeds its engine's time limit or votes
 * what it must not votes RESUME; the fault is reported, and the other engines go on. A thenable whose owner calls back at once goes on at once: no event
 * loop is needed for that.
 */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- a callback without a return is one that votes nothing
export type Answer = Vote | void | PromiseLike<Vote | void>;

/** A clone, fork or vfork that has happened. */
export interface CloneReport {
  readonly kind: 'clone' | 'fork' | 'vfork';
  /** The new thread, which does not run before the pass is over. Engines attached to it now miss nothing of it; without any it is let go. */
  readonly child: EngineThread;
}

export interface ExecReport {
  /** The tid that the thread had before; another one when it was not the leader. */
  readonly formerTid: number;
}

export interface ExitReport {
  /** The wait status word to be. Read-only: ptrace cannot change it, utrace could. */
  readonly code: number;
}

export interface DeathReport {
  /** Whether the process is gone with this thread. */
  readonly groupDead: boolean;
  /** The signal that the parent gets; -1 for a thread that nobody is told of. */
  readonly signal: number;
  /** The wait status word. 0 for a thread that another's exec has ended. */
  readonly status: number;
}

/** A signal on its way, or none at all in a report that was asked for (`signal` 0). */
export interface SignalReport {
  /** Number of the signal; 0 with SIGNAL_REPORT and SIGNAL_HANDLER. */
  readonly signal: number;
  /** `siginfo_t`, 128 bytes; empty without a signal. What is written here is delivered; whoever changes si_signo changes the signal. */
  readonly siginfo: Uint8Array;
  /** Which of the EVENT.SIGNAL class this is; 0 without a signal. */
  readonly event: number;
}

export interface JctlReport {
  /** CLD_STOPPED or CLD_CONTINUED. */
  readonly type: number;
  /** `type` when this is the last thread of its process that is traced here, and its parent is told; else 0. */
  readonly notify: number;
}

/**
 * The callbacks. `action` is what the engines before have come to: what would happen if this engine were absent, with the bits of
 * SIGNAL_ACTION or SYSCALL_ACTION in `reportSignal` and `reportSyscallEntry`. An engine needs those for which it sets events.
 */
export interface EngineOps {
  /** A safe point. `event` is the EVENT whose callback follows, or 0: the thread is about to go back to user mode. */
  reportQuiesce?(action: number, engine: Engine, event: number): Answer;
  reportClone?(action: number, engine: Engine, clone: CloneReport): Answer;
  /** After a successful exec, before its first instruction. */
  reportExec?(action: number, engine: Engine, exec: ExecReport): Answer;
  /**
   * The thread exits and can still be examined. STOP is honoured here, and not even SIGKILL breaks it. Rarely, if SIGKILL falls between a stop and the
   * request that ends it, the kernel's stop at the exit is passed unseen: then this is called right before the death, and the thread's state is 'ended'.
   */
  reportExit?(action: number, engine: Engine, exit: ExitReport): Answer;
  /** The thread is dead, not yet reaped. Only DETACH makes a difference. */
  reportDeath?(engine: Engine, death: DeathReport): Answer;
  /** The thread was reaped and the engine with it. */
  reportReap?(engine: Engine, thread: EngineThread): void;
  /** In reverse order of attaching. STOP holds the thread here; when it goes on with a report pending, the entry is reported again with RESUMED. */
  reportSyscallEntry?(action: number, engine: Engine, call: SyscallView): Answer;
  reportSyscallExit?(action: number, engine: Engine, call: SyscallView): Answer;
  reportSignal?(action: number, engine: Engine, signal: SignalReport): Answer;
  reportJctl?(action: number, engine: Engine, jctl: JctlReport): Answer;
  /** Beyond utrace: a seccomp filter said SECCOMP_RET_TRACE. */
  reportSeccomp?(action: number, engine: Engine, call: SyscallView): Answer;
  /** Beyond utrace: the child of this thread's vfork has let go. */
  reportVforkDone?(action: number, engine: Engine, childPid: number): Answer;
}

/** What an engine did that it must not. */
export interface Fault {
  readonly engine: Engine;
  readonly thread: EngineThread;
  /** The callback. */
  readonly callback: keyof EngineOps;
  readonly error: unknown;
}
