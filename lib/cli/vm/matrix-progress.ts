/**
 * How far a matrix has come, on the standard error. A terminal shows below each other what is done, and the machines that run, which change in
 * place; elsewhere there is a line for each step, and for a machine that plays one now and then.
 */
import { countVerdicts, VERDICTS, type Report } from '../../conformance/report/report.js';
import type { MatrixEvent, MatrixOutcome } from '../../vm/matrix.js';
import { columnsOf } from '../columns.js';

const REDRAW_MILLIS = 200;
const SAY_MILLIS = 20_000;
const CLEAR_LINE = '\r\u001b[K';
const UP = '\u001b[A';

interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

interface Machine {
  words: string;
  readonly begin: number;
  said: number;
}

/** `3501 pass, 12 skip`: the verdicts that there are. */
export function verdictWords({ scenarios }: Report): string {
  const counts = countVerdicts(scenarios);
  const there = VERDICTS.filter((verdict) => counts[verdict] > 0);
  return there.length === 0 ? 'nothing played' : there.map((verdict) => `${counts[verdict]} ${verdict}`).join(', ');
}

/** What has become of a kernel, without its name. */
export function outcomeWords(outcome: MatrixOutcome): string {
  switch (outcome.state) {
    case 'played':
      return `${verdictWords(outcome.report)}, ${outcome.seconds.toFixed(0)} s${outcome.tries > 1 ? `, ${outcome.tries} tries` : ''}`;
    case 'kept':
      return `${verdictWords(outcome.report)}, kept`;
    case 'unavailable':
      return `unavailable: ${outcome.why}`;
    case 'failed':
      return `failed: ${outcome.why}${outcome.log === undefined ? '' : ` (${outcome.log})`}`;
  }
}

function phaseWords(event: Exclude<MatrixEvent, { readonly phase: 'end' }>): string {
  switch (event.phase) {
    case 'fetch':
      return event.words === '' ? 'fetch' : event.words;
    case 'boot':
      return `boot ${event.version}`;
    case 'play':
      return `${event.done} of ${event.of}`;
  }
}

export class MatrixProgress {
  readonly #total: number;
  readonly #stream: Stream;
  readonly #width: number;
  readonly #machines = new Map<string, Machine>();
  readonly #timer: NodeJS.Timeout | undefined;
  #done = 0;
  #drawn = 0;
  #last = 0;

  /** @param ids of all kernels that will be told of */
  constructor(ids: readonly string[], stream: Stream = process.stderr) {
    this.#total = ids.length;
    this.#width = Math.max(0, ...ids.map((id) => id.length));
    this.#stream = stream;
    // The seconds pass without events, too.
    if (stream.isTTY === true) this.#timer = setInterval(() => this.#draw(), 1000).unref();
  }

  tell(event: MatrixEvent): void {
    const now = performance.now();
    if (event.phase === 'end') {
      this.#machines.delete(event.id);
      this.#done++;
      this.#line(event.id, `${outcomeWords(event.outcome)}  [${this.#done} of ${this.#total}]`);
      return;
    }
    const words = phaseWords(event);
    const machine = this.#machines.get(event.id) ?? { words: '', begin: now, said: 0 };
    this.#machines.set(event.id, machine);
    if (machine.words === words) return;
    machine.words = words;
    if (this.#stream.isTTY === true) {
      if (now - this.#last >= REDRAW_MILLIS || event.phase === 'boot') this.#draw();
    } else if (event.phase !== 'play' || now - machine.said >= SAY_MILLIS) {
      machine.said = now;
      this.#line(event.id, `${words}, ${((now - machine.begin) / 1000).toFixed(0)} s`);
    }
  }

  #line(id: string, words: string): void {
    this.#erase();
    this.#stream.write(`${id.padEnd(this.#width)}  ${words}\n`);
    this.#draw();
  }

  #erase(): void {
    if (this.#drawn > 0) this.#stream.write(`${CLEAR_LINE}${`${UP}${CLEAR_LINE}`.repeat(this.#drawn - 1)}`);
    this.#drawn = 0;
  }

  #draw(): void {
    if (this.#stream.isTTY !== true) return;
    const now = performance.now();
    this.#last = now;
    const lines = [...this.#machines].map(([id, { words, begin }]) =>
      `${id.padEnd(this.#width)}  ${((now - begin) / 1000).toFixed(0).padStart(4)} s  ${words}`.slice(
        0,
        columnsOf(this.#stream) - 1,
      ),
    );
    this.#erase();
    this.#stream.write(lines.join('\n'));
    this.#drawn = lines.length;
  }

  /** Takes away what changes in place. */
  end(): void {
    clearInterval(this.#timer);
    this.#erase();
    this.#machines.clear();
  }
}
