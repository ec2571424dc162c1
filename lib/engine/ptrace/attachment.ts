/**
 * One client on one thread: the tracee as that client has it, with the stops that it is told of and the requests by which it lets them go.
 * `ClientEngine` makes the stops, of what the engine is told.
 */
import { ERRNO } from '../../kernel/errno.js';
import { PTRACE_O } from '../../kernel/options.js';
import { PTRACE } from '../../kernel/requests.js';
import { scaledMillis } from '../../time-scale.js';
import { RESUME_MASK, SIGNAL_ACTION, UTRACE } from '../actions.js';
import type { Answer, Vote } from '../callbacks.js';
import type { Engine } from '../engine.js';
import { EVENT, EVENT_SIGNAL_ALL } from '../events.js';
import type { Adoption } from './adoption.js';
import type { Client } from './client.js';
import { SYSEMU, SYSEMU_SINGLESTEP } from './ground.js';
import { sendMarked, type SentKind } from './sent-signals.js';
import { eventOf, optionOf, type StopKind, type VirtualStop } from './stops.js';
import { Ticket } from './ticket.js';
import { isStep, type VirtualThread } from './virtual-thread.js';

const PATIENCE_MILLIS = 1000;

const ALWAYS =
  EVENT.QUIESCE | EVENT.CLONE | EVENT.EXEC | EVENT.EXIT | EVENT.DEATH | EVENT.REAP | EVENT.JCTL | EVENT_SIGNAL_ALL;

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
  /** It was group-stopped already, for another client, when this one came. */
  meetsGroupStop = false;
  /** A signal was sent in the kernel's place that is for this client, and not for the others. */
  expects: SentKind | undefined;
  /** It has asked for a step in a stop that was made up, where it has no vote. */
  #stepDue = false;
  #ticket: Ticket | undefined;
  #vote: Vote;
  /** The signal action of the engines before. */
  #result = 0;
  detached = false;

  constructor(client: Client, { seized, options }: AttachmentInit) {
    this.client = client;
    this.seized = seized;
    this.options = options;
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

  /** Whether an option asks for an event. */
  hasEvent(event: number): boolean {
    const option = optionOf(event);
    return option !== undefined && this.has(option);
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
    this.#stepDue = false;
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

  /** The thread is held by another client: an interrupt that is under way is answered. */
  takeChance(): void {
    if (this.interruptSent === undefined || this.isStopped || this.listening || !this.seized) return;
    this.interruptSent = undefined;
    this.push('trap', this.at.trapWord, false);
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
    this.#stepDue = this.#ticket === undefined && isStep(request);
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

  /** The step of a stop that was made up, on a thread that others hold: asked for, before they let it go. */
  askStep(): void {
    if (!this.#stepDue || !this.#stepsByVote) return;
    this.#stepDue = false;
    this.#engine?.control(UTRACE.SINGLESTEP);
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
      const option = optionOf(eventOf(next.status));
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

  /** Sends a signal that the kernel would send for this client alone. */
  send(kind: SentKind): void {
    if (sendMarked(kind, this.at.thread.pid, this.tid)) this.expects = kind;
  }

  /** It was group-stopped when this client came, which is to be told. */
  meetGroupStop(): void {
    this.meetsGroupStop = true;
    this.at.sendInterrupt();
  }

  // --- answers to the engine's callbacks

  /** What the engines before have decided beside the resume action; it stays so unless the client decides otherwise. */
  enter(result: number): void {
    this.#result = result;
  }

  /** The answer that leaves everything as the engines before have decided it. */
  get passed(): number {
    return UTRACE.RESUME | this.#result;
  }

  /** The answer that makes the step which the client has asked for, if that is the engines' to make. */
  get stepped(): Vote {
    return this.#stepsByVote ? UTRACE.SINGLESTEP | this.#result : undefined;
  }

  /** The client is told of a stop, and stands in it until it lets it go. */
  hold(kind: StopKind, status: number): Answer {
    this.push(kind, status);
    const answer = this.#await(undefined);
    // It stands: who else has asked for that need not wait for its turn.
    for (const each of this.at.attachments) if (each !== this) each.takeChance();
    return answer;
  }

  /** A stop that the client has asked for can be had here. */
  holdInTrap(): Answer {
    if (this.interruptSent === undefined || !this.seized) return this.passed;
    this.push('trap', this.at.trapWord, false);
    return this.#await(this.passed);
  }

  /** The answer to what is not for this client: it goes on, unless it stands in a stop that was made up for it. */
  keep(): Answer {
    return this.isStopped && !this.holds ? this.#await(undefined) : undefined;
  }

  #await(vote: Vote): Answer {
    const ticket = new Ticket();
    this.#ticket = ticket;
    this.#vote = vote;
    return ticket.answer;
  }
}
