/**
 * The suite on many kernels: each is fetched, booted and played, some at a time, and leaves a report in a folder. What is there already is not
 * made again, so a matrix that was interrupted goes on where it stood.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { manifest } from '../conformance/report/manifest.js';
import { readReport, UnreadableReport } from '../conformance/report/read-report.js';
import type { Report } from '../conformance/report/report.js';
import type { SetName } from '../conformance/sets.js';
import { VmError } from './failure.js';
import { makeFolder, needFolder } from './folder.js';
import type { GuestArch } from './guest-arch.js';
import {
  identityOf,
  incompleteness,
  keptReport,
  PAGES,
  readState,
  reportFile,
  STATE,
  writeState,
  type KernelState,
} from './matrix-state.js';
import { writeWhole } from './whole-file.js';

/**
 * How long a machine may take, in milliseconds. An emulated arm64 plays some five scenarios a second where it has a CPU for itself; this is for
 * one that shares it with others.
 */
const LIMIT_MILLIS: Readonly<Record<SetName, number>> = {
  scenarios: 30 * 60_000,
  matrix: 120 * 60_000,
  all: 120 * 60_000,
};

/** Kernels with Yama play what it restricts, too; the suite's own tracers have the capability that it asks for. */
const SYSCTLS = { 'kernel.yama.ptrace_scope': '1' } as const;

/** A kernel that is to be played. */
export interface MatrixKernel {
  readonly id: string;
  readonly arch: GuestArch;
  /** Whether it is no fault when it cannot be had. */
  readonly optional?: boolean;
}

/** A kernel that has been fetched. */
export interface FetchedKernel {
  /** The version of its package. */
  readonly version: string;
  readonly file: string;
}

/** A guest in which the command of this package runs. */
export interface GuestOrder {
  readonly kernel: string;
  readonly arch: GuestArch;
  readonly node?: string;
  /** Arguments of linux-ptrace. */
  readonly args: readonly string[];
  /** The folder for what the guest writes to /out. */
  readonly out: string;
  /** The file that keeps the console's text. */
  readonly log: string;
  /** Multiplies the limits of the suite in the guest. */
  readonly timeScale?: number;
  /** What is written under /proc/sys first. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** For the machine from start to end, in milliseconds. */
  readonly limitMs: number;
  /** Hears each line of the command's standard error. */
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface GuestEnd {
  /** Exit code of the command. */
  readonly code: number;
  readonly stderr: string;
  readonly seconds: { readonly boot: number; readonly total: number };
  /** How many machines it took. */
  readonly tries: number;
}

/** How a matrix gets kernels and machines. */
export interface Means {
  readonly fetch: (
    id: string,
    options: { readonly signal: AbortSignal; readonly onProgress: (words: string) => void },
  ) => Promise<FetchedKernel>;
  readonly run: (order: GuestOrder) => Promise<GuestEnd>;
}

/** What has become of a kernel. */
export type MatrixOutcome =
  | {
      readonly id: string;
      readonly state: 'played' | 'kept';
      readonly report: Report;
      readonly version: string;
      readonly seconds: number;
      readonly tries: number;
    }
  | { readonly id: string; readonly state: 'unavailable'; readonly why: string }
  | { readonly id: string; readonly state: 'failed'; readonly why: string; readonly log?: string };

/** Where a kernel is on its way. */
export type MatrixEvent =
  | { readonly phase: 'fetch'; readonly id: string; readonly words: string }
  | { readonly phase: 'boot'; readonly id: string; readonly version: string }
  | { readonly phase: 'play'; readonly id: string; readonly done: number; readonly of: number }
  | { readonly phase: 'end'; readonly id: string; readonly outcome: MatrixOutcome };

export interface MatrixOptions {
  readonly kernels: readonly MatrixKernel[];
  readonly set: SetName;
  /** The folder for reports, logs and state. It is made when missing. */
  readonly out: string;
  /** How many machines run at once. */
  readonly jobs: number;
  /** A line or a version of Node for the guests. */
  readonly node?: string | undefined;
  /** Multiplies the limits of the suite; without it, what suits an emulated machine that has a CPU for itself. */
  readonly timeScale?: number | undefined;
  /** Plays again what there is already. */
  readonly fresh?: boolean | undefined;
  readonly signal: AbortSignal;
  readonly onEvent?: ((event: MatrixEvent) => void) | undefined;
}

/**
 * The longest first, so that no machine is alone at the end: by what they took the last time; those that are not known take longer than those
 * that are, and an emulated arm64 is slower than an x64.
 */
export function longestFirst<K extends MatrixKernel>(
  kernels: readonly K[],
  secondsOf: (id: string) => number | undefined,
): K[] {
  const weight = ({ id, arch }: K): number => secondsOf(id) ?? (arch === 'arm64' ? 1e6 + 1 : 1e6);
  return [...kernels].sort((a, b) => weight(b) - weight(a));
}

/** How far the command in the guest has come, from a line that it has said. */
export function progressIn(line: string): { readonly done: number; readonly of: number } | undefined {
  const [, done, of] = /\b(\d+) of (\d+) played\b/.exec(line) ?? [];
  return done === undefined || of === undefined ? undefined : { done: Number(done), of: Number(of) };
}

/** The line of a program's last words that tells most: its last one. */
const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.trim() ?? '';

/** A report as the guest has left it, if it is whole. */
function reportOf(file: string, { id, arch }: MatrixKernel, { code, stderr }: GuestEnd): Report {
  const said = lastLine(stderr);
  const ended = `conform ended with code ${code}${said === '' ? '' : ` ("${said}")`}`;
  let report: Report;
  try {
    report = readReport(file);
  } catch (error) {
    if (!(error instanceof UnreadableReport)) throw error;
    throw new VmError('machine-failed', `${id} left no report, ${ended}: its log tells more`, { cause: error });
  }
  const lacking = incompleteness(report);
  if (lacking !== undefined)
    throw new VmError('machine-failed', `the report of ${id} is not whole, ${lacking}; ${ended}`);
  if (report.arch !== arch)
    throw new VmError('bad-kernel', `${id} should be ${arch}, and its report is of ${report.arch}`);
  return report;
}

type RunIdentity = Awaited<ReturnType<typeof identityOf>>;

class Run {
  readonly #options: MatrixOptions;
  readonly #means: Means;
  readonly #signal: AbortSignal;
  readonly #identity: RunIdentity;
  #kernels: Readonly<Record<string, KernelState>>;

  constructor(options: MatrixOptions, means: Means, identity: RunIdentity, signal: AbortSignal) {
    this.#options = options;
    this.#means = means;
    this.#signal = signal;
    this.#identity = identity;
    this.#kernels = readState(options.out).kernels;
  }

  secondsOf(id: string): number | undefined {
    const entry = this.#kernels[id];
    return entry?.state === 'played' ? entry.seconds : undefined;
  }

  /** @throws what ends the whole matrix: the signal's reason, or a folder that takes nothing more */
  async kernel(kernel: MatrixKernel): Promise<MatrixOutcome> {
    let outcome: MatrixOutcome;
    try {
      outcome = await this.#play(kernel);
    } catch (error) {
      this.#signal.throwIfAborted();
      outcome = this.#failure(kernel.id, error);
    }
    this.#options.onEvent?.({ phase: 'end', id: kernel.id, outcome });
    return outcome;
  }

  async #play(kernel: MatrixKernel): Promise<MatrixOutcome> {
    const { out, set, node, timeScale, fresh = false, onEvent } = this.#options;
    const { id, arch } = kernel;
    onEvent?.({ phase: 'fetch', id, words: '' });
    const { version, file } = await this.#means.fetch(id, {
      signal: this.#signal,
      onProgress: (words) => onEvent?.({ phase: 'fetch', id, words }),
    });
    this.#signal.throwIfAborted();
    const identity = { ...this.#identity, kernel: version };
    const state = { schema: 'linux-ptrace/matrix/1', kernels: this.#kernels } as const;
    const kept = fresh ? undefined : keptReport(out, id, state, identity);
    if (kept !== undefined) return { id, state: 'kept', version, tries: 0, ...kept };

    onEvent?.({ phase: 'boot', id, version });
    const folder = mkdtempSync(join(out, `.${id}.${process.pid}.`));
    try {
      const end = await this.#means.run({
        kernel: file,
        arch,
        ...(node === undefined ? {} : { node }),
        ...(timeScale === undefined ? {} : { timeScale }),
        sysctls: SYSCTLS,
        limitMs: LIMIT_MILLIS[set],
        args: ['conform', '--set', set, '--format', 'json', '--out', '/out/report.json'],
        out: folder,
        log: join(out, 'logs', `${id}.log`),
        onLine: (line) => {
          const progress = progressIn(line);
          if (progress !== undefined) onEvent?.({ phase: 'play', id, ...progress });
        },
        signal: this.#signal,
      });
      const report = reportOf(join(folder, 'report.json'), kernel, end);
      const { total: seconds, boot } = end.seconds;
      // The report before the entry: without its entry it counts for nothing.
      writeWhole(reportFile(out, id), `${JSON.stringify(report, null, 2)}\n`);
      this.#enter(id, { state: 'played', of: identity, seconds, boot, tries: end.tries });
      return { id, state: 'played', report, version, seconds, tries: end.tries };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  #failure(id: string, error: unknown): MatrixOutcome {
    if (!(error instanceof VmError)) throw error;
    const { reason, message: why, log } = error;
    if (reason === 'unavailable') {
      this.#enter(id, { state: 'unavailable', why });
      return { id, state: 'unavailable', why };
    }
    const where = log === undefined ? {} : { log };
    this.#enter(id, { state: 'failed', reason, why, ...where });
    return { id, state: 'failed', why, ...where };
  }

  #enter(id: string, entry: KernelState): void {
    // Another matrix may have entered its own kernels since.
    this.#kernels = { ...readState(this.#options.out).kernels, [id]: entry };
    writeState(this.#options.out, { schema: 'linux-ptrace/matrix/1', kernels: this.#kernels });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Others' pages stay: those of a matrix come into a folder of its own. */
function refuseForeign(out: string): void {
  const names = readdirSync(out);
  if (names.includes(STATE)) return;
  const foreign = PAGES.find((name) => names.includes(name));
  if (foreign === undefined) return;
  throw new VmError(
    'bad-input',
    `${join(out, foreign)} is not of a matrix, as there is no ${STATE} beside it: give another --out, or take it away`,
  );
}

/** Takes away what processes that were killed have left of their machines. */
function sweep(out: string): void {
  for (const name of readdirSync(out)) {
    const [, pid] = /^\..+\.(\d+)(\.\w+)?$/.exec(name) ?? [];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(out, name), { recursive: true, force: true });
  }
}

/**
 * Plays a set of scenarios on kernels. A kernel that cannot be had, or whose machine fails, costs the others nothing.
 *
 * @returns what has become of each, in the order in which they were given
 * @throws the signal's reason when it ends the run: machines have ended then, and what was played until then is in the folder
 * @throws VmError `no-space`, `bad-input` when the folder cannot be used
 */
export async function runMatrix(options: MatrixOptions, means: Means): Promise<MatrixOutcome[]> {
  const { kernels, out, jobs, signal } = options;
  signal.throwIfAborted();
  needFolder(out);
  refuseForeign(out);
  // From here on the folder is a matrix's.
  writeState(out, readState(out));
  makeFolder(join(out, 'logs'));
  sweep(out);
  // What ends one worker ends the others' machines.
  const trouble = new AbortController();
  const identity = await identityOf(options.set, manifest().version, options.node ?? '');
  const run = new Run(options, means, identity, AbortSignal.any([signal, trouble.signal]));
  const queue = longestFirst(kernels, (id) => run.secondsOf(id));
  const outcomes = new Map<string, MatrixOutcome>();
  const work = async (): Promise<void> => {
    for (let kernel = queue.shift(); kernel !== undefined; kernel = queue.shift()) {
      if (signal.aborted || trouble.signal.aborted) return;
      try {
        outcomes.set(kernel.id, await run.kernel(kernel));
      } catch (error) {
        trouble.abort(error);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, kernels.length) }, work));
  signal.throwIfAborted();
  trouble.signal.throwIfAborted();
  return kernels.map(({ id }) => outcomes.get(id)).filter((outcome) => outcome !== undefined);
}

/**
 * The exit code of a matrix: 0 when all kernels were played and none has a failing verdict, 3 when the only thing amiss is that some cannot be
 * had, 1 otherwise.
 *
 * @param kernels that were to be played; one that is optional may be unavailable
 */
export function exitCodeOf(outcomes: readonly MatrixOutcome[], kernels: readonly MatrixKernel[]): 0 | 1 | 3 {
  const bad = outcomes.some(
    (outcome) =>
      outcome.state === 'failed' ||
      ('report' in outcome && outcome.report.scenarios.some(({ verdict }) => verdict === 'fail')),
  );
  if (bad) return 1;
  const wanted = new Set(kernels.filter(({ optional = false }) => !optional).map(({ id }) => id));
  return outcomes.some(({ id, state }) => state === 'unavailable' && wanted.has(id)) ? 3 : 0;
}
