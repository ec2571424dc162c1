/**
 * One client on one thread: the tracee as that client has it. It is an engine's data, and what the engine is told becomes the client's stops.
 *
 * The thread is held in the very stop that the kernel has made, by a {@link Ticket}, for as long as the client stands in it. With several clients one is told
 * after the other, in the order of the engines: the next one sees what the one before has left.
 */
import { ERRNO } from '../../kernel/errno.js';
import { PTRACE_EVENT } from '../../kernel/events.js';
import { PTRACE_O } from '../../kernel/options.js';
import { PTRACE } from '../../kernel/requests.js';
import { TRAP } from '../../kernel/siginfo.js';
import { SIG } from '../../kernel/signals.js';
import { scaledMillis } from '../../time-scale.js';
import { RESUME_MASK, SIGNAL_ACTION, UTRACE } from '../actions.js';
import type { Answer, CloneReport, ExecReport, SignalReport, Vote } from '../callbacks.js';
import type { Engine } from '../engine.js';
import { EVENT, EVENT_SIGNAL_ALL } from '../events.js';
import type { EngineThread } from '../thread.js';
import type { Adoption } from './adoption.js';
import { pcOffset } from './breakpoints.js';
import type { Client } from './client.js';
import { SYSEMU, SYSEMU_SINGLESTEP } from './ground.js';
import { markOf, sendMarked, siginfoOf } from './sent-signals.js';
import {
  eventOf,
  eventWord,
  isEventStop,
  signalOf,
  signalWord,
  syscallWord,
  type StopKind,
  type VirtualStop,
} from './stops.js';
import { Ticket } from './ticket.js';
import { isStep, type VirtualThread } from './virtual-thread.js';

const PATIENCE_MILLIS = 1000;

const ALWAYS =
  EVENT.QUIESCE | EVENT.CLONE | EVENT.EXEC | EVENT.EXIT | EVENT.DEATH | EVENT.REAP | EVENT.JCTL | EVENT_SIGNAL_ALL;

const OPTION_OF: Readonly<Record<number, number>> = {
  [PTRACE_EVENT.FORK]: PTRACE_O.TRACEFORK,
  [PTRACE_EVENT.VFORK]: PTRACE_O.TRACEVFORK,
  [PTRACE_EVENT.CLONE]: PTRACE_O.TRACECLONE,
  [PTRACE_EVENT.EXEC]: PTRACE_O.TRACEEXEC,
  [PTRACE_EVENT.VFORK_DONE]: PTRACE_O.TRACEVFORKDONE,
  [PTRACE_EVENT.EXIT]: PTRACE_O.TRACEEXIT,
  [PTRACE_EVENT.SECCOMP]: PTRACE_O.TRACESECCOMP,
};

/** Codes of the SIGTRAPs that only those have asked for who step. */
const STEP_CODES: readonly number[] = [TRAP.TRACE, TRAP.BRANCH, SIG.SIGTRAP];

export interface AttachmentInit {
  readonly seized: boolean;
  readonly options: number;
  /** Its first stop is still to come, and its client will be told of that: a child that was attached automatically. */
  readonly first?: boolean;
}

export class Attachment {
  readonly client: Client;
  /** The thread; there from {@link Attachment.begin} on. */
  at!: VirtualThread;
  readonly seized: boolean;
  options: number;
  /** Stops in the order in which they are told; the client stands in the first. */
  readonly stops: VirtualStop[] = [];
  /** The request by which the client has let it go last. */
  request: number = PTRACE.CONT;
  /** After PTRACE_LISTEN. */
  listening = false;
  /** After PTRACE_JOBCTL_CONT. */
  awaitsJobControl = false;
  /** The stop after which an INTERRUPT was sent that no stop has answered. */
  interruptSent: number | undefined;
  adoption: Adoption | undefined;
  #engine: Engine | undefined;
  #first: boolean;
  /** It was group-stopped already, for another client, when this one came. */
  meetsGroupStop = false;
  /** The stop that was looked at for what is told of it. */
  #seen = 0;
  #ticket: Ticket | undefined;
  #vote: Vote;
  /** The signal action of the engines before. */
  #result = 0;
  detached = false;

  constructor(client: Client, { seized, options, first = false }: AttachmentInit) {
    this.client = client;
    this.seized = seized;
    this.options = options;
    this.#first = first;
  }

  get engine(): Engine | undefined {
    return this.#engine;
  }

  /** The engine is attached: begins. */
  begin(engine: Engine, at: VirtualThread): void {
    this.at = at;
    this.#engine = engine;
    this.#updateEvents();
  }

  get tid(): number {
    return this.at.tid;
  }
  get stop(): VirtualStop | undefined {
    return this.stops[0];
  }
  get isStopped(): boolean {
    const { stop } = this;
    return stop !== undefined && stop.kind !== 'end';
  }
  get steps(): boolean {
    return isStep(this.request) || this.request === SYSEMU_SINGLESTEP;
  }
  get wantsCalls(): boolean {
    return this.request === PTRACE.SYSCALL || this.request === SYSEMU || this.request === SYSEMU_SINGLESTEP;
  }

  has(option: number): boolean {
    return (this.options & option) !== 0;
  }

  setOptions(options: number): void {
    this.options = options;
    this.#updateEvents();
  }

  #updateEvents(): void {
    const engine = this.#engine;
    if (engine?.isAttached !== true) return;
    let events: number = ALWAYS;
    if (this.wantsCalls) events |= EVENT.SYSCALL_ENTRY | EVENT.SYSCALL_EXIT;
    if (this.has(PTRACE_O.TRACESECCOMP)) events |= EVENT.SECCOMP;
    if (this.has(PTRACE_O.TRACEVFORKDONE)) events |= EVENT.VFORK_DONE;
    engine.setEvents(events);
  }

  // --- stops

  /** The client is told of a stop, and holds the thread in it. */
  push(kind: StopKind, status: number, real = true): void {
    this.stops.push({ kind, status, real, id: this.at.stopId, reported: false });
    if (kind === 'end') {
      this.listening = false;
      this.awaitsJobControl = false;
    } else if (this.stops.length === 1) this.#arrive();
    this.client.told(this);
  }

  #arrive(): void {
    this.listening = false;
    this.awaitsJobControl = false;
    if (this.interruptSent !== this.at.stopId) this.interruptSent = undefined;
  }

  #hold(kind: StopKind, status: number): Promise<Vote> {
    this.push(kind, status);
    const ticket = new Ticket();
    this.#ticket = ticket;
    this.#vote = undefined;
    // It stands: who else has asked for that need not wait for its turn.
    for (const each of this.at.attachments) if (each !== this) each.takeChance();
    return ticket.answer;
  }

  /** The thread is held by another client: an interrupt that is under way is answered. */
  takeChance(): void {
    if (this.interruptSent === undefined || this.isStopped || this.listening || !this.seized) return;
    this.interruptSent = undefined;
    this.push('trap', this.at.trapWord, false);
  }

  #report(event: number): Answer {
    return this.#hold('event', eventWord(event));
  }

  /** The client lets its stop go. Negative errno. */
  resume(request: number, signal: number): number {
    const { stop, at } = this;
    if (stop === undefined || stop.kind === 'end') return -ERRNO.ESRCH;
    if (request === PTRACE.LISTEN && (!this.seized || stop.kind !== 'trap')) return -ERRNO.EIO;
    if (at.hasLeft(stop)) {
      at.cancel();
      return -ERRNO.ESRCH;
    }
    this.stops.shift();
    this.listening = request === PTRACE.LISTEN;
    if (!this.listening) this.request = request === PTRACE.DETACH ? PTRACE.CONT : request;
    if (stop.real) {
      if (stop.kind === 'signal') {
        at.choice = signal;
        if (stop.siginfo !== undefined) {
          // Given at a system call the signal is sent, and would be reported once more.
          if (signal !== 0) at.silent = { signal, siginfo: stop.siginfo };
          this.#vote = UTRACE.RESUME | SIGNAL_ACTION.IGN;
        } else {
          at.choose(signal);
          this.#vote = UTRACE.RESUME | (signal === 0 ? SIGNAL_ACTION.IGN : SIGNAL_ACTION.DELIVER);
        }
      } else if (signal !== 0) at.injected = signal;
    }
    this.#dropStale(request);
    this.#updateEvents();
    if (this.stops.length > 0) {
      this.#arrive();
      this.client.told(this);
    }
    if (request === PTRACE.DETACH) this.#leave();
    at.settle();
    return 0;
  }

  /** Whether the step that the client has asked for is the engines' to make. */
  get #stepsByVote(): boolean {
    return this.stops.length === 0 && !this.listening && isStep(this.request) && this.at.stepsByVote;
  }

  #voteStep(): void {
    const result = this.#vote === undefined ? this.#result : this.#vote & ~RESUME_MASK;
    this.#vote = UTRACE.SINGLESTEP | result;
  }

  /** What is stacked behind is told only if it still holds: options may have changed, and only PTRACE_SYSCALL asks for system calls. */
  #dropStale(request: number): void {
    for (;;) {
      const [next] = this.stops;
      if (next === undefined) return;
      const option = OPTION_OF[eventOf(next.status)];
      const stale =
        (next.kind === 'syscall' && request !== PTRACE.SYSCALL) ||
        (next.kind === 'event' && option !== undefined && !this.has(option));
      if (!stale) return;
      this.stops.shift();
    }
  }

  /** The client detaches. */
  #leave(): void {
    this.detached = true;
    this.stops.length = 0;
    this.listening = false;
    this.at.host.left(this);
    if (this.#ticket !== undefined && !this.#ticket.isSettled) {
      const result = this.#vote === undefined ? this.#result : this.#vote & ~RESUME_MASK;
      this.#vote = UTRACE.DETACH | result;
    } else this.#engine?.control(UTRACE.DETACH);
  }

  /** The thread goes on, as far as this client is concerned. */
  settle(): void {
    const ticket = this.#ticket;
    if (ticket === undefined) return;
    this.#ticket = undefined;
    if (!this.detached && this.#stepsByVote) this.#voteStep();
    const vote = this.#vote;
    this.#vote = undefined;
    ticket.settle(vote);
  }

  /** SIGKILL: what it stood in is no more. */
  cancel(): void {
    while (this.stops.length > 0 && this.stops[0]?.kind !== 'end') this.stops.shift();
    this.listening = false;
    this.#vote = undefined;
  }

  /** Whether a ticket of it holds the thread. */
  get holds(): boolean {
    return this.#ticket !== undefined;
  }

  /** Asks for a stop. Negative errno. */
  interrupt(): number {
    if (!this.seized) return -ERRNO.EIO;
    // The dead take it, and do nothing.
    if (this.stop?.kind === 'end') return 0;
    const { at } = this;
    if (!this.isStopped && at.stands && at.thread.state === 'stopped') {
      // Another client, or another engine, holds it: it stands already.
      this.push('trap', at.trapWord, false);
      return 0;
    }
    if (this.interruptSent === undefined) {
      const result = at.sendInterrupt();
      if (result < 0) return result;
    }
    this.interruptSent = at.stopId;
    if (this.awaitsJobControl) this.#untilStopped();
    return 0;
  }

  /** Brings it back from PTRACE_JOBCTL_CONT into a stop of which the client is not told. */
  comeBack(): void {
    this.interrupt();
    if (this.stop !== undefined) this.stop.reported = true;
  }

  /** A tracee that stands in the kernel's LISTEN traps at once. */
  #untilStopped(): void {
    const begin = performance.now();
    const limit = scaledMillis(PATIENCE_MILLIS);
    while (!this.isStopped && performance.now() - begin < limit) this.at.host.pump();
  }

  /** The SIGSTOP of PTRACE_ATTACH. */
  sendStop(): void {
    sendMarked('attach', this.at.thread.pid, this.tid);
  }

  /** It was group-stopped when this client came, which is to be told. */
  meetGroupStop(): void {
    this.meetsGroupStop = true;
    this.at.sendInterrupt();
  }

  // --- what the engine is told

  /** What the engines before have decided beside the resume action; it stays so unless the client decides otherwise. */
  enter(result: number): this {
    this.#result = result;
    return this;
  }

  reported(report: SignalReport, action: number): Answer {
    if (report.signal === 0) return this.atBorder(action);
    const { at } = this;
    const breakpoint = this.#breakpoint(report);
    if (breakpoint === 'theirs') return UTRACE.RESUME | this.#result;
    if (breakpoint === 'ours') return this.#hold('signal', signalWord(report.signal));
    let signal = at.choice ?? report.signal;
    if (signal === 0) return UTRACE.RESUME | SIGNAL_ACTION.IGN;
    if (at.choice === undefined) {
      const skipped = this.#look(report);
      if (skipped !== undefined) return skipped;
      signal = report.signal;
    }
    const answer = this.#hold('signal', signalWord(signal));
    if (this.#isMadeUp && this.stop !== undefined) this.stop.siginfo = report.siginfo.slice();
    return answer;
  }

  /** Whose breakpoint has trapped, if one has. Each who has it finds the thread as the trap has left it. */
  #breakpoint({ signal, siginfo }: SignalReport): 'ours' | 'theirs' | undefined {
    const { at } = this;
    if (signal !== SIG.SIGTRAP || at.attachments.length < 2 || this.#isMadeUp) return undefined;
    const code = new DataView(siginfo.buffer, siginfo.byteOffset).getInt32(8, true);
    if (STEP_CODES.includes(code)) return undefined;
    const { registers } = at.thread;
    at.trapAddress ??= registers.pc - pcOffset;
    const owners = at.host.breakpoints(at.thread.pid).ownersAt(at.trapAddress);
    if (at.trapOwners === undefined && owners !== undefined) at.trapOwners = new Set(owners);
    if (at.trapOwners === undefined) return undefined;
    if (!at.trapOwners.has(this.client)) return 'theirs';
    if (registers.pc !== at.trapAddress + pcOffset) {
      registers.pc = at.trapAddress + pcOffset;
      at.thread.flush();
    }
    return 'ours';
  }

  /** The trap of a step over a system call that somebody else wants to see: the kernel's stop is that of the system call. */
  get #isMadeUp(): boolean {
    return signalOf(this.at.status) === (SIG.SIGTRAP | 0x80);
  }

  /** A signal that is not for this client, or is not what it seems. */
  #look({ signal, siginfo }: SignalReport): Answer {
    const { at } = this;
    if (at.silent?.signal === signal) {
      siginfo.set(at.silent.siginfo);
      at.silent = undefined;
      at.choose(signal);
      return UTRACE.RESUME | SIGNAL_ACTION.DELIVER;
    }
    const mark = markOf(siginfo);
    if (mark !== undefined) {
      siginfo.set(siginfoOf(mark, this.tid));
      at.thread.flush();
      return undefined;
    }
    if (signal === SIG.SIGCONT && this.adoption?.isWaiting === true) {
      const { adoption } = this;
      this.adoption = undefined;
      adoption.arrive(siginfo);
      at.thread.flush();
      return this.#hold('signal', signalWord(adoption.signal));
    }
    const code = new DataView(siginfo.buffer, siginfo.byteOffset).getInt32(8, true);
    const stepped = this.#isMadeUp || (signal === SIG.SIGTRAP && STEP_CODES.includes(code));
    if (stepped && at.attachments.length > 1 && at.steppers.length > 0 && !at.steppers.includes(this)) {
      return this.#virtualTrap();
    }
    return undefined;
  }

  /** A stop that the client has asked for can be had here. */
  #virtualTrap(): Answer {
    if (this.interruptSent === undefined || !this.seized) return UTRACE.RESUME | this.#result;
    this.push('trap', this.at.trapWord, false);
    const ticket = new Ticket();
    this.#ticket = ticket;
    this.#vote = UTRACE.RESUME | this.#result;
    return ticket.answer;
  }

  atBorder(action: number): Answer {
    const { at } = this;
    if (isEventStop(at.status)) return this.eventStop();
    if ((action & ~RESUME_MASK) === SIGNAL_ACTION.HANDLER) {
      // The first instruction of a handler, when it was stepped into.
      return at.steppers.includes(this) ? this.#hold('signal', signalWord(SIG.SIGTRAP)) : undefined;
    }
    const kept = this.keep();
    if (kept !== undefined) return kept;
    // At a signal its pass follows.
    if (eventOf(at.status) === 0 && signalOf(at.status) !== (SIG.SIGTRAP | 0x80)) return undefined;
    return this.interruptSent === undefined ? undefined : this.#virtualTrap();
  }

  /** The client stands in a stop already that was made up for it. */
  #holdOn(): Answer {
    const ticket = new Ticket();
    this.#ticket = ticket;
    this.#vote = undefined;
    return ticket.answer;
  }

  quiesced(event: number): Answer {
    if (event === 0) return this.atBorder(UTRACE.RESUME);
    // Its own callback follows, and stacks what it tells.
    if (event === EVENT.DEATH || ((this.#engine?.events ?? 0) & event) !== 0) return undefined;
    // The stop at the end of a call that others want has used the interrupt up.
    const asked = this.interruptSent !== undefined && this.seized && !this.isStopped;
    return asked && event === EVENT.SYSCALL_EXIT ? this.#virtualTrap() : this.keep();
  }

  /** The answer to what is not for this client: it goes on, unless it stands in a stop that was made up for it. */
  keep(): Answer {
    return this.isStopped && !this.holds ? this.#holdOn() : undefined;
  }

  /** PTRACE_EVENT_STOP: for an interrupt, job control, the first stop of a child. */
  eventStop(): Answer {
    const { at } = this;
    if (this.#seen === at.stopId) return undefined;
    this.#seen = at.stopId;
    const signal = signalOf(at.status);
    const group = signal !== SIG.SIGTRAP;
    if (this.adoption !== undefined) {
      this.adoption.eventStop(at);
      return undefined;
    }
    if (this.#first) {
      this.#first = false;
      if (this.seized) return this.#hold('trap', at.status);
      sendMarked('new-child', at.thread.pid, at.tid);
      return undefined;
    }
    const isOthers = at.answered > 0 || (at.belated && !this.listening);
    const forOthers = isOthers && this.interruptSent === undefined && !this.meetsGroupStop;
    if (forOthers && group === (at.groupSignal !== 0)) {
      // It has come in front of a step.
      return this.#stepsByVote ? UTRACE.SINGLESTEP | this.#result : undefined;
    }
    this.meetsGroupStop = false;
    if (this.seized) return this.#hold('trap', at.status);
    return group ? this.#hold('group', signalWord(signal)) : undefined;
  }

  syscall(entry: boolean): Answer {
    if (!this.wantsCalls) return undefined;
    // SYSEMU stops at the entry alone.
    if (!entry && this.request !== PTRACE.SYSCALL) return undefined;
    return this.#hold('syscall', syscallWord(this.has(PTRACE_O.TRACESYSGOOD)));
  }

  seccomp(): Answer {
    return this.#report(PTRACE_EVENT.SECCOMP);
  }

  vforkDone(): Answer {
    return this.#report(PTRACE_EVENT.VFORK_DONE);
  }

  cloned({ child }: CloneReport): Answer {
    const event = eventOf(this.at.status);
    const option = OPTION_OF[event];
    // A clone that SIGKILL has kept from being told: the child is a tracee all the same.
    const unnamed = event === PTRACE_EVENT.EXIT;
    const follows = unnamed
      ? this.has(PTRACE_O.TRACECLONE | PTRACE_O.TRACEFORK | PTRACE_O.TRACEVFORK)
      : option !== undefined && this.has(option);
    const asked = !follows && this.at.host.askedForPtrace(this.at);
    if (follows || asked) this.#follow(child);
    return follows && !unnamed ? this.#report(event) : undefined;
  }

  #follow(child: EngineThread): void {
    const { host } = this.at;
    const init = { seized: this.seized, options: this.options, first: true };
    host.attachTo(this.client, child, init);
    // Nobody has to wait for the parent: it is known whose the child is.
    child.release();
  }

  executed({ formerTid }: ExecReport): Answer {
    const { at } = this;
    const renamed = formerTid !== this.tid;
    // The stop was taken for one of the old leader's.
    if (renamed && at.status !== at.thread.status) at.stopped(at.thread.status);
    this.client.renamed(this, formerTid);
    at.host.breakpoints(at.thread.pid).clear();
    if (this.has(PTRACE_O.TRACEEXEC)) {
      const answer = this.#report(PTRACE_EVENT.EXEC);
      if (renamed && this.stop !== undefined) this.stop.unexpected = true;
      return answer;
    }
    if (!this.seized) sendMarked('exec', this.at.thread.pid, this.tid);
    return undefined;
  }

  exiting(): Answer {
    return this.has(PTRACE_O.TRACEEXIT) ? this.#report(PTRACE_EVENT.EXIT) : undefined;
  }

  /** @returns a promise while somebody has to wait for the end */
  died(status: number): Answer {
    return this.at.host.died(this.at, status);
  }

  reaped(): void {
    this.at.host.reaped(this.at);
  }
}
