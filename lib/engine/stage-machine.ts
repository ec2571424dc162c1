/**
 * The stage machine: drives a thread from a stop that was taken, by its passes, to the request that it goes on with, to a hold, or to its end.
 *
 * Everything here is synchronous. A stop is taken, its passes are made and the thread is resumed in one call, unless a callback gives a promise: then the
 * rest waits, and goes on when that settles. So the same code serves an event loop and a caller that blocks.
 */
import { binding } from '../binding.js';
import { SIG } from '../kernel/signals.js';
import { encodeSiginfo } from '../kernel/siginfo.js';
import { SIGNAL_ACTION, SIGNAL_MASK, SYSCALL_ACTION, UTRACE } from './actions.js';
import type { Arbitration, BorderVerdict } from './arbitration.js';
import type { EngineOps } from './callbacks.js';
import type { Engine } from './engine.js';
import { EVENT, EVENT_SIGNAL_ALL } from './events.js';
import type { ReportingPass } from './reporting-pass.js';
import type { Resuming } from './resuming.js';
import { classOf, fateOf } from './signal-class.js';
import { STAGE, type Stage } from './stages.js';
import { SYSCALL_STEP_CODE } from './stepping.js';
import type { StopTaking } from './stop-taking.js';
import type { Course, TakenStop, ThreadCore } from './thread-core.js';

export class StageMachine {
  readonly #core: ThreadCore;
  readonly #arbitration: Arbitration<EngineOps>;
  readonly #stop: TakenStop;
  readonly #course: Course;
  readonly #pass: ReportingPass;
  readonly #taking: StopTaking;
  readonly #resuming: Resuming;
  /** An engine holds the thread; this is what to do when none does any more. */
  #wake: Stage | undefined;
  #isRunning = false;
  /** It is let go when what others have reported has been handled, unless it is somewhere else by then. */
  #waitsForOthers = false;
  readonly #goOnLater = (): void => this.run();

  constructor(core: ThreadCore, pass: ReportingPass, taking: StopTaking, resuming: Resuming) {
    this.#core = core;
    this.#arbitration = core.arbitration;
    this.#stop = core.stop;
    this.#course = core.course;
    this.#pass = pass;
    this.#taking = taking;
    this.#resuming = resuming;
  }

  /** Whether it is between two stages, or a promise keeps it there: what is taken now would get in its way. */
  get isBusy(): boolean {
    return this.#isRunning || this.#pass.isSuspended;
  }

  // --- from outside

  /** Takes a stop or an end; {@link StageMachine.run} goes on from there. */
  take(status: number): void {
    this.#waitsForOthers = false;
    this.#resuming.stopped();
    this.#taking.take(status);
  }

  /** Takes the next of those that came while it stood, if there is one. */
  takeQueued(): void {
    const status = this.#core.arrivals.queue.shift();
    if (status !== undefined) this.take(status);
  }

  /** Goes on until there is something to wait for. */
  run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#step());
    } finally {
      this.#isRunning = false;
    }
  }

  /** SIGKILL: it does not stand any more where it is thought to, and no hold is to be ended. */
  kill(): void {
    this.#arbitration.kill();
    this.#wake = undefined;
  }

  /** An engine's STOP is over. */
  goOn(): void {
    if (this.#wake === undefined) return;
    const core = this.#core;
    core.endWaiting();
    if (core.hasLeft()) {
      // What it is asked for now would fall on the stop at its exit, which nobody has seen.
      this.kill();
      core.beginWaiting();
      return;
    }
    this.#stop.stage = this.#wake;
    this.#wake = undefined;
    this.run();
  }

  #hold(wake: Stage): false {
    this.#wake = wake;
    // SIGKILL is noticed.
    this.#core.beginWaiting(false);
    // What was changed is there for whoever examines the thread while it is held.
    this.#core.writeBack();
    return false;
  }

  // --- stages

  /** Makes what is left of the pass, and then what its stage says. Whether there is more to be done at once. */
  #step(): boolean {
    const pass = this.#pass;
    if (pass.isSuspended) return false;
    if (pass.isOpen && !pass.make(this.#goOnLater)) return false;
    const arbitration = this.#arbitration;
    const stop = this.#stop;
    switch (stop.stage) {
      case STAGE.ENTRY:
        if (pass.wasMade) {
          const stops = arbitration.end(true);
          this.#course.abort = (arbitration.result & SIGNAL_MASK) === SYSCALL_ACTION.ABORT;
          if (stops) return this.#hold(STAGE.ENTRY_WOKEN);
        }
        stop.stage = STAGE.GO;
        return true;
      case STAGE.ENTRY_WOKEN:
        if (arbitration.resume <= UTRACE.REPORT && !arbitration.killed) {
          this.#core.writeBack();
          stop.stage = STAGE.ENTRY;
          pass.begin(EVENT.SYSCALL_ENTRY, undefined, true);
        } else stop.stage = STAGE.GO;
        return true;
      case STAGE.SYSCALL_EXIT:
        if (pass.wasMade) arbitration.end(false);
        if (this.#course.across) this.#makeUpTrap();
        else stop.stage = STAGE.BORDER;
        return true;
      case STAGE.STEPPED:
        // As a signal of the resume it would be sent anew, and reported again.
        if (pass.wasMade) {
          if ((arbitration.result & SIGNAL_MASK) !== SIGNAL_ACTION.IGN) stop.inject = SIG.SIGTRAP;
          return this.#verdict(arbitration.endIgnored());
        }
        stop.stage = STAGE.BORDER;
        return true;
      case STAGE.CLONE: {
        const report = pass.clone;
        const stops = pass.wasMade && arbitration.end(report?.kind === 'vfork');
        report?.child.release();
        if (stops) return this.#hold(STAGE.GO);
        stop.stage = STAGE.GO;
        return true;
      }
      case STAGE.INSIDE:
        if (pass.wasMade) arbitration.end(false);
        stop.stage = STAGE.GO;
        return true;
      case STAGE.SECCOMP:
        if (pass.wasMade && arbitration.end(true)) return this.#hold(STAGE.GO);
        stop.stage = STAGE.GO;
        return true;
      case STAGE.ORPHANS:
        this.#taking.beginExit();
        return true;
      case STAGE.ORPHAN:
        if (pass.wasMade) arbitration.end(false);
        pass.clone?.child.release();
        stop.stage = STAGE.ORPHANS;
        return true;
      case STAGE.EXIT: {
        // SIGKILL does not end a stop at the exit, unless the thread was there for an exec of another one and the whole process is killed after that.
        const stands = this.#core.arrivals.queue.length === 0;
        if (pass.wasMade && arbitration.end(true, stands)) return this.#hold(STAGE.GO);
        stop.stage = STAGE.GO;
        return true;
      }
      case STAGE.SIGNAL:
        return this.#signalDecided();
      case STAGE.JCTL:
        if (pass.wasMade) arbitration.end(false);
        stop.stage = STAGE.BORDER;
        return true;
      case STAGE.BORDER:
        if (!arbitration.isPending && !arbitration.stopWanted) return this.#verdict('go');
        pass.beginBorder(stop.inSignals);
        stop.stage = STAGE.AFTER_BORDER;
        return true;
      case STAGE.AFTER_BORDER:
        return this.#verdict(arbitration.endBorder());
      case STAGE.LATE_EXIT:
        if (pass.wasMade) arbitration.end(false);
        this.#taking.beginDeath();
        return true;
      case STAGE.DEATH:
        return this.#dead();
      case STAGE.GO:
        return this.#leave('go');
    }
  }

  #verdict(verdict: BorderVerdict): boolean {
    switch (verdict) {
      case 'stop':
        return this.#hold(STAGE.BORDER);
      case 'again':
        this.#stop.stage = STAGE.BORDER;
        return true;
      default:
        if (this.#stop.signalDue !== 0) {
          this.#beginSignal();
          return true;
        }
        return this.#leave(verdict);
    }
  }

  /** The thread leaves this stop. Whether there is another one to be taken at once. */
  #leave(verdict: BorderVerdict): boolean {
    const { session } = this.#core;
    if (session.hasMore && this.#resuming.executes()) {
      // What others have reported is handled before it kills them out of their stops: a request for such a stop may end the one at their exit, unseen.
      this.#waitsForOthers = true;
      session.afterThese(() => {
        if (this.#waitsForOthers) this.run();
      });
      return false;
    }
    this.#waitsForOthers = false;
    const request = this.#resuming.request(verdict);
    if (this.#core.arrivals.queue.length > 0) {
      this.takeQueued();
      return true;
    }
    this.#resuming.leave(request);
    return false;
  }

  // --- signals

  #beginSignal(): void {
    const stop = this.#stop;
    const signal = stop.signalDue;
    stop.signalDue = 0;
    stop.inject = stop.signalResult === SIGNAL_ACTION.IGN ? 0 : signal;
    stop.stage = STAGE.SIGNAL;
    if ((this.#arbitration.wanted & (EVENT_SIGNAL_ALL | EVENT.QUIESCE)) === 0) {
      this.#pass.skip();
      return;
    }
    const { event, action } = classOf(this.#core.tid, signal);
    const result = stop.signalResult === SIGNAL_ACTION.IGN ? SIGNAL_ACTION.IGN : action;
    this.#pass.beginSignal({ signal, siginfo: this.#core.view.siginfo(), event }, result);
  }

  #signalDecided(): boolean {
    if (!this.#pass.wasMade) return this.#leave('go');
    const arbitration = this.#arbitration;
    const { tid, view } = this.#core;
    const siginfo = view.siginfo();
    const signal = new DataView(siginfo.buffer, siginfo.byteOffset).getInt32(0, true);
    const { result } = arbitration;
    if ((result & SIGNAL_ACTION.HOLD) !== 0) this.#putBack(signal, siginfo);
    const fate = fateOf(tid, signal, (result & SIGNAL_ACTION.HOLD) === 0 ? result : SIGNAL_ACTION.IGN);
    this.#stop.inject = fate.inject;
    if (fate.inject === 0) return this.#verdict(arbitration.endIgnored());
    arbitration.endSignal(fate.handled);
    return this.#leave('go');
  }

  /** HOLD: a siginfo of the kernel's own cannot be sent again as it was; the signal is. */
  #putBack(signal: number, siginfo: Uint8Array): void {
    const { pid, tid } = this.#core;
    const addon = binding();
    if (addon.rtTgsigqueueinfo(pid, tid, signal, siginfo) < 0) addon.tgkill(pid, tid, signal);
  }

  /**
   * A step has passed a system call. Its trap is reported as the SIGTRAP it would be. Since the program has not caused it, it is ignored unless an engine
   * votes otherwise (utrace would deliver it, and kill).
   */
  #makeUpTrap(): void {
    const { tid, view } = this.#core;
    this.#course.across = false;
    const bytes = encodeSiginfo({ signal: SIG.SIGTRAP, code: SYSCALL_STEP_CODE, pid: tid });
    const { event } = classOf(tid, SIG.SIGTRAP);
    this.#stop.stage = STAGE.STEPPED;
    const report = { signal: SIG.SIGTRAP, siginfo: view.pretendSiginfo(bytes), event };
    this.#pass.beginSignal(report, SIGNAL_ACTION.IGN);
  }

  // --- the end

  /** Its death was told: it is reaped if its end was consumed, and told of that. */
  #dead(): false {
    const core = this.#core;
    const { arrivals } = core;
    const arbitration = this.#arbitration;
    if (arbitration.phase === 'dead' && arbitration.dying) arbitration.endDeath();
    if (!arrivals.consumed) {
      // Who is in the middle of asking consumes it; after a promise nobody is.
      this.#stop.stage = STAGE.DEATH;
      if (arrivals.endSeen) {
        arrivals.endSeen = false;
        core.session.consumeLater(core.tid);
      }
      return false;
    }
    core.session.reaped(core.thread);
    for (const seat of arbitration.reap()) {
      const engine = seat.owner as Engine;
      try {
        engine.ops.reportReap?.(engine, core.thread);
      } catch (error) {
        core.fault(engine, 'reportReap', error);
      }
    }
    core.barriers.settleAll();
    return false;
  }
}
