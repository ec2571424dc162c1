/**
 * How far a run has come, on the standard error: one line that changes on a terminal, elsewhere a line now and then. LINUX_PTRACE_PROGRESS says
 * how many seconds lie between two such lines.
 */
import { columnsOf } from './columns.js';

const REDRAW_MILLIS = 100;
const SAY_SECONDS = 30;
const CLEAR = '\r\u001b[K';

interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export class Progress {
  readonly #total: number;
  readonly #stream: Stream;
  readonly #begin = performance.now();
  #last = performance.now();
  readonly #pause: number;
  #done = 0;
  #failed = 0;
  #drawn = false;

  constructor(total: number, stream: Stream = process.stderr) {
    this.#total = total;
    this.#stream = stream;
    const seconds = Number(process.env['LINUX_PTRACE_PROGRESS'] ?? SAY_SECONDS);
    this.#pause = stream.isTTY === true ? REDRAW_MILLIS : (seconds > 0 ? seconds : SAY_SECONDS) * 1000;
  }

  /** One more is done. */
  tick(id: string, failed: boolean): void {
    this.#done++;
    if (failed) this.#failed++;
    const now = performance.now();
    if (now - this.#last < this.#pause) return;
    this.#last = now;
    if (this.#stream.isTTY !== true) {
      this.#stream.write(`${this.#text(now)}\n`);
      return;
    }
    const line = `${this.#text(now)}  ${id}`.slice(0, columnsOf(this.#stream) - 1);
    this.#stream.write(`${CLEAR}${line}`);
    this.#drawn = true;
  }

  #text(now: number): string {
    const failed = this.#failed === 0 ? '' : `, ${this.#failed} failed`;
    return `${this.#done} of ${this.#total} played${failed}, ${((now - this.#begin) / 1000).toFixed(0)} s`;
  }

  /** Takes the line away. */
  end(): void {
    if (this.#drawn) this.#stream.write(CLEAR);
    this.#drawn = false;
  }
}
