/**
 * What the tracees of one tracer have in common: who is traced, which stop goes to whom, who belongs to which process.
 *
 * The orders that it keeps:
 * 1. A fork, vfork or clone stop is told before any stop of the new tracee, whichever the kernel reported first.
 * 2. The end of a tracee is told once, and after everything else of it.
 * 3. The ends of threads that an exec ended are told before the exec stop, with cause 'exec'.
 * 4. The end of a thread group's leader is told after the ends of its other threads.
 */
import { existsSync } from 'node:fs';
import { binding } from '../binding.js';
import { refused } from '../errors.js';
import { AUDIT_ARCH } from '../kernel/audit-arch.js';
import type { Abi } from '../kernel/arch/host.js';
import { PTRACE_EVENT } from '../kernel/events.js';
import { PTRACE } from '../kernel/requests.js';
import type { CheckedSignal } from '../raw/abort-signal.js';
import { rawAttached } from '../raw/attached.js';
import type { KernelLayer } from '../raw/kernel-layer.js';
import { procState, procStatus, procTasks } from '../proc.js';
import { scaledMillis } from '../time-scale.js';
import type { Colocation } from './colocate.js';
import { ExecSuspicion } from './exec-suspicion.js';
import type { Stop } from './stop.js';
import { StopQueue } from './stop-queue.js';
import { Tracee } from './tracee.js';
import { waitHub, type StatusSink, type WaitHub } from './wait-hub.js';

/** What becomes of a tracee when the tracer, or Node, ends. */
export type EndPolicy = 'kill' | 'detach';

const KILL_AT_END = 1;
const OWN_CHILD = 2;

/** A new tracee whose parent's event has not come may wait so long for it, and whether it still can come is asked so often. */
const NAMING_MILLIS = 1000;
const NAMING_CHECK_MILLIS = 20;
/** Whether an exec ended threads is asked every millisecond at first, and at last this often. */
const MOST_CHECK_MILLIS = 16;

/** Keeps the statuses of a new tracee until its parent's event names it. */
class UnnamedTracee implements StatusSink {
  readonly tid: number;
  readonly pid: number;
  readonly statuses: number[] = [];
  readonly since = performance.now();
  constructor(tid: number, pid: number) {
    this.tid = tid;
    this.pid = pid;
  }
  receive(status: number): void {
    this.statuses.push(status);
  }
}

interface Group {
  readonly members: Set<Tracee>;
  readonly policy: EndPolicy;
  /** Ends that may turn out to be an exec's doing. */
  heldEnds: { readonly tracee: Tracee; readonly status: number }[];
  checks: number;
  suspicion: ExecSuspicion | undefined;
  timer: NodeJS.Timeout | undefined;
}

interface Taker {
  resolve: (stop: Stop | undefined) => void;
  referenced: boolean;
  /** Its abort, when that came while a stop was on its way to it. */
  late: (() => void) | undefined;
}

const word = new BigUint64Array(1);

export class TracerCore {
  readonly hub: WaitHub = waitHub();
  readonly layer: KernelLayer = this.hub.layer;
  readonly tracees = new Map<number, Tracee>();
  readonly #groups = new Map<number, Group>();
  readonly #unnamed = new Map<number, UnnamedTracee>();
  #namingTimer: NodeJS.Timeout | undefined;
  readonly #queue = new StopQueue();
  #takers: Taker[] = [];
  /** Those for whom a stop is in the queue. */
  #promised: Taker[] = [];
  referenced = true;
  colocation: Colocation | undefined;

  constructor() {
    const cores = coresOf(this.hub);
    cores.add(this);
  }

  // --- waiting

  /** Somebody waits for a tid, or for anything (0). Whether that keeps the event loop alive. */
  begin(tid: number): boolean {
    this.hub.begin(tid, this.referenced);
    return this.referenced;
  }

  /** A wait is over that began with this answer. */
  end(referenced: boolean): void {
    this.hub.end(referenced);
  }

  /**
   * The oldest stop that nobody took, or the next one; undefined when nothing is traced any more.
   *
   * @param signal gives the wait up; a stop that comes after that goes to somebody else
   */
  take(signal?: CheckedSignal): Promise<Stop | undefined> {
    const stop = this.takeNow();
    if (stop !== undefined) return Promise.resolve(stop);
    if (this.tracees.size === 0 && this.#unnamed.size === 0) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const taker: Taker = { resolve, referenced: this.begin(0), late: undefined };
      this.#takers.push(taker);
      if (signal === undefined) return;
      const abort = (): void => {
        const index = this.#takers.indexOf(taker);
        if (index < 0) {
          // Its stop is under way already: that is what it gets, unless somebody else takes that.
          taker.late = abort;
          return;
        }
        this.#takers.splice(index, 1);
        this.end(taker.referenced);
        reject(refused('aborted', 'wait', 0, undefined, { cause: signal.reason }));
      };
      if (signal.aborted) {
        abort();
        return;
      }
      const forget = signal.onAbort(abort);
      taker.resolve = (taken) => {
        forget();
        resolve(taken);
      };
    });
  }

  /** The oldest stop that nobody took, if there is one. */
  takeNow(): Stop | undefined {
    // What is there on its way to somebody is his.
    return this.#promised.length === 0 ? this.#queue.shift() : undefined;
  }

  takeFrom(tracee: Tracee): Stop | undefined {
    return this.#queue.size === 0 ? undefined : this.#queue.take(tracee);
  }

  /** Whether stops of this tracee were not taken yet. */
  holds(tracee: Tracee): boolean {
    return this.#queue.has(tracee);
  }

  /**
   * A stop that no wait for its own tracee took. Who waits for any stop gets it a microtask later: an `await tracee.resume()` whose stop
   * comes at once has not asked for it yet.
   */
  enqueue(stop: Stop): void {
    this.#queue.push(stop);
    const taker = this.#takers.shift();
    if (taker === undefined) return;
    this.end(taker.referenced);
    if (this.#promised.push(taker) === 1) queueMicrotask(this.#feed);
  }

  readonly #feed = (): void => {
    const promised = this.#promised;
    this.#promised = [];
    const unfed: Taker[] = [];
    for (const taker of promised) {
      const stop = this.#queue.shift();
      if (stop === undefined) unfed.push(taker);
      else taker.resolve(stop);
    }
    // Their stops were taken by waits for the tracees themselves: they wait on.
    for (const taker of unfed) taker.referenced = this.begin(0);
    this.#takers.unshift(...unfed);
    for (const taker of unfed) taker.late?.();
    if (this.#takers.length > 0) this.#releaseTakersIfDone();
  };

  // --- who is traced

  add(tid: number, pid: number, state: 'starting' | 'running', policy: EndPolicy, own: boolean): Tracee {
    return this.#enrol(new Tracee(this, tid, pid, state, { own }), policy, own);
  }

  /** A child that this tracer spawned and has seized. */
  addSpawned<T extends Tracee>(tracee: T, policy: EndPolicy): T {
    return this.#enrol(tracee, policy, true);
  }

  #enrol<T extends Tracee>(tracee: T, policy: EndPolicy, own: boolean): T {
    const { tid, pid } = tracee;
    this.tracees.set(tid, tracee);
    let group = this.#groups.get(pid);
    if (group === undefined) {
      group = { members: new Set(), policy, heldEnds: [], checks: 0, suspicion: undefined, timer: undefined };
      this.#groups.set(pid, group);
    }
    group.members.add(tracee);
    this.hub.add(tracee, pid, (group.policy === 'kill' ? KILL_AT_END : 0) | (own ? OWN_CHILD : 0));
    this.colocation?.added(tracee);
    return tracee;
  }

  /** Whether threads of a process are traced by this thread that nobody knows yet: born a moment ago. */
  hasUnknownThreads(pid: number): boolean {
    return (procTasks(pid) ?? []).some(
      (tid) => !this.tracees.has(tid) && procStatus(tid)?.tracerPid === binding().gettid(),
    );
  }

  /** The traced threads of a process. */
  threadsOf(pid: number): Tracee[] {
    return [...(this.#groups.get(pid)?.members ?? [])];
  }

  /** Whether a thread of the process is traced. */
  traces(pid: number): boolean {
    return (this.#groups.get(pid)?.members.size ?? 0) > 0;
  }

  /** The processes that are traced. */
  processes(): number[] {
    return [...this.#groups.keys()];
  }

  policyOf(pid: number): EndPolicy {
    return this.#groups.get(pid)?.policy ?? 'detach';
  }

  /** The tracee that an event of `parent` names, new or waiting to be named. */
  childOf(parent: Tracee, tid: number, byClone: boolean): Tracee {
    const known = this.tracees.get(tid);
    if (known !== undefined) return known;
    const unnamed = this.#unnamed.get(tid);
    const isThread =
      byClone && (unnamed?.pid === parent.pid || (unnamed === undefined && this.#isThread(parent.pid, tid)));
    const tracee = this.add(tid, isThread ? parent.pid : tid, 'starting', this.policyOf(parent.pid), false);
    if (unnamed !== undefined) {
      this.#unnamed.delete(tid);
      // After the parent's stop, which is being made just now, has been told.
      tracee.receiveLater(unnamed.statuses);
    }
    return tracee;
  }

  #isThread(pid: number, tid: number): boolean {
    // Gone already: a clone is a thread more often than not.
    return existsSync(`/proc/${pid}/task/${tid}`) || !existsSync(`/proc/${tid}`);
  }

  /** A tid that nobody registered. Whether it is kin of a process traced here. */
  isKin(tgid: number, ppid: number): boolean {
    return this.#groups.has(tgid) || this.#groups.has(ppid);
  }

  /** Keeps a stranger until its parent's event names it. */
  adopt(tid: number, pid: number): StatusSink {
    const unnamed = new UnnamedTracee(tid, pid);
    this.#unnamed.set(tid, unnamed);
    this.hub.add(unnamed, pid, 0);
    this.#awaitNaming();
    return unnamed;
  }

  #awaitNaming(): void {
    this.#namingTimer ??= setTimeout(() => {
      this.#namingTimer = undefined;
      this.#releaseUnnamed(false);
      if (this.#unnamed.size > 0) this.#awaitNaming();
    }, scaledMillis(NAMING_CHECK_MILLIS));
  }

  /**
   * Whether the event that names it can still come: its parent is on its way to that stop for as long as it runs. On a busy machine that
   * may be long after the child has stopped.
   */
  #mayBeNamed(unnamed: UnnamedTracee): boolean {
    const age = performance.now() - unnamed.since;
    if (age < scaledMillis(NAMING_CHECK_MILLIS)) return true;
    if (age > scaledMillis(NAMING_MILLIS)) return false;
    const parent = procStatus(unnamed.tid)?.ppid ?? 0;
    const kin = [...this.threadsOf(unnamed.pid), ...this.threadsOf(parent)];
    // CLONE_PARENT: anyone's.
    return (kin.length > 0 ? kin : [...this.tracees.values()]).some(
      ({ tid, state }) => state === 'running' && procState(tid) === 'R',
    );
  }

  /** Nobody named them: their parent was killed before its event, or the clone asked for a tracer without an event. */
  #releaseUnnamed(all: boolean): void {
    // Only who has come before the look is asked about.
    const old = [...this.#unnamed].filter(([, unnamed]) => all || !this.#mayBeNamed(unnamed));
    this.hub.drain();
    for (const [, unnamed] of old) this.#release(unnamed);
  }

  #release(unnamed: UnnamedTracee): void {
    const { tid, pid } = unnamed;
    if (!this.#unnamed.delete(tid)) return;
    const parent = procStatus(tid)?.ppid ?? 0;
    const policy = this.policyOf(this.#groups.has(pid) ? pid : parent);
    const tracee = this.add(tid, pid, 'starting', policy, false);
    for (const status of unnamed.statuses) tracee.receive(status);
  }

  /** Everything that was consumed of the threads of a process is told: their leader has ended, which nobody of them outlives. */
  #tellAllOf(pid: number): void {
    for (const unnamed of [...this.#unnamed.values()]) if (unnamed.pid === pid) this.#release(unnamed);
    for (const member of this.threadsOf(pid)) member.receiveNow();
  }

  // --- ends

  /** A status that ends a tracee was consumed. */
  ended(tracee: Tracee, status: number): void {
    this.hub.remove(tracee.tid);
    const group = this.#groups.get(tracee.pid);
    if (tracee.isLeader) {
      this.#tellAllOf(tracee.pid);
      // Its end comes after those of its threads. Is there still one, it executed and died under this id before the event of that was seen.
      const executing = this.#lastOf(tracee.pid, tracee);
      if (executing !== undefined) {
        this.#settleHeld(tracee.pid, 'exec');
        this.hub.remove(executing.tid);
        this.#finish(tracee, 0, 'exec');
        this.tracees.delete(executing.tid);
        executing.takeTid(tracee.pid);
        this.#finish(executing, status, 'exit');
        return;
      }
    }
    if (group === undefined || tracee.isLeader || (status & 0xffff) !== 0 || group.members.size === 1) {
      this.#settleHeld(tracee.pid, 'exit');
      this.#finish(tracee, status, 'exit');
      return;
    }
    group.heldEnds.push({ tracee, status });
    this.#considerHeld(tracee.pid, group, false);
  }

  #considerHeld(pid: number, group: Group, settled: boolean): void {
    const held = new Set(group.heldEnds.map((end) => end.tracee));
    group.suspicion ??= new ExecSuspicion();
    if (
      group.suspicion.judge(
        [...group.members].filter((member) => !held.has(member)),
        settled,
      ) === 'no'
    ) {
      this.#settleHeld(pid, 'exit');
      return;
    }
    group.timer ??= setTimeout(
      () => {
        group.timer = undefined;
        group.checks++;
        // What stopped or ended meanwhile says more than /proc does.
        this.hub.drain();
        if (group.heldEnds.length > 0) this.#considerHeld(pid, group, true);
      },
      Math.min(2 ** Math.floor(group.checks / 4), MOST_CHECK_MILLIS),
    );
  }

  #settleHeld(pid: number, cause: 'exit' | 'exec'): void {
    const group = this.#groups.get(pid);
    if (group === undefined) return;
    clearTimeout(group.timer);
    group.timer = undefined;
    group.checks = 0;
    group.suspicion = undefined;
    const held = group.heldEnds;
    group.heldEnds = [];
    for (const { tracee, status } of held) this.#finish(tracee, status, cause);
  }

  /** The kernel has released a leader without a status: a thread that is not traced executed a program. */
  released(tracee: Tracee): void {
    this.hub.remove(tracee.tid);
    this.#settleHeld(tracee.pid, 'exec');
    this.#finish(tracee, 0, 'exec');
  }

  #finish(tracee: Tracee, status: number, cause: 'exit' | 'exec'): void {
    this.#forget(tracee);
    if (tracee.isOwnChild && tracee.isLeader && cause === 'exit') binding().forgetChild(tracee.pid);
    tracee.finish(status, cause);
    this.#releaseTakersIfDone();
  }

  #forget(tracee: Tracee): void {
    if (this.tracees.get(tracee.tid) === tracee) this.tracees.delete(tracee.tid);
    this.colocation?.removed(tracee);
    const group = this.#groups.get(tracee.pid);
    if (group === undefined) return;
    group.members.delete(tracee);
    if (group.members.size === 0) {
      clearTimeout(group.timer);
      this.#groups.delete(tracee.pid);
    }
  }

  #releaseTakersIfDone(): void {
    if (this.tracees.size > 0 || this.#unnamed.size > 0 || this.#queue.size > 0) return;
    const takers = this.#takers;
    this.#takers = [];
    for (const taker of takers) {
      this.end(taker.referenced);
      taker.resolve(undefined);
    }
  }

  /** A tracee was detached. A child of ours stays ours to reap, and so does the zombie of a leader, which cannot be detached. */
  detached(tracee: Tracee, zombie = false): void {
    this.#queue.take(tracee);
    this.hub.remove(tracee.tid);
    this.#forget(tracee);
    if (zombie || (tracee.isOwnChild && tracee.isLeader)) {
      const pid = tracee.pid;
      this.hub.addChild(pid, (status) => {
        binding().forgetChild(pid);
        if (status === undefined) tracee.endLost();
        else tracee.finishDetached(status);
      });
    }
    this.#releaseTakersIfDone();
  }

  // --- exec

  /**
   * EVENT_EXEC came in for `named`, the tracee registered under the process's id. The thread that executed may be another one, whose tid is
   * no more: that tracee takes the process's id, and the old leader, which the kernel ends without a word, is told to have ended.
   */
  executed(named: Tracee, status: number): void {
    const tid = named.tid;
    const former = named.eventMessage(PTRACE_EVENT.EXEC) ?? this.#lastOf(tid, named)?.tid ?? tid;
    this.#settleHeld(named.pid, 'exec');
    const executing = former === tid ? named : (this.tracees.get(former) ?? named);
    if (executing !== named) {
      const group = this.#groups.get(tid);
      this.hub.remove(tid);
      this.hub.remove(former);
      this.tracees.delete(former);
      this.#finish(named, 0, 'exec');
      executing.takeTid(tid);
      this.tracees.set(tid, executing);
      if (group !== undefined) {
        group.members.add(executing);
        this.#groups.set(tid, group);
      }
      const flags = (this.policyOf(tid) === 'kill' ? KILL_AT_END : 0) | (named.isOwnChild ? OWN_CHILD : 0);
      this.hub.add(executing, tid, flags);
      if (named.isOwnChild) executing.becomeOwnChild();
    }
    executing.receiveExec(status, former);
  }

  /**
   * Who executed, when SIGKILL has taken the message of the event away: all other threads of the process were reaped before it.
   */
  #lastOf(pid: number, leader?: Tracee): Tracee | undefined {
    const group = this.#groups.get(pid);
    const held = new Set(group?.heldEnds.map((end) => end.tracee));
    return [...(group?.members ?? [])].find((member) => member !== leader && !held.has(member));
  }

  /** The same when the leader was not traced: the executing thread turns up under an id that nobody knows. */
  executedUnseen(tid: number, status: number): void {
    const told = this.layer.ptraceBuffer(PTRACE.GETEVENTMSG, tid, 0, word) < 0 ? 0 : Number(word[0]);
    const former = this.tracees.has(told) ? told : (this.#lastOf(tid)?.tid ?? told);
    this.#settleHeld(tid, 'exec');
    const executing = this.tracees.get(former);
    if (executing === undefined) {
      this.add(tid, tid, 'running', this.policyOf(tid), false).receiveExec(status, former);
      return;
    }
    this.hub.remove(former);
    this.tracees.delete(former);
    executing.takeTid(tid);
    this.tracees.set(tid, executing);
    this.hub.add(executing, tid, this.policyOf(tid) === 'kill' ? KILL_AT_END : 0);
    executing.receiveExec(status, former);
  }

  /** AUDIT_ARCH of an ABI. */
  auditArch(abi: Abi): number {
    switch (abi) {
      case 'x86_64':
      case 'x32':
        return AUDIT_ARCH.X86_64;
      case 'i386':
        return AUDIT_ARCH.I386;
      case 'aarch64':
        return AUDIT_ARCH.AARCH64;
      case 'arm':
        return AUDIT_ARCH.ARM;
    }
  }

  /** Everyone who waits is told that nothing will come. Tracees are still kept, to be ended. */
  dispose(error: Error): void {
    for (const tracee of this.tracees.values()) tracee.giveUp(error);
    for (const taker of this.#promised.splice(0)) taker.resolve(undefined);
    for (const taker of this.#takers.splice(0)) {
      this.end(taker.referenced);
      taker.resolve(undefined);
    }
  }

  /** Whether anything is traced, also what has not been named yet. */
  get isEmpty(): boolean {
    return this.tracees.size === 0 && this.#unnamed.size === 0;
  }

  /** Those whose parents have not named them are taken for what they are, at once. */
  nameAll(): void {
    clearTimeout(this.#namingTimer);
    this.#namingTimer = undefined;
    this.#releaseUnnamed(true);
  }

  /** Nothing is traced any more, and nothing will be. */
  retire(): void {
    coresOf(this.hub).delete(this);
    clearTimeout(this.#namingTimer);
    this.colocation?.undo();
  }

  /** Changes whether waits keep the event loop alive, those under way included. */
  setReferenced(on: boolean): void {
    if (this.referenced === on) return;
    this.referenced = on;
    for (const taker of this.#takers) {
      this.hub.end(taker.referenced);
      taker.referenced = this.begin(0);
    }
    for (const tracee of this.tracees.values()) tracee.rereference();
  }
}

const cores = new WeakMap<WaitHub, Set<TracerCore>>();

function coresOf(hub: WaitHub): Set<TracerCore> {
  let set = cores.get(hub);
  if (set === undefined) {
    const all = new Set<TracerCore>();
    set = all;
    cores.set(hub, set);
    hub.onStranger((tid, status) => decideStranger(all, hub, tid, status));
  }
  return set;
}

/**
 * A tid that this thread traces and nobody registered. It is a new tracee of ours when it is kin of one of our processes; a child of a process
 * that somebody else of this thread traces (through raw/) is not.
 */
function decideStranger(
  all: ReadonlySet<TracerCore>,
  hub: WaitHub,
  tid: number,
  status: number,
): StatusSink | undefined {
  const proc = procStatus(tid);
  if (proc?.tracerPid !== binding().gettid()) return undefined;
  // An exec gave an untraced leader's id to a traced thread.
  const executed = status >>> 16 === PTRACE_EVENT.EXEC;
  for (const core of all) {
    if (core.isKin(proc.tgid, proc.ppid)) return executed ? adoptExecuted(core, hub, tid) : core.adopt(tid, proc.tgid);
  }
  // A child of this very process that said PTRACE_TRACEME: whoever made it waits for it.
  if (proc.ppid === process.pid) return undefined;
  // Its parent is gone. When nobody but tracers traces in this thread, it can only be ours.
  if (rawAttached().size > 0) return undefined;
  const [core] = [...all].filter((candidate) => candidate.tracees.size > 0);
  return core?.adopt(tid, proc.tgid);
}

function adoptExecuted(core: TracerCore, hub: WaitHub, tid: number): StatusSink {
  const stand: StatusSink = {
    tid,
    receive: (status) => {
      hub.remove(tid);
      core.executedUnseen(tid, status);
    },
  };
  hub.add(stand, tid, 0);
  return stand;
}
