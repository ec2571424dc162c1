/**
 * The stage of a scenario: the processes that take part, what is asked of them, and the transcript.
 *
 * The tracer, R in transcripts, is this thread. Every request and wait goes through the kernel layer that is in use here (raw/), so the same
 * scenarios can be played on a kernel that lies, or on a virtual ptrace. The processes are children that play scripts (raw/child.ts).
 *
 * All is synchronous. Nothing waits longer than its patience, and nothing is left when the stage is closed.
 */
import { binding } from '../binding.js';
import { isPtraceError } from '../errors.js';
import { archOf, hostArch, type Arch } from '../kernel/arch/index.js';
import { PTRACE } from '../kernel/requests.js';
import { SIG } from '../kernel/signals.js';
import { W } from '../kernel/wait-flags.js';
import { decodeWaitStatus, type WaitStatus } from '../kernel/wait-status.js';
import { type ChildScript, type Part, script, type ScriptChild, type ScriptOptions, start } from '../raw/child.js';
import * as raw from '../raw/index.js';
import { kernelLayer } from '../raw/kernel-layer.js';
import { procStatus } from '../proc.js';
import { scaledMillis } from '../time-scale.js';
import { Actor } from './actor.js';
import { NO_REPORT, resultText, statusText } from './describe.js';
import { readTask } from './task-memory.js';

/** How long what a right kernel does at once may take on a busy machine. */
const PATIENCE_MILLIS = 5000;
const CLOSING_MILLIS = 5000;
/** So long only the CPU is given away between looks; afterwards the thread sleeps. */
const SPIN_MILLIS = 0.3;
const NAP_MILLIS = 0.2;

/** Whether a task is a child or tracee of this process. Others that took part are killed with their process group. */
function isOurs(tid: number): boolean {
  const status = procStatus(tid);
  return status !== undefined && (status.ppid === process.pid || status.tracerPid === process.pid);
}

/** A scenario that turns out not to apply here, in the middle of its play. */
export class Skip extends Error {}

/** Something did not happen in time. The transcript says what; the play is over. */
export class OutOfTime extends Error {}

const napping = new Int32Array(new SharedArrayBuffer(4));

/** A process that does not take part. */
export const STRANGER = 'another process';

/** How a tracee came to be one. */
export type Beginning = 'traceme' | 'attach' | 'seize';

export interface TraceeOptions {
  /** Default 'seize'. */
  readonly by?: Beginning;
  /** Bits of PTRACE_O. */
  readonly options?: number;
}

/** What a wait for any child or tracee has found. */
export interface Found {
  readonly tid: number;
  readonly status: WaitStatus;
}

export class Stage {
  readonly arch: Arch;
  /** The requests and waits of `linux-ptrace/raw`, for scenarios that are not part of the package. What they throw is not in the transcript. */
  readonly raw = raw;
  readonly lines: string[] = [];
  readonly #patience: number;
  readonly #actors: Actor[] = [];
  readonly #groups = new Set<number>();
  readonly #onClose: (() => void)[] = [];
  readonly #word = new Int32Array(1);
  #muted = 0;

  /** @param patience milliseconds, before scaling, that a wait may take */
  constructor(patience: number = PATIENCE_MILLIS) {
    const host = hostArch(process.arch);
    if (host === undefined) throw new Error(`no code for ${process.arch}`);
    this.arch = archOf(host);
    this.#patience = scaledMillis(patience);
  }

  // ---- The transcript ----

  /** Writes a line: `what = value`. Addresses, pids and times have no place in it. */
  observe(what: string, value: string | number | bigint | boolean): void {
    if (this.#muted === 0) this.lines.push(`${what} = ${value}`);
  }

  /** Does something of which the transcript says nothing: what leads to the behaviour, not the behaviour itself. */
  unrecorded<T>(body: () => T): T {
    this.#muted++;
    try {
      return body();
    } finally {
      this.#muted--;
    }
  }

  /** What a request gives: 0, or the name of its error. Errors that are none of the kernel's are thrown on. */
  attempt(request: () => unknown): string {
    try {
      request();
      return '0';
    } catch (error) {
      if (isPtraceError(error) && error.errno !== 0) return error.code;
      throw error;
    }
  }

  /** A process's name on the stage. */
  nameOf(pid: number): string {
    if (pid === process.pid) return 'R';
    if (pid === 0) return 'the kernel';
    return this.#actors.findLast(({ tid }) => tid === pid)?.name ?? STRANGER;
  }

  /** What a system call has given: a process's name where it is the id of one on the stage, else an error's name or the number. */
  valueText(value: bigint): string {
    const name = value > 0n ? this.nameOf(Number(value)) : STRANGER;
    return name === STRANGER ? resultText(value) : name;
  }

  /** Ends the play: it does not apply here. */
  skip(reason: string): never {
    throw new Skip(reason);
  }

  /**
   * What must be so, or there, for the play to mean anything. Not for what is to be observed.
   *
   * @returns the value, which is not undefined, null or false
   */
  require<T>(value: T, what: string): NonNullable<T> {
    if (value === undefined || value === null || value === false) throw new Error(`not so: ${what}`);
    return value;
  }

  // ---- Players ----

  /** A child that plays a script at once. Nobody traces it yet. */
  child(name: string, part: Part | ChildScript, options?: ScriptOptions): Actor {
    if (typeof part !== 'function') return this.#enlist(name, start(part, options), options?.ownGroup !== false);
    const made = script().store('begun', 1);
    part(made);
    const actor = this.#enlist(name, start(made, options), options?.ownGroup !== false);
    // Before, it puts its signals in order, which throws away those that would be ignored.
    const word = new BigInt64Array(1);
    this.until(`${name} has begun`, () => {
      const read = readTask(actor.tid, actor.address('begun'), word);
      return read !== 8 || word[0] === 1n;
    });
    return actor;
  }

  #enlist(name: string, child: ScriptChild, leads: boolean): Actor {
    if (leads) this.#groups.add(child.pid);
    const actor = new Actor(this, name, child.pid, child);
    this.#actors.push(actor);
    return actor;
  }

  /** A child that sleeps in pause(2), again and again, and sleeps there already. Nobody traces it yet. */
  pauser(name = 'E'): Actor {
    const actor = this.child(name, (c) => c.loop((again) => again.pause()));
    actor.untilAsleep();
    return actor;
  }

  /**
   * A tracee in a stop, before its part begins: by SEIZE and INTERRUPT, by ATTACH (its SIGSTOP), or by TRACEME and a SIGSTOP of its own. How it
   * got there is not in the transcript.
   */
  tracee(name: string, part: Part, { by = 'seize', options = 0 }: TraceeOptions = {}): Actor {
    return this.unrecorded(() => {
      if (by === 'traceme') {
        const actor = this.child(name, (c) => part(c.traceme().tgkillSelf('SIGSTOP')));
        actor.expectStop(SIG.SIGSTOP);
        if (options !== 0) actor.mustSucceed(actor.setOptions(options), 'SETOPTIONS');
        return actor;
      }
      const actor = this.child(name, (c) =>
        part(c.label('gate').syscall('sched_yield').jumpIf(c.word('gate'), '==', 0, 'gate')),
      );
      if (by === 'seize') {
        actor.mustSucceed(actor.seize(options), 'SEIZE');
        actor.mustSucceed(actor.interrupt(), 'INTERRUPT');
        actor.expectStop(SIG.SIGTRAP);
      } else {
        actor.mustSucceed(actor.attach(), 'ATTACH');
        actor.expectStop(SIG.SIGSTOP);
        if (options !== 0) actor.mustSucceed(actor.setOptions(options), 'SETOPTIONS');
      }
      actor.setWord('gate', 1n);
      return actor;
    });
  }

  /** A process or thread that came by itself: a traced child, a thread whose tid a word tells. */
  adopt(name: string, tid: number): Actor {
    const actor = new Actor(this, name, tid, undefined);
    this.#actors.push(actor);
    return actor;
  }

  /** A fork of another player: it has that one's words, in a memory of its own. */
  adoptFork(name: string, tid: number, of: Actor): Actor {
    const actor = new Actor(this, name, tid, of.child);
    this.#actors.push(actor);
    return actor;
  }

  /** Another process group to be killed when the stage is closed. */
  adoptGroup(pgid: number): void {
    this.#groups.add(pgid);
  }

  /** Something to be undone when the stage is closed: a file, a setting. */
  onClose(undo: () => void): void {
    this.#onClose.push(undo);
  }

  // ---- Waiting ----

  /** Waits until something is so. What it was is in the transcript if it never is. */
  until(what: string, condition: () => boolean, millis?: number): void {
    const begin = performance.now();
    const limit = millis === undefined ? this.#patience : scaledMillis(millis);
    while ((kernelLayer().idle?.(), !condition())) {
      if (performance.now() - begin > limit) {
        this.lines.push(`until ${what} = ${NO_REPORT}`);
        throw new OutOfTime(`until ${what}`);
      }
      this.nap(begin);
    }
  }

  /** Gives the CPU away, for a moment or, some time after `begin`, a little longer. */
  nap(begin = 0): void {
    Atomics.wait(napping, 0, 0, performance.now() - begin < SPIN_MILLIS ? 0.01 : NAP_MILLIS);
  }

  /** One wait4(2) with WNOHANG. */
  look(pid: number, flags: number): Found | undefined {
    const tid = raw.wait4Into(pid, flags | W.WNOHANG, this.#word);
    return tid === 0 ? undefined : { tid, status: decodeWaitStatus(this.#word[0] ?? 0) };
  }

  /**
   * wait4(2), for no longer than the patience.
   *
   * @returns undefined when nothing came
   * @throws PtraceError ECHILD
   */
  await(pid: number, flags: number): Found | undefined {
    const begin = performance.now();
    for (;;) {
      const found = this.look(pid, flags);
      if (found !== undefined) return found;
      if (performance.now() - begin > this.#patience) return undefined;
      this.nap(begin);
    }
  }

  /** Waits for any child or tracee: `R: wait for any = E stopped by SIGSTOP`. */
  waitAny(flags: number = W.__WALL): Found | undefined {
    const found = this.await(-1, flags);
    this.observe('R: wait for any', found ? `${this.nameOf(found.tid)} ${statusText(found.status)}` : NO_REPORT);
    if (found === undefined) throw new OutOfTime('wait for any');
    return found;
  }

  // ---- The end ----

  /**
   * Kills and reaps all that took part. Works below the kernel layer, so that a lying one leaves nothing behind.
   *
   * @returns the processes that could not be ended
   */
  close(): string[] {
    for (const undo of this.#onClose.splice(0).reverse()) undo();
    const kernel = binding();
    const kill = (): void => {
      for (const group of this.#groups) kernel.kill(-group, SIG.SIGKILL);
      for (const { tid, ended } of this.#actors) {
        if (ended || !isOurs(tid)) continue;
        kernel.kill(tid, SIG.SIGKILL);
        // One that stands at its PTRACE_EVENT_EXIT already, and has told so, only waits to be let go.
        kernel.ptrace(PTRACE.CONT, tid, 0, 0);
      }
    };
    kill();
    const begin = performance.now();
    const limit = scaledMillis(CLOSING_MILLIS);
    while (!this.#reap()) {
      if (performance.now() - begin > limit) {
        return this.#actors.filter(({ ended, tid }) => !ended && isOurs(tid)).map(({ name }) => name);
      }
      kill();
      this.nap(begin);
    }
    return [];
  }

  /** Takes what those that took part have to report. Whether none of them is left that would report anything. */
  #reap(): boolean {
    const kernel = binding();
    const status = this.#word;
    const ids = [...this.#groups].map((group) => -group);
    for (const { tid, ended } of this.#actors) if (!ended) ids.push(tid);
    let none = true;
    for (const id of ids) {
      for (;;) {
        const tid = kernel.wait4(id, W.__WALL | W.WNOHANG, status, null);
        if (tid === 0) none = false;
        if (tid <= 0) break;
        // What dies may stop once more, at its PTRACE_EVENT_EXIT.
        if (((status[0] ?? 0) & 0xff) === 0x7f) kernel.ptrace(PTRACE.CONT, tid, 0, 0);
        else this.ended(tid);
      }
    }
    return none;
  }

  /** @internal The end of a task was consumed: its id may be anybody's from now on. */
  ended(tid: number): void {
    for (const actor of this.#actors) if (actor.tid === tid) actor.ended = true;
    binding().forgetChild(tid);
  }
}
