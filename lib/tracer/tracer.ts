/**
 * A tracer: the thread that creates it traces, and only that thread can. The kernel ties a tracee to the thread that attached, so a Tracer and
 * all it gives out belong to one JavaScript thread, the main thread or a Worker, and cannot be passed on.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { binding } from '../binding.js';
import { badInput, fromErrno, isPtraceError, refused, type PtraceError } from '../errors.js';
import { checkBag, checkBoolean, checkOneOf, checkTid, describe } from '../arguments.js';
import { ERRNO, errnoMessage } from '../kernel/errno.js';
import { PTRACE_O } from '../kernel/options.js';
import { PTRACE } from '../kernel/requests.js';
import { W } from '../kernel/wait-flags.js';
import { checkAbortSignal } from '../raw/abort-signal.js';
import { copyOfArray } from '../raw/arrays.js';
import { requestFailed } from '../raw/failure.js';
import { spawnHeld, type HeldChild, type SpawnOptions as RawSpawnOptions } from '../raw/spawn.js';
import { SPAWN_OPTIONS } from '../raw/spawn-plan.js';
import { procState, procStatus, procTasks } from '../proc.js';
import { scaledMillis } from '../time-scale.js';
import { Colocation, type ColocateMode } from './colocate.js';
import { execWaitsForUs, isRefusedForExec, refusedForExec } from './exec-lock.js';
import { refuseNodesChild, refuseOwnTracer } from './own-child.js';
import { SpawnedTracee } from './spawned-tracee.js';
import { openStdio, type OpenStdio, type Stdio } from './stdio.js';
import { isEnd, type PtraceStop, type ResumeMode, type Stop } from './stop.js';
import type { DetachOutcome, Tracee } from './tracee.js';
import { Told } from './told.js';
import { TracerCore, type EndPolicy } from './tracer-core.js';

/** Events that a tracee can be asked to stop at. Exec is always among them. */
export type TraceEvent = 'fork' | 'vfork' | 'vfork-done' | 'clone' | 'exec' | 'exit' | 'seccomp';

/** How a tracer works. */
export interface TracerOptions {
  /**
   * Which events stop a tracee. With 'fork', 'vfork' and 'clone' new processes and threads are traced from their first instruction.
   * Default: fork, vfork, clone and exec.
   */
  readonly events?: readonly TraceEvent[];
  /** What becomes of the tracees when the tracer or Node ends. Default: 'kill' for spawned ones, 'detach' for attached ones. */
  readonly onTracerExit?: EndPolicy;
  /** How an unhandled stop is resumed by `for await`. Default: 'cont'. */
  readonly resume?: ResumeMode;
  /** Whether tracer and tracees share one CPU. Default: 'off'. */
  readonly colocate?: ColocateMode;
  /** Seccomp filters of the tracees are suspended (needs CAP_SYS_ADMIN and CONFIG_CHECKPOINT_RESTORE, Linux 4.3). */
  readonly suspendSeccomp?: boolean;
}

/** What a spawned program is to be like. */
export interface SpawnOptions extends Omit<RawSpawnOptions, 'file' | 'args' | 'descriptors' | 'controllingTerminal'> {
  /** Standard streams. Default: 'inherit'. With 'pty' the program leads a session of its own with the terminal as controlling one. */
  readonly stdio?: Stdio;
  readonly onTracerExit?: EndPolicy;
}

/** How to attach. */
export interface AttachOptions {
  readonly onTracerExit?: EndPolicy;
  /** Traces a child that Node itself started although Node will take its stops for its death. */
  readonly allowNodeChild?: boolean;
  /** 'all' threads of the process (default), or the 'one' thread whose tid was given. */
  readonly threads?: 'all' | 'one';
}

const EVENT_OPTIONS: Readonly<Record<TraceEvent, number>> = {
  fork: PTRACE_O.TRACEFORK,
  vfork: PTRACE_O.TRACEVFORK,
  'vfork-done': PTRACE_O.TRACEVFORKDONE,
  clone: PTRACE_O.TRACECLONE,
  exec: PTRACE_O.TRACEEXEC,
  exit: PTRACE_O.TRACEEXIT,
  seccomp: PTRACE_O.TRACESECCOMP,
};
const EVENTS = Object.keys(EVENT_OPTIONS) as TraceEvent[];
const MOST_EVENTS = 1000;
const MODES = ['cont', 'syscall', 'step', 'block-step', 'sysemu', 'sysemu-step'] as const;
const POLICIES = ['kill', 'detach'] as const;
const ATTACH_KEYS = ['onTracerExit', 'allowNodeChild', 'threads'] as const;
/** Spawn options that go on to the child as they are; the tracer sees to the others itself. */
const CHILD_OPTIONS = SPAWN_OPTIONS.filter(
  (name) => name !== 'file' && name !== 'args' && name !== 'descriptors' && name !== 'controllingTerminal',
);

/** How often the task list is read until it is stable; a process that makes threads quicker than that is interrupted while it does. */
const MOST_SCANS = 1000;
/** A thread that cannot be stopped (in its vfork, in a disk wait) is not waited for by attach. */
const UNINTERRUPTIBLE_MILLIS = 100;
/** How long an execve that waits for what is traced here is waited for by who attaches, and how often it is looked at. */
const EXEC_MILLIS = 2000;
const EXEC_LOOK_MILLIS = 1;
/** Of many threads every so manieth is looked at before. */
const SEIZES_PER_LOOK = 16;

/**
 * Traces processes and threads.
 *
 * ```ts
 * await using tracer = new Tracer();
 * const tracee = await tracer.spawn('/bin/ls');
 * for await (const stop of tracer) console.log(stop.kind);
 * ```
 *
 * Stops reach whoever asks for them: an awaited `tracee.resume()` or `tracee.wait()` gets that tracee's next stop; all others come to `wait()` and to
 * `for await`, in the order of their arrival. In a `for await` loop a stop that the body has neither resumed nor held is resumed when the
 * loop goes on: a group-stop is listened to, a signal is delivered, everything else runs on. The same holds, when a loop begins, for the
 * stops that `spawn` and `attach` left their tracees in. The loop ends when nothing is traced any more.
 */
export class Tracer implements AsyncIterable<Stop>, AsyncDisposable {
  readonly #core: TracerCore;
  readonly #options: number;
  readonly #policy: EndPolicy | undefined;
  readonly #mode: ResumeMode;
  /** Stops that spawn and attach left their tracees in: unhandled until somebody handles them. */
  readonly #handedOut = new Set<PtraceStop>();
  #disposed = false;
  #closing: Promise<void> | undefined;

  /**
   * @throws PtraceError 'bad-input'; 'unavailable' where there is no addon; 'second-copy'
   */
  constructor(options?: TracerOptions) {
    const bag = checkBag('Tracer', options, ['events', 'onTracerExit', 'resume', 'colocate', 'suspendSeccomp']);
    const events = bag.events === undefined ? (['fork', 'vfork', 'clone'] as const) : checkEvents(bag.events);
    let mask = PTRACE_O.TRACESYSGOOD | PTRACE_O.TRACEEXEC;
    for (const event of events) mask |= EVENT_OPTIONS[event];
    if (checkBoolean('Tracer', bag.suspendSeccomp, 'suspendSeccomp', false)) mask |= PTRACE_O.SUSPEND_SECCOMP;
    this.#options = mask;
    this.#policy =
      bag.onTracerExit === undefined ? undefined : checkOneOf('Tracer', bag.onTracerExit, 'onTracerExit', POLICIES);
    this.#mode = bag.resume === undefined ? 'cont' : checkOneOf('Tracer', bag.resume, 'resume', MODES);
    const colocate = checkOneOf('Tracer', bag.colocate ?? 'off', 'colocate', ['off', 'on', 'auto']);
    this.#core = new TracerCore();
    if (colocate !== 'off') this.#core.colocation = new Colocation(colocate);
  }

  /** The traced threads, at this moment. */
  get tracees(): readonly Tracee[] {
    return [...this.#core.tracees.values()];
  }

  /** The traced thread with this tid. */
  tracee(tid: number): Tracee | undefined {
    return this.#core.tracees.get(tid);
  }

  /** Whether {@link close} was called. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /** Whether tracer and tracees share a CPU now. */
  get colocated(): boolean {
    return this.#core.colocation?.active ?? false;
  }

  /**
   * Starts a program, traced from its first instruction: the tracee is in the exec-stop when the promise resolves.
   *
   * The program gets default dispositions for all signals that Node handles, an empty signal mask unless told, and no SIGSTOP.
   *
   * @param file path, or name to be found along PATH
   * @throws PtraceError (as rejection) 'exec-failed' with the errno and the path, or with the step that failed; 'bad-input'; 'disposed'
   */
  async spawn(file: string, args: readonly string[] = [], options?: SpawnOptions): Promise<SpawnedTracee> {
    this.#requireOpen('spawn');
    const { stdio, onTracerExit, ...rest } = checkBag('spawn', options, [...CHILD_OPTIONS, 'stdio', 'onTracerExit']);
    const policy = this.#policyFor(onTracerExit, 'kill');
    const streams = openStdio(stdio);
    let held: HeldChild;
    try {
      held = spawnHeld({
        ...(rest as RawSpawnOptions),
        file,
        args,
        descriptors: streams.descriptors,
        ...(streams.controllingTerminal < 0 ? {} : { controllingTerminal: streams.controllingTerminal, session: true }),
      });
    } catch (error) {
      streams.childHasThem();
      streams.discard();
      throw error;
    }
    const tracee = this.#seizeHeld(held, policy, streams);
    try {
      held.release();
      const stop = await this.#runToExec(tracee);
      streams.childHasThem();
      if (isEnd(stop)) throw notExecuted(held, stop);
      held.free();
      this.#handOut(stop);
      return tracee;
    } catch (error) {
      streams.discard();
      held.free();
      throw error;
    }
  }

  /**
   * Attaches to all threads of a running process and stops them, without any signal (PTRACE_SEIZE and INTERRUPT, Linux 3.4). The task list
   * is read until nothing new is in it. A thread that cannot be stopped now (it waits for its vfork child or for a disk) is seized
   * and stops when it can. An execve of the process that waits for threads which this tracer holds at their exit is let go on first.
   *
   * @returns its threads, the leader first if it lives; each in its stop, whatever stop that was
   * @throws PtraceError (as rejection) 'denied' (`explainAccess(pid)` tells why; EAGAIN: such an execve waited on for two seconds), 'gone',
   * 'own-child', 'bad-input', 'disposed'
   */
  async attach(pid: number, options?: AttachOptions): Promise<readonly Tracee[]> {
    const how = checkBag('attach', options, ATTACH_KEYS);
    // What this tracer has of the process already runs, listens or stands as it was told.
    const known = new Set(this.tracees);
    const seized = await this.#seizeAll('attach', pid, how);
    const tgid = seized[0]?.pid ?? pid;
    const threads = (): readonly Tracee[] =>
      how.threads === 'one' ? seized : this.#core.threadsOf(tgid).filter((thread) => !known.has(thread));
    // Threads that are created meanwhile are attached by the kernel and stop by themselves.
    const stuck = new Set<Tracee>();
    let fresh = seized;
    do {
      for (const tracee of fresh) tracee.interrupt();
      for (;;) {
        const running = threads().filter(
          (tracee) => tracee.stop === null && tracee.state !== 'ended' && !stuck.has(tracee),
        );
        if (running.length === 0) break;
        await Promise.all(running.map((tracee) => this.#stopped(tracee)));
        for (const tracee of running) if (tracee.stop === null) stuck.add(tracee);
      }
      // A task list that is read while threads come and go leaves some out. They still run, and what they create: now they alone do.
      const policy = this.#policyFor(how.onTracerExit, 'detach');
      fresh = how.threads === 'one' ? [] : (await this.#seizeThreads(tgid, policy, 'attach')).seized;
    } while (fresh.length > 0);
    const attached = threads().filter((tracee) => tracee.state !== 'ended');
    for (const tracee of attached) {
      // Its stop is told by being returned.
      this.#core.takeFrom(tracee);
      if (tracee.stop !== null) this.#handOut(tracee.stop);
    }
    if (attached.length === 0) throw fromErrno('attach', pid, ERRNO.ESRCH, 'gone');
    return byLeaderFirst(attached);
  }

  /**
   * Seizes a process without stopping it (PTRACE_SEIZE, Linux 3.4): all its threads, or one.
   *
   * @returns its threads, the leader first
   * @throws PtraceError as {@link attach}
   */
  async seize(pid: number, options?: AttachOptions): Promise<readonly Tracee[]> {
    return await this.#seizeAll('seize', pid, options);
  }

  /**
   * The next stop of any tracee that nobody else awaits.
   *
   * @param options.signal aborts the wait; nothing is lost by that
   * @throws PtraceError (as rejection) 'not-tracee' when nothing is traced, 'aborted', 'disposed'
   */
  async wait(options?: { readonly signal?: AbortSignal }): Promise<Stop> {
    this.#requireOpen('wait');
    const bag = checkBag('wait', options, ['signal']);
    const stop = await this.#core.take(checkAbortSignal('wait', bag.signal));
    if (stop !== undefined) return stop;
    throw this.#disposed ? refused('disposed', 'wait') : refused('not-tracee', 'wait', 0, 'nothing is traced');
  }

  /** The stops of all tracees, as {@link wait}; see the class for what happens to unhandled ones. */
  [Symbol.asyncIterator](): AsyncIterator<Stop, undefined> {
    this.#requireOpen('iterate');
    let last: Stop | undefined;
    return {
      next: () => {
        // The body may have gone on with its tracee, stop by stop, and left it in a later one.
        if (last !== undefined && !this.#core.holds(last.tracee)) this.resumeUnhandled(last.tracee.stop ?? last);
        if (this.#handedOut.size > 0) this.#resumeHandedOut();
        const stop = this.#core.takeNow();
        if (stop !== undefined) {
          last = stop;
          return Promise.resolve({ done: false, value: stop });
        }
        return this.#core.take().then((taken) => {
          last = taken;
          return taken === undefined ? { done: true, value: undefined } : { done: false, value: taken };
        });
      },
      return: () => Promise.resolve({ done: true, value: undefined }),
    };
  }

  #handOut(stop: PtraceStop): void {
    // A tracer that never iterates must not keep every stop it has ever begun with.
    for (const former of this.#handedOut) if (former.usedUp) this.#handedOut.delete(former);
    this.#handedOut.add(stop);
  }

  #resumeHandedOut(): void {
    for (const stop of this.#handedOut) this.resumeUnhandled(stop);
    this.#handedOut.clear();
  }

  /**
   * What `for await` does with a stop that was not handled: nothing if it is used up, held or an end; else a group-stop is listened to, a
   * signal delivered (that of a breakpoint nobody wanted, too), everything else resumed in the tracer's mode.
   *
   * @throws PtraceError 'bad-input' when it is no stop
   */
  resumeUnhandled(stop: Stop): void {
    if (!Told.is(stop)) throw badInput('resume', `stop is ${describe(stop)}, want a Stop`);
    if (isEnd(stop) || stop.usedUp || stop.held) return;
    try {
      resumeByDefault(stop, this.#mode);
    } catch (error) {
      // It left its stop by SIGKILL meanwhile: its end follows.
      if (!isPtraceError(error) || error.reason !== 'gone') throw error;
    }
  }

  /** Waits do not keep the event loop alive from now on. */
  unref(): this {
    this.#core.setReferenced(false);
    return this;
  }

  /** Waits keep the event loop alive (the default). */
  ref(): this {
    this.#core.setReferenced(true);
    return this;
  }

  /**
   * Detaches all threads of a process, those that are created meanwhile included. Its job control stays what it was.
   *
   * @param pid a traced process; without it every one
   */
  async detach(pid?: number): Promise<readonly DetachOutcome[]> {
    const outcomes: DetachOutcome[] = [];
    const wanted = pid === undefined ? undefined : checkTid('detach', pid, 'pid');
    for (;;) {
      const tracees = wanted === undefined ? this.tracees : this.#core.threadsOf(wanted);
      if (tracees.length === 0) return outcomes;
      // All at once: a vfork parent cannot stop before its child has been let go.
      outcomes.push(...(await Promise.all(tracees.map((tracee) => tracee.detach()))));
    }
  }

  /**
   * Ends the tracer: kills what is to be killed and reaps it, detaches the rest. Who waits is told 'disposed'; a `for await` ends.
   * Nothing of the tracer can be used afterwards. A second call gives the same promise.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#disposed = true;
    const core = this.#core;
    core.dispose(refused('disposed', 'wait'));
    for (;;) {
      // What is new must not be missed: it belongs to us as well.
      core.hub.drain();
      core.nameAll();
      if (core.isEmpty) break;
      await Promise.all(
        this.tracees.map((tracee) => (core.policyOf(tracee.pid) === 'kill' ? endTracee(tracee) : letGo(tracee))),
      );
    }
    core.retire();
  }

  // --- attaching

  async #seizeAll(request: string, pid: number, options: unknown): Promise<Tracee[]> {
    this.#requireOpen(request);
    checkTid(request, pid, 'pid');
    const bag = checkBag(request, options, ATTACH_KEYS);
    const policy = this.#policyFor(bag.onTracerExit, 'detach');
    const threads = checkOneOf(request, bag.threads ?? 'all', 'threads', ['all', 'one']);
    if (!checkBoolean(request, bag.allowNodeChild, 'allowNodeChild', false)) refuseNodesChild(request, pid);
    refuseOwnTracer(request, pid);
    const tgid = procStatus(pid)?.tgid;
    if (tgid === undefined) throw fromErrno(request, pid, ERRNO.ESRCH, 'gone');
    if (threads === 'one') {
      const seized: Tracee[] = [];
      const waits = await this.#afterExec(request, () => {
        if (execWaitsForUs(pid, tgid)) return refusedForExec(request, pid);
        seized.push(this.#seizeThread(pid, tgid, policy, request));
        return undefined;
      });
      if (waits !== undefined) throw waits;
      return seized;
    }
    const { seized, refusal } = await this.#seizeThreads(tgid, policy, request);
    const attached = seized.filter((tracee) => tracee.state !== 'ended');
    if (attached.length > 0) return byLeaderFirst(attached);
    if (!this.#core.traces(tgid)) throw refusal ?? fromErrno(request, pid, ERRNO.ESRCH, 'gone');
    if (isRefusedForExec(refusal)) throw refusal;
    throw badInput(request, `process ${tgid} is traced by this tracer already`, tgid);
  }

  /**
   * Seizes; as long as that is refused because an execve waits for what this thread traces, it lets that go on and seizes again.
   *
   * @param seize gives what was refused, as it does in the end
   */
  async #afterExec(request: string, seize: () => PtraceError | undefined): Promise<PtraceError | undefined> {
    const end = performance.now() + scaledMillis(EXEC_MILLIS);
    for (;;) {
      const refusal = seize();
      if (!isRefusedForExec(refusal) || performance.now() > end) return refusal;
      // The event loop reaps those who have ended. Those at their exit are for their user to resume.
      await delay(EXEC_LOOK_MILLIS);
      this.#requireOpen(request);
    }
  }

  /** {@link #seizeNew}, after an execve that is under way. */
  async #seizeThreads(
    tgid: number,
    policy: EndPolicy,
    request: string,
  ): Promise<{ seized: Tracee[]; refusal: PtraceError | undefined }> {
    const seized: Tracee[] = [];
    const refusal = await this.#afterExec(request, () => {
      const found = this.#seizeNew(tgid, policy, request);
      seized.push(...found.seized);
      return found.refusal;
    });
    return { seized, refusal };
  }

  /**
   * Seizes what is new in the task list until there is nothing. A thread that left between list and seize may have created another before,
   * and a clone that was under way when its thread was seized makes one that is not traced: then the list is read again.
   */
  #seizeNew(tgid: number, policy: EndPolicy, request: string): { seized: Tracee[]; refusal: PtraceError | undefined } {
    const seized: Tracee[] = [];
    let refusal: PtraceError | undefined;
    let looks = 0;
    for (let scan = 0, changing = true; changing && scan < MOST_SCANS; scan++) {
      changing = false;
      for (const tid of procTasks(tgid) ?? []) {
        if (this.#core.tracees.has(tid)) continue;
        try {
          // A look costs as much as several seizes.
          if (looks++ % SEIZES_PER_LOOK === 0 && execWaitsForUs(tid, tgid)) throw refusedForExec(request, tid);
          seized.push(this.#seizeThread(tid, tgid, policy, request));
          changing = true;
        } catch (error) {
          if (!isPtraceError(error)) throw error;
          refusal ??= error;
          if (isRefusedForExec(error)) return { seized, refusal: error };
          // What is there and lives is denied, or the kernel attached it with its parent and it will report itself. A leader that left stays.
          const state = procStatus(tid)?.state ?? 'X';
          changing ||= tid !== tgid && 'ZX'.includes(state);
        }
      }
    }
    return { seized, refusal };
  }

  #seizeThread(tid: number, tgid: number, policy: EndPolicy, request: string): Tracee {
    const result = this.#core.layer.ptrace(PTRACE.SEIZE, tid, 0, this.#optionsFor(policy));
    if (result < 0) throw seizeFailed(request, tid, -result);
    return this.#core.add(tid, tgid, 'running', policy, false);
  }

  /** Resolves when the tracee is in a stop, has ended, or cannot be stopped now. */
  async #stopped(tracee: Tracee): Promise<void> {
    if (tracee.stop !== null || tracee.state === 'ended') return;
    let timer: NodeJS.Timeout | undefined;
    const stuck = new Promise<void>((resolve) => {
      timer = setInterval(() => {
        // Z: a leader that left before its threads; its end comes with the last of them.
        if ('DZ'.includes(procState(tracee.tid) ?? 'Z')) resolve();
      }, scaledMillis(UNINTERRUPTIBLE_MILLIS));
    });
    try {
      await Promise.race([tracee.nextForUs(), stuck]);
    } finally {
      clearInterval(timer);
      tracee.stopIntercepting();
    }
  }

  // --- spawning

  #seizeHeld(held: HeldChild, policy: EndPolicy, streams: OpenStdio): SpawnedTracee {
    const result = this.#core.layer.ptrace(PTRACE.SEIZE, held.pid, 0, this.#optionsFor(policy));
    if (result < 0) {
      held.cancel();
      // It exits at once: nothing in its way can block.
      binding().wait4(held.pid, W.__WALL, new Int32Array(1), null);
      held.free();
      binding().forgetChild(held.pid);
      streams.childHasThem();
      streams.discard();
      throw seizeFailed('spawn', held.pid, -result);
    }
    return this.#core.addSpawned(new SpawnedTracee(this.#core, held.pid, held.file, streams), policy);
  }

  /** What comes before the exec is the launcher's business: a signal that came early, a filter that traces the exec. */
  async #runToExec(tracee: SpawnedTracee): Promise<Stop> {
    for (;;) {
      const stop = await tracee.nextForUs();
      if (isEnd(stop) || stop.kind === 'exec') return stop;
      this.resumeUnhandled(stop);
    }
  }

  #optionsFor(policy: EndPolicy): number {
    return policy === 'kill' ? this.#options | PTRACE_O.EXITKILL : this.#options;
  }

  #policyFor(given: unknown, otherwise: EndPolicy): EndPolicy {
    if (given !== undefined) return checkOneOf('onTracerExit', given, 'onTracerExit', POLICIES);
    return this.#policy ?? otherwise;
  }

  #requireOpen(request: string): void {
    if (this.#disposed) throw refused('disposed', request);
  }
}

function checkEvents(given: unknown): TraceEvent[] {
  return copyOfArray('Tracer', given, 'events', MOST_EVENTS).map((event) =>
    checkOneOf('Tracer', event, 'an event', EVENTS),
  );
}

function byLeaderFirst(tracees: readonly Tracee[]): Tracee[] {
  return [...tracees].sort((a, b) => Number(b.isLeader) - Number(a.isLeader) || a.tid - b.tid);
}

function resumeByDefault(stop: PtraceStop, mode: ResumeMode): void {
  switch (stop.kind) {
    case 'group-stop':
      stop.listen();
      return;
    case 'breakpoint':
    case 'watchpoint':
      stop.resume(mode, { signal: stop.signal });
      return;
    default:
      stop.resume(mode);
  }
}

/** Detaches a tracee also when its registers were set to what they cannot be: it goes on with those that it had. */
async function letGo(tracee: Tracee): Promise<void> {
  try {
    await tracee.detach();
  } catch (error) {
    if (!tracee.forgetRegisters()) throw error;
    await tracee.detach();
  }
}

async function endTracee(tracee: Tracee): Promise<void> {
  if (tracee.state === 'ended') return;
  tracee.kill();
  let stop = (tracee.state as string) === 'ended' ? undefined : await tracee.nextForUs();
  while (stop !== undefined && !isEnd(stop)) {
    if (!stop.usedUp) stop.resume();
    stop = await tracee.nextForUs();
  }
}

function seizeFailed(request: string, tid: number, errno: number): Error {
  if (errno === ERRNO.EPERM) {
    const status = procStatus(tid);
    // The kernel gives EPERM for what is dying, too.
    if (status === undefined || 'ZX'.includes(status.state)) return fromErrno(request, tid, errno, 'gone');
    const tracer = status.tracerPid;
    return fromErrno(
      request,
      tid,
      errno,
      'denied',
      tracer === 0
        ? 'permission denied, explainAccess(pid) tells why'
        : `process ${tracer} traces it already, and a process can have only one tracer`,
    );
  }
  return requestFailed(PTRACE.SEIZE, tid, errno);
}

function notExecuted(held: HeldChild, stop: Stop): Error {
  const outcome = held.outcome();
  if (outcome === null) {
    const how = stop.kind === 'killed' ? `it was killed by ${stop.signalName}` : 'it ended';
    return refused('exec-failed', 'spawn', 0, `${held.file}: ${how} before it was executed`);
  }
  const step = outcome.stage === 'execve' ? 'it cannot be executed' : `${outcome.stage} failed`;
  return fromErrno('spawn', 0, outcome.errno, 'exec-failed', `${held.file}: ${step}: ${errnoMessage(outcome.errno)}`);
}
