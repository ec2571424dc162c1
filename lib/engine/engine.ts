/** An engine on a thread: what its owner holds. */
import { badInput } from '../errors.js';
import { checkBag, checkBoolean, describe } from '../arguments.js';
import { UTRACE } from './actions.js';
import type { ControlResult, ExamineResult, SetEventsResult } from './arbitration.js';
import type { EngineOps } from './callbacks.js';
import { EVENT_ALL, eventNames } from './events.js';
import type { Seat } from './seat.js';
import type { EngineThread } from './thread.js';

/** Begun by {@link Engine.prepareExamine}, to be handed to {@link Engine.finishExamine}. */
export interface Examination {
  /** @internal */
  readonly generation: number;
}

export interface ControlOptions {
  /** Do not make a running thread stop for the action. Default false. */
  readonly lazy?: boolean | undefined;
}

const CALLBACK_OF: readonly (readonly [number, keyof EngineOps])[] = [
  [1 << 0, 'reportQuiesce'],
  [1 << 1, 'reportReap'],
  [1 << 2, 'reportClone'],
  [1 << 3, 'reportExec'],
  [1 << 4, 'reportExit'],
  [1 << 5, 'reportDeath'],
  [1 << 6, 'reportSyscallEntry'],
  [1 << 7, 'reportSyscallExit'],
  [0x1f << 8, 'reportSignal'],
  [1 << 13, 'reportJctl'],
  [1 << 14, 'reportSeccomp'],
  [1 << 15, 'reportVforkDone'],
];

/** The callback of an event. */
export function callbackOf(event: number): keyof EngineOps {
  return CALLBACK_OF.find(([mask]) => (mask & event) !== 0)?.[1] ?? 'reportQuiesce';
}

/**
 * One engine, attached to one thread. After its detach, or the end of its thread, every call answers ESRCH.
 *
 * What a call comes to is an answer of the protocol, not an exception, and has utrace's names. Only what can never be right (an event that does not
 * exist, a callback that is missing) throws.
 */
export class Engine {
  readonly #seat: Seat<EngineOps>;
  readonly ops: EngineOps;
  /** What was given at the attach, for the callbacks. */
  readonly data: unknown;
  /** Milliseconds that a promise of a callback may take; 0 for ever. */
  readonly timeout: number;
  #thread: EngineThread;

  /** @internal */
  constructor(thread: EngineThread, seat: Seat<EngineOps>, timeout: number) {
    this.#thread = thread;
    this.#seat = seat;
    this.ops = seat.ops;
    this.data = seat.data;
    this.timeout = timeout;
    seat.owner = this;
  }

  /** The thread it is attached to. */
  get thread(): EngineThread {
    return this.#thread;
  }
  /** Its mask: bits of EVENT. */
  get events(): number {
    return this.#seat.events;
  }
  /** Whether it holds its thread stopped. */
  get wantsStop(): boolean {
    return this.#seat.wantsStop;
  }
  /** Whether it is on its thread. */
  get isAttached(): boolean {
    return !this.#seat.detached && !this.#seat.gone;
  }

  /**
   * Replaces its mask.
   *
   * @param events bits of EVENT. New bits take effect with the next event, those of system calls on a running thread with its next stop (control(REPORT) makes
   * one); on a stopped thread no callback that was taken out follows.
   * @returns 0; EINPROGRESS: bits were taken out while a callback to this engine is under way; EALREADY: DEATH or QUIESCE of a thread that is dying;
   * ESRCH
   * @throws PtraceError 'bad-input' for bits that are no event, and events without their callback
   */
  setEvents(events: number): SetEventsResult {
    if (!Number.isInteger(events) || (events & ~EVENT_ALL) !== 0) {
      throw badInput('set events', `events is ${describe(events)}, want bits of EVENT`, this.#thread.tid);
    }
    for (const [mask, name] of CALLBACK_OF) {
      if ((events & mask) !== 0 && typeof this.ops[name] !== 'function') {
        throw badInput('set events', `${eventNames(events & mask).join()} needs ${name}`, this.#thread.tid);
      }
    }
    return this.#thread.setEvents(this.#seat, events);
  }

  /**
   * Asks for a resume action, at any time and from anywhere.
   *
   * STOP and REPORT make a running thread stop by PTRACE_INTERRUPT, which a blocking system call notices (some fail with EINTR, signal(7)); utrace
   * would have waited. DETACH: this engine hears nothing more once the answer is 0; after EINPROGRESS wait for {@link barrier}.
   *
   * @param action one of UTRACE
   * @param options.lazy leave a running thread alone: the action is for its next stop, which may be far away, and no system call is disturbed for it.
   * Without system calls or signals that any engine wants there may be none.
   * @returns 0; EINPROGRESS; EALREADY; ESRCH; EINVAL: a report without QUIESCE; EOPNOTSUPP
   * @throws PtraceError 'bad-input' for what is no action
   */
  control(action: number, options?: ControlOptions): ControlResult {
    if (!Number.isInteger(action) || action < UTRACE.STOP || action > UTRACE.DETACH) {
      throw badInput('control', `action is ${describe(action)}, want one of UTRACE`, this.#thread.tid);
    }
    const lazy =
      options !== undefined && checkBoolean('control', checkBag('control', options, ['lazy']).lazy, 'lazy', false);
    return this.#thread.control(this.#seat, action, lazy);
  }

  /**
   * Waits until no callback to this engine is under way: its vote has been applied. Inside a callback of its thread it does not wait, but only before that
   * callback's first `await`: behind it a callback would wait for itself, until its time is over. No signal interrupts it.
   *
   * @returns 0; ESRCH when it is gone
   */
  barrier(): Promise<0 | 'ESRCH'> {
    return this.#thread.barrier(this.#seat);
  }

  /**
   * Begins to examine the thread, which this engine holds by STOP.
   *
   * From inside a callback of the thread there is no need for it, and it is always granted.
   *
   * @returns a token; EINVAL: it does not hold it; EAGAIN: it does not stand yet; ESRCH
   */
  prepareExamine(): Examination | Exclude<ExamineResult, 0> {
    if (this.#isInside) return { generation: this.#thread.arbitration.generation };
    return this.#thread.prepareExamine(this.#seat);
  }

  /**
   * Ends the examination.
   *
   * @returns 0: all that was read is right; EAGAIN: the thread ran meanwhile (SIGKILL), throw it away; EINVAL: this engine has let go of it meanwhile
   */
  finishExamine(examination: Examination): ExamineResult {
    if (this.#isInside && examination.generation === this.#thread.arbitration.generation) return 0;
    const result = this.#thread.finishExamine(examination.generation);
    return result === 0 && !this.#seat.wantsStop ? 'EINVAL' : result;
  }

  /** Whether this is called from inside a callback of its thread, which can be examined. */
  get #isInside(): boolean {
    return this.isAttached && this.#thread.session.current === this.#thread && this.#thread.state === 'stopped';
  }

  /** @internal */
  get seat(): Seat<EngineOps> {
    return this.#seat;
  }
}
