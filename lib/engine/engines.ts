/**
 * The engines of this JavaScript thread: which threads are traced for them, and the way in for everything that those report.
 *
 * A thread is seized once, when the first engine is attached to it, and detached when the last one has gone.
 */
import { checkBag, checkBoolean, checkFunction, checkLength, checkOptions, checkTid, describe } from '../arguments.js';
import { binding } from '../binding.js';
import { badInput, fromErrno, refused } from '../errors.js';
import { ERRNO } from '../kernel/errno.js';
import { PTRACE_EVENT } from '../kernel/events.js';
import { P_ALL, P_PID, W } from '../kernel/wait-flags.js';
import { procStatus, procTasks } from '../proc.js';
import { forgetAttached, noteAttached } from '../raw/attached.js';
import type { KernelLayer } from '../raw/kernel-layer.js';
import type { SpawnOptions } from '../raw/spawn.js';
import { type StatusSink, waitHub, type WaitHub } from '../tracer/wait-hub.js';
import { UTRACE } from './actions.js';
import type { EngineOps, Fault } from './callbacks.js';
import { Engine } from './engine.js';
import { Executing } from './executing.js';
import { LeavingLeaders } from './leaving-leaders.js';
import { OwnPrograms } from './own-programs.js';
import { BASE_OPTIONS } from './resuming.js';
import { ATTACH, ATTACH_ALL } from './seat.js';
import { attachFailed, ATTACHING, seize } from './seizing.js';
import type { Session } from './session.js';
import { EngineThread } from './thread.js';
import { UnnamedChildren } from './unnamed-children.js';

const KILL_AT_END = 1;
const OWN_CHILD = 2;
const DEFAULT_TIMEOUT = 10_000;
const MOST_MILLIS = 2 ** 31 - 1;

export interface EnginesOptions {
  /** Told of what engines do that they must not. Without it the error is a warning of the process. */
  readonly onFault?: ((fault: Fault) => void) | undefined;
  /** PTRACE_O bits that every thread gets beside those that the engines need. */
  readonly options?: number | undefined;
  /** Whether threads that run keep the event loop alive. Default true. */
  readonly referenced?: boolean | undefined;
}

export interface AttachExtras {
  /** Milliseconds that a promise of a callback may take before the engine has abstained; 0 for ever. Default 10,000. */
  readonly timeout?: number | undefined;
}

/** A program that has not begun. */
export interface HeldProgram {
  readonly thread: EngineThread;
  /**
   * Lets it execute its program. Engines attached before see its exec. What is not released when the session closes never executes: it exits with 127.
   *
   * @throws PtraceError 'used-up' if it was released or given up before
   */
  release(): void;
}

export class Engines implements Session {
  /** @internal */
  readonly hub: WaitHub = waitHub();
  /** The kernel that this works on: the layer in use when it was made. @internal */
  readonly layer: KernelLayer = this.hub.layer;
  /** @internal */
  readonly baseOptions: number;
  /** The thread whose callback runs now. @internal */
  current: EngineThread | undefined;
  /** Counts the stops and ends that were taken. @internal */
  taken = 0;
  /** Passes that wait for a promise. @internal */
  suspended = 0;
  /** @internal */
  readonly executing = new Executing();
  readonly #threads = new Map<number, EngineThread>();
  readonly #unnamed: UnnamedChildren;
  readonly #leaving: LeavingLeaders<EngineThread>;
  readonly #own = new OwnPrograms();
  readonly #onFault: ((fault: Fault) => void) | undefined;
  readonly #referenced: boolean;
  readonly #siginfo = new Uint8Array(128);
  #idle: (() => void)[] = [];

  /** @throws PtraceError 'bad-input' for options that there are not, or of another type */
  constructor(options?: EnginesOptions) {
    const bag = options === undefined ? {} : checkBag('Engines', options, ['onFault', 'options', 'referenced']);
    this.#onFault =
      bag.onFault === undefined
        ? undefined
        : (checkFunction('Engines', bag.onFault, 'onFault') as NonNullable<EnginesOptions['onFault']>);
    this.#referenced = checkBoolean('Engines', bag.referenced, 'referenced', true);
    this.baseOptions = BASE_OPTIONS | checkOptions('Engines', bag.options ?? 0);
    const drain = (): void => this.hub.drain();
    this.#unnamed = new UnnamedChildren({ threads: this.#threads, drain });
    this.#leaving = new LeavingLeaders(drain);
    this.hub.onStranger((tid, status) => this.#meetStranger(tid, status));
  }

  /** The threads that are traced. */
  get threads(): EngineThread[] {
    return [...this.#threads.values()];
  }

  /** A thread that is traced, by its tid. */
  thread(tid: number): EngineThread | undefined {
    return this.#threads.get(tid);
  }

  /** @internal */
  threadsOf(pid: number): EngineThread[] {
    return this.threads.filter((thread) => thread.pid === pid);
  }

  /**
   * Attaches an engine to one thread, or looks one up: utrace_attach_task. The engine does nothing before it sets events. The thread is seized if it is not
   * traced yet, and does not stop for that.
   *
   * @param target a tid, or a thread that is traced here
   * @param flags bits of ATTACH; without CREATE this is a look-up
   * @throws PtraceError ENOENT 'bad-input': no engine matches; EEXIST 'denied': exclusive, and one matches; ESRCH 'gone': the thread is dead; EPERM 'denied':
   * a kernel thread, or the kernel refuses; EAGAIN 'denied': its process executes a program and waits for threads that are traced here; 'bad-input'; 'own-child'
   */
  attach(target: number | EngineThread, flags: number, ops?: EngineOps, data?: unknown, extras?: AttachExtras): Engine {
    if (!Number.isInteger(flags) || (flags & ~ATTACH_ALL) !== 0) {
      throw badInput(ATTACHING, `flags is ${describe(flags)}, want bits of ATTACH`);
    }
    const creates = (flags & ATTACH.CREATE) !== 0;
    if (creates && (typeof ops !== 'object' || ops === null)) {
      throw badInput(ATTACHING, `ops is ${describe(ops)}, want an object with callbacks`);
    }
    const bag = extras === undefined ? {} : checkBag(ATTACHING, extras, ['timeout'], 'extras');
    const timeout =
      bag.timeout === undefined ? DEFAULT_TIMEOUT : checkLength(ATTACHING, bag.timeout, 'timeout', MOST_MILLIS);
    const tid = target instanceof EngineThread ? target.tid : checkTid(ATTACHING, target);
    let thread = target instanceof EngineThread ? target : this.#threads.get(tid);
    if (thread !== undefined && thread.session !== this) {
      throw badInput(ATTACHING, 'the thread is traced by other Engines, want one of these', tid);
    }
    if (thread === undefined) {
      if (!creates) throw attachFailed(tid, procStatus(tid) === undefined ? 'ESRCH' : 'ENOENT');
      thread = this.#seize(tid);
    }
    const found = thread.arbitration.attach(flags, ops, data);
    if (typeof found === 'string') throw attachFailed(tid, found);
    return (found.owner as Engine | undefined) ?? new Engine(thread, found, timeout);
  }

  /** A program to be executed, held before its first step so that engines can be attached. */
  spawn(options: SpawnOptions): HeldProgram {
    const { pid, release } = this.#own.spawn(this.layer, options, this.baseOptions);
    const thread = this.#add(pid, pid, false, KILL_AT_END | OWN_CHILD);
    thread.start();
    return { thread, release };
  }

  /**
   * Takes what is there, makes the passes and resumes, without waiting: what the event loop does otherwise.
   *
   * @returns whether a promise of a callback keeps a pass waiting
   * @throws PtraceError 'bad-input' from inside a callback
   */
  pump(): boolean {
    if (this.current !== undefined)
      throw badInput('pump', 'it is called from inside a callback, return from that first');
    this.hub.drain();
    return this.suspended > 0;
  }

  /**
   * As {@link pump}, but when nothing is there it blocks until a tracee of this JavaScript thread has something to report. No promise can settle meanwhile.
   *
   * @throws PtraceError 'not-tracee' when nothing is traced; 'bad-input' from inside a callback, or when a promise is waited for and no thread runs
   */
  pumpBlocking(): void {
    const before = this.taken;
    this.pump();
    // What was there already may be what the caller waits for.
    if (this.taken !== before) return;
    if (this.suspended > 0 && this.threads.every(({ state }) => state !== 'running'))
      throw badInput('pump', 'a callback has given a promise, which cannot settle while this thread blocks');
    const flags = W.WSTOPPED | W.WEXITED | W.WNOWAIT | W.__WNOTHREAD | W.__WCLONE;
    const result = this.layer.waitid(P_ALL, 0, flags, this.#siginfo, null);
    if (result === -ERRNO.ECHILD) throw fromErrno('wait', 0, ERRNO.ECHILD, 'not-tracee', 'nothing is traced');
    this.hub.drain();
  }

  /** Resolves when nothing is traced any more. */
  done(): Promise<void> {
    if (this.#threads.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
    });
  }

  /** Detaches every engine, and gives up programs that were not released. Resolves when no thread is traced any more. */
  close(): Promise<void> {
    this.#own.cancel();
    for (const thread of this.threads) {
      for (const engine of thread.engines) engine.control(UTRACE.DETACH);
      thread.release();
      thread.letGo();
    }
    return this.done();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // --- threads

  #seize(tid: number): EngineThread {
    const pid = seize(this.layer, tid, this.baseOptions);
    const thread = this.#add(tid, pid, false, 0);
    this.#watchLeaderOf(pid);
    thread.start();
    return thread;
  }

  #add(tid: number, pid: number, waitsForParent: boolean, flags: number): EngineThread {
    const thread = new EngineThread(this, tid, pid, this.baseOptions, waitsForParent);
    this.#threads.set(tid, thread);
    noteAttached(tid);
    this.hub.add(thread, pid, flags);
    return thread;
  }

  /**
   * The thread that an event of its parent names; undefined if that is none of ours. SIGKILL may have moved the parent on to its exit, whose message is a
   * status, and a child that nobody had named may have been let go. @internal
   */
  childOf(tid: number): EngineThread | undefined {
    const known = this.#threads.get(tid);
    if (known !== undefined) {
      this.#unnamed.delete(known);
      return known;
    }
    const status = procStatus(tid);
    // A zombie that is not reaped still has its tracer.
    if (status?.tracerPid !== binding().gettid()) return undefined;
    return this.#add(tid, status.tgid, true, 0);
  }

  #meetStranger(tid: number, status: number): StatusSink | undefined {
    if (this.#threads.size === 0) return undefined;
    const proc = procStatus(tid);
    if (proc?.tracerPid !== binding().gettid()) return undefined;
    if (!this.threads.some(({ pid }) => pid === proc.tgid || pid === proc.ppid)) return undefined;
    // An exec has given the id of a leader that is not traced to a thread that is.
    const executed = status >>> 16 === PTRACE_EVENT.EXEC;
    const thread = this.#add(tid, proc.tgid, !executed, 0);
    if (!executed) this.#unnamed.add(thread);
    return thread;
  }

  /** The children of a thread that was killed inside a clone which no event has named. @internal */
  orphansOf(parent: EngineThread): EngineThread[] {
    return this.#unnamed.orphansOf(parent).flatMap((tid) => this.childOf(tid) ?? []);
  }

  /**
   * A process has a thread that is not traced. Should that execute a program, the kernel drops the leader without a word; that it leaves may not have been
   * seen either, if its exit fell on the request that was to end another stop.
   */
  #watchLeaderOf(pid: number): void {
    const leader = this.#threads.get(pid);
    // The task list of a process with many threads is long, and they may be attached one by one.
    if (leader === undefined || this.#leaving.has(leader)) return;
    if ((procTasks(pid)?.length ?? 0) > this.threadsOf(pid).length) this.#leaving.add(leader);
  }

  /** A leader leaves, or an interrupt did not find it. @internal */
  leaves(leader: EngineThread): void {
    this.#leaving.add(leader);
  }

  /**
   * EVENT_EXEC of a thread that was not the leader: it has the leader's id now, and the old leader is gone without a status. @internal
   */
  executed(leader: EngineThread, former: number, status: number): void {
    const executing = this.#threads.get(former);
    if (executing === undefined) {
      // It was not traced under its old id; who is reported under the leader's is the same process for its engines.
      leader.receiveExec(status);
      return;
    }
    const { tid } = leader;
    this.#threads.delete(former);
    forgetAttached(former);
    executing.becomeLeader();
    this.#threads.set(tid, executing);
    // In this order: a hub without sinks closes its doorbell.
    this.hub.remove(tid);
    this.hub.add(executing, executing.pid, this.#flagsOf(tid));
    this.hub.remove(former);
    leader.vanish();
    executing.receiveExec(status);
  }

  #flagsOf(tid: number): number {
    return this.#own.has(tid) ? KILL_AT_END | OWN_CHILD : 0;
  }

  /** @internal */
  executedProgram(thread: EngineThread): void {
    this.#own.executed(thread.pid);
  }

  /** @internal */
  reaped(thread: EngineThread): void {
    if (this.#forget(thread)) this.#own.reaped(thread.tid);
    if (thread.tid === thread.pid) this.#vanishRest(thread.pid);
    this.#tellIdle();
  }

  /**
   * A process has ended, and each of its threads was reaped before. Who is left here had executed a program and taken the leader's id, and SIGKILL took the
   * event away that would have told so: its end was reported as the leader's.
   */
  #vanishRest(pid: number): void {
    for (const thread of this.threadsOf(pid)) {
      if (procStatus(thread.tid)?.tracerPid !== binding().gettid()) thread.vanish();
    }
  }

  /** @param isZombie it could not be detached, and is reaped when the time comes. @internal */
  detached(thread: EngineThread, isZombie = false): void {
    const { tid } = thread;
    // Before it is forgotten: a hub without anything to wait for closes its doorbell.
    if (this.#own.has(tid) || isZombie) this.hub.addChild(tid, () => this.#own.reaped(tid));
    this.#forget(thread);
    if (tid !== thread.pid) this.#watchLeaderOf(thread.pid);
    this.#tellIdle();
  }

  #forget(thread: EngineThread): boolean {
    this.#unnamed.delete(thread);
    this.#leaving.delete(thread);
    this.executing.delete(thread);
    if (this.#threads.get(thread.tid) !== thread) return false;
    this.#threads.delete(thread.tid);
    forgetAttached(thread.tid);
    this.hub.remove(thread.tid);
    return true;
  }

  #tellIdle(): void {
    if (this.#threads.size > 0) return;
    this.#unnamed.rest();
    this.#leaving.rest();
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  // --- waiting

  /** @internal */
  begin(tid: number, referenced: boolean): boolean {
    const counts = referenced && this.#referenced;
    this.hub.begin(tid, counts);
    return counts;
  }

  /** @internal */
  end(referenced: boolean): void {
    this.hub.end(referenced);
  }

  /** @internal */
  expectEnd(tid: number): void {
    this.hub.expectEnd(tid);
  }

  /** The death was told behind a promise: the zombie is reaped as soon as the stack is free. @internal */
  consumeLater(tid: number): void {
    queueMicrotask(() => this.hub.consume(tid));
  }

  /** The end of a thread was seen while a pass of it was under way. @internal */
  lookAgain(): void {
    queueMicrotask(() => this.hub.drain());
  }

  /** Whether a thread has something to report that was not taken yet. @internal */
  hasReport(tid: number): boolean {
    const flags = W.WSTOPPED | W.WEXITED | W.WNOHANG | W.WNOWAIT;
    if (this.layer.waitid(P_PID, tid, flags, this.#siginfo, null) < 0) return true;
    return new DataView(this.#siginfo.buffer).getInt32(16, true) === tid;
  }

  /** @internal */
  get hasMore(): boolean {
    return this.hub.hasMore;
  }

  /** @internal */
  afterThese(run: () => void): void {
    this.hub.afterThese(run);
  }

  // --- faults

  /** @internal */
  fault(fault: Fault): void {
    if (this.#onFault !== undefined) {
      try {
        this.#onFault(fault);
        return;
      } catch (error) {
        this.#warn(error);
        return;
      }
    }
    this.#warn(fault.error);
  }

  /** @internal */
  failed(thread: EngineThread, error: unknown): void {
    const [engine] = thread.engines;
    if (engine !== undefined) this.fault({ engine, thread, callback: 'reportQuiesce', error });
    else this.#warn(error);
  }

  #warn(error: unknown): void {
    process.emitWarning(error instanceof Error ? error : refused('bad-input', 'engine', 0, String(error)));
  }
}
