/**
 * Several engines on one thread: who is called, in which order, and what their votes come to.
 *
 * This is utrace as a state machine: no input or output, no promise, no timer. The driver tells it what has happened to the thread, asks for the
 * next callback to be made ({@link Arbitration.next}), hands in what that answered ({@link Arbitration.settle}), and at the end of the pass is told
 * whether the thread stops. In short, after the original's documentation:
 *
 * - **A pass** calls the engines in the order in which they were attached, at the entry of a system call in reverse. An engine with QUIESCE is called
 *   for it before the event itself, whether it asked for that event or not, and its mask is read again in between. Engines attached during a pass are not part of it.
 * - **An engine's vote** is a resume action; the smallest of a pass wins. STOP sticks to the engine (`wantsStop`): the thread stays stopped while any
 *   engine wants it. Every other vote of the same engine takes that back.
 * - **A pass does not stop the thread** on most events: a STOP there becomes a pending REPORT, so that there is one more pass right before user mode, the *border*,
 *   which stops. The entry of a system call, the exit and a vfork stop at once.
 * - **`resume` is sticky**: the one pending resume action of the thread. Anyone may only lower it. A pass for an event throws away REPORT and
 *   steps, since it reports itself; INTERRUPT stays until the signal path. Only the last pass before user mode decides about stepping.
 * - **SIGKILL** ({@link Arbitration.kill}) breaks every stop but that at the exit; afterwards there is no pass but for a clone that has happened, the exit and the death.
 * - **Dead**, a thread takes no action but DETACH. DEATH comes before REAP; an engine that detaches in between is not reaped.
 *
 * Where this differs from the original: a vote for QUIESCE leaves the result of the pass alone (there, an engine with QUIESCE reset what the engine before
 * it had decided about a system call); the union of the masks is exact at all times (there it was only corrected by a reset).
 */
import { RESUME_MASK, SIGNAL_ACTION, SIGNAL_MASK, SYSCALL_ACTION, UTRACE } from './actions.js';
import { DEATH_EVENTS, EVENT } from './events.js';
import { ATTACH, matches, Seat } from './seat.js';

/** `running`: also while a pass is made, whatever the kernel calls that. `stopped`: an engine's STOP holds it. */
export type Phase = 'running' | 'stopped' | 'dead' | 'reaped';

/** What is to be called: the engine's quiesce, the callback of the event, its signal callback (quiesce where it has none). */
export type Call = 'quiesce' | 'event' | 'signal';

export type AttachFailure = 'ENOENT' | 'EEXIST' | 'ESRCH';
export type SetEventsResult = 0 | 'EINPROGRESS' | 'EALREADY' | 'ESRCH';
export type ControlResult = 0 | 'EINPROGRESS' | 'EALREADY' | 'ESRCH' | 'EINVAL' | 'EOPNOTSUPP';
export type BarrierResult = 0 | 'EINPROGRESS' | 'ESRCH';
export type ExamineResult = 0 | 'EINVAL' | 'ESRCH' | 'EAGAIN';

/** What the border comes to: stay stopped; another pass; run on, or run on for a step. */
export type BorderVerdict = 'stop' | 'again' | 'go' | 'step' | 'block-step';

const REPORT_RESULTS: ReadonlySet<number> = new Set([
  SIGNAL_ACTION.DELIVER,
  SIGNAL_ACTION.IGN,
  SIGNAL_ACTION.REPORT,
  SIGNAL_ACTION.HANDLER,
]);
/** So many passes are made at one border before a stop is made without one. */
const MOST_ROUNDS = 8;
const AFTER_KILL = EVENT.CLONE | EVENT.EXIT | EVENT.DEATH;

/** What the processor can do. */
export interface Stepping {
  readonly single: boolean;
  readonly block: boolean;
}

export class Arbitration<O> {
  phase: Phase = 'running';
  /** The sticky resume action: REPORT and the rest are wanted as soon as the thread can. */
  resume: number = UTRACE.RESUME;
  /** A handler was set up for a delivery that an engine wanted more of: the next border reports HANDLER. */
  handler = false;
  /** The engine that is being called, until its answer has been applied. */
  reporting: Seat<O> | undefined;
  /** The union of the masks of the engines. */
  wanted = 0;
  /** The death report is under way. */
  dying = false;
  /** SIGKILL was seen. */
  killed = false;
  /** Counts the stops and their ends. */
  generation = 0;

  #attached: Seat<O>[] = [];
  #attaching: Seat<O>[] = [];
  #unbreakable = false;

  // --- the pass under way
  /** The action that the next callback is told: what would happen if its engine were absent, and the result's bits. */
  get argument(): number {
    return this.#resumed | this.#result | this.#action;
  }
  #event = 0;
  #reverse = false;
  #signalPass = false;
  #resumed = 0;
  #turn = 0;
  #quiesced = false;
  #action: number = UTRACE.RESUME;
  #resumeAction: number = UTRACE.RESUME;
  #result = 0;
  #spurious = true;
  #detaches = false;
  /** Passes at this border. */
  #rounds = 0;

  /** Engines that are on the thread, those told to detach left out. */
  get engines(): Seat<O>[] {
    return [...this.#attached, ...this.#attaching].filter((seat) => !seat.detached);
  }

  /** Whether no engine is left, so that nobody needs the thread traced. */
  get isEmpty(): boolean {
    for (const seat of this.#attached) if (!seat.detached) return false;
    return this.#attaching.every((seat) => seat.detached);
  }

  /** Whether the next border has something to do. */
  get isPending(): boolean {
    return this.resume !== UTRACE.RESUME || this.handler || this.#attaching.length > 0;
  }

  /** Whether any engine wants the thread stopped. */
  get stopWanted(): boolean {
    for (const seat of this.#attached) if (seat.wantsStop && !seat.detached) return true;
    for (const seat of this.#attaching) if (seat.wantsStop && !seat.detached) return true;
    return false;
  }

  // --- calls of engines

  /**
   * Attaches or looks up.
   *
   * @param flags bits of ATTACH
   * @returns the engine; ENOENT: a look-up found none; EEXIST: exclusive, and one matches; ESRCH: the thread was reaped
   */
  attach(flags: number, ops: O | undefined, data: unknown): Seat<O> | AttachFailure {
    if (this.phase === 'reaped') return 'ESRCH';
    const match = this.#find(flags, ops, data);
    if ((flags & ATTACH.CREATE) === 0 || ops === undefined) return match ?? 'ENOENT';
    if ((flags & ATTACH.EXCLUSIVE) !== 0 && match !== undefined) return 'EEXIST';
    const seat = new Seat(ops, data);
    this.#attaching.push(seat);
    return seat;
  }

  #find(flags: number, ops: O | undefined, data: unknown): Seat<O> | undefined {
    return (
      this.#attached.find((seat) => matches(seat, flags, ops, data)) ??
      this.#attaching.find((seat) => matches(seat, flags, ops, data))
    );
  }

  /**
   * Replaces an engine's mask.
   *
   * @param self whether the call comes from inside a callback of this thread
   * @returns 0: no callback that was taken out of the mask comes any more; EINPROGRESS: one may be under way now; EALREADY: a death report that is
   * under way cannot be given back, and a thread that is dead cannot be asked for one; ESRCH: reaped or detached
   */
  setEvents(seat: Seat<O>, events: number, self = false): SetEventsResult {
    if (seat.gone || seat.detached || this.phase === 'reaped') return 'ESRCH';
    const cleared = seat.events & ~events;
    if (this.dying && (cleared & DEATH_EVENTS) !== 0) return 'EALREADY';
    if (this.phase === 'dead' && (events & ~seat.events & DEATH_EVENTS) !== 0) return 'EALREADY';
    seat.events = events;
    this.#recount();
    // It is asked for on a thread that stands: there is a report before that goes on.
    if (this.phase === 'stopped' && (events & EVENT.QUIESCE) !== 0) this.#lower(UTRACE.REPORT);
    return cleared !== 0 && !self && this.phase === 'running' && this.reporting === seat ? 'EINPROGRESS' : 0;
  }

  /**
   * Asks for an action on the thread, at any time.
   *
   * @returns 0: done, for STOP that the thread stands, for DETACH that no callback is under way or will come; EINPROGRESS: it will be, for DETACH that
   * a callback is under way; EALREADY: DETACH during the death report; ESRCH: reaped or detached, or anything but DETACH on the dead; EINVAL: a
   * report is asked for by an engine without QUIESCE, which would not get it; EOPNOTSUPP: the processor cannot step
   */
  control(seat: Seat<O>, action: number, stepping: Stepping, self = false): ControlResult {
    if (seat.gone || seat.detached || this.phase === 'reaped') return 'ESRCH';
    if (this.phase === 'dead') return this.#controlDead(seat, action);
    if (action >= UTRACE.REPORT && action < UTRACE.RESUME && (seat.events & EVENT.QUIESCE) === 0) return 'EINVAL';
    const stopped = this.phase === 'stopped';
    switch (action) {
      case UTRACE.STOP:
        seat.wantsStop = true;
        if (stopped) return 0;
        this.#lower(UTRACE.REPORT);
        return 'EINPROGRESS';
      case UTRACE.DETACH: {
        this.#markDetached(seat);
        if (stopped) {
          this.#reset();
          return 0;
        }
        // Its place on the list is given up by the next pass.
        this.#lower(UTRACE.REPORT);
        return this.reporting === seat && !self ? 'EINPROGRESS' : 0;
      }
      case UTRACE.SINGLESTEP:
      case UTRACE.BLOCKSTEP:
        if (!stepping.single) return 'EOPNOTSUPP';
        this.#lower(action === UTRACE.BLOCKSTEP && stepping.block ? UTRACE.BLOCKSTEP : UTRACE.SINGLESTEP);
        break;
      case UTRACE.REPORT:
      case UTRACE.INTERRUPT:
        this.#lower(action);
        break;
    }
    seat.wantsStop = false;
    if (stopped) this.#reset();
    return 0;
  }

  #controlDead(seat: Seat<O>, action: number): ControlResult {
    if (action !== UTRACE.DETACH) return 'ESRCH';
    if (this.dying) return 'EALREADY';
    this.#markDetached(seat);
    this.#reset();
    return 0;
  }

  /** Whether a callback to the engine is under way: 0 none is. Works on one that was told to detach, not on one that is gone. */
  barrier(seat: Seat<O>, self = false): BarrierResult {
    if (seat === this.reporting) return self ? 0 : 'EINPROGRESS';
    return seat.gone || this.phase === 'reaped' ? 'ESRCH' : 0;
  }

  /** Whether the engine may examine the thread now: it must hold it itself. Remember `generation` for {@link finishExamine}. */
  prepareExamine(seat: Seat<O>): ExamineResult {
    if (seat.gone || seat.detached || this.phase === 'dead' || this.phase === 'reaped') return 'ESRCH';
    if (!seat.wantsStop) return 'EINVAL';
    return this.phase === 'stopped' ? 0 : 'EAGAIN';
  }

  /** Whether the thread has stood still since; if not, what was read is worth nothing. */
  finishExamine(generation: number): ExamineResult {
    return this.phase === 'stopped' && this.generation === generation ? 0 : 'EAGAIN';
  }

  // --- passes

  /**
   * Begins the pass of an event (not of a signal).
   *
   * @param resumed whether this entry of a system call was reported before
   * @returns whether there is a pass: nobody wants the event, or SIGKILL was here before
   */
  begin(event: number, resumed = false): boolean {
    if (this.killed && (event & AFTER_KILL) === 0) return false;
    this.#splice();
    if ((this.wanted & event) === 0) return false;
    if (this.resume > UTRACE.INTERRUPT) this.resume = UTRACE.RESUME;
    this.#beginPass(event, false, 0);
    this.#reverse = event === EVENT.SYSCALL_ENTRY;
    this.#resumed = resumed ? SYSCALL_ACTION.RESUMED : 0;
    return true;
  }

  /**
   * Begins the pass that decides about a signal.
   *
   * @param event the class of the signal
   * @param result the signal action that it would have
   */
  beginSignal(event: number, result: number): boolean {
    this.#splice();
    if (this.killed || (this.wanted & (event | EVENT.QUIESCE)) === 0) return false;
    this.#beginPass(event, true, result);
    return true;
  }

  /**
   * Begins the last pass before user mode, where `resume` is taken.
   *
   * @param signalPath whether the thread is where signals are taken, so that engines are told SIGNAL_REPORT by their signal callback
   * @returns whether there is anyone to call; {@link endBorder} follows in either case
   */
  beginBorder(signalPath: boolean): boolean {
    this.#splice();
    const { resume, handler } = this;
    this.resume = UTRACE.RESUME;
    this.handler = false;
    const inSignals = signalPath || handler || resume === UTRACE.INTERRUPT;
    this.#beginPass(0, inSignals, inSignals ? (handler ? SIGNAL_ACTION.HANDLER : SIGNAL_ACTION.REPORT) : 0);
    if (!this.killed && (handler || resume <= UTRACE.REPORT)) return this.#attached.length > 0;
    // A step was asked for: nobody is called, and that is not for want of engines.
    this.#turn = this.#attached.length;
    this.#spurious = false;
    this.#action = this.killed ? UTRACE.RESUME : resume;
    return false;
  }

  /** Begins the report of the death, the thread being dead from now on. Whether there is anyone to call; {@link endDeath} follows in either case. */
  beginDeath(): boolean {
    this.phase = 'dead';
    this.generation++;
    this.dying = true;
    this.resume = UTRACE.RESUME;
    this.handler = false;
    this.#splice();
    for (const seat of this.#attached) seat.wantsStop = false;
    this.#beginPass(EVENT.DEATH, false, 0);
    return (this.wanted & DEATH_EVENTS) !== 0;
  }

  #beginPass(event: number, signalPass: boolean, result: number): void {
    this.#event = event;
    this.#signalPass = signalPass;
    this.#result = result;
    this.#reverse = false;
    this.#resumed = 0;
    this.#turn = 0;
    this.#quiesced = false;
    this.#action = UTRACE.RESUME;
    this.#resumeAction = UTRACE.RESUME;
    this.#spurious = true;
    this.#detaches = false;
  }

  /** The next callback of the pass, to the engine in `reporting`; undefined: the pass is over. */
  next(): Call | undefined {
    const attached = this.#attached;
    if (this.killed && (this.#event & AFTER_KILL) === 0) return undefined;
    while (this.#turn < attached.length) {
      const seat = attached[this.#reverse ? attached.length - 1 - this.#turn : this.#turn] as Seat<O>;
      const call = this.#callFor(seat);
      if (call !== undefined) {
        this.reporting = seat;
        return call;
      }
      this.#turn++;
      this.#quiesced = false;
    }
    return undefined;
  }

  #callFor(seat: Seat<O>): Call | undefined {
    if (seat.detached) {
      this.#detaches = true;
      return undefined;
    }
    if (!this.#quiesced) {
      if (this.#signalPass) {
        if ((seat.events & (EVENT.QUIESCE | this.#event)) !== 0) return 'signal';
      } else if ((seat.events & EVENT.QUIESCE) !== 0) return 'quiesce';
    }
    if (seat.wantsStop) this.#action = UTRACE.STOP;
    return !this.#signalPass && (seat.events & this.#event) !== 0 ? 'event' : undefined;
  }

  /** Whether a vote is one that a callback may give: the fault of an engine is not the thread's. */
  isLegal(call: Call, vote: number): boolean {
    if (!Number.isInteger(vote) || vote < 0 || (vote & RESUME_MASK) > UTRACE.DETACH) return false;
    const more = vote & ~RESUME_MASK;
    if (call === 'signal') {
      // There is nothing to be delivered in a report without a signal.
      if (this.#event === 0) return REPORT_RESULTS.has(more);
      return (more & ~(SIGNAL_MASK | SIGNAL_ACTION.HOLD)) === 0 && (more & SIGNAL_MASK) < SIGNAL_ACTION.REPORT;
    }
    if (call === 'event' && this.#event === EVENT.SYSCALL_ENTRY) return more === 0 || more === SYSCALL_ACTION.ABORT;
    return more === 0;
  }

  /** The vote of an engine that leaves things as they are: STOP while it holds the thread already, else RESUME; the result so far. */
  abstention(call: Call): number {
    const action = this.reporting?.wantsStop === true ? UTRACE.STOP : UTRACE.RESUME;
    return action | (call === 'quiesce' ? 0 : this.#result);
  }

  /** The vote of an engine that has failed: RESUME, and the result so far. */
  faultVote(call: Call): number {
    return UTRACE.RESUME | (call === 'quiesce' ? 0 : this.#result);
  }

  /** Applies the vote of the engine in `reporting`, for the call that {@link next} gave. */
  settle(call: Call, vote: number): void {
    const seat = this.reporting;
    if (seat === undefined) return;
    let action = vote & RESUME_MASK;
    if (call !== 'quiesce') this.#result = vote & ~RESUME_MASK;
    if (call === 'signal') {
      this.#spurious = false;
      // Or it would report again and again without an instruction in between.
      if (action === UTRACE.INTERRUPT || action === UTRACE.REPORT) action = UTRACE.RESUME;
    } else if (call === 'event' || this.#event === 0) this.#spurious = false;
    this.#apply(seat, action);
    this.reporting = undefined;
    if (call === 'quiesce' && this.#event !== 0 && !seat.detached) {
      this.#quiesced = true;
      return;
    }
    this.#turn++;
    this.#quiesced = false;
  }

  #apply(seat: Seat<O>, action: number): void {
    if (action === UTRACE.DETACH || seat.detached) {
      this.#markDetached(seat);
      this.#detaches = true;
      return;
    }
    // The dead do not go on, and a pass that SIGKILL has cut off decides nothing.
    if (this.phase === 'dead' || (this.killed && (this.#event & AFTER_KILL) === 0)) return;
    if (action < this.#action) this.#action = action;
    seat.wantsStop = action === UTRACE.STOP;
    if (action !== UTRACE.STOP && action < this.#resumeAction) this.#resumeAction = action;
  }

  /** What the pass has decided beside the resume action: SIGNAL_ACTION or SYSCALL_ACTION. */
  get result(): number {
    return this.#result;
  }

  /**
   * Ends the pass of an event.
   *
   * @param atOnce the thread stops here rather than at the border
   * @param unbreakable SIGKILL does not end this stop
   * @returns whether it stops
   */
  end(atOnce: boolean, unbreakable = false): boolean {
    const stop = this.#action === UTRACE.STOP;
    if (!stop) this.#lower(this.#action);
    else if (!atOnce) this.#lower(UTRACE.REPORT);
    this.#resetAfterPass();
    return stop && atOnce && this.#stop(unbreakable);
  }

  /**
   * Ends the pass of a signal.
   *
   * @param handled whether a handler of the process is to run. If an engine wants anything but that, it is told again when the handler is set up.
   */
  endSignal(handled: boolean): void {
    if (handled && this.#action !== UTRACE.RESUME) {
      this.handler = true;
      this.#action = UTRACE.INTERRUPT;
    }
    this.end(false);
  }

  /** Ends the pass of a signal that comes to nothing: the thread goes back to user mode from here. */
  endIgnored(): BorderVerdict {
    return this.endBorder();
  }

  /**
   * Ends the border. A report that was asked for while it was made waits until the thread has gone on: engines that ask for one in every report would
   * keep it here for ever. A stop is made good at once, after another pass so that its owner is told.
   */
  endBorder(): BorderVerdict {
    this.#resetAfterPass();
    switch (this.#action) {
      case UTRACE.STOP:
        if (this.#stop(false)) return this.#leaveBorder('stop');
        return this.resume > UTRACE.REPORT && this.resume < UTRACE.RESUME ? 'again' : this.#leaveBorder('go');
      case UTRACE.INTERRUPT:
        this.#lower(UTRACE.INTERRUPT);
        return 'again';
      case UTRACE.SINGLESTEP:
        return this.#leaveBorder('step');
      case UTRACE.BLOCKSTEP:
        return this.#leaveBorder('block-step');
      default:
        if (!this.stopWanted || this.killed) return this.#leaveBorder(this.#takeStep());
        // Two engines that undo each other's stops do not hold up the world.
        if (++this.#rounds < MOST_ROUNDS) return 'again';
        return this.#leaveBorder(this.#stop(false) ? 'stop' : 'go');
    }
  }

  /** A step that was asked for while the border was made, and after the last vote, is made now: unlike a report it holds nobody up. */
  #takeStep(): BorderVerdict {
    const { resume, killed } = this;
    if (killed || resume <= UTRACE.REPORT || resume >= UTRACE.RESUME) return 'go';
    this.resume = UTRACE.RESUME;
    return resume === UTRACE.SINGLESTEP ? 'step' : 'block-step';
  }

  #leaveBorder(verdict: BorderVerdict): BorderVerdict {
    this.#rounds = 0;
    return verdict;
  }

  endDeath(): void {
    this.dying = false;
    this.#reset();
  }

  /** The thread is reaped. The engines that are to be told, each gone already. */
  reap(): Seat<O>[] {
    this.#splice();
    const told = this.#attached.filter((seat) => !seat.detached && (seat.events & EVENT.REAP) !== 0);
    for (const seat of this.#attached) seat.gone = true;
    this.#attached = [];
    this.wanted = 0;
    this.phase = 'reaped';
    return told;
  }

  /**
   * SIGKILL has come: it breaks the stop, and takes back every STOP that was asked for before, so that none holds the thread at its exit by mistake. A
   * stop at the exit, asked for there or after this, is kept.
   */
  kill(): void {
    this.killed = true;
    if (this.phase === 'stopped' && this.#unbreakable) return;
    for (const seat of this.#attached) seat.wantsStop = false;
    for (const seat of this.#attaching) seat.wantsStop = false;
    if (this.phase === 'stopped') this.#wake();
  }

  // --- inside

  #lower(action: number): void {
    if (action < this.resume) this.resume = action;
  }

  #markDetached(seat: Seat<O>): void {
    seat.detached = true;
    seat.wantsStop = false;
    this.#recount();
  }

  #splice(): void {
    if (this.#attaching.length === 0) return;
    this.#attached.push(...this.#attaching);
    this.#attaching = [];
    this.#recount();
  }

  #recount(): void {
    let wanted = 0;
    for (const seat of this.#attached) if (!seat.detached) wanted |= seat.events;
    for (const seat of this.#attaching) if (!seat.detached) wanted |= seat.events;
    this.wanted = wanted;
  }

  #resetAfterPass(): void {
    if (this.#spurious || this.#detaches) this.#reset();
  }

  /** Lets those go that were told to detach, and the thread if nobody wants it stopped any more. */
  #reset(): void {
    this.#splice();
    if (this.#attached.some((seat) => seat.detached)) {
      for (const seat of this.#attached) if (seat.detached) seat.gone = true;
      this.#attached = this.#attached.filter((seat) => !seat.gone);
      this.#recount();
    }
    if (this.#attached.length === 0) {
      this.resume = UTRACE.RESUME;
      this.handler = false;
      this.#action = UTRACE.RESUME;
    }
    if (this.phase === 'stopped' && !this.stopWanted) this.#wake();
  }

  #stop(unbreakable: boolean): boolean {
    this.#lower(this.#resumeAction);
    if (!this.stopWanted) {
      this.#reset();
      return false;
    }
    if (this.killed && !unbreakable) return false;
    this.phase = 'stopped';
    this.#unbreakable = unbreakable;
    this.generation++;
    return true;
  }

  #wake(): void {
    this.phase = 'running';
    this.#unbreakable = false;
    this.generation++;
  }
}
