/**
 * The one wait of a thread: every status of every tracee of this thread comes in through here.
 *
 * The kernel lets only the attaching thread trace, and lets a wait consume what belongs to others (children that Node started, the tracees of
 * another Worker). So one object a thread waits, for all tracers of the thread, and consumes nothing that it does not know.
 *
 * **Hot.** Who awaits a stop schedules a pump in the microtask queue. The pump looks, giving the CPU away between looks, for at most
 * {@link POLL_MICROS}: one tracee by id, several by a look at everything. A stop found so costs what it costs a C program. All that is
 * pending is consumed before the first status is dispatched, so that no tracee starves another.
 *
 * **Asleep.** A pump that finds nothing arms the thread's doorbell (SIGCHLD), looks once more, which closes the race, and lets go. Polling
 * is switched off while it keeps missing. Rings that are for somebody else, another Worker's storm, are answered by disarming and looking at
 * intervals until it is quiet again.
 *
 * **Fair.** Stops that come without end would keep the microtask queue busy for ever; after {@link SLICE_MILLIS} the pump goes through the
 * event loop, where timers and I/O have their turn.
 *
 * At rest nothing runs: no thread, no timer, no armed doorbell.
 */
import { PTRACE_EVENT } from '../kernel/events.js';
import { CLD, P_PID, W } from '../kernel/wait-flags.js';
import { encodeWaitStatus, waitStatusFromSiginfo } from '../kernel/wait-status.js';
import { binding } from '../binding.js';
import { ERRNO } from '../kernel/errno.js';
import { procStatus } from '../proc.js';
import { listen, type Listener } from '../raw/doorbell.js';
import { kernelLayer, type KernelLayer } from '../raw/kernel-layer.js';
import { endWithNode } from './end-with-node.js';

/** How long a look may last before the thread goes to sleep. Longer than a stop on the same CPU takes, shorter than anyone notices. */
const POLL_MICROS = 50;
/** How long stops may be handled without a turn of the event loop. */
const SLICE_MILLIS = 2;
/** So many statuses are dispatched between two readings of the clock. */
const STATUSES_PER_CLOCK = 4;
/** After so many polls in vain polling is off ... */
const MISSES_TO_STOP_POLLING = 4;
/** ... but for one in so many, and until a ring comes so soon that a poll would have seen it. */
const MISSES_TO_RETRY_POLLING = 32;
const SOON_MILLIS = 0.08;
/** So many rings in a row for nothing mean that somebody else is storming. */
const EMPTY_RINGS = 8;
const COARSE_MILLIS = 5;
/** So many looks at intervals until the doorbell is tried again. */
const COARSE_LOOKS = 20;
/** offsetof(siginfo_t, si_pid) and si_status of a SIGCHLD */
const SI_PID = 16;
const SI_STATUS = 24;
/** Pairs of tid and status in one drain. */
const BATCH = 256;

/** Receives the statuses of one tid, in the kernel's order. */
export interface StatusSink {
  readonly tid: number;
  receive(status: number): void;
  /**
   * Whether the end that a look has found may be consumed now; asked only after {@link WaitHub.expectEnd}. Until it may, the zombie stays, and who said no
   * calls {@link WaitHub.consume}.
   */
  ending?(status: number): boolean;
}

/** Decides about a tid that nobody registered: whose new tracee it is, or undefined when it is foreign and must be left alone. */
export type StrangerHandler = (tid: number, status: number) => StatusSink | undefined;

const isEnd = (status: number): boolean => (status & 0xff) !== 0x7f;
const isExec = (status: number): boolean => status >>> 16 === PTRACE_EVENT.EXEC && (status & 0xff) === 0x7f;

export class WaitHub {
  readonly layer: KernelLayer;
  readonly #out = new Int32Array(2 * BATCH);
  readonly #word = new Int32Array(1);
  readonly #sinks = new Map<number, StatusSink>();
  /** Children of this thread that are traced no more, but are still to be reaped. */
  readonly #children = new Map<number, (status: number | undefined) => void>();
  readonly #siginfo = new Uint8Array(128);
  /** Tids whose ends are looked at before they are consumed. */
  readonly #ending = new Set<number>();
  readonly #strangers: StrangerHandler[] = [];
  #idle: (() => void) | undefined;

  #listener: Listener | undefined;
  #waits = 0;
  #referenced = 0;
  /** The one tid that is waited for, or 0: look at everything. */
  #only = 0;
  /** Who has registered a tid, of all hubs on the same kernel: a drain takes what is there for all of them. */
  readonly #hubs: Map<number, WaitHub>;

  #scheduled = false;
  #asleep = false;
  #sleptAt = 0;
  #misses = 0;
  #emptyRings = 0;
  #coarse: NodeJS.Timeout | undefined;
  #coarseLooks = 0;
  #turn: NodeJS.Immediate | undefined;
  /** Statuses dispatched since the clock was read, and the time at which the slice began: 0 when that is now. */
  #dispatched = 0;
  #sliceStart = 0;
  /** How many statuses that were consumed are still to be dispatched behind the one under way, and what waits for that. */
  #behind = 0;
  #afterThese: (() => void)[] = [];

  constructor(layer: KernelLayer) {
    this.layer = layer;
    this.#hubs = hubsOf(layer);
    endWithNode();
  }

  /** Adds one who decides about tids that nobody registered. The first who wants one gets it. */
  onStranger(handler: StrangerHandler): void {
    this.#strangers.push(handler);
  }

  /**
   * The tid is on its way out: its sink is asked before its end is consumed, so that it can look at the zombie. The addon, which consumes what it
   * tracks, is told no more of it.
   */
  expectEnd(tid: number): void {
    this.#ending.add(tid);
    if (this.#only === tid) this.#only = 0;
    this.layer.untrack(tid);
  }

  /** Consumes and dispatches what one tid has to report. Whether there was anything. */
  consume(tid: number): boolean {
    const sink = this.#sinks.get(tid);
    if (sink === undefined || this.layer.wait4(tid, W.WNOHANG | W.__WALL, this.#word, null) !== tid) return false;
    this.#dispatch(sink, this.#word[0] ?? 0);
    return true;
  }

  /** Sets what runs after a look that found nothing, before the thread sleeps: held-back events are told then. */
  onIdle(handler: () => void): void {
    this.#idle = handler;
  }

  /**
   * Takes the statuses of `sink.tid` for `sink`, and tells the addon what is to become of the tracee when this environment ends.
   *
   * @param flags 1: kill the process at the end; 2: it is our own child
   */
  add(sink: StatusSink, pid: number, flags: number): void {
    this.#sinks.set(sink.tid, sink);
    this.#hubs.set(sink.tid, this);
    this.layer.track(sink.tid, pid, flags);
    this.#listener ??= listen(this.#ring, this.layer);
  }

  /** Gives up a tid: it is traced no more, or its end was received. */
  remove(tid: number): void {
    if (!this.#sinks.delete(tid)) return;
    if (this.#hubs.get(tid) === this) this.#hubs.delete(tid);
    this.#ending.delete(tid);
    this.layer.untrack(tid);
    if (this.#only === tid) this.#only = 0;
    this.#closeIfUnused();
  }

  /** The sink of a tid. */
  get(tid: number): StatusSink | undefined {
    return this.#sinks.get(tid);
  }

  /**
   * Waits by id for the end of a child of ours that is traced no more. Its death always rings. `ended` gets the status word, or undefined
   * when somebody else reaped the child.
   */
  addChild(pid: number, ended: (status: number | undefined) => void): void {
    this.#children.set(pid, ended);
    this.#listener ??= listen(this.#ring, this.layer);
    // It may have died before it was listed.
    queueMicrotask(() => {
      this.#reapChildren();
    });
  }

  /**
   * Somebody waits from now on.
   *
   * @param tid the only tid that is of interest to this wait, or 0
   * @param referenced whether this wait keeps the event loop alive
   */
  begin(tid: number, referenced: boolean): void {
    if (referenced) this.#referenced++;
    if (this.#waits++ === 0) this.#only = this.#ending.has(tid) ? 0 : tid;
    else this.#only = 0;
    if (referenced && this.#referenced === 1) this.#reference();
    this.#schedule();
  }

  /** A wait that began with the same `referenced` is over. */
  end(referenced: boolean): void {
    if (referenced) this.#referenced--;
    this.#waits--;
    if (this.#waits === 0) {
      this.#only = 0;
      if (this.#asleep) this.#takeTurn();
    }
    if (referenced && this.#referenced === 0) this.#reference();
  }

  /** Whether statuses of other tracees have been consumed that were not dispatched yet. */
  get hasMore(): boolean {
    return this.#behind > 0;
  }

  /** Runs something when all that was consumed together with the status under way has been dispatched. */
  afterThese(run: () => void): void {
    this.#afterThese.push(run);
  }

  /** Consumes and dispatches all that is pending now, without waiting for more. */
  drain(): void {
    this.#look(0, false);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(this.#pump);
  }

  readonly #pump = (): void => {
    this.#scheduled = false;
    if (this.#waits === 0) return;
    if (this.#sliceIsOver()) {
      this.#takeTurn();
      return;
    }
    const polls = this.#misses < MISSES_TO_STOP_POLLING || this.#misses % MISSES_TO_RETRY_POLLING === 0;
    if (this.#look(polls ? POLL_MICROS : 0, true)) {
      this.#misses = 0;
      this.#wake();
      // Who received a stop will wait again and so schedule the next pump. For those who wait on, there is the next turn.
      if (this.#waits > 0) this.#takeTurn();
      return;
    }
    this.#misses++;
    this.#sleep();
  };

  #sliceIsOver(): boolean {
    if (this.#sliceStart === 0) {
      this.#dispatched = 0;
      this.#sliceStart = performance.now();
      return false;
    }
    if (this.#dispatched < STATUSES_PER_CLOCK) return false;
    this.#dispatched = 0;
    return performance.now() - this.#sliceStart > SLICE_MILLIS;
  }

  /** Goes on after the event loop has had a turn. */
  #takeTurn(): void {
    if (this.#turn !== undefined) return;
    this.#turn = setImmediate(this.#turned);
    if (this.#referenced === 0) this.#turn.unref();
  }

  readonly #turned = (): void => {
    this.#turn = undefined;
    this.#sliceStart = 0;
    if (this.#waits === 0) this.#wake();
    else this.#schedule();
  };

  #sleep(): void {
    if (!this.#asleep) {
      this.#asleep = true;
      this.#emptyRings = 0;
      this.#listener?.arm();
      // What stopped before the doorbell was armed rang for nobody.
      if (this.#look(0, false)) {
        this.#wake();
        if (this.#waits > 0) this.#takeTurn();
        return;
      }
      this.#sleptAt = performance.now();
    }
    this.#idle?.();
    this.#reference();
  }

  #wake(): void {
    if (!this.#asleep) return;
    this.#asleep = false;
    this.#listener?.disarm();
    this.#endCoarse();
    this.#reference();
  }

  /** Whether anything of ours keeps the event loop alive. */
  #reference(): void {
    const wanted = this.#referenced > 0;
    this.#listener?.reference(wanted && this.#asleep);
    if (wanted) {
      this.#coarse?.ref();
      this.#turn?.ref();
    } else {
      this.#coarse?.unref();
      this.#turn?.unref();
    }
  }

  readonly #ring = (): void => {
    this.#reapChildren();
    if (!this.#asleep) {
      // Nobody waits, yet something may have died: it is reaped now, and told to whoever asks later.
      if (this.#waits === 0) this.#look(0, false);
      return;
    }
    this.#sliceStart = 0;
    if (this.#look(0, false)) {
      this.#emptyRings = 0;
      const now = performance.now();
      if (now - this.#sleptAt < SOON_MILLIS) this.#misses = 0;
      this.#sleptAt = now;
    } else if (++this.#emptyRings >= EMPTY_RINGS && this.#coarse === undefined) {
      this.#beginCoarse();
    }
  };

  /** Somebody else's stops ring here. While this thread is disarmed they may not ring at all, so it looks at intervals for a while. */
  #beginCoarse(): void {
    this.#listener?.disarm();
    this.#coarseLooks = 0;
    this.#coarse = setInterval(() => {
      this.#look(0, false);
      if (++this.#coarseLooks < COARSE_LOOKS) return;
      this.#endCoarse();
      if (!this.#asleep) return;
      this.#emptyRings = EMPTY_RINGS / 2;
      this.#listener?.arm();
      this.#look(0, false);
    }, COARSE_MILLIS);
    this.#reference();
  }

  #endCoarse(): void {
    clearInterval(this.#coarse);
    this.#coarse = undefined;
  }

  #reapChildren(): void {
    for (const [pid, ended] of this.#children) {
      // Traced again, in this thread: its end comes with its stops.
      if (this.#sinks.has(pid)) continue;
      const status = this.#endOfChild(pid);
      if (status === 'alive') continue;
      this.#children.delete(pid);
      ended(status);
    }
    this.#closeIfUnused();
  }

  /**
   * The end of a child, if it has come: its status word; undefined when somebody else has reaped it. A wait for a child takes the stops
   * too that it makes for another thread of ours: hence the look first, and a death that another thread is to reap is only read.
   */
  #endOfChild(pid: number): number | 'alive' | undefined {
    const look = this.layer.waitid(P_PID, pid, W.WEXITED | W.WNOHANG | W.WNOWAIT, this.#siginfo, null);
    if (look === -ERRNO.EINTR) return 'alive';
    if (look < 0) return undefined;
    const view = new DataView(this.#siginfo.buffer);
    const code = view.getInt32(8, true);
    const isEnd = code === CLD.EXITED || code === CLD.KILLED || code === CLD.DUMPED;
    if (view.getInt32(SI_PID, true) !== pid || !isEnd) return 'alive';
    if (![0, binding().gettid()].includes(procStatus(pid)?.tracerPid ?? 0)) {
      return encodeWaitStatus(waitStatusFromSiginfo(code, view.getInt32(SI_STATUS, true)));
    }
    return this.layer.wait4(pid, W.WNOHANG | W.__WALL, this.#word, null) === pid ? (this.#word[0] ?? 0) : undefined;
  }

  #closeIfUnused(): void {
    if (this.#sinks.size > 0 || this.#children.size > 0) return;
    this.#asleep = false;
    this.#endCoarse();
    this.#listener?.close();
    this.#listener = undefined;
  }

  /** Consumes what is there and dispatches it. Whether there was anything. */
  #look(micros: number, mayLookAtOne: boolean): boolean {
    const only = this.#only;
    if (mayLookAtOne && only !== 0) {
      const word = this.#word;
      const found = this.layer.pollTracee(only, micros, word);
      if (found === 0) return false;
      if (found > 0) {
        const status = word[0] ?? 0;
        const sink = this.#sinks.get(found);
        if (sink !== undefined && !isExec(status)) {
          this.#dispatch(sink, status);
          return true;
        }
        // An exec ends the other threads of the process, whose ends are to be told first.
        this.#dispatchAll([...this.#drainAll(0), found, status]);
        return true;
      }
    }
    const batch = this.#drainAll(micros);
    if (batch.length === 0) return false;
    this.#dispatchAll(batch);
    return true;
  }

  /** tid, status, tid, status ... of everything pending. */
  #drainAll(micros: number): number[] {
    const batch: number[] = [];
    const out = this.#out;
    let budget = micros;
    for (;;) {
      const count = this.layer.drain(budget, out);
      budget = 0;
      if (count <= 0) return batch;
      const lastTid = out[2 * count - 2] ?? 0;
      const known = lastTid < 0 ? count - 1 : count;
      for (let index = 0; index < 2 * known; index++) batch.push(out[index] ?? 0);
      if (lastTid < 0) {
        if (this.#meetStranger(-lastTid, out[2 * count - 1] ?? 0, batch)) continue;
        // Foreign, and everything behind it is hidden from a look: ask for each of ours by id.
        const byId = this.layer.drainById(out);
        for (let index = 0; index < 2 * byId; index++) batch.push(out[index] ?? 0);
        this.#drainEnding(batch);
        return batch;
      }
      if (count < BATCH) return batch;
    }
  }

  /** Whether the stranger is one of us from now on, with its status consumed. */
  #meetStranger(tid: number, status: number, batch: number[]): boolean {
    // What stops has a tracee behind it: a thread of ours that has executed a program has the id of its leader now.
    if (this.#children.has(tid) && isEnd(status)) {
      // A leader that was given up after it had left its threads, the last of which has ended now.
      this.#reapChildren();
      return !this.#children.has(tid);
    }
    const sink = this.#ending.has(tid) ? this.#sinks.get(tid) : this.#decide(tid, status);
    if (sink === undefined) return false;
    if (isEnd(status) && sink.ending?.(status) === false) return false;
    if (this.layer.wait4(tid, W.WNOHANG | W.__WALL, this.#word, null) === tid) batch.push(tid, this.#word[0] ?? 0);
    return true;
  }

  /** Those that the addon does not know any more, by id. */
  #drainEnding(batch: number[]): void {
    for (const tid of [...this.#ending]) {
      const result = this.layer.waitid(P_PID, tid, W.WEXITED | W.WNOHANG | W.WNOWAIT | W.__WALL, this.#siginfo, null);
      const view = new DataView(this.#siginfo.buffer);
      if (result < 0 || view.getInt32(SI_PID, true) !== tid) continue;
      const end = waitStatusFromSiginfo(view.getInt32(8, true), view.getInt32(SI_STATUS, true));
      this.#meetStranger(tid, encodeWaitStatus(end), batch);
    }
  }

  #decide(tid: number, status: number): StatusSink | undefined {
    for (const decide of this.#strangers) {
      const sink = decide(tid, status);
      if (sink !== undefined) return sink;
    }
    return undefined;
  }

  #dispatchAll(batch: readonly number[]): void {
    const order = endsBeforeExec(batch);
    const outer = this.#behind;
    for (let index = 0; index < order.length; index += 2) {
      const tid = order[index] ?? 0;
      const sink = this.#sinks.get(tid);
      const status = order[index + 1] ?? 0;
      this.#behind = order.length - index - 2;
      if (sink !== undefined) this.#dispatch(sink, status);
      else this.#takeElsewhere(tid, status);
    }
    this.#behind = outer;
    if (outer > 0) return;
    for (const run of this.#afterThese.splice(0)) {
      try {
        run();
      } catch (error) {
        complain(error);
      }
    }
  }

  /** What this hub has consumed may be for a sink of another one. */
  #takeElsewhere(tid: number, status: number): void {
    const hub = this.#hubs.get(tid);
    const sink = hub?.get(tid);
    if (hub === undefined || sink === undefined) return;
    hub.layer.taken?.(tid, status);
    hub.#dispatch(sink, status);
  }

  #dispatch(sink: StatusSink, status: number): void {
    this.#dispatched++;
    const child = isEnd(status) ? this.#children.get(sink.tid) : undefined;
    try {
      if (child !== undefined) {
        this.#children.delete(sink.tid);
        child(status);
      }
      sink.receive(status);
    } catch (error) {
      complain(error);
    }
  }
}

/** What is consumed is consumed: the others must get theirs whatever the receiver of one thinks of it. */
function complain(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** The batch, with the ends of threads in front of an exec event: an exec that ended them is told after them. */
function endsBeforeExec(batch: readonly number[]): readonly number[] {
  let exec = -1;
  for (let index = 0; index < batch.length && exec < 0; index += 2) if (isExec(batch[index + 1] ?? 0)) exec = index;
  if (exec < 0) return batch;
  const before: number[] = [];
  const after: number[] = [];
  for (let index = 0; index < batch.length; index += 2) {
    const tid = batch[index] ?? 0;
    const status = batch[index + 1] ?? 0;
    // A tid with an earlier record keeps its own order.
    const first = !after.some((value, at) => at % 2 === 0 && value === tid);
    (index < exec || (isEnd(status) && first) ? before : after).push(tid, status);
  }
  return [...before, ...after];
}

const hubs = new WeakMap<KernelLayer, WaitHub>();
/** By what registers tids: layers that are put on the same kernel drain the same table. */
const tables = new WeakMap<KernelLayer['track'], Map<number, WaitHub>>();

function hubsOf(layer: KernelLayer): Map<number, WaitHub> {
  let table = tables.get(layer.track);
  if (table === undefined) {
    table = new Map();
    tables.set(layer.track, table);
  }
  return table;
}

/** The hub of this thread on the kernel layer in use. */
export function waitHub(): WaitHub {
  const layer = kernelLayer();
  let hub = hubs.get(layer);
  if (hub === undefined) {
    hub = new WaitHub(layer);
    hubs.set(layer, hub);
  }
  return hub;
}
