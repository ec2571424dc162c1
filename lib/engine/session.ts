/**
 * What a thread under engines needs of the {@link Engines} that trace it: the kernel, the other threads, the one door for waits, and whom to tell.
 *
 * All threads of one `Engines` share it. `current` and the two counters are all that a thread writes here.
 */
import type { KernelLayer } from '../raw/kernel-layer.js';
import type { Fault } from './callbacks.js';
import type { Executing } from './executing.js';
import type { EngineThread } from './thread.js';

export interface Session {
  readonly layer: KernelLayer;
  /** The PTRACE_O bits that every thread has. */
  readonly baseOptions: number;
  /** The thread whose callback runs now. Written around each callback. */
  current: EngineThread | undefined;
  /** Counts the stops and ends that were taken. */
  taken: number;
  /** Passes that wait for a promise. */
  suspended: number;
  readonly executing: Executing;

  // --- the other threads

  /** The threads of a process that are traced here. */
  threadsOf(pid: number): EngineThread[];
  /** The thread that an event of its parent names; undefined if that is none of ours. */
  childOf(tid: number): EngineThread | undefined;
  /** The children of a thread that was killed inside a clone which no event has named. */
  orphansOf(parent: EngineThread): EngineThread[];
  /** EVENT_EXEC under the id of `leader`, of a thread that had the id `former` before. */
  executed(leader: EngineThread, former: number, status: number): void;

  // --- what becomes of a thread

  /** It has executed a program. */
  executedProgram(thread: EngineThread): void;
  /** A leader is on its way out, and the kernel may say nothing more of it. */
  leaves(leader: EngineThread): void;
  /** Its end was consumed and told. */
  reaped(thread: EngineThread): void;
  /** It is traced no more. With `isZombie` it could not be detached, and is reaped when the time comes. */
  detached(thread: EngineThread, isZombie: boolean): void;

  // --- waiting

  /** A thread runs, and its next status is waited for. Whether that keeps the event loop alive, to be handed to {@link Session.end}. */
  begin(tid: number, referenced: boolean): boolean;
  end(referenced: boolean): void;
  /** It has left its stop at the exit: its end is to be looked at before it is consumed. */
  expectEnd(tid: number): void;
  /** An end that was looked at may be consumed, as soon as the stack is free. */
  consumeLater(tid: number): void;
  /** An end was looked at and could not be taken: it can now, as soon as the stack is free. */
  lookAgain(): void;
  /** Whether a thread has something to report that was not taken yet. */
  hasReport(tid: number): boolean;
  /** Whether more was consumed together with the status under way, and what is to be run when all of that has been dispatched. */
  readonly hasMore: boolean;
  afterThese(run: () => void): void;

  // --- faults

  /** An engine has done what it must not. */
  fault(fault: Fault): void;
  /** What engines have left behind could not be carried out. */
  failed(thread: EngineThread, error: unknown): void;
}
