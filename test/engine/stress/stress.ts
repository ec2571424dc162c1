/**
 * Eight engines that attach, detach, stop, step and inject at random, on a process of sixteen threads that forks, executes and is sent signals, SIGKILL
 * among them. Nothing may hang, no engine be forgotten, no callback come that must not, and nothing be left.
 */
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { binding } from '../../../lib/binding.js';
import { Engines, type Fault } from '../../../lib/engine/index.js';
import { SIG } from '../../../lib/kernel/signals.js';
import { script, start, type ChildScript, type ScriptChild } from '../../../lib/raw/child.js';
import {
  describeProcess,
  isOver,
  killAndReap,
  send,
  statusOf,
  tasksOf,
  until,
  within,
} from '../../helpers/processes.js';
import { which } from '../../helpers/programs.js';
import { Random } from './random.js';
import { Tool } from './tool.js';

const TOOLS = 8;
const THREADS = 16;
/** So many rounds at most are played on one process. */
const MOST_ROUNDS = 150;

export interface Outcome {
  readonly rounds: number;
  readonly processes: number;
  readonly callbacks: number;
  readonly clones: number;
  readonly execs: number;
  readonly deaths: number;
  /** SIGKILL was quicker than the look at the exit. */
  readonly lateExits: number;
  readonly steps: number;
  readonly promises: number;
}

/** Forks, makes a vfork or executes when its words say so, takes signals, and makes calls that fail. */
function part(s: ChildScript): void {
  s.loop((t) => {
    t.syscall('getppid').syscall('close', 999).nanosleep(2).increment('rounds');
    t.when(t.word('fork'), '!=', 0, (u) => u.store('fork', 0).fork((v) => v.syscall('getppid').nanosleep(1)));
    t.when(t.word('vfork'), '!=', 0, (u) => u.store('vfork', 0).vfork((v) => v.syscall('getppid')));
    t.when(t.word('exec'), '!=', 0, (u) => u.store('exec', 0).exec(which('sleep'), ['sleep', '1000']));
  });
}

function tracee(): ScriptChild {
  const made = script()
    .ignore('SIGCHLD')
    .handle('SIGUSR1', (s) => s.increment('handled'))
    .ignore('SIGUSR2');
  made.loop((s) => s.thread(part), THREADS - 1);
  part(made);
  return start(made);
}

/** Writes a word, if the process still has its memory. */
function ask(process: ScriptChild, name: string): void {
  binding().processVmWrite(process.pid, process.address(name), new BigUint64Array([1n]), 0, 8);
}

class Stress {
  readonly #random: Random;
  readonly #problems: string[] = [];
  readonly #engines: Engines;
  readonly #tools: Tool[];
  processes = 0;
  /** The process was asked to execute. */
  #executes = false;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#engines = new Engines({ onFault: (fault) => this.#problems.push(describeFault(fault)) });
    this.#tools = Array.from({ length: TOOLS }, (_, index) => {
      return new Tool(`tool ${index}`, this.#engines, new Random(seed * TOOLS + index), this.#problems);
    });
  }

  /** Plays on one process until it is gone or its time is over. How many rounds that were. */
  async playOne(most: number): Promise<number> {
    const random = this.#random;
    this.processes++;
    this.#executes = false;
    const target = tracee();
    const rounds = Math.min(most, 20 + random.below(MOST_ROUNDS - 20));
    try {
      await until(() => tasksOf(target.pid).length === THREADS, 'its threads run');
      let round = 0;
      while (round < rounds && !isOver(target.pid)) {
        this.#round(target);
        round++;
        // Several things at once, one after the other, or with time for the threads in between.
        const pause = random.below(4);
        if (pause > 2) await delay(random.below(4));
        else if (pause > 0) await turn();
        if (this.#problems.length > 0) break;
      }
      await this.#end(target);
      return round;
    } finally {
      send(-target.pid, SIG.SIGKILL);
      await killAndReap(target.pid);
      binding().forgetChild(target.pid);
    }
  }

  #round(target: ScriptChild): void {
    const random = this.#random;
    const tool = random.pick(this.#tools);
    const what = random.below(40);
    if (what < 8 || this.#engines.threads.length === 0) {
      // Between the begin of an execve and its end SEIZE may sleep for ever: see Engines.attach.
      const tids = this.#executes && statusOf(target.pid)?.name !== 'sleep' ? [] : tasksOf(target.pid);
      if (tids.length > 0) tool.attach(random.pick(tids));
    } else if (what === 8) send(target.pid, random.pick([SIG.SIGUSR1, SIG.SIGUSR2]));
    else if (what === 9) send(target.pid, random.pick([SIG.SIGSTOP, SIG.SIGTSTP]));
    else if (what === 10 || what === 11) send(target.pid, SIG.SIGCONT);
    else if (what === 12) ask(target, random.pick(['fork', 'vfork']));
    else if (what === 13 && random.chance(0.2)) {
      this.#executes = true;
      ask(target, 'exec');
    } else if (what === 14 && random.chance(0.2)) send(target.pid, SIG.SIGKILL);
    else tool.act();
  }

  /** Either everybody leaves and the process lives on untraced, or it is killed and all are told. */
  async #end(target: ScriptChild): Promise<void> {
    const killed = this.#random.chance(0.5);
    const traced = (): string =>
      `nothing is traced (${killed ? 'killed' : 'let go'}): ${this.#engines.threads
        .map(
          (thread) => `${describeProcess(thread.tid)}, ${thread.arbitration.phase}, ${thread.engines.length} engines`,
        )
        .join('; ')}`;
    for (const tool of this.#tools) tool.isCalm = true;
    if (killed) {
      send(-target.pid, SIG.SIGKILL);
      // A stop at the exit is one that SIGKILL does not break.
      const calming = setInterval(() => {
        for (const tool of this.#tools) tool.calm();
      }, 5);
      try {
        await within(this.#engines.done(), traced, 20_000);
      } finally {
        clearInterval(calming);
      }
    } else {
      for (const tool of this.#tools) tool.leave();
      await within(this.#engines.close(), traced, 20_000);
    }
    for (const tool of this.#tools) {
      tool.checkEnd();
      tool.isCalm = false;
    }
    if (this.#problems.length > 0) throw new Error(this.#problems.slice(0, 10).join('\n'));
  }

  outcome(rounds: number): Outcome {
    const sum = (name: keyof Tool['counts']): number =>
      this.#tools.reduce((total, { counts }) => total + counts[name], 0);
    return {
      rounds,
      processes: this.processes,
      callbacks: sum('callbacks'),
      clones: sum('clones'),
      execs: sum('execs'),
      deaths: sum('deaths'),
      lateExits: sum('lateExits'),
      steps: sum('steps'),
      promises: sum('promises'),
    };
  }
}

function describeFault({ engine, callback, error }: Fault): string {
  return `fault of ${callback} on ${engine.thread.tid}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

/**
 * Plays so many rounds, or as many as there is time for.
 *
 * @param options.milliseconds no process is begun after these
 * @param options.progress told the rounds played after each process
 * @throws Error with the seed, when anything is not as it must be
 */
export async function stress(options: {
  readonly rounds: number;
  readonly seed: number;
  readonly milliseconds?: number;
  readonly progress?: (rounds: number) => void;
}): Promise<Outcome> {
  const { rounds, seed, milliseconds = Infinity, progress } = options;
  const game = new Stress(seed);
  const begin = performance.now();
  let played = 0;
  try {
    while (played < rounds && performance.now() - begin < milliseconds) {
      played += await game.playOne(rounds - played);
      progress?.(played);
    }
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Error(`seed ${seed}, round ${played}, process ${game.processes}: ${message}`, { cause: error });
  }
  return game.outcome(played);
}
