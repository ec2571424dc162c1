/**
 * Leaders that leave before their threads. The kernel tells of a leader's end only after those of its threads, and not at all when one of them that is not
 * traced executes a program; so it is looked at from time to time.
 */
import { binding } from '../binding.js';
import { procStatus, procTasks } from '../proc.js';
import { scaledMillis } from '../time-scale.js';

/** So often is a leader on its way out looked at, at first and at last. */
const LEAVING_MILLIS = 20;
const MOST_LEAVING_MILLIS = 2000;

/** A leader, as far as this has to do with it. */
export interface Leader {
  readonly tid: number;
  readonly state: 'running' | 'stopped' | 'ended';
  /** It has been released by the kernel without a word. */
  vanish(): void;
  /** It is a zombie that waits for its threads. */
  leaveBehind(): void;
}

export class LeavingLeaders<L extends Leader> {
  readonly #drain: () => void;
  readonly #leaders = new Set<L>();
  #timer: NodeJS.Timeout | undefined;
  #millis = LEAVING_MILLIS;

  /** @param drain takes what the kernel has to report */
  constructor(drain: () => void) {
    this.#drain = drain;
  }

  /** A leader leaves, or an interrupt did not find it. */
  add(leader: L): void {
    this.#leaders.add(leader);
    this.#millis = LEAVING_MILLIS;
    this.#lookLater();
  }

  has(leader: L): boolean {
    return this.#leaders.has(leader);
  }

  /** It is gone. */
  delete(leader: L): void {
    this.#leaders.delete(leader);
  }

  /** Nothing is traced any more. */
  rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #lookLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#drain();
      for (const leader of [...this.#leaders]) this.#look(leader);
      this.#millis = Math.min(2 * this.#millis, MOST_LEAVING_MILLIS);
      if (this.#leaders.size > 0) this.#lookLater();
    }, scaledMillis(this.#millis)).unref();
  }

  #look(leader: L): void {
    const { tid } = leader;
    const status = procStatus(tid);
    if (leader.state !== 'running') return;
    if (status?.tracerPid !== binding().gettid()) leader.vanish();
    else if (status.state === 'Z' && (procTasks(tid)?.length ?? 0) > 1) leader.leaveBehind();
  }
}
