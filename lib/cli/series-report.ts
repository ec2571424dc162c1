/** What `linux-ptrace series` prints. */
import { release } from 'node:os';
import type { Audience, Outcome, Program } from '../series/index.js';
import { agrees, differenceOf } from '../series/compare.js';

function secondsText(seconds: number): string {
  return `${seconds.toFixed(1)} s`;
}

function verdictOf({ program, ok, transcript, expected, because, seconds }: Outcome): string {
  const commit = program.source === 'shown' ? 'the commit shows' : 'the commit describes';
  if (!ok) return `differs from what ${commit} (${secondsText(seconds)})`;
  const count = transcript.length;
  const what = expected.length === 0 ? 'prints nothing' : `${count} ${count === 1 ? 'line' : 'lines'}`;
  return `ok: ${what}, as ${commit} (${secondsText(seconds)})${because === undefined ? '' : `; ${because}`}`;
}

/** The report as text: a heading, the transcript as the program prints it, a verdict. */
export class SeriesText implements Audience {
  readonly #print: (line: string) => void;
  #first = true;

  /** @param print receives each line */
  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  begins(program: Program): void {
    if (!this.#first) this.#print('');
    this.#first = false;
    this.#print(`== ${program.name}: ${program.commit} "${program.title}"`);
  }

  line(_program: Program, line: string): void {
    this.#print(line);
  }

  ends(outcome: Outcome): void {
    this.#print(verdictOf(outcome));
    if (outcome.ok) return;
    for (const problem of outcome.problems) this.#print(`  ${problem}`);
    if (!agrees(outcome.rows)) for (const line of differenceOf(outcome.rows)) this.#print(`  ${line}`);
    if (outcome.because !== undefined) this.#print(`  expected ${outcome.because}`);
  }

  summary(outcomes: readonly Outcome[], seconds: number): void {
    const differing = outcomes.filter(({ ok }) => !ok).map(({ program }) => program.name);
    const agreeing = outcomes.length - differing.length;
    this.#print('');
    this.#print(
      `${agreeing} of ${outcomes.length} agree with the commits on Linux ${release()}, ${process.arch} (${secondsText(seconds)})`,
    );
    if (differing.length > 0) this.#print(`different: ${differing.join(', ')}`);
  }
}

/** The report for machines. */
export function seriesJson(outcomes: readonly Outcome[], run: { fast: boolean; seconds: number }): object {
  return {
    kernel: release(),
    arch: process.arch,
    fast: run.fast,
    ok: outcomes.every(({ ok }) => ok),
    seconds: Number(run.seconds.toFixed(3)),
    programs: outcomes.map(({ program, ok, transcript, expected, because, problems, seconds }) => ({
      series: program.group,
      name: program.name,
      commit: program.commit,
      title: program.title,
      source: program.source,
      ok,
      transcript,
      expected,
      because: because ?? null,
      problems,
      seconds: Number(seconds.toFixed(3)),
    })),
  };
}
