/**
 * Children that have stopped before an event of their parent has named them: they wait for that. The event may never come; SIGKILL takes it away, and a clone
 * may ask for a tracer without an event (CLONE_PTRACE).
 */
import { binding } from '../binding.js';
import { procChildren, procState, procStatus, procTasks } from '../proc.js';
import { scaledMillis } from '../time-scale.js';
import type { CloneReport } from './callbacks.js';

/** A child that nobody has named is looked at so often, and waits so long at most. */
const NAMING_CHECK_MILLIS = 20;
const NAMING_MILLIS = 1000;

type Thread = CloneReport['child'];

/** What is to be known of the other threads. */
export interface Kin {
  /** All that are traced, by tid. */
  readonly threads: ReadonlyMap<number, Thread>;
  /** Takes what the kernel has to report, events that name children among it. */
  drain(): void;
}

export class UnnamedChildren {
  readonly #kin: Kin;
  /** Since when they wait. */
  readonly #since = new Map<Thread, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(kin: Kin) {
    this.#kin = kin;
  }

  /** A child has stopped that nobody has named. It is released if nobody does in time. */
  add(thread: Thread): void {
    this.#since.set(thread, performance.now());
    this.#awaitNaming();
  }

  /** It was named, or is gone. */
  delete(thread: Thread): void {
    this.#since.delete(thread);
  }

  /** Nothing is traced any more. */
  rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /**
   * The tids of children of a thread that was killed inside a clone which no event has named. They may not have stopped yet. With several threads of the process dying at once, the first of them is told.
   */
  orphansOf(parent: Thread): number[] {
    const tids = new Set([...(procTasks(parent.pid) ?? []), ...(procChildren(parent.pid, parent.tid) ?? [])]);
    for (const thread of this.#since.keys()) {
      if (thread.pid === parent.pid || procStatus(thread.tid)?.ppid === parent.pid) tids.add(thread.tid);
    }
    return [...tids].filter((tid) => {
      const known = this.#kin.threads.get(tid);
      if (known !== undefined && !this.#since.has(known)) return false;
      return procStatus(tid)?.tracerPid === binding().gettid();
    });
  }

  #awaitNaming(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#releaseOld();
      if (this.#since.size > 0) this.#awaitNaming();
    }, scaledMillis(NAMING_CHECK_MILLIS));
  }

  /** Nobody has named them, and nobody will. */
  #releaseOld(): void {
    const old = [...this.#since].filter(([thread, since]) => !this.#mayBeNamed(thread, since));
    this.#kin.drain();
    for (const [thread] of old) if (this.#since.delete(thread)) thread.release();
  }

  /** Whether the event that names it can still come: its parent is on its way to that stop for as long as it runs, or stands in it. */
  #mayBeNamed(thread: Thread, since: number): boolean {
    const age = performance.now() - since;
    if (age < scaledMillis(NAMING_CHECK_MILLIS)) return true;
    if (age > scaledMillis(NAMING_MILLIS)) return false;
    const parent = procStatus(thread.tid)?.ppid ?? 0;
    const kin = [...this.#kin.threads.values()].filter(
      (each) => each !== thread && (each.pid === thread.pid || each.pid === parent),
    );
    return kin.some(({ tid }) => procState(tid) === 'R');
  }
}
