/** One thread with the clients that are attached to it: where it really stands, and by which request it goes on. */
import { PTRACE_EVENT } from '../../kernel/events.js';
import { PTRACE_O } from '../../kernel/options.js';
import { PTRACE } from '../../kernel/requests.js';
import { encodeSiginfo, SI } from '../../kernel/siginfo.js';
import { SIG } from '../../kernel/signals.js';
import { UTRACE } from '../actions.js';
import { EVENT_SYSCALL } from '../events.js';
import type { EngineThread } from '../thread.js';
import type { Attachment } from './attachment.js';
import type { Client } from './client.js';
import { type Resume, SINGLEBLOCK, SYSEMU, SYSEMU_SINGLESTEP } from './ground.js';
import type { SentKind } from './sent-signals.js';
import type { Ticket } from './ticket.js';
import { eventOf, eventWord, isEventStop, signalOf, type VirtualStop } from './stops.js';
import type { VirtualPtrace } from './virtual-ptrace.js';

/** Options that the engines have nothing to do with. */
export const KERNEL_OPTIONS = PTRACE_O.EXITKILL | PTRACE_O.SUSPEND_SECCOMP;

/** Requests for one step that the engines know too. */
const STEPS: readonly number[] = [PTRACE.SINGLESTEP, SINGLEBLOCK];

export const isStep = (request: number): boolean => STEPS.includes(request);

export class VirtualThread {
  readonly host: VirtualPtrace;
  readonly thread: EngineThread;
  attachments: Attachment[] = [];
  /** Clients that have detached while they held it. */
  departing: Attachment[] = [];
  /** Counts the stops that were really made. */
  stopId = 0;
  /** The status word of the last one. */
  status = 0;
  /** It really stands: no resume has followed. */
  stands = false;
  /** What the clients so far have made of the signal of this stop: its number, 0 for none. Undefined: none was asked. */
  choice: number | undefined;
  /** Where the breakpoint is whose trap it stands in, and who had it then. */
  trapAddress: bigint | undefined;
  trapOwners: ReadonlySet<Client> | undefined;
  /** The child that its last clone has made, once its clients have been given it. */
  named: EngineThread | undefined;
  /** The signal of this stop was sent here, in the kernel's place. */
  mark: SentKind | undefined;
  /** A signal that a client has seen already, and that the kernel reports when it was sent again. */
  silent: { readonly signal: number; readonly siginfo: Uint8Array } | undefined;
  /** The signal that a client has given with a resume from another stop. */
  injected: number | undefined;
  /** Interrupts that were sent since the last stop was seen, by whomever. */
  interrupts = 0;
  /** Those that the stop it stands in may have answered. */
  answered = 0;
  /** It stands in an event-stop that answers an interrupt which came too late for the stop before. */
  belated = false;
  #mayTrapAgain = false;
  /** The signal of the group-stop that has not been seen to end; 0 for none. */
  groupSignal = 0;
  /** The clients that step it. */
  steppers: readonly Attachment[] = [];
  /** Its end was told, and the zombie is kept until all clients have waited. */
  endStatus: number | undefined;
  zombie: Ticket | undefined;
  /** Clients that have heard of the end without having attached it: as its parent. */
  readonly heard = new Set<Client>();
  /** The options of its clients wait for a stop. */
  optionsDue = false;
  /** An untraced thread has its id. */
  replaced = false;
  /** It was detached on its way out, and the engines do not know. */
  vanishes = false;

  constructor(host: VirtualPtrace, thread: EngineThread) {
    this.host = host;
    this.thread = thread;
  }

  get tid(): number {
    return this.thread.tid;
  }

  /** Options of the clients that the kernel itself has to know; it does what any of them wants. */
  get extraOptions(): number {
    return this.attachments.reduce((options, each) => options | each.options, 0) & KERNEL_OPTIONS;
  }

  /** A stop was really made, and the engines are about to see it. */
  stopped(status: number): void {
    this.stopId++;
    this.status = status;
    this.stands = true;
    this.choice = undefined;
    this.injected = undefined;
    this.trapAddress = undefined;
    this.trapOwners = undefined;
    this.mark = undefined;
    const traps = isEventStop(status);
    this.belated = traps && this.interrupts === 0 && this.#mayTrapAgain;
    this.answered = this.interrupts;
    // One that was sent while the stop was there already, unseen, makes another.
    const most = traps && this.#mayTrapAgain ? this.interrupts + 1 : this.interrupts;
    this.#mayTrapAgain = most > (traps ? 1 : 0);
    this.interrupts = 0;
    // An event-stop is to be reported whatever it is for, and every stop uses an interrupt up.
    if (!traps && !this.attachments.some(({ interruptSent }) => interruptSent !== undefined)) return;
    const { arbitration } = this.thread;
    if (this.attachments.length > 0) arbitration.resume = Math.min(arbitration.resume, UTRACE.REPORT);
  }

  /** Whether engines that are none of a client want system calls. */
  get foreignCalls(): boolean {
    return this.thread.engines.some(
      (engine) => (engine.events & EVENT_SYSCALL) !== 0 && !this.attachments.some((each) => each.engine === engine),
    );
  }

  /** Whether a step has to be made by the engines, since somebody wants the system calls that it would pass over. */
  get stepsByVote(): boolean {
    return this.foreignCalls || this.attachments.some((each) => each.wantsCalls && !isStep(each.request));
  }

  /** By which request the thread really goes on, where the engines would let it go by `given`. */
  resume({ request, data }: Resume): Resume {
    if (this.optionsDue) {
      this.optionsDue = false;
      this.host.ground.layer.ptrace(PTRACE.SETOPTIONS, this.tid, 0, this.thread.realOptions);
    }
    const signal = this.choice ?? this.injected ?? data;
    if (request === PTRACE.DETACH || this.attachments.length === 0) {
      // The engines let it run to its end, which is its parent's to hear of.
      const ends = eventOf(this.status) === PTRACE_EVENT.EXIT && this.thread.arbitration.isEmpty;
      this.vanishes = ends;
      return { request: ends ? PTRACE.DETACH : request, data: signal };
    }
    const atEventStop = isEventStop(this.status);
    if (atEventStop && this.attachments.some((each) => each.listening)) return { request: PTRACE.LISTEN, data: 0 };
    const wanted = this.#wish();
    this.steppers = this.attachments.filter((each) => each.steps && !each.listening);
    return { request: this.#merge(request, wanted), data: signal };
  }

  /** The strongest of the clients' requests. */
  #wish(): number {
    const requests = this.attachments.map(({ request }) => request);
    for (const step of [SYSEMU_SINGLESTEP, ...STEPS, SYSEMU, PTRACE.SYSCALL]) if (requests.includes(step)) return step;
    return PTRACE.CONT;
  }

  #merge(given: number, wanted: number): number {
    const calls = (this.thread.arbitration.wanted & EVENT_SYSCALL) !== 0;
    const engines = given === PTRACE.LISTEN ? (calls ? PTRACE.SYSCALL : PTRACE.CONT) : given;
    if (isStep(wanted)) {
      if (given !== PTRACE.LISTEN) return this.stepsByVote ? engines : wanted;
      // Out of a group-stop the engines would not step: theirs waits for the end of it.
      const { arbitration } = this.thread;
      if (arbitration.resume > UTRACE.REPORT) arbitration.resume = UTRACE.RESUME;
      return wanted;
    }
    if (wanted === SYSEMU || wanted === SYSEMU_SINGLESTEP) return wanted;
    if (wanted === PTRACE.SYSCALL || calls) return isStep(engines) ? engines : PTRACE.SYSCALL;
    return engines;
  }

  /** A client has chosen the signal that is delivered. With another one than was reported the sender is the tracer. */
  choose(signal: number): void {
    if (signal === 0) return;
    const { siginfo } = this.thread;
    if (new DataView(siginfo.buffer, siginfo.byteOffset).getInt32(0, true) === signal) return;
    siginfo.set(encodeSiginfo({ signal, code: SI.USER, pid: process.pid, uid: process.getuid?.() ?? 0 }));
    this.thread.flush();
  }

  /** The status word of an event-stop made up here: its signal tells of the group, as the kernel's does. */
  get trapWord(): number {
    return eventWord(PTRACE_EVENT.STOP, this.groupSignal === 0 ? SIG.SIGTRAP : this.groupSignal);
  }

  /** It has left its stop. */
  resumed({ request }: Resume, result: number): void {
    const left = this.stopId;
    this.stands = false;
    if (eventOf(this.status) === PTRACE_EVENT.STOP) {
      this.groupSignal = signalOf(this.status) === SIG.SIGTRAP ? 0 : signalOf(this.status);
    }
    if (result < 0 || request === PTRACE.DETACH) return;
    // LISTEN in a stop that was made up somewhere else: it is brought where the kernel can listen, of which nobody hears.
    if (request !== PTRACE.LISTEN && this.attachments.some(({ listening }) => listening)) this.sendInterrupt();
    // An interrupt that another stop has used up, one that its client has not seen.
    for (const each of this.attachments) {
      if (each.interruptSent === undefined || each.interruptSent >= left || each.isStopped) continue;
      this.sendInterrupt();
      each.interruptSent = left;
    }
  }

  /** Whether it runs as far as its clients may know, though the kernel holds it in LISTEN. */
  get listens(): boolean {
    return !this.stands && this.attachments.some((each) => each.listening);
  }

  sendInterrupt(): number {
    return this.host.ground.layer.ptrace(PTRACE.INTERRUPT, this.tid, 0, 0);
  }

  /** Whether SIGKILL has taken it out of a stop that a client thinks it stands in. */
  hasLeft(stop: VirtualStop): boolean {
    return stop.id !== this.stopId || this.host.engines.hasReport(this.tid);
  }

  /** Lets it go on, if no client holds it. */
  settle(): void {
    if (!this.attachments.some(({ isStopped }) => isStopped)) for (const each of this.attachments) each.askStep();
    for (const each of [...this.departing, ...this.attachments]) {
      if (this.attachments.some(({ isStopped }) => isStopped)) return;
      each.settle();
    }
    this.departing = [];
    if (this.vanishes) {
      this.vanishes = false;
      this.thread.vanish();
    }
  }

  /** SIGKILL has ended every stop of every client. */
  cancel(): void {
    for (const each of this.attachments) each.cancel();
    this.settle();
  }
}
