/**
 * The engine of a client: what it is told of the thread, and which stops of the client come of that.
 *
 * The thread is held in the very stop that the kernel has made, by a {@link Ticket}, for as long as the client stands in it. With several clients one is told
 * after the other, in the order of the engines: the next one sees what the one before has left.
 */
import { PTRACE_EVENT } from '../../kernel/events.js';
import { PTRACE_O } from '../../kernel/options.js';
import { PTRACE } from '../../kernel/requests.js';
import { TRAP } from '../../kernel/siginfo.js';
import { SIG } from '../../kernel/signals.js';
import { RESUME_MASK, SIGNAL_ACTION, UTRACE } from '../actions.js';
import type { Answer, CloneReport, ExecReport, SignalReport } from '../callbacks.js';
import { EVENT } from '../events.js';
import { SYSCALL_STEP_CODE } from '../stepping.js';
import type { Attachment } from './attachment.js';
import { pcOffset } from './breakpoints.js';
import { handOver } from './following.js';
import { markOf, siginfoOf, type SentKind } from './sent-signals.js';
import { eventOf, eventWord, isEventStop, signalOf, signalWord, syscallWord } from './stops.js';

/** Codes of the SIGTRAPs that only those have asked for who step; the last is that of a step over a system call. */
const STEP_CODES: readonly number[] = [TRAP.TRACE, TRAP.BRANCH, SIG.SIGTRAP, SYSCALL_STEP_CODE];

const codeOf = (siginfo: Uint8Array): number => new DataView(siginfo.buffer, siginfo.byteOffset).getInt32(8, true);

export class ClientEngine {
  /** Where its stops go, and where the client lets them go. */
  readonly attachment: Attachment;
  /** The first stop of the thread is still to come, and the client will be told of that. */
  #first: boolean;
  /** The event-stop that was looked at last: that of a pass is told more than once. */
  #seen = 0;

  /** @param first whether the thread is a child that was attached automatically */
  constructor(attachment: Attachment, first: boolean) {
    this.attachment = attachment;
    this.#first = first;
  }

  /** The engines before have decided this beside the resume action: a callback follows. */
  enter(result: number): this {
    this.attachment.enter(result);
    return this;
  }

  /** The answer to what is not for this client. */
  keep(): Answer {
    return this.attachment.keep();
  }

  // --- signals, and the borders where stops are had that somebody has asked for

  reported(report: SignalReport, action: number): Answer {
    const { attachment } = this;
    if (report.signal === 0) return this.atBorder(action);
    const { at } = attachment;
    const breakpoint = this.#breakpoint(report);
    if (breakpoint === 'theirs') return attachment.passed;
    if (breakpoint === 'ours') return attachment.hold('signal', signalWord(report.signal));
    at.mark ??= markOf(report.siginfo);
    if (at.mark !== undefined) return this.#sent(at.mark, report);
    if (this.#isStep(report)) {
      // Each who steps is told, whatever the others have made of the signal.
      if (!at.steppers.includes(attachment)) return attachment.holdInTrap();
      return this.#holdSignal(SIG.SIGTRAP, report);
    }
    let signal = at.choice ?? report.signal;
    if (signal === 0) return UTRACE.RESUME | SIGNAL_ACTION.IGN;
    if (at.choice === undefined) {
      const skipped = this.#look(report);
      if (skipped !== undefined) return skipped;
      signal = report.signal;
    }
    if (signal === SIG.SIGSTOP && attachment.expects !== 'exec') attachment.expects = undefined;
    return this.#holdSignal(signal, report);
  }

  #holdSignal(signal: number, { siginfo }: SignalReport): Answer {
    const { attachment } = this;
    const answer = attachment.hold('signal', signalWord(signal));
    if (this.#isMadeUp && attachment.stop !== undefined) attachment.stop.siginfo = siginfo.slice();
    return answer;
  }

  /**
   * A signal that was sent here, in the kernel's place: those for whom it was are told, whatever the others have made of it, and nobody else. Two SIGSTOPs that
   * are pending at the same time are one.
   */
  #sent(mark: SentKind, { signal, siginfo }: SignalReport): Answer {
    const { attachment } = this;
    const { at, expects } = attachment;
    if (expects === undefined || (expects === 'exec') !== (mark === 'exec')) {
      return at.choice === undefined ? UTRACE.RESUME | SIGNAL_ACTION.IGN : attachment.passed;
    }
    attachment.expects = undefined;
    siginfo.set(siginfoOf(expects, attachment.tid));
    at.thread.flush();
    return attachment.hold('signal', signalWord(signal));
  }

  /** Whether a SIGTRAP is that of a step, on a thread that several have. */
  #isStep({ signal, siginfo }: SignalReport): boolean {
    const { attachments, steppers } = this.attachment.at;
    if (signal !== SIG.SIGTRAP || attachments.length < 2 || steppers.length === 0) return false;
    return this.#isMadeUp || STEP_CODES.includes(codeOf(siginfo));
  }

  /** Whose breakpoint has trapped, if one has. Each who has it finds the thread as the trap has left it. */
  #breakpoint({ signal, siginfo }: SignalReport): 'ours' | 'theirs' | undefined {
    const { attachment } = this;
    const { at } = attachment;
    if (signal !== SIG.SIGTRAP || at.attachments.length < 2 || this.#isMadeUp) return undefined;
    if (STEP_CODES.includes(codeOf(siginfo))) return undefined;
    const { registers } = at.thread;
    at.trapAddress ??= registers.pc - pcOffset;
    const owners = at.host.breakpoints(at.thread.pid).ownersAt(at.trapAddress);
    if (at.trapOwners === undefined && owners !== undefined) {
      // Who has it in the memory, and not this thread, is not told.
      at.trapOwners = new Set(at.attachments.map(({ client }) => client).filter((client) => owners.has(client)));
    }
    if (at.trapOwners === undefined || at.trapOwners.size === 0) return undefined;
    if (!at.trapOwners.has(attachment.client)) return 'theirs';
    if (registers.pc !== at.trapAddress + pcOffset) {
      registers.pc = at.trapAddress + pcOffset;
      at.thread.flush();
    }
    return 'ours';
  }

  /** The trap of a step over a system call that somebody else wants to see: the kernel's stop is that of the system call. */
  get #isMadeUp(): boolean {
    return signalOf(this.attachment.at.status) === (SIG.SIGTRAP | 0x80);
  }

  /** A signal that is not for this client, or is not what it seems. */
  #look({ signal, siginfo }: SignalReport): Answer {
    const { attachment } = this;
    const { at } = attachment;
    if (at.silent?.signal === signal) {
      siginfo.set(at.silent.siginfo);
      at.silent = undefined;
      at.choose(signal);
      return UTRACE.RESUME | SIGNAL_ACTION.DELIVER;
    }
    if (signal === SIG.SIGCONT && attachment.adoption?.isWaiting === true) {
      const { adoption } = attachment;
      attachment.adoption = undefined;
      adoption.arrive(siginfo);
      at.thread.flush();
      return attachment.hold('signal', signalWord(adoption.signal));
    }
    return undefined;
  }

  atBorder(action: number): Answer {
    const { attachment } = this;
    const { at } = attachment;
    if (isEventStop(at.status)) return this.eventStop();
    if ((action & ~RESUME_MASK) === SIGNAL_ACTION.HANDLER) {
      // The first instruction of a handler, when it was stepped into.
      return at.steppers.includes(attachment) ? attachment.hold('signal', signalWord(SIG.SIGTRAP)) : undefined;
    }
    const kept = attachment.keep();
    if (kept !== undefined) return kept;
    // At a signal its pass follows.
    if (eventOf(at.status) === 0 && signalOf(at.status) !== (SIG.SIGTRAP | 0x80)) return undefined;
    return attachment.interruptSent === undefined ? undefined : attachment.holdInTrap();
  }

  quiesced(event: number): Answer {
    const { attachment } = this;
    if (event === 0) return this.atBorder(UTRACE.RESUME);
    // Its own callback follows, and stacks what it tells.
    if (event === EVENT.DEATH || ((attachment.engine?.events ?? 0) & event) !== 0) return undefined;
    // The stop at the end of a call that others want has used the interrupt up.
    const asked = attachment.interruptSent !== undefined && attachment.seized && !attachment.isStopped;
    return asked && event === EVENT.SYSCALL_EXIT ? attachment.holdInTrap() : attachment.keep();
  }

  /** PTRACE_EVENT_STOP: for an interrupt, job control, the first stop of a child. */
  eventStop(): Answer {
    const { attachment } = this;
    const { at } = attachment;
    if (this.#seen === at.stopId) return undefined;
    this.#seen = at.stopId;
    const signal = signalOf(at.status);
    const group = signal !== SIG.SIGTRAP;
    if (attachment.adoption !== undefined) {
      attachment.adoption.eventStop(at);
      return undefined;
    }
    if (this.#first) {
      this.#first = false;
      if (attachment.seized) return attachment.hold('trap', at.status);
      attachment.send('new-child');
      return undefined;
    }
    const isOthers = at.answered > 0 || (at.belated && !attachment.listening);
    const forOthers = isOthers && attachment.interruptSent === undefined && !attachment.meetsGroupStop;
    if (forOthers && group === (at.groupSignal !== 0)) {
      // It has come in front of a step.
      return attachment.stepped;
    }
    attachment.meetsGroupStop = false;
    if (attachment.seized) return attachment.hold('trap', at.status);
    return group ? attachment.hold('group', signalWord(signal)) : undefined;
  }

  // --- system calls and events

  syscall(entry: boolean): Answer {
    const { attachment } = this;
    if (!attachment.wantsCalls) return undefined;
    // SYSEMU stops at the entry alone.
    if (!entry && attachment.request !== PTRACE.SYSCALL) return undefined;
    return attachment.hold('syscall', syscallWord(attachment.has(PTRACE_O.TRACESYSGOOD)));
  }

  seccomp(): Answer {
    return this.#report(PTRACE_EVENT.SECCOMP);
  }

  vforkDone(): Answer {
    return this.#report(PTRACE_EVENT.VFORK_DONE);
  }

  cloned({ child }: CloneReport): Answer {
    const { attachment } = this;
    handOver(attachment.at, child);
    // A clone that SIGKILL has kept from being told is not an event of its own.
    const event = eventOf(attachment.at.status);
    return event !== PTRACE_EVENT.EXIT && attachment.hasEvent(event) ? this.#report(event) : undefined;
  }

  executed({ formerTid }: ExecReport): Answer {
    const { attachment } = this;
    const { at } = attachment;
    const renamed = formerTid !== attachment.tid;
    // The stop was taken for one of the old leader's.
    if (renamed && at.status !== at.thread.status) at.stopped(at.thread.status);
    attachment.client.renamed(attachment, formerTid);
    at.host.breakpoints(at.thread.pid).clear();
    if (attachment.has(PTRACE_O.TRACEEXEC)) {
      const answer = this.#report(PTRACE_EVENT.EXEC);
      if (renamed && attachment.stop !== undefined) attachment.stop.unexpected = true;
      return answer;
    }
    if (!attachment.seized) attachment.send('exec');
    return undefined;
  }

  exiting(): Answer {
    return this.attachment.has(PTRACE_O.TRACEEXIT) ? this.#report(PTRACE_EVENT.EXIT) : undefined;
  }

  #report(event: number): Answer {
    return this.attachment.hold('event', eventWord(event));
  }

  // --- the end

  /** @returns a promise while somebody has to wait for the end */
  died(status: number): Answer {
    return this.attachment.at.host.died(this.attachment.at, status);
  }

  reaped(): void {
    this.attachment.at.host.reaped(this.attachment.at);
  }
}
