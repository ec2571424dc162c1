/**
 * One thread under engines, as its engines and their owner know it: what is to be seen of it, and what can be asked of it.
 *
 * What happens in between is told by its parts, which {@link ThreadCore} lists.
 */
import { refused } from '../errors.js';
import type { Registers } from '../kernel/registers.js';
import { TraceeMemory } from '../tracer/memory.js';
import type { StatusSink } from '../tracer/wait-hub.js';
import type { Arbitration, ControlResult, ExamineResult, SetEventsResult } from './arbitration.js';
import type { EngineOps } from './callbacks.js';
import type { Engine, Examination } from './engine.js';
import { ReportingPass } from './reporting-pass.js';
import { Resuming } from './resuming.js';
import type { Seat } from './seat.js';
import type { Session } from './session.js';
import { StageMachine } from './stage-machine.js';
import { StatusDelivery } from './status-delivery.js';
import { STEPPING } from './stepping.js';
import { StopTaking } from './stop-taking.js';
import { isEnd, ThreadCore } from './thread-core.js';
import type { SyscallView } from './thread-view.js';

export class EngineThread implements StatusSink {
  readonly #core: ThreadCore;
  readonly #pass: ReportingPass;
  readonly #resuming: Resuming;
  readonly #machine: StageMachine;
  readonly #delivery: StatusDelivery;
  #memory: TraceeMemory | undefined;

  /**
   * @param options the PTRACE_O bits that it has
   * @param waitsForParent nothing is to be taken of it before {@link EngineThread.release}
   * @internal
   */
  constructor(session: Session, tid: number, pid: number, options: number, waitsForParent: boolean) {
    const core = new ThreadCore(this, session, tid, pid, waitsForParent);
    const pass = new ReportingPass(core);
    const resuming = new Resuming(core, options);
    const machine = new StageMachine(core, pass, new StopTaking(core, pass), resuming);
    this.#core = core;
    this.#pass = pass;
    this.#resuming = resuming;
    this.#machine = machine;
    this.#delivery = new StatusDelivery(core, pass, resuming, machine);
  }

  // --- what is to be seen of it

  /** Whose thread it is. @internal */
  get session(): Session {
    return this.#core.session;
  }
  /** @internal */
  get arbitration(): Arbitration<EngineOps> {
    return this.#core.arbitration;
  }
  get tid(): number {
    return this.#core.tid;
  }
  get pid(): number {
    return this.#core.pid;
  }
  get isLeader(): boolean {
    return this.#core.isLeader;
  }
  /** Whether it can be examined: it stands in a ptrace-stop. */
  get state(): 'running' | 'stopped' | 'ended' {
    const { arbitration, stop } = this.#core;
    const { phase } = arbitration;
    if (phase === 'dead' || phase === 'reaped' || (stop.stands && isEnd(stop.status))) return 'ended';
    return stop.stands ? 'stopped' : 'running';
  }
  /** The wait status word of the stop that it stands in. */
  get status(): number {
    return this.#core.stop.status;
  }
  /** The engines on it, in the order in which they are called. */
  get engines(): Engine[] {
    return this.arbitration.engines.map((seat) => seat.owner as Engine);
  }
  /** Its registers, the same set for all engines; what is changed is written back when it goes on. */
  get registers(): Registers {
    this.requireStop('PTRACE_GETREGSET');
    return this.#core.view.registers;
  }
  /** The system call that it enters or leaves. */
  get syscall(): SyscallView {
    return this.#core.view;
  }
  /** The siginfo of its stop, 128 bytes. */
  get siginfo(): Uint8Array {
    this.requireStop('PTRACE_GETSIGINFO');
    return this.#core.view.siginfo();
  }
  get memory(): TraceeMemory {
    return (this.#memory ??= new TraceeMemory(this, this.#core.session.layer));
  }

  /** Writes changed registers back now; otherwise it is done when the thread goes on. */
  flush(): void {
    this.#core.view.flush();
  }

  /** Its registers, siginfo or system call were changed behind the view, by a request of its own: they are read anew. @internal */
  changedBehind(): void {
    this.#core.view.reread();
  }

  /** The PTRACE_O bits that it has. @internal */
  get realOptions(): number {
    return this.#resuming.options;
  }

  /** Whether a promise keeps a pass of it waiting. @internal */
  get isSuspended(): boolean {
    return this.#pass.isSuspended;
  }

  /** Whether it is in a group stop that has not ended. @internal */
  get isJobStopped(): boolean {
    return this.#core.course.jobStopped;
  }

  /** Whether it is held for its parent's pass. @internal */
  get waitsForParent(): boolean {
    return this.#core.arrivals.waitsForParent;
  }

  /** @internal */
  requireStop(request: string): void {
    if (this.state === 'ended') throw refused('gone', request, this.tid);
    if (!this.#core.stop.stands) throw refused('running', request, this.tid);
  }

  toString(): string {
    return `EngineThread ${this.tid} (${this.state})`;
  }

  // --- calls of engines

  /** Whether this is called from inside a callback of this thread. */
  get #self(): boolean {
    return this.#core.session.current === this;
  }

  /** @internal */
  setEvents(seat: Seat<EngineOps>, events: number): SetEventsResult {
    return this.arbitration.setEvents(seat, events, this.#self);
  }

  /** @internal */
  control(seat: Seat<EngineOps>, action: number, lazy: boolean): ControlResult {
    const { arbitration } = this;
    const stopped = arbitration.phase === 'stopped';
    const result = arbitration.control(seat, action, STEPPING, this.#self);
    if (stopped && (arbitration.phase as string) === 'running') this.#machine.goOn();
    else if (!lazy) this.#resuming.kick();
    return result;
  }

  /** @internal */
  barrier(seat: Seat<EngineOps>): Promise<0 | 'ESRCH'> {
    const result = this.arbitration.barrier(seat, this.#self);
    return result === 'EINPROGRESS' ? this.#core.barriers.wait(seat) : Promise.resolve(result);
  }

  /** @internal */
  prepareExamine(seat: Seat<EngineOps>): Examination | Exclude<ExamineResult, 0> {
    const result = this.arbitration.prepareExamine(seat);
    if (result !== 0) return result;
    return this.#core.hasLeft() ? 'EAGAIN' : { generation: this.arbitration.generation };
  }

  /** @internal */
  finishExamine(generation: number): ExamineResult {
    const result = this.arbitration.finishExamine(generation);
    return result === 0 && this.#core.hasLeft() ? 'EAGAIN' : result;
  }

  // --- calls of the session

  /** It runs from now on: made by a seize or a spawn. @internal */
  start(): void {
    this.#core.beginWaiting();
  }

  /** The parent's pass is over. @internal */
  release(): void {
    this.#delivery.release();
  }

  /** Nobody needs it traced: it is detached as soon as it stands. @internal */
  letGo(): void {
    this.#resuming.letGo();
  }

  /** @internal */
  receive(status: number): void {
    this.#delivery.receive(status);
  }

  /** As {@link receive}, of an exec that {@link Session.executed} has sorted out. @internal */
  receiveExec(status: number): void {
    this.#delivery.deliver(status);
  }

  /** It took the tid of its leader by an exec, whose status is still to be taken. @internal */
  becomeLeader(): void {
    this.#delivery.becomeLeader();
  }

  /** A look has found its end, and nothing was consumed yet. Whether it may be. @internal */
  ending(status: number): boolean {
    return this.#delivery.ending(status);
  }

  /** The kernel has released it without a word: another thread executed a program. @internal */
  vanish(): void {
    this.#delivery.vanish();
  }

  /** It is the zombie of a leader that left before its threads: nobody can detach that. Without engines it is given up. @internal */
  leaveBehind(): void {
    this.#delivery.leaveBehind();
  }
}
