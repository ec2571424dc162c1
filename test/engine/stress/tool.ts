/**
 * One of the engines of the stress test: on each thread that it is attached to it votes at random, and holds what it is told against what it may be
 * told.
 */
import {
  ATTACH,
  EVENT,
  EVENT_SIGNAL_ALL,
  SIGNAL_ACTION,
  SYSCALL_ACTION,
  UTRACE,
  type Answer,
  type Engine,
  type EngineOps,
  type Engines,
  type EngineThread,
  type Vote,
} from '../../../lib/engine/index.js';
import { isPtraceError } from '../../../lib/errors.js';
import { PTRACE_EVENT } from '../../../lib/kernel/events.js';
import { SIG } from '../../../lib/kernel/signals.js';
import type { Random } from './random.js';

const ALWAYS = EVENT.EXIT | EVENT.DEATH | EVENT.REAP | EVENT.CLONE | EVENT.EXEC;
const SOMETIMES = [
  EVENT.QUIESCE,
  EVENT.SYSCALL_ENTRY,
  EVENT.SYSCALL_EXIT,
  EVENT_SIGNAL_ALL,
  EVENT.JCTL,
  EVENT.VFORK_DONE,
] as const;
const VOTES = [UTRACE.RESUME, UTRACE.RESUME, UTRACE.RESUME, UTRACE.STOP, UTRACE.REPORT, UTRACE.INTERRUPT] as const;
const STEPS = [UTRACE.SINGLESTEP, UTRACE.BLOCKSTEP] as const;
const ACTIONS = [
  UTRACE.STOP,
  UTRACE.STOP,
  UTRACE.INTERRUPT,
  UTRACE.REPORT,
  UTRACE.SINGLESTEP,
  UTRACE.BLOCKSTEP,
  UTRACE.RESUME,
  UTRACE.RESUME,
  UTRACE.RESUME,
  UTRACE.RESUME,
] as const;

/** What is known of one engine on one thread. */
interface Attachment {
  readonly engine: Engine;
  /** No callback may come any more: the detach answered 0. */
  silent: boolean;
  /** It was told to detach, by a vote or by control(). */
  leaves: boolean;
  /** The thread was at its exit already, or behind it. */
  readonly isLate: boolean;
  exits: number;
  deaths: number;
  reaps: number;
}

export class Tool {
  readonly #name: string;
  readonly #engines: Engines;
  readonly #random: Random;
  readonly #problems: string[];
  readonly #attachments = new Set<Attachment>();
  /** What was counted: callbacks, and exits that were told late. */
  readonly counts = {
    callbacks: 0,
    clones: 0,
    execs: 0,
    exits: 0,
    deaths: 0,
    lateExits: 0,
    steps: 0,
    promises: 0,
  };
  /** It votes STOP and asks for stops no more. */
  isCalm = false;

  constructor(name: string, engines: Engines, random: Random, problems: string[]) {
    this.#name = name;
    this.#engines = engines;
    this.#random = random;
    this.#problems = problems;
  }

  #problem(attachment: Attachment, what: string): void {
    this.#problems.push(`${this.#name} on ${attachment.engine.thread.tid}: ${what}`);
  }

  get attachments(): number {
    return this.#attachments.size;
  }

  /** Attaches to a thread, if that lives. */
  attach(target: number | EngineThread): void {
    // The callbacks come with the engine, which is made later.
    const holder: { attachment?: Attachment } = {};
    const ops = this.#ops(() => {
      const { attachment } = holder;
      if (attachment === undefined) throw new Error('a callback before the attach was over');
      return attachment;
    });
    let engine: Engine;
    try {
      engine = this.#engines.attach(target, ATTACH.CREATE, ops, this);
    } catch (error) {
      // EPERM: it is about to die. EAGAIN: it executes a program.
      if (isPtraceError(error) && (error.reason === 'gone' || error.code === 'EPERM' || error.code === 'EAGAIN'))
        return;
      throw error;
    }
    const isLate = engine.thread.status >>> 16 === PTRACE_EVENT.EXIT || engine.thread.state === 'ended';
    holder.attachment = { engine, silent: false, leaves: false, isLate, exits: 0, deaths: 0, reaps: 0 };
    this.#attachments.add(holder.attachment);
    if (engine.setEvents(ALWAYS | this.#mask()) === 0) return;
    // It died meanwhile: neither its death nor its reaping can be asked for.
    holder.attachment.leaves = true;
    this.#attachments.delete(holder.attachment);
  }

  #mask(): number {
    return SOMETIMES.reduce<number>((mask, event) => (this.#random.chance(0.4) ? mask | event : mask), 0);
  }

  /** One random action. */
  act(): void {
    if (this.#attachments.size === 0) return;
    const attachment = this.#random.pick([...this.#attachments]);
    const { engine } = attachment;
    const what = this.#random.below(10);
    if (what === 0) this.#detach(attachment);
    else if (what === 1) engine.setEvents(ALWAYS | this.#mask());
    else if (what === 2) this.#examine(attachment);
    else {
      const action = this.#random.pick(ACTIONS);
      if (this.isCalm && action === UTRACE.STOP) return;
      const result = engine.control(action);
      if (action === UTRACE.STOP && result === 0 && engine.thread.state !== 'stopped') {
        this.#problem(attachment, `is held, and ${engine.thread.state}`);
      }
    }
  }

  #detach(attachment: Attachment): void {
    const result = attachment.engine.control(UTRACE.DETACH);
    attachment.leaves = true;
    // ESRCH: it had detached itself, or the thread is gone.
    if (result === 0) attachment.silent = true;
    if (result === 0 || attachment.reaps > 0) this.#attachments.delete(attachment);
  }

  #examine(attachment: Attachment): void {
    const { engine } = attachment;
    const begun = engine.prepareExamine();
    if (typeof begun === 'string') return;
    try {
      const { registers } = engine.thread;
      if (registers.pc === 0n) this.#problem(attachment, 'its program counter is 0');
    } catch (error) {
      if (engine.finishExamine(begun) === 0) this.#problem(attachment, `cannot be examined: ${String(error)}`);
      return;
    }
    engine.finishExamine(begun);
  }

  /** Detaches from everything. */
  leave(): void {
    for (const attachment of [...this.#attachments]) this.#detach(attachment);
  }

  /** Lets everything go on that it holds. */
  calm(): void {
    this.isCalm = true;
    for (const { engine } of this.#attachments) engine.control(UTRACE.RESUME);
  }

  /** When nothing is traced any more: nobody may have been forgotten. */
  checkEnd(): void {
    for (const attachment of this.#attachments) {
      if (!attachment.leaves && attachment.reaps === 0)
        this.#problem(attachment, 'is gone, and the engine was not told');
    }
    this.#attachments.clear();
  }

  // --- callbacks

  #called(attachment: Attachment, name: string): void {
    this.counts.callbacks++;
    if (attachment.silent) this.#problem(attachment, `${name} after a detach that answered 0`);
    if (attachment.reaps > 0) this.#problem(attachment, `${name} after the reaping`);
    if (attachment.deaths > 0 && name !== 'reap') this.#problem(attachment, `${name} after the death`);
    if (attachment.exits > 0 && !['exit', 'quiesce', 'death', 'reap'].includes(name)) {
      this.#problem(attachment, `${name} after the exit`);
    }
  }

  #vote(attachment: Attachment, more = 0): Answer {
    const random = this.#random;
    if (random.chance(0.5)) return undefined;
    if (random.chance(0.02)) {
      attachment.leaves = true;
      this.#attachments.delete(attachment);
      return UTRACE.DETACH | more;
    }
    let vote: Vote = random.pick(VOTES) | more;
    if (random.chance(0.1)) {
      this.counts.steps++;
      vote = random.pick(STEPS) | more;
    }
    if (this.isCalm) vote = UTRACE.RESUME | more;
    if (!random.chance(0.05)) return vote;
    this.counts.promises++;
    return new Promise((resolve) => {
      setTimeout(resolve, random.below(4), vote);
    });
  }

  #ops(own: () => Attachment): EngineOps {
    const random = this.#random;
    return {
      reportQuiesce: () => {
        this.#called(own(), 'quiesce');
        return this.#vote(own());
      },
      reportClone: (_action, _engine, { child }) => {
        this.#called(own(), 'clone');
        this.counts.clones++;
        if (random.chance(0.3)) this.attach(child);
        return this.#vote(own());
      },
      reportExec: () => {
        this.#called(own(), 'exec');
        this.counts.execs++;
        return this.#vote(own());
      },
      reportExit: (_action, { thread }) => {
        this.#called(own(), 'exit');
        own().exits++;
        this.counts.exits++;
        if (thread.state === 'ended') this.counts.lateExits++;
        return this.#vote(own());
      },
      reportDeath: () => {
        const attachment = own();
        this.#called(attachment, 'death');
        attachment.deaths++;
        this.counts.deaths++;
        if (attachment.exits === 0 && !attachment.isLate) this.#problem(attachment, 'died without an exit');
      },
      reportReap: () => {
        const attachment = own();
        this.#called(attachment, 'reap');
        if (attachment.deaths === 0) this.#problem(attachment, 'reaped without a death');
        attachment.reaps++;
        this.#attachments.delete(attachment);
      },
      reportSyscallEntry: (action, _engine, call) => {
        this.#called(own(), 'entry');
        const skips = call.name === 'getppid' && random.chance(0.1);
        return this.#vote(own(), skips ? SYSCALL_ACTION.ABORT : action & SYSCALL_ACTION.ABORT);
      },
      reportSyscallExit: (_action, _engine, call) => {
        this.#called(own(), 'leave');
        if (call.isError && random.chance(0.1)) call.setResult(0);
        return this.#vote(own());
      },
      reportSignal: (action, _engine, { signal }) => {
        this.#called(own(), 'signal');
        const fate = action & 0x70;
        const turns = signal === SIG.SIGUSR1 || signal === SIG.SIGUSR2;
        return this.#vote(own(), turns ? random.pick([SIGNAL_ACTION.IGN, SIGNAL_ACTION.DELIVER]) : fate);
      },
      reportJctl: () => {
        this.#called(own(), 'jctl');
        return this.#vote(own());
      },
      reportVforkDone: () => {
        this.#called(own(), 'vfork-done');
        return this.#vote(own());
      },
    };
  }
}
