/**
 * A virtual ptrace: any number of clients, each with tracees, options, stops and waits of its own, on the same threads, and none knows of the others.
 *
 * Every client is an engine on each of its tracees, one among others: loggers, debuggers and clients share a thread by utrace's rules. The kernel has one
 * tracer, this JavaScript thread. {@link VirtualPtrace.client} makes a client; it is a {@link KernelLayer}, so everything above raw/ works on it.
 *
 * Where a virtual ptrace cannot be what the kernel's is (seed of a discussion of 2009, "utrace_ptrace && task->ptrace"):
 * - **TracerPid** in /proc is the real tracer, for every client and all of them.
 * - **An execve of a set-user-ID program** is judged by the kernel for the real tracer's capabilities, not for a client's.
 * - **Waits.** The tracer's process is often the real parent, too. What a client has attached it hears of as a tracer; of a child that only others have attached
 *   it hears the end, as its parent. The zombie is reaped when all that are attached have waited.
 */
import { ERRNO } from '../../kernel/errno.js';
import { PTRACE_EVENT } from '../../kernel/events.js';
import { PTRACE } from '../../kernel/requests.js';
import { syscallName } from '../../kernel/syscalls.js';
import { P_PID, W } from '../../kernel/wait-flags.js';
import { encodeWaitStatus, waitStatusFromSiginfo } from '../../kernel/wait-status.js';
import { isPtraceError } from '../../errors.js';
import { procState, procStatus } from '../../proc.js';
import { forgetAttached } from '../../raw/attached.js';
import { binding } from '../../binding.js';
import { CLONE } from '../../raw/child.js';
import { kernelLayer, type KernelLayer, withKernelLayer } from '../../raw/kernel-layer.js';
import { scaledMillis } from '../../time-scale.js';
import { UTRACE } from '../actions.js';
import { Engines } from '../engines.js';
import { ATTACH } from '../seat.js';
import type { EngineThread } from '../thread.js';
import type { Answer, Fault } from '../callbacks.js';
import { Attachment, type AttachmentInit } from './attachment.js';
import { Breakpoints } from './breakpoints.js';
import { Client } from './client.js';
import { ClientEngine } from './client-engine.js';
import { CLIENT_OPS } from './engine-ops.js';
import { Ground } from './ground.js';
import { nap } from '../nap.js';
import { eventOf } from './stops.js';
import { Ticket } from './ticket.js';
import { KERNEL_OPTIONS, VirtualThread } from './virtual-thread.js';

/** How long a look waits for threads to come to rest that went on without a client's doing. */
const REST_MILLIS = 30;
const SPIN_MILLIS = 0.3;
/** The states of /proc in which a thread has nothing left to do. */
const AT_REST = 'SZTXI';

export interface VirtualPtraceOptions {
  /** Told of what engines do that they must not. */
  readonly onFault?: (fault: Fault) => void;
  /** The kernel beneath. Default: the layer in use. */
  readonly kernel?: KernelLayer;
}

export class VirtualPtrace {
  readonly ground: Ground;
  /** For engines that are no clients. */
  readonly engines: Engines;
  /** Called when the last client of a thread has detached: engines that are there for the clients' sake can go. */
  onDeserted: ((thread: EngineThread) => void) | undefined;
  /** Called when the first client has attached to a thread. */
  onPeopled: ((thread: EngineThread) => void) | undefined;
  /** The thread that a client's request lets go on now. */
  #moving: VirtualThread | undefined;
  readonly #threads = new Map<EngineThread, VirtualThread>();
  /** Threads that were let go on by no client, and may not have come to rest. */
  readonly #restless = new Set<VirtualThread>();
  /** Threads that have left their EVENT_EXIT. */
  readonly #exiting = new Set<VirtualThread>();
  readonly #breakpoints = new Map<number, Breakpoints>();
  readonly #siginfo = new Uint8Array(128);
  readonly #info = new DataView(this.#siginfo.buffer);

  constructor({ onFault, kernel = kernelLayer() }: VirtualPtraceOptions = {}) {
    this.ground = new Ground(kernel, {
      consumed: (tid, status) => this.#byTid(tid)?.stopped(status),
      resuming: (tid, given) => this.#byTid(tid)?.resume(given) ?? given,
      resumed: (tid, done, result) => {
        const thread = this.#byTid(tid);
        if (thread === undefined) return;
        if (this.#moving !== thread) this.#restless.add(thread);
        if (eventOf(thread.status) === PTRACE_EVENT.EXIT) this.#exiting.add(thread);
        thread.resumed(done, result);
      },
      interrupted: (tid) => {
        const thread = this.#byTid(tid);
        if (thread !== undefined) thread.interrupts++;
      },
      options: (tid, options) => options | (this.#byTid(tid)?.extraOptions ?? 0),
    });
    this.engines = withKernelLayer(this.ground.layer, () => new Engines(onFault === undefined ? {} : { onFault }));
  }

  /** Makes another client. */
  client(): Client {
    return new Client(this);
  }

  /** The breakpoints of the clients in the memory of a process. */
  breakpoints(pid: number): Breakpoints {
    let found = this.#breakpoints.get(pid);
    if (found === undefined) {
      found = new Breakpoints(this.ground.kernel);
      this.#breakpoints.set(pid, found);
    }
    return found;
  }

  /** A thread with its clients. */
  of(thread: EngineThread): VirtualThread {
    let found = this.#threads.get(thread);
    if (found === undefined) {
      found = new VirtualThread(this, thread);
      this.#threads.set(thread, found);
    }
    return found;
  }

  #byTid(tid: number): VirtualThread | undefined {
    const thread = this.engines.thread(tid);
    return thread === undefined ? undefined : this.of(thread);
  }

  /** A thread that is traced for anybody, by its tid. */
  find(tid: number): VirtualThread | undefined {
    return this.#byTid(tid);
  }

  /** Whether any client has a thread. */
  isPeopled(thread: EngineThread): boolean {
    return this.of(thread).attachments.length > 0;
  }

  // --- attaching

  /** Attaches a client. Its attachment, or a negative errno. */
  attachTo(client: Client, target: number | EngineThread, init: AttachmentInit): Attachment | number {
    const attachment = new Attachment(client, init);
    const data = new ClientEngine(attachment, init.first === true);
    try {
      const engine = withKernelLayer(this.ground.layer, () =>
        this.engines.attach(target, ATTACH.CREATE, CLIENT_OPS, data, { timeout: 0 }),
      );
      const at = this.of(engine.thread);
      attachment.begin(engine, at);
      at.attachments.push(attachment);
      client.add(attachment);
      if (init.first === true) {
        engine.thread.arbitration.resume = UTRACE.REPORT;
        this.#inherit(at);
      }
      if (at.attachments.length === 1) this.onPeopled?.(engine.thread);
      return attachment;
    } catch (error) {
      if (!isPtraceError(error)) throw error;
      return error.errno === 0 ? -ERRNO.EPERM : -error.errno;
    }
  }

  /** A new process has its parent's breakpoints; the kernel has given it the options of all of its parent's clients. */
  #inherit(at: VirtualThread): void {
    at.optionsDue = true;
    const { isLeader, pid } = at.thread;
    if (!isLeader || this.#breakpoints.has(pid)) return;
    const parents = this.#breakpoints.get(procStatus(pid)?.ppid ?? 0);
    if (parents !== undefined) this.#breakpoints.set(pid, parents.copy());
  }

  /** @internal An attachment has detached. */
  left(attachment: Attachment): void {
    const { at, client } = attachment;
    at.attachments = at.attachments.filter((each) => each !== attachment);
    if ((attachment.options & KERNEL_OPTIONS) !== 0) at.optionsDue = true;
    if (attachment.holds) at.departing.push(attachment);
    client.drop(attachment);
    const { pid } = at.thread;
    if (client.attachments.every((each) => each.at.thread.pid !== pid)) this.#breakpoints.get(pid)?.forget(client);
    if (at.attachments.length === 0) this.onDeserted?.(at.thread);
  }

  /** Runs what lets a thread go on because a client says so. */
  moving<T>(thread: VirtualThread, body: () => T): T {
    const outer = this.#moving;
    this.#moving = thread;
    try {
      return body();
    } finally {
      this.#moving = outer;
    }
  }

  /** Whether the clone that a thread makes has asked for its child to be traced: CLONE_PTRACE. */
  askedForPtrace(at: VirtualThread): boolean {
    const { registers } = at.thread;
    const abi = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
    const name = syscallName(abi, registers.syscallNumber);
    let flags = name === 'clone' ? registers.arg(0) : 0n;
    if (name === 'clone3') {
      const word = new BigUint64Array(1);
      this.ground.kernel.ptraceBuffer(PTRACE.PEEKDATA, at.tid, registers.arg(0), word);
      flags = word[0] ?? 0n;
    }
    return (flags & BigInt(CLONE.PTRACE)) !== 0n;
  }

  // --- ends

  /** @internal A thread has died: every client is told, and the zombie is kept for their waits. */
  died(at: VirtualThread, status: number): Answer {
    this.#exiting.delete(at);
    this.#restless.delete(at);
    if (at.endStatus !== undefined) return undefined;
    if (at.replaced || this.engines.thread(at.tid) !== at.thread) {
      // The execve of another thread has taken its place, without a word to anybody.
      for (const each of [...at.attachments]) each.client.drop(each);
      at.attachments = [];
      return undefined;
    }
    at.endStatus = status;
    for (const each of at.attachments) {
      each.cancel();
      each.push('end', status);
    }
    if (at.attachments.length === 0 || this.endOf(at.tid) === undefined) return undefined;
    at.zombie = new Ticket();
    return at.zombie.answer;
  }

  /** @internal A client has waited for an end. */
  consumedEnd(attachment: Attachment): void {
    const { at } = attachment;
    attachment.client.drop(attachment);
    at.attachments = at.attachments.filter((each) => each !== attachment);
    if (at.attachments.length === 0) this.#bury(at);
  }

  #bury(at: VirtualThread): void {
    const { zombie } = at;
    if (zombie === undefined) return;
    at.zombie = undefined;
    zombie.settle(undefined);
    this.engines.hub.consume(at.tid);
  }

  /** @internal */
  reaped(at: VirtualThread): void {
    if (at.thread.isLeader) this.#breakpoints.delete(at.thread.pid);
    this.#threads.delete(at.thread);
    this.#exiting.delete(at);
    this.#restless.delete(at);
  }

  /** The status word of the end of a task, if it has one that nobody has consumed. */
  endOf(tid: number): number | undefined {
    const result = this.ground.kernel.waitid(
      P_PID,
      tid,
      W.WEXITED | W.WNOHANG | W.WNOWAIT | W.__WALL,
      this.#siginfo,
      null,
    );
    if (result < 0 || this.#info.getInt32(16, true) !== tid) return undefined;
    const code = this.#info.getInt32(8, true);
    if (code < 1 || code > 3) return undefined;
    return encodeWaitStatus(waitStatusFromSiginfo(code, this.#info.getInt32(24, true)));
  }

  // --- the pump

  /**
   * Takes what is there, and makes the passes. Threads that go on for nobody's sake (a stop that no client wants) are given the time to come to rest, as the
   * kernel would have had them rest without that stop.
   */
  pump(): void {
    if (this.engines.current !== undefined) return;
    const begin = performance.now();
    const limit = scaledMillis(REST_MILLIS);
    for (;;) {
      this.#take();
      for (const each of this.#restless) if (this.#rests(each)) this.#restless.delete(each);
      if (this.#restless.size === 0) return;
      const elapsed = performance.now() - begin;
      if (elapsed > limit) {
        this.#restless.clear();
        return;
      }
      nap(elapsed < SPIN_MILLIS ? 0.01 : undefined);
    }
  }

  #rests(at: VirtualThread): boolean {
    if (at.stands) return at.attachments.some(({ isStopped }) => isStopped) || at.thread.isSuspended;
    const state = procState(at.tid);
    if (state === undefined) return true;
    if (state === 'Z' && this.#exiting.has(at)) return at.endStatus !== undefined;
    if (AT_REST.includes(state)) return true;
    return state === 't' && !this.engines.hasReport(at.tid);
  }

  #take(): void {
    const { hub } = this.engines;
    hub.drain();
    for (const at of [...this.#threads.values()]) {
      if (at.zombie !== undefined || at.endStatus !== undefined) continue;
      const standing = at.attachments.find(({ isStopped }) => isStopped)?.stop;
      if (standing !== undefined && at.hasLeft(standing)) at.cancel();
    }
    for (const at of this.#exiting) {
      if (procStatus(at.tid)?.tracerPid !== binding().gettid()) {
        // An execve of a thread that is not traced has taken its place: it is gone without a word.
        this.#exiting.delete(at);
        at.replaced = true;
        at.thread.vanish();
        continue;
      }
      // A zombie that is kept hides those behind it from a look at all.
      const status = this.endOf(at.tid);
      if (status !== undefined && at.thread.ending(status)) hub.consume(at.tid);
    }
  }

  /** Ends it all at once, without a word to the tracees: somebody else ends those. */
  abandon(): void {
    this.ground.close();
    for (const { tid } of this.engines.threads) {
      this.engines.hub.remove(tid);
      forgetAttached(tid);
      binding().untrack(tid);
    }
    this.#threads.clear();
  }
}
