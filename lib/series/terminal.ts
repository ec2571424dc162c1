/** Whoever sits at the terminal while a program runs: sends signals from outside, looks at states, ends what would run for ever. */
import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { procState } from '../proc.js';
import { scaledMillis } from '../time-scale.js';
import { deferred } from './deferred.js';
import { beat, pausesOf } from './nap.js';
import { Rest } from './rest.js';

export interface Tracee {
  readonly pid: number;
  /** How long its naps are, in milliseconds; 0 when it takes none. */
  readonly naps: number;
}

/** What the runner gives its terminal. */
export interface TerminalLine {
  readonly transcript: number;
  readonly beatWrite: number;
  readonly pace: number;
  readonly tracee: Promise<Tracee>;
  readonly motherEnd: Promise<unknown>;
  /** Aborted when the program is over, or out of time. */
  readonly closed: AbortSignal;
}

const STATES: Readonly<Record<string, string>> = {
  R: 'R (running)',
  S: 'S (sleeping)',
  D: 'D (disk sleep)',
  T: 'T (stopped)',
  t: 't (tracing stop)',
  Z: 'Z (zombie)',
};

/** The state of a process or thread as /proc/PID/status has it. */
export function stateOf(tid: number): string {
  const state = procState(tid);
  return state === undefined ? 'gone' : (STATES[state] ?? state);
}

export class Terminal {
  readonly #line: TerminalLine;

  constructor(line: TerminalLine) {
    this.#line = line;
  }

  /** The pid of the tracee, as soon as there is one. */
  async tracee(): Promise<number> {
    return (await this.#open(this.#line.tracee)).pid;
  }

  /** Waits until the mother has ended. */
  async motherEnds(): Promise<void> {
    await this.#open(this.#line.motherEnd);
  }

  /** A nap, in time with the tracee, that ends when the tracee rests. */
  async nanosleep(milliseconds: number): Promise<void> {
    const { pid, naps } = await this.#open(this.#line.tracee);
    for (const pause of pausesOf(milliseconds, naps > 0 ? naps : undefined)) {
      await this.#open(delay(pause.milliseconds * this.#line.pace, undefined, { signal: this.#line.closed }));
      const rest = new Rest();
      if (naps > 0) await this.until(() => rest.look([pid]));
      if (pause.beatAfter) beat(this.#line.beatWrite);
    }
  }

  /** Waits until something is so, for 5 seconds. Whether it is. */
  async until(check: () => boolean): Promise<boolean> {
    const end = performance.now() + scaledMillis(5000);
    while (!check()) {
      if (performance.now() > end) return false;
      await this.#open(delay(1, undefined, { signal: this.#line.closed }));
    }
    return true;
  }

  /** One write(2) into the transcript. */
  printf(text: string): void {
    this.#line.closed.throwIfAborted();
    writeSync(this.#line.transcript, text);
  }

  /** What is waited for, unless the program is over before. */
  async #open<T>(promise: Promise<T>): Promise<T> {
    const { closed } = this.#line;
    closed.throwIfAborted();
    const over = deferred<never>();
    const end = (): void => {
      over.reject(closed.reason as Error);
    };
    closed.addEventListener('abort', end, { once: true });
    try {
      return await Promise.race([promise, over.promise]);
    } finally {
      closed.removeEventListener('abort', end);
    }
  }
}
