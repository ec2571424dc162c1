/** Runs several programs side by side, each apart from the others, and tells of them in their order. */
import type { Program } from './program.js';
import { type Outcome, runProgram, type RunOptions } from './runner.js';

/** What is told, program by program. Lines come as they are printed unless an earlier program is still running. */
export interface Audience {
  begins?(program: Program): void;
  line?(program: Program, line: string): void;
  ends?(outcome: Outcome): void;
}

export interface SeriesOptions extends Omit<RunOptions, 'onLine'> {
  /** How many programs run at once. Default 4. */
  readonly jobs?: number | undefined;
}

/** Holds back what is told of a program until all before it have been told. */
class Teller {
  readonly #held: (() => void)[][];
  #current = 0;
  readonly #finished = new Set<number>();

  constructor(count: number) {
    this.#held = Array.from({ length: count }, () => []);
  }

  tell(index: number, what: () => void): void {
    if (index === this.#current) what();
    else this.#held[index]?.push(what);
  }

  finish(index: number): void {
    this.#finished.add(index);
    while (this.#finished.has(this.#current)) {
      this.#current++;
      for (const what of this.#held[this.#current] ?? []) what();
    }
  }
}

/**
 * Runs programs.
 *
 * @returns the outcomes in the order of the programs
 * @throws as `runProgram`; all programs are ended before
 */
export async function runSeries(
  programs: readonly Program[],
  options: SeriesOptions = {},
  audience: Audience = {},
): Promise<Outcome[]> {
  const { jobs = 4, signal, ...rest } = options;
  const outcomes: Outcome[] = [];
  const teller = new Teller(programs.length);
  const failed = new AbortController();
  const stop = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  const queue = programs.entries();
  const worker = async (): Promise<void> => {
    for (const [index, program] of queue) {
      teller.tell(index, () => audience.begins?.(program));
      const onLine = (line: string): void => {
        teller.tell(index, () => audience.line?.(program, line));
      };
      const outcome = await runProgram(program, { ...rest, signal: stop, onLine });
      outcomes[index] = outcome;
      teller.tell(index, () => audience.ends?.(outcome));
      teller.finish(index);
    }
  };
  const workers = Array.from({ length: Math.min(Math.max(1, jobs), programs.length) }, worker);
  const settled = await Promise.allSettled(
    workers.map((each) =>
      each.catch((error: unknown) => {
        failed.abort(error);
        throw error;
      }),
    ),
  );
  const failure = settled.find((each) => each.status === 'rejected');
  if (failure !== undefined) throw failure.reason as Error;
  return outcomes;
}
