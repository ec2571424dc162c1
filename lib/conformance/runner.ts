/**
 * Plays scenarios in worker processes: several at once, each with a deadline, a worker replaced after a failure, a time-out or when anything is
 * left of a scenario.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scaledMillis } from '../time-scale.js';
import type { FromWorker, Setup, ToWorker } from './messages.js';
import type { Outcome } from './play.js';
import { killAll, leftoversOf, MARK } from './processes.js';
import { DEADLINE_MILLIS, type ScenarioEntry } from './scenario.js';
import { FOLDER } from './parts/scratch.js';
import { isNonsense } from './trouble.js';

/** A worker only has to start. */
const START_MILLIS = 30_000;
const SWEEPS = 200;

const WORKER = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url));

export interface RunOptions extends Setup {
  /** How many workers play at once. */
  readonly jobs: number;
  /** A worker of its own for every scenario. */
  readonly isolate?: boolean | undefined;
  /** Each outcome, as soon as it is there. */
  readonly onOutcome?: ((outcome: Outcome) => void) | undefined;
  /** Ends the run; what is under way is killed and has no outcome. */
  readonly signal?: AbortSignal | undefined;
}

const delay = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis));

/** One worker process. */
class Worker {
  readonly #child: ChildProcess;
  readonly #mark = randomUUID();
  readonly #ended: Promise<string>;
  #heard: ((message: FromWorker) => void) | undefined;
  #stderr = '';

  /** @param folder for the files of its scenarios */
  constructor(folder: string) {
    this.#child = fork(WORKER, [], {
      // A session of its own: what belongs to it is found by that, and no terminal's signals reach it.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, [MARK]: this.#mark, [FOLDER]: folder },
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = `${this.#stderr}${text}`.slice(-2000);
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        resolve(error.message);
      });
      this.#child.once('exit', (code, signal) => {
        resolve(signal === null ? `exited with ${code ?? '?'}` : `was killed by ${signal}`);
      });
    });
    this.#child.on('message', (message: FromWorker) => this.#heard?.(message));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Says something and waits for the answer, the worker's end or the deadline. */
  async #ask(
    message: ToWorker,
    millis: number,
  ): Promise<{ readonly answer: FromWorker } | { readonly ended: string } | { readonly late: true }> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await Promise.race([
        new Promise<{ answer: FromWorker }>((resolve) => {
          this.#heard = (answer) => {
            resolve({ answer });
          };
          if (this.#child.connected) this.#child.send(message);
        }),
        this.#ended.then((ended) => ({ ended })),
        new Promise<{ late: true }>((resolve) => {
          timer = setTimeout(() => {
            resolve({ late: true });
          }, millis);
        }),
      ]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** @throws Error when the worker does not come up: nothing can be played here */
  async setUp(setup: Setup): Promise<void> {
    const reply = await this.#ask({ kind: 'setup', setup }, scaledMillis(START_MILLIS));
    if ('answer' in reply) {
      if (reply.answer.kind === 'refused') throw new Error(reply.answer.reason);
      return;
    }
    const why = 'ended' in reply ? reply.ended : 'did not start in time';
    throw new Error(`a worker process ${why}${this.#lastWords()}`);
  }

  #lastWords(): string {
    const words = this.#stderr
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => /Error|error|fatal|assert/i.test(line));
    return words[0] === undefined ? '' : `: ${words[0]}`;
  }

  /** Plays a scenario. Always an outcome. */
  async play(scenario: ScenarioEntry): Promise<{ readonly outcome: Outcome; readonly clean: boolean }> {
    const begin = performance.now();
    const deadline = scaledMillis(scenario.deadline ?? DEADLINE_MILLIS);
    const reply = await this.#ask({ kind: 'play', id: scenario.id, part: scenario.part }, deadline);
    if ('answer' in reply && reply.answer.kind === 'played') return reply.answer;
    const what =
      'ended' in reply
        ? `the process that played it ${reply.ended}${this.#lastWords()}`
        : `it did not end within ${(deadline / 1000).toFixed(0)} s and was killed`;
    const durationMs = Math.round(performance.now() - begin);
    return { outcome: { id: scenario.id, verdict: 'fail', reason: what, observations: [], durationMs }, clean: false };
  }

  /** Ends it and all that it left; how many processes that were. */
  async end(): Promise<number> {
    this.#child.kill('SIGKILL');
    await this.#ended;
    let most = 0;
    // What dies may leave orphans of its own.
    for (let sweep = 0; sweep < SWEEPS; sweep++) {
      const left = leftoversOf(this.pid, this.#mark);
      if (left.length === 0) break;
      most = Math.max(most, left.length);
      killAll(left);
      await delay(1);
    }
    return most;
  }
}

/** An emulated machine, as the guests of `vm run` are, ends a process by such a signal now and then, whatever it was doing. */
const EMULATED = 'LINUX_PTRACE_EMULATED';
const CRASH = /^the process that played it was killed by SIG(ILL|SEGV|BUS|TRAP|ABRT)/;

/** Whether the machine may have failed, not the scenario: that is tried once more. One that brings its process down does so again. */
const mayBeTheMachine = ({ reason = '' }: Outcome): boolean =>
  process.env[EMULATED] === '1' && (CRASH.test(reason) || isNonsense(reason));

/** Takes scenarios from a queue until it is empty. */
async function work(queue: ScenarioEntry[], options: RunOptions, workers: Set<Worker>, folder: string): Promise<void> {
  const { missing, patience, fault, backend, load, isolate = false, onOutcome, signal } = options;
  let worker: Worker | undefined;
  const again = new Set<string>();
  const aborted = (): boolean => signal?.aborted === true;
  const dismiss = async (): Promise<number> => {
    if (worker === undefined) return 0;
    const ending = worker;
    worker = undefined;
    const left = await ending.end();
    workers.delete(ending);
    return left;
  };
  try {
    for (let scenario = queue.shift(); scenario !== undefined && !aborted(); scenario = queue.shift()) {
      if (worker === undefined) {
        worker = new Worker(folder);
        workers.add(worker);
        await worker.setUp({ missing, patience, fault, backend, load });
      }
      const { outcome, clean } = await worker.play(scenario);
      if (aborted()) break;
      if (!again.has(scenario.id) && mayBeTheMachine(outcome)) {
        again.add(scenario.id);
        queue.unshift(scenario);
        await dismiss();
        continue;
      }
      let told = outcome;
      if (!clean || isolate) {
        const left = await dismiss();
        if (left > 0 && outcome.verdict !== 'fail') {
          const processes = left === 1 ? 'a process was' : `${left} processes were`;
          told = { ...outcome, verdict: 'fail', reason: `${processes} left behind, and killed` };
        }
      }
      onOutcome?.(told);
    }
  } finally {
    await dismiss();
  }
}

/**
 * Plays scenarios, each once, those first that may have others beside them.
 *
 * @throws Error when a worker process does not start
 */
export async function run(scenarios: readonly ScenarioEntry[], options: RunOptions): Promise<void> {
  const workers = new Set<Worker>();
  const folder = mkdtempSync(join(tmpdir(), 'linux-ptrace-'));
  // Also for tracees of other users.
  chmodSync(folder, 0o755);
  const stop = async (): Promise<void> => {
    await Promise.all([...workers].map((worker) => worker.end()));
  };
  const abort = (): void => void stop();
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    const together = scenarios.filter(({ alone }) => alone === undefined);
    const alone = scenarios.filter((scenario) => scenario.alone !== undefined);
    const jobs = Math.max(1, Math.min(options.jobs, together.length));
    await Promise.all(Array.from({ length: jobs }, () => work(together, options, workers, folder)));
    await work(alone, options, workers, folder);
  } finally {
    options.signal?.removeEventListener('abort', abort);
    await stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
