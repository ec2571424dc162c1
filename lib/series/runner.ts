/** Runs a program: starts its processes, collects what they print, ends them, and compares. */
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { binding } from '../binding.js';
import { fromErrno } from '../errors.js';
import { P_PID, W } from '../kernel/wait-flags.js';
import { decodeWaitStatus } from '../kernel/wait-status.js';
import { waitidAsync } from '../raw/index.js';
import { scaledMillis, timeScale } from '../time-scale.js';
import { agrees, beside, type Row } from './compare.js';
import type { Cues } from './cues.js';
import { deferred } from './deferred.js';
import { expectationOf } from './edition.js';
import type { Program } from './program.js';
import { startProgram } from './stagehand.js';
import { Terminal, type Tracee } from './terminal.js';
import { enlist, type Troupe } from './troupe.js';

export interface RunOptions {
  /** Naps of a second take 100 ms (times LINUX_PTRACE_TIME_SCALE). */
  readonly fast?: boolean | undefined;
  /** How long the program may take beside its naps, in milliseconds; LINUX_PTRACE_TIME_SCALE multiplies it. Default 15,000. */
  readonly patience?: number | undefined;
  /** Ends the program. */
  readonly signal?: AbortSignal | undefined;
  /** Receives every line as it is printed. */
  readonly onLine?: ((line: string) => void) | undefined;
}

export interface Outcome {
  readonly program: Program;
  readonly ok: boolean;
  readonly transcript: readonly string[];
  readonly expected: readonly string[];
  /** Why another transcript is expected of this kernel than the commit shows. */
  readonly because: string | undefined;
  /** Both beside each other. */
  readonly rows: readonly Row[];
  /** What went wrong beside the transcript: out of time, a process that failed. */
  readonly problems: readonly string[];
  readonly seconds: number;
}

const FAST = 0.1;
const PATIENCE = 15_000;
/** How long killed processes may take to be gone. */
const FAREWELL = 10_000;

function pipe(): [number, number] {
  const ends = new Int32Array(2);
  const error = binding().pipe(ends);
  if (error < 0) throw fromErrno('pipe', 0, -error);
  return [ends[0] ?? -1, ends[1] ?? -1];
}

/** The read end of a pipe, line by line; `done` when nobody can write to it any more. */
function hear(fd: number, onLine: (line: string) => void): Promise<void> {
  const socket = new Socket({ fd, readable: true, writable: false });
  return new Promise((resolve) => {
    createInterface({ input: socket, crlfDelay: Infinity }).on('line', onLine).on('close', resolve);
  });
}

/** What the control pipe tells. */
class Control {
  readonly tracee = deferred<Tracee>();
  readonly motherEnd = deferred<number>();
  readonly #troupe: Troupe;

  constructor(troupe: Troupe) {
    this.#troupe = troupe;
  }

  readonly hear = (line: string): void => {
    const [what, first = 0, second = 0] = line.split(' ').map((word, index) => (index === 0 ? word : Number(word))) as [
      string,
      number?,
      number?,
    ];
    if (what === 'mother') this.#troupe.mother = first;
    if (what === 'tracee') this.tracee.resolve({ pid: first, naps: second });
    if (what === 'ended') this.motherEnd.resolve(first);
  };
}

function howItEnded(status: number): string | undefined {
  const end = decodeWaitStatus(status);
  if (end.kind === 'exited') return end.code === 0 ? undefined : `the mother exited with code ${end.code}`;
  return end.kind === 'killed' ? `the mother was killed by signal ${end.signal}` : undefined;
}

/**
 * Runs one program to its end. Never hangs: out of time, it is ended, and what it has printed so far is compared.
 *
 * @throws PtraceError when no process can be started; the reason of `signal` when that is aborted
 */
export async function runProgram(program: Program, options: RunOptions = {}): Promise<Outcome> {
  options.signal?.throwIfAborted();
  const begin = performance.now();
  const pace = options.fast === true ? Math.min(1, FAST * timeScale) : 1;
  const [transcriptRead, transcript] = pipe();
  const [controlRead, control] = pipe();
  const [beatRead, beatWrite] = pipe();
  const own = [transcript, control, beatRead, beatWrite];
  const { module, name } = program;
  const pipes = { transcript, control, beatRead, beatWrite, ready: -1, orders: -1 };
  const cues: Cues = { role: 'mother', module, name, pace, ...pipes };
  const stagehand = startProgram(cues);
  const troupe = enlist(stagehand);
  const gone = waitidAsync(P_PID, stagehand, W.WEXITED).finally(() => {
    troupe.dismiss();
  });

  const seen: string[] = [];
  const heard = hear(transcriptRead, (line) => {
    seen.push(line);
    options.onLine?.(line);
  });
  const news = new Control(troupe);
  const told = hear(controlRead, news.hear);

  const problems: string[] = [];
  const over = new AbortController();
  const deadline = program.duration * pace + scaledMillis(options.patience ?? PATIENCE);
  const outOfTime = deferred<'deadline' | 'aborted'>();
  const timer = setTimeout(() => {
    outOfTime.resolve('deadline');
  }, deadline);
  const aborted = (): void => {
    outOfTime.resolve('aborted');
  };
  options.signal?.addEventListener('abort', aborted, { once: true });

  const played = async (): Promise<'played'> => {
    if (program.terminal === undefined) {
      const failed = howItEnded(await news.motherEnd.promise);
      if (failed !== undefined && !over.signal.aborted) problems.push(failed);
      return 'played';
    }
    const { tracee, motherEnd } = news;
    const line = { transcript, beatWrite, pace, tracee: tracee.promise, motherEnd: motherEnd.promise };
    try {
      await program.terminal(new Terminal({ ...line, closed: over.signal }));
    } catch (error) {
      if (!over.signal.aborted) problems.push(error instanceof Error ? error.message : String(error));
    }
    return 'played';
  };
  // A stagehand that is gone without a word was killed from outside.
  const why = await Promise.race([played(), outOfTime.promise, gone.then(() => 'gone' as const)]);
  clearTimeout(timer);
  over.abort(new Error('the program is over'));
  if (why === 'deadline') problems.push(`did not end within ${(deadline / 1000).toFixed(1)} s and was killed`);

  const farewell = setTimeout(() => {
    problems.push('its processes could not be ended');
    troupe.abandon();
  }, scaledMillis(FAREWELL));
  // What dies may leave orphans; the mother may be about to start another child.
  const again = setInterval(() => {
    troupe.kill();
  }, 20);
  troupe.kill();
  await gone;
  clearTimeout(farewell);
  clearInterval(again);
  for (const fd of own) closeSync(fd);
  await Promise.all([heard, told]);
  options.signal?.removeEventListener('abort', aborted);
  options.signal?.throwIfAborted();

  const { lines: expected, because } = expectationOf(program);
  const rows = beside(expected, seen, program.normalise);
  const ok = agrees(rows) && problems.length === 0;
  const seconds = (performance.now() - begin) / 1000;
  return { program, ok, transcript: seen, expected, because, rows, problems, seconds };
}
