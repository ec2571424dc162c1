/**
 * What the parts of one thread have in common: who it is, and what one part leaves for another.
 *
 * The parts, in the order in which a status passes them; each knows those that it calls, and none that calls it:
 *
 * - `StatusDelivery` decides when a status of the kernel is taken;
 * - `StageMachine` drives the thread from there to the request that it goes on with, by way of
 * - `StopTaking`, which begins with what has happened,
 * - `ReportingPass`, which makes the callbacks, and
 * - `Resuming`, which makes the request.
 *
 * Every part may read all of this. Each field says who writes it; what one part alone needs is private to that part.
 */
import { isGone } from '../errors.js';
import { PTRACE } from '../kernel/requests.js';
import { SIG } from '../kernel/signals.js';
import { SIGNAL_ACTION } from './actions.js';
import { Arbitration } from './arbitration.js';
import { Barriers } from './barriers.js';
import type { EngineOps } from './callbacks.js';
import type { Engine } from './engine.js';
import type { Session } from './session.js';
import { STAGE, type Stage } from './stages.js';
import { ThreadView } from './thread-view.js';
import type { EngineThread } from './thread.js';

const word = new BigUint64Array(1);

/** The signal of a system call stop, with the mark of TRACESYSGOOD. */
export const SYSCALL_STOP = SIG.SIGTRAP | 0x80;

/** Whether a status word, of which 0 stands for an end without one, is no stop. */
export const isEnd = (status: number): boolean => (status & 0xff) !== 0x7f;

/** The stop or the end that was taken last. */
export class TakenStop {
  /**
   * The thread stands in a ptrace-stop, or is dead and not reaped; its passes are being made or an engine holds it. Set by StopTaking, cleared by
   * Resuming.
   */
  stands = false;
  /** The wait status word. By StopTaking. */
  status = 0;
  /** What is to be done when the pass under way is over. The first one by StopTaking, those that follow by StageMachine. */
  stage: Stage = STAGE.GO;
  /** It stands where signals are taken. By StopTaking. */
  inSignals = false;
  /** The signal of this stop that no pass has decided about; 0 for none. Set by StopTaking, cleared by StageMachine. */
  signalDue = 0;
  /** The signal action that `signalDue` would have: DELIVER for that of its class, or IGN. By StopTaking. */
  signalResult: number = SIGNAL_ACTION.DELIVER;
  /** The signal that it is resumed with; 0 for none. By StageMachine. */
  inject = 0;

  /** It stands somewhere else now. */
  renew(status: number): void {
    this.stands = true;
    this.status = status;
    this.inSignals = false;
    this.signalDue = 0;
    this.inject = 0;
  }
}

/** What lasts from one stop to the next: how the thread goes. */
export class Course {
  /** It stands inside a system call, whose exit is still to come. By StopTaking. */
  inCall = false;
  /** The call that it enters is to be skipped. Set by StageMachine, carried out by Resuming, over at the next entry. */
  abort = false;
  /** It is in a group stop that has not ended. By StopTaking. */
  jobStopped = false;
  /** The request that let it run last was a step. By Resuming. */
  stepped = false;
  /** A step passes a system call by PTRACE_SYSCALL; its trap is to be made up. Set by Resuming and StopTaking; StageMachine makes the trap. */
  across = false;
  /** It was let go into a handler by a step, whose stop tells that the handler was set up. Set by Resuming, cleared by StopTaking. */
  expectsHandler = false;
}

/** What the kernel has reported and could not be taken at once. */
export class Arrivals {
  /** Stops and ends that came while it stood: SIGKILL took it away. Filled by StatusDelivery, taken by StageMachine. */
  readonly queue: number[] = [];
  /** Nothing is to be taken before the parent's pass is over. By StatusDelivery. */
  waitsForParent: boolean;
  /** Its end was consumed, not only looked at. By StatusDelivery. */
  consumed = false;
  /** Its end was looked at when it could not be taken. Set by StatusDelivery; who clears it has it looked at once more. */
  endSeen = false;

  constructor(waitsForParent: boolean) {
    this.waitsForParent = waitsForParent;
  }
}

export class ThreadCore {
  /** What the session and the engines know it by. */
  readonly thread: EngineThread;
  readonly session: Session;
  /** Changes once at most, by {@link ThreadCore.becomeLeader}. */
  tid: number;
  readonly pid: number;
  readonly arbitration = new Arbitration<EngineOps>();
  readonly barriers = new Barriers<EngineOps>();
  readonly view: ThreadView;
  readonly stop = new TakenStop();
  readonly course = new Course();
  readonly arrivals: Arrivals;
  #waiting = false;
  #referenced = false;

  constructor(thread: EngineThread, session: Session, tid: number, pid: number, waitsForParent: boolean) {
    this.thread = thread;
    this.session = session;
    this.tid = tid;
    this.pid = pid;
    this.arrivals = new Arrivals(waitsForParent);
    this.view = new ThreadView(session.layer, tid);
  }

  get isLeader(): boolean {
    return this.tid === this.pid;
  }

  /** It has the id of its leader from now on, by an exec. */
  becomeLeader(): void {
    this.tid = this.pid;
    this.view.tid = this.pid;
  }

  // --- asking the kernel

  /** Whether SIGKILL has taken it out of the stop that it is thought to stand in. */
  hasLeft(): boolean {
    // In this order: on its way from one stop to the next it has nothing to report, and takes no request.
    return (
      this.session.layer.ptraceBuffer(PTRACE.GETEVENTMSG, this.tid, 0, word) < 0 || this.session.hasReport(this.tid)
    );
  }

  /** PTRACE_GETEVENTMSG; 0 if SIGKILL was quicker. */
  eventMessage(): number {
    return this.session.layer.ptraceBuffer(PTRACE.GETEVENTMSG, this.tid, 0, word) < 0 ? 0 : Number(word[0]);
  }

  // --- waiting for its next status

  /** @param referenced whether that keeps the event loop alive, if the session wants it: what is held does not */
  beginWaiting(referenced = true): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#referenced = this.session.begin(this.tid, referenced);
  }

  endWaiting(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.session.end(this.#referenced);
  }

  // --- telling

  fault(engine: Engine, callback: keyof EngineOps, error: unknown): void {
    this.session.fault({ engine, thread: this.thread, callback, error });
  }

  /** Writes changed registers and siginfo back. What an engine has left badly (registers that cannot be) is told, and the thread goes on without it. */
  writeBack(): void {
    // Without attempt(): every stop comes here.
    try {
      this.view.flush();
    } catch (error) {
      this.session.failed(this.thread, error);
    }
  }

  /** Does what may fail, as {@link ThreadCore.writeBack}. That SIGKILL has taken the thread out of its stop is no failure. */
  attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!isGone(error)) this.session.failed(this.thread, error);
    }
  }
}
