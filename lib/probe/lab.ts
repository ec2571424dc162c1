/** Throw-away children, and waiting for them that ends in every case. */
import { binding } from '../binding.js';
import { isPtraceError, refused } from '../errors.js';
import { archOf, type Arch, type HostArch } from '../kernel/arch/index.js';
import type { Registers } from '../kernel/registers.js';
import { PTRACE } from '../kernel/requests.js';
import { SIG } from '../kernel/signals.js';
import { PTRACE_EVENT } from '../kernel/events.js';
import { type WaitStatus, decodeWaitStatus } from '../kernel/wait-status.js';
import { noteEnd } from '../raw/attached.js';
import { type ChildScript, type ScriptChild, script, start } from '../raw/child.js';
import { getGeneral, setGeneral } from '../raw/general-registers.js';
import { cont, interrupt, peekData, pokeData, seize } from '../raw/index.js';
import { kernelLayer } from '../raw/kernel-layer.js';
import { scaledMillis } from '../time-scale.js';

/**
 * How long a stop may take that always comes at once. Halved with every one that does not come, so that all of them
 * together end.
 */
const PATIENCE_MILLIS = 2000;
const LEAST_PATIENCE_MILLIS = 20;
const CLOSING_MILLIS = 2000;
/** So long the CPU is only given away between looks; afterwards this thread sleeps. */
const POLL_MICROS = 300;
const NAP_MILLIS = 0.2;

const isEnd = (status: WaitStatus): boolean => status.kind === 'exited' || status.kind === 'killed';

const napping = new Int32Array(new SharedArrayBuffer(4));
const nap = (): void => {
  Atomics.wait(napping, 0, 0, NAP_MILLIS);
};

export class Lab {
  readonly arch: Arch;
  #patience = PATIENCE_MILLIS;
  readonly #word = new Int32Array(1);
  /** Children and tracees whose end was not seen yet. */
  readonly #alive = new Set<number>();
  /** Children that lead a process group. */
  readonly #leaders = new Set<number>();

  readonly #part: (script: ChildScript) => unknown;
  #subject: Specimen | undefined;

  /** @param part what the child does that sections share: see {@link subject} */
  constructor(arch: HostArch, part: (script: ChildScript) => unknown) {
    this.arch = archOf(arch);
    this.#part = part;
  }

  /** The tracee that sections share, in a stop of PTRACE_INTERRUPT; another one when it does not come to that. */
  subject(): Specimen {
    if (this.#subject !== undefined) {
      try {
        this.#subject.interruptAgain();
        return this.#subject;
      } catch (error) {
        if (!isPtraceError(error)) throw error;
        this.spoil();
      }
    }
    const specimen = this.stopped(this.#part);
    specimen.runToMark();
    specimen.interruptAgain();
    this.#subject = specimen;
    return specimen;
  }

  /** After a failure nobody knows what it does: the next one who asks gets another. */
  spoil(): void {
    this.#subject = undefined;
  }

  /** Starts a child. */
  start(part: ChildScript): ScriptChild {
    const child = start(part);
    this.#alive.add(child.pid);
    this.#leaders.add(child.pid);
    return child;
  }

  /** Takes charge of a tracee or child that came by itself. */
  adopt(tid: number): void {
    this.#alive.add(tid);
  }

  /** A child that was seized, and stopped by PTRACE_INTERRUPT before it began to play its part. */
  stopped(part: (script: ChildScript) => unknown): Specimen {
    const made = script();
    made.label('gate').syscall('sched_yield').jumpIf(made.word('gate'), '==', 0, 'gate');
    part(made);
    const child = this.start(made);
    seize(child.pid);
    interrupt(child.pid);
    this.awaitEvent(child.pid, PTRACE_EVENT.STOP, 'PTRACE_INTERRUPT');
    const specimen = new Specimen(this, child);
    specimen.write('gate', 1n);
    return specimen;
  }

  /** One look: the next status of a tracee or child, or undefined. */
  look(tid: number, micros = 0): WaitStatus | undefined {
    const found = kernelLayer().pollTracee(tid, micros, this.#word);
    if (found !== tid) {
      if (found < 0) this.#forget(tid);
      return undefined;
    }
    const status = decodeWaitStatus(this.#word[0] ?? 0);
    if (isEnd(status)) this.#forget(tid);
    return status;
  }

  /**
   * The next status of a tracee or child.
   *
   * @throws PtraceError 'timed-out' when none comes
   */
  await(tid: number, after: string): WaitStatus {
    const end = performance.now() + scaledMillis(this.#patience);
    let status = this.look(tid, POLL_MICROS);
    while (status === undefined) {
      if (!this.#alive.has(tid)) throw refused('gone', after, tid, 'the child is gone');
      if (performance.now() > end) this.#lostPatience(after, tid);
      nap();
      status = this.look(tid);
    }
    return status;
  }

  /** Waits until something is so, looking at it again and again. */
  until(what: string, condition: () => boolean): void {
    const end = performance.now() + scaledMillis(this.#patience);
    while (!condition()) {
      if (performance.now() > end) this.#lostPatience(what, 0);
      nap();
    }
  }

  #lostPatience(after: string, tid: number): never {
    this.#patience = Math.max(this.#patience / 2, LEAST_PATIENCE_MILLIS);
    throw refused('timed-out', after, tid, 'no stop came');
  }

  /** Waits for one event; what else comes is an error, that of an end included. */
  awaitEvent(tid: number, event: number, after: string): WaitStatus & { readonly kind: 'event' } {
    const status = this.await(tid, after);
    if (status.kind === 'event' && status.event === event) return status;
    throw unexpected(after, tid, status);
  }

  #forget(tid: number): void {
    this.#alive.delete(tid);
    this.#leaders.delete(tid);
    noteEnd(tid);
  }

  /** Kills all but the shared tracee, and does not wait for their ends: that is for {@link close}. */
  dismiss(): void {
    const kept = this.#subject?.tid;
    for (const leader of this.#leaders) if (leader !== kept) binding().kill(-leader, SIG.SIGKILL);
    for (const tid of this.#alive) if (tid !== kept) binding().kill(tid, SIG.SIGKILL);
  }

  /** Kills all that is left, and reaps it. Never throws. */
  close(): void {
    this.spoil();
    this.dismiss();
    const end = performance.now() + scaledMillis(CLOSING_MILLIS);
    while (this.#alive.size > 0 && performance.now() < end) {
      let ended = false;
      // No order of deaths: a leader's is told after those of its traced threads.
      for (const tid of [...this.#alive]) {
        const status = this.look(tid, 50);
        if (status === undefined) continue;
        if (isEnd(status)) ended = true;
        // What dies may stop once more, at its PTRACE_EVENT_EXIT.
        else kernelLayer().ptrace(PTRACE.CONT, tid, 0, 0);
      }
      if (!ended) nap();
    }
  }
}

/** What came in the place of the stop that was waited for. */
export function unexpected(after: string, tid: number, status: WaitStatus): Error {
  const what =
    status.kind === 'killed' || status.kind === 'stopped'
      ? `${status.kind} by signal ${status.signal}`
      : status.kind === 'event'
        ? `an event stop ${status.event}`
        : status.kind;
  return refused('kernel', after, tid, `${what} came instead of the stop`);
}

/** Whether it is the stop of a step, a breakpoint or a watchpoint. */
export const isTrap = (status: WaitStatus): boolean => status.kind === 'stopped' && status.signal === SIG.SIGTRAP;

/** A tracee in a stop. */
export class Specimen {
  readonly #lab: Lab;
  readonly child: ScriptChild;
  readonly tid: number;

  constructor(lab: Lab, child: ScriptChild) {
    this.#lab = lab;
    this.child = child;
    this.tid = child.pid;
  }

  registers(): Registers {
    return this.#lab.arch.registersFrom(getGeneral(this.tid));
  }

  get pc(): bigint {
    return this.registers().pc;
  }

  set pc(value: bigint) {
    const registers = this.registers();
    registers.pc = value;
    setGeneral(this.tid, registers.bytes);
  }

  /** A named word of its script. */
  read(name: string): bigint {
    return BigInt.asIntN(64, peekData(this.tid, this.child.address(name)));
  }

  write(name: string, value: bigint): void {
    pokeData(this.tid, this.child.address(name), BigInt.asUintN(64, value));
  }

  /** Resumes it: its next stop. */
  resume(action: (tid: number) => void, name: string): WaitStatus {
    action(this.tid);
    return this.#lab.await(this.tid, name);
  }

  /**
   * Lets it run into its own SIGUSR2: `s.tgkillSelf('SIGUSR2')`.
   *
   * @throws PtraceError when it stops for another reason, or not at all
   */
  runToMark(): void {
    const status = this.resume(cont, 'PTRACE_CONT');
    if (status.kind !== 'stopped' || status.signal !== SIG.SIGUSR2) throw unexpected('PTRACE_CONT', this.tid, status);
  }

  resumeToStop(): WaitStatus {
    return this.resume(cont, 'PTRACE_CONT');
  }

  /** From any stop, or from running on after a stop that did not come, to one of PTRACE_INTERRUPT. */
  interruptAgain(): void {
    interrupt(this.tid);
    kernelLayer().ptrace(PTRACE.CONT, this.tid, 0, 0);
    this.#lab.awaitEvent(this.tid, PTRACE_EVENT.STOP, 'PTRACE_INTERRUPT');
  }
}
