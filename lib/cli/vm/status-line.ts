/** What is being done, on the standard error: one line that changes on a terminal, elsewhere a line for each. */
import { columnsOf } from '../columns.js';

const CLEAR = '\r\u001b[K';

interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export class StatusLine {
  readonly #stream: Stream;
  #drawn = false;

  constructor(stream: Stream = process.stderr) {
    this.#stream = stream;
  }

  say(words: string): void {
    if (this.#stream.isTTY === true) {
      this.#stream.write(`${CLEAR}${words.slice(0, columnsOf(this.#stream) - 1)}`);
      this.#drawn = true;
    } else this.#stream.write(`${words}\n`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#drawn) this.#stream.write(CLEAR);
    this.#drawn = false;
  }
}
