/**
 * The reporting pass: makes the callbacks that the arbitration asks for, and hands in what they answer.
 *
 * A callback that gives a promise suspends the pass: the thread stays as it is until that settles or the time of its engine is over. A callback that throws,
 * rejects or votes what it must not is a fault, which is told, and counts as RESUME.
 */
import { badInput, refused } from '../errors.js';
import { SIG } from '../kernel/signals.js';
import { scaledMillis } from '../time-scale.js';
import { RESUME_MASK } from './actions.js';
import type { Arbitration, Call } from './arbitration.js';
import type { Barriers } from './barriers.js';
import type { Answer, CloneReport, EngineOps, SignalReport } from './callbacks.js';
import { callbackOf, type Engine } from './engine.js';
import { EVENT } from './events.js';
import type { Session } from './session.js';
import type { ThreadCore } from './thread-core.js';
import type { ThreadView } from './thread-view.js';

/** What the callback of an event is told beside the action. */
export type Details =
  | { readonly kind: 'none' }
  | { readonly kind: 'clone'; readonly report: CloneReport }
  | { readonly kind: 'exec'; readonly formerTid: number }
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'vfork-done'; readonly childPid: number }
  | { readonly kind: 'jctl'; readonly type: number; readonly notify: number };

const NO_DETAILS: Details = { kind: 'none' };
const NO_SIGNAL: SignalReport = { signal: 0, siginfo: new Uint8Array(0), event: 0 };

/** In place of the vote of a callback whose fault was reported. */
const FAULT = -1;

export class ReportingPass {
  readonly #core: ThreadCore;
  readonly #arbitration: Arbitration<EngineOps>;
  readonly #view: ThreadView;
  readonly #session: Session;
  readonly #barriers: Barriers<EngineOps>;
  #event = 0;
  #details: Details = NO_DETAILS;
  #signalReport: SignalReport = NO_SIGNAL;
  #isOpen = false;
  #wasMade = false;
  #suspended = false;
  /** Which promise is waited for: one that settles after its time is over says nothing. */
  #ticket = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(core: ThreadCore) {
    this.#core = core;
    this.#arbitration = core.arbitration;
    this.#view = core.view;
    this.#session = core.session;
    this.#barriers = core.barriers;
  }

  /** Whether callbacks of it are still to be made, as far as is known. */
  get isOpen(): boolean {
    return this.#isOpen;
  }
  /** Whether the event that was begun with last has a pass, to be ended in the arbitration: nobody may want it, and SIGKILL may have been here before. */
  get wasMade(): boolean {
    return this.#wasMade;
  }
  /** Whether a promise keeps it waiting. */
  get isSuspended(): boolean {
    return this.#suspended;
  }
  /** What is told of a clone, while that is the event. */
  get clone(): CloneReport | undefined {
    return this.#details.kind === 'clone' ? this.#details.report : undefined;
  }

  // --- beginnings

  /** The thread stands somewhere else: what was told of the last event is over. */
  renew(): void {
    this.#details = NO_DETAILS;
  }

  /** @param resumed whether this entry of a system call was reported before */
  begin(event: number, details: Details = NO_DETAILS, resumed = false): void {
    this.#event = event;
    this.#details = details;
    this.#isOpen = this.#wasMade = this.#arbitration.begin(event, resumed);
  }

  /** @param result the signal action that it would have */
  beginSignal(report: SignalReport, result: number): void {
    this.#event = report.event;
    this.#signalReport = report;
    this.#isOpen = this.#wasMade = this.#arbitration.beginSignal(report.event, result);
  }

  /** @param inSignals whether the thread stands where signals are taken */
  beginBorder(inSignals: boolean): void {
    this.#event = 0;
    this.#signalReport = NO_SIGNAL;
    this.#isOpen = this.#arbitration.beginBorder(inSignals);
  }

  /** The status that was taken last is the thread's end. */
  beginDeath(): void {
    this.#event = EVENT.DEATH;
    this.#isOpen = this.#arbitration.beginDeath();
  }

  /** There is no pass for what has happened. */
  skip(): void {
    this.#isOpen = this.#wasMade = false;
  }

  // --- calls

  /**
   * Makes the calls that are still to be made.
   *
   * @param later called when what keeps it waiting has settled, to go on
   * @returns whether it is over; not if a callback has given a promise
   */
  make(later: () => void): boolean {
    const arbitration = this.#arbitration;
    const session = this.#session;
    const { thread } = this.#core;
    for (;;) {
      const call = arbitration.next();
      if (call === undefined) {
        this.#isOpen = false;
        return true;
      }
      const engine = arbitration.reporting?.owner as Engine;
      const name = this.#nameOf(call, engine);
      let answer: Answer;
      const outer = session.current;
      session.current = thread;
      try {
        answer = this.#invoke(name, engine);
      } catch (error) {
        this.#core.fault(engine, name, error);
        answer = FAULT;
      } finally {
        session.current = outer;
      }
      if (typeof answer === 'object' && answer !== null && typeof (answer as { then?: unknown }).then === 'function') {
        if (!this.#suspend(call, name, engine, answer, later)) return false;
        continue;
      }
      this.#settle(call, name, engine, answer);
    }
  }

  #nameOf(call: Call, engine: Engine): keyof EngineOps {
    if (call === 'quiesce') return 'reportQuiesce';
    if (call === 'signal') return typeof engine.ops.reportSignal === 'function' ? 'reportSignal' : 'reportQuiesce';
    return callbackOf(this.#event);
  }

  #invoke(name: keyof EngineOps, engine: Engine): Answer {
    const { ops } = engine;
    const { argument } = this.#arbitration;
    switch (name) {
      case 'reportSyscallEntry':
        return ops.reportSyscallEntry?.(argument, engine, this.#view);
      case 'reportSyscallExit':
        return ops.reportSyscallExit?.(argument, engine, this.#view);
      case 'reportSeccomp':
        return ops.reportSeccomp?.(argument, engine, this.#view);
      case 'reportQuiesce':
        return ops.reportQuiesce?.(argument & RESUME_MASK, engine, this.#event);
      case 'reportSignal':
        return ops.reportSignal?.(argument, engine, this.#signalReport);
      case 'reportDeath': {
        const { isLeader, stop } = this.#core;
        const signal = isLeader ? SIG.SIGCHLD : -1;
        return ops.reportDeath?.(engine, { groupDead: isLeader, signal, status: stop.status });
      }
      default:
        return this.#invokeRare(engine, argument);
    }
  }

  #invokeRare(engine: Engine, argument: number): Answer {
    const details = this.#details;
    const { ops } = engine;
    switch (details.kind) {
      case 'clone':
        return ops.reportClone?.(argument, engine, details.report);
      case 'exec':
        return ops.reportExec?.(argument, engine, { formerTid: details.formerTid });
      case 'exit':
        return ops.reportExit?.(argument, engine, { code: details.code });
      case 'vfork-done':
        return ops.reportVforkDone?.(argument, engine, details.childPid);
      case 'jctl':
        return ops.reportJctl?.(argument, engine, { type: details.type, notify: details.notify });
      case 'none':
        return undefined;
    }
  }

  #settle(call: Call, name: keyof EngineOps, engine: Engine, vote: unknown): void {
    const arbitration = this.#arbitration;
    // In the signal path what a quiesce votes says nothing about the signal.
    const quiet = call === 'signal' && name === 'reportQuiesce';
    if (vote === undefined) arbitration.settle(call, arbitration.abstention(call));
    else if (vote === FAULT) arbitration.settle(call, arbitration.faultVote(call));
    else if (typeof vote === 'number' && arbitration.isLegal(quiet ? 'quiesce' : call, vote)) {
      arbitration.settle(call, quiet ? vote | arbitration.result : vote);
    } else {
      const shown = typeof vote === 'number' ? `0x${vote.toString(16)}` : `a ${typeof vote}`;
      const { tid } = this.#core;
      this.#core.fault(engine, name, badInput(name, `the vote is ${shown}, which this callback cannot give`, tid));
      arbitration.settle(call, arbitration.faultVote(call));
    }
    if (this.#barriers.hasAny) this.#barriers.settle(engine.seat);
  }

  // --- promises

  /**
   * The thread stays as it is until the promise settles, or its time is over. Whether it has settled already: a thenable may do so inside its
   * `then`, and then nobody is called later.
   */
  #suspend(
    call: Call,
    name: keyof EngineOps,
    engine: Engine,
    promise: PromiseLike<unknown>,
    later: () => void,
  ): boolean {
    const core = this.#core;
    const ticket = ++this.#ticket;
    let returned = false;
    this.#suspended = true;
    this.#session.suspended++;
    const goOn = (vote: unknown): void => {
      if (ticket !== this.#ticket) return;
      this.#ticket++;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      clearImmediate(watching);
      core.endWaiting();
      this.#suspended = false;
      this.#session.suspended--;
      this.#settle(call, name, engine, vote);
      if (returned) later();
    };
    const fail = (error: unknown): void => {
      if (ticket !== this.#ticket) return;
      core.fault(engine, name, error);
      goOn(FAULT);
    };
    // SIGKILL is noticed, but a promise that settles in this turn need not pay for that.
    const watching = setImmediate(() => core.beginWaiting(false));
    try {
      promise.then(goOn, fail);
    } catch (error) {
      // No promise of the language does that.
      fail(error);
    }
    returned = true;
    if (ticket !== this.#ticket) return true;
    if (engine.timeout === 0) return false;
    this.#timer = setTimeout(() => {
      fail(refused('timed-out', name, core.tid, `its promise has not settled within ${engine.timeout} ms`));
    }, scaledMillis(engine.timeout));
    return false;
  }
}
