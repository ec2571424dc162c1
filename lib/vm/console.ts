/** What a machine says on its serial console, line by line. */
import { MARK } from './guest-init.js';

/** Firmware and terminals put these between the words. */

const CONTROLS = /\u001b\[[0-9;?]*[A-Za-z]|\u001bc|\r/g;
/** A part of a result that comes over the console. */
const BASE64 = /^[A-Za-z0-9+/]{76}$|^[A-Za-z0-9+/]{1,76}={0,2}$/;
const MOST_LINES = 20_000;

/** Lines that the guest's init says to the runner. */
export type Said =
  | { readonly what: 'up'; readonly release: string }
  | { readonly what: 'lacks'; readonly option: string }
  | { readonly what: 'refused'; readonly name: string }
  | { readonly what: 'done' }
  | { readonly what: 'full' }
  | { readonly what: 'result'; readonly by: 'disk' | 'console'; readonly size: number; readonly hash: string };

function understood(words: string): Said | undefined {
  const [what, ...rest] = words.split(' ');
  const [first = '', second = '', third = ''] = rest;
  switch (what) {
    case 'up':
      return { what, release: first };
    case 'lacks':
      return { what, option: first };
    case 'refused':
      return { what, name: first };
    case 'done':
    case 'full':
      return { what };
    case 'result':
      if ((first === 'disk' || first === 'console') && /^\d+$/.test(second) && /^[0-9a-f]{64}$/.test(third)) {
        return { what, by: first, size: Number(second), hash: third };
      }
      return undefined;
    default:
      return undefined;
  }
}

/** Cuts a stream into lines and understands those of the guest's init. */
export class ConsoleReader {
  /** The last lines that were no part of a result. */
  readonly lines: string[] = [];
  /** What the base64 lines after 'done' hold. */
  readonly data: string[] = [];
  readonly #said: (said: Said) => void;
  readonly #line: ((line: string) => void) | undefined;
  #rest = '';
  #up = false;
  #done = false;

  /**
   * @param said hears what the guest's init says
   * @param line hears each other line between 'up' and 'done': the standard error of the command
   */
  constructor(said: (said: Said) => void, line?: (line: string) => void) {
    this.#said = said;
    this.#line = line;
  }

  feed(text: string): void {
    const pieces = `${this.#rest}${text}`.split('\n');
    this.#rest = pieces.pop() ?? '';
    for (const piece of pieces) this.#take(piece.replace(CONTROLS, ''));
  }

  /** The last line, which may have no end. */
  close(): void {
    if (this.#rest !== '') this.#take(this.#rest.replace(CONTROLS, ''));
    this.#rest = '';
  }

  #take(line: string): void {
    // The firmware's last words may stand before the first of the kernel.
    const at = line.indexOf(`${MARK} `);
    const said = at < 0 ? undefined : understood(line.slice(at + MARK.length + 1).trim());
    if (said === undefined && this.#done && BASE64.test(line)) {
      this.data.push(line);
      return;
    }
    this.lines.push(line);
    if (this.lines.length > MOST_LINES) this.lines.splice(0, MOST_LINES / 2);
    if (said === undefined) {
      if (this.#up && !this.#done) this.#line?.(line);
      return;
    }
    if (said.what === 'up') this.#up = true;
    if (said.what === 'done') this.#done = true;
    this.#said(said);
  }
}
