/**
 * What the kernel reports of a thread, and when it is taken: at once while it runs, else when what it stands in is over.
 *
 * - Of a child nothing is taken before the pass of its parent is over.
 * - A status of a thread that stands says that SIGKILL, or another thread's exec, has taken it out of its stop.
 * - An end is looked at first, told, and consumed after that. Who may not consume it yet asks for another look.
 */
import { PTRACE_EVENT } from '../kernel/events.js';
import type { ReportingPass } from './reporting-pass.js';
import type { Resuming } from './resuming.js';
import type { StageMachine } from './stage-machine.js';
import { isEnd, type Arrivals, type ThreadCore } from './thread-core.js';

export class StatusDelivery {
  readonly #core: ThreadCore;
  readonly #arrivals: Arrivals;
  readonly #pass: ReportingPass;
  readonly #resuming: Resuming;
  readonly #machine: StageMachine;

  constructor(core: ThreadCore, pass: ReportingPass, resuming: Resuming, machine: StageMachine) {
    this.#core = core;
    this.#arrivals = core.arrivals;
    this.#pass = pass;
    this.#resuming = resuming;
    this.#machine = machine;
  }

  /** A status was consumed. */
  receive(status: number): void {
    const core = this.#core;
    core.endWaiting();
    if (isEnd(status)) this.#arrivals.consumed = true;
    if (status >>> 16 === PTRACE_EVENT.EXEC && !isEnd(status)) {
      const former = core.eventMessage();
      if (former !== 0 && former !== core.tid) {
        core.session.executed(core.thread, former, status);
        return;
      }
    }
    this.deliver(status);
  }

  /** As {@link StatusDelivery.receive}, of a status that is known to be this thread's. */
  deliver(status: number): void {
    const { arbitration, stop } = this.#core;
    const machine = this.#machine;
    if (this.#arrivals.waitsForParent) {
      this.#arrivals.queue.push(status);
      return;
    }
    if (!stop.stands || (arbitration.phase === 'dead' && !this.#pass.isOpen)) {
      machine.take(status);
      machine.run();
      return;
    }
    // Only SIGKILL, or an exec of another thread, takes a thread out of its stop.
    this.#arrivals.queue.push(status);
    if (machine.isBusy) {
      arbitration.kill();
      return;
    }
    machine.kill();
    machine.takeQueued();
    machine.run();
  }

  /** The parent's pass is over. */
  release(): void {
    const arrivals = this.#arrivals;
    if (!arrivals.waitsForParent) return;
    arrivals.waitsForParent = false;
    if (arrivals.queue.length === 0) this.#core.beginWaiting();
    else {
      this.#machine.takeQueued();
      this.#machine.run();
    }
  }

  /** It took the tid of its leader by an exec, whose status is still to be delivered. */
  becomeLeader(): void {
    this.#core.endWaiting();
    this.#core.becomeLeader();
  }

  // --- ends

  /** The kernel has released it without a word: another thread executed a program. */
  vanish(): void {
    if (this.#core.arbitration.phase === 'reaped') return;
    this.#core.endWaiting();
    this.#arrivals.consumed = true;
    this.#arrivals.waitsForParent = false;
    this.deliver(0);
  }

  /** It is the zombie of a leader that left before its threads: nobody can detach that. Without engines it is given up. */
  leaveBehind(): void {
    if (!this.#core.arbitration.isEmpty) return;
    this.#core.endWaiting();
    this.#resuming.giveUp(true);
  }

  /** A look has found its end, and nothing was consumed yet. Whether it may be. */
  ending(status: number): boolean {
    const { arbitration, stop } = this.#core;
    const arrivals = this.#arrivals;
    const machine = this.#machine;
    this.#core.endWaiting();
    if (arbitration.phase === 'dead') return this.#mayBeReaped();
    if (stop.stands || arrivals.waitsForParent) {
      arrivals.endSeen = true;
      if (arrivals.waitsForParent || machine.isBusy) return false;
      // Held where it is no more.
      machine.kill();
    }
    machine.take(status);
    machine.run();
    return this.#mayBeReaped();
  }

  /** Whether its death was told to all; if a promise is waited for, it is reaped after that. */
  #mayBeReaped(): boolean {
    const { phase, dying } = this.#core.arbitration;
    if (phase === 'dead' && !dying) return true;
    this.#arrivals.endSeen = true;
    return false;
  }
}
