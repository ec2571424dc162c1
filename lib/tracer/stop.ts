/**
 * Stops: what a tracee reports, as a discriminated union on `kind`.
 *
 * A stop is valid until its tracee is resumed, listened to or detached. What is used after that fails with reason 'used-up'. What was read
 * before (signal, system call, siginfo) stays readable. SIGKILL can take a tracee out of any stop but EVENT_EXIT (since Linux 6.1): an
 * operation then fails with reason 'gone' and the tracee's end follows; `resume` does not fail but gives that end.
 */
import type { Abi } from '../kernel/arch/host.js';
import { abiOfAuditArch } from '../kernel/audit-arch.js';
import { eventName } from '../kernel/events.js';
import { signalName } from '../kernel/signals.js';
import type { SigInfo } from '../kernel/siginfo.js';
import { syscallName } from '../kernel/syscalls.js';
import { checkLength } from '../arguments.js';
import { refused } from '../errors.js';
import type { NextStop } from './next-stop.js';
import { Told } from './told.js';
import type { SyscallWords } from './syscall-words.js';
import type { DetachOutcome, Tracee } from './tracee.js';

/** How a tracee runs on: until the next event; the next system call too; one instruction; one branch (x86); up to a system call that is skipped. */
export type ResumeMode = 'cont' | 'syscall' | 'step' | 'block-step' | 'sysemu' | 'sysemu-step';

/** Resuming where the kernel delivers a signal. */
export interface SignalOptions {
  /** Number or name of the signal to deliver instead; 0 delivers none. */
  readonly signal?: number | string;
}

abstract class StopBase extends Told {
  abstract readonly kind: string;
  readonly tracee: Tracee;
  /** The wait status word. */
  readonly status: number;
  #held = false;

  constructor(tracee: Tracee, status: number) {
    super();
    this.tracee = tracee;
    this.status = status;
  }

  /** The thread that stopped. */
  get tid(): number {
    return this.tracee.tid;
  }

  /** Whether the tracee has left this stop. */
  get usedUp(): boolean {
    return this.tracee.stop !== (this as unknown);
  }

  /** Whether {@link hold} was called. */
  get held(): boolean {
    return this.#held;
  }

  /** Keeps the tracee stopped when a `for await` over the tracer goes on; without it an unhandled stop is resumed then. */
  hold(): void {
    this.#held = true;
  }

  /** The signal that a plain resume delivers. @internal */
  get defaultSignal(): number {
    return 0;
  }

  /**
   * Resumes the tracee. Awaiting the result gives its next stop.
   *
   * @throws PtraceError 'used-up' when the tracee has left this stop, 'not-supported' when kernel or CPU lack the mode
   */
  resume(mode?: ResumeMode): NextStop;
  // The types know no signal here. Who gives one all the same is to hear that the kernel would drop it.
  resume(mode: ResumeMode = 'cont', options?: SignalOptions): NextStop {
    this.check('resume');
    return this.tracee.resume(mode, options);
  }

  /** Detaches the tracee; see {@link Tracee.detach}. */
  detach(): Promise<DetachOutcome> {
    this.check('detach');
    return this.tracee.detach();
  }

  /** @internal */
  protected check(request: string): void {
    if (this.usedUp) throw refused('used-up', request, this.tracee.tid);
  }
}

abstract class SyscallStopBase extends StopBase {
  readonly #words: SyscallWords;
  constructor(tracee: Tracee, status: number, words: SyscallWords) {
    super(tracee, status);
    this.#words = words;
  }
  /** @internal */
  protected get words(): SyscallWords {
    return this.#words;
  }
  /** AUDIT_ARCH of the system call. */
  get arch(): number {
    return this.#words.arch;
  }
  /** Which table the number belongs to. An x86-64 process can make i386 and x32 calls too. */
  get abi(): Abi | 'unknown' {
    return abiOfAuditArch(this.#words.arch, 0);
  }
  get instructionPointer(): bigint {
    return this.#words.instructionPointer;
  }
  get stackPointer(): bigint {
    return this.#words.stackPointer;
  }
}

abstract class SyscallBeginStop extends SyscallStopBase {
  override get abi(): Abi | 'unknown' {
    return abiOfAuditArch(this.arch, this.words.number);
  }
  /** System call number. On x32 it carries bit 30. */
  get number(): number {
    return this.words.number;
  }
  /** Name of the call in the table of {@link abi}, or `syscall_N`. */
  get name(): string {
    return (this.abi === 'unknown' ? undefined : syscallName(this.abi, this.number)) ?? `syscall_${this.number}`;
  }
  /** The six argument registers. */
  get args(): readonly [bigint, bigint, bigint, bigint, bigint, bigint] {
    const words = this.words;
    return [words.arg(0), words.arg(1), words.arg(2), words.arg(3), words.arg(4), words.arg(5)];
  }
  /**
   * One of them.
   *
   * @throws PtraceError 'bad-input' when the index is none of 0 to 5
   */
  arg(index: number): bigint {
    return this.words.arg(checkLength('read a system call argument', index, 'index', 5));
  }
  /** Makes it another system call. Number of the ABI of this call. */
  setNumber(number: number): void {
    this.check('set the system call number');
    this.tracee.setSyscallNumber(number);
  }
  setArg(index: number, value: bigint | number): void {
    this.check('set a system call argument');
    this.tracee.registers.setArg(index, value);
  }
  /** Skips the call: number -1. Its result is then -ENOSYS unless {@link SyscallExitStop.setResult} says otherwise at the exit. */
  skip(): void {
    this.setNumber(-1);
  }
}

/** A tracee is about to make a system call (PTRACE_SYSCALL, PTRACE_SYSEMU). */
export class SyscallEntryStop extends SyscallBeginStop {
  readonly kind = 'syscall-entry';
}

/** A tracee has made a system call. */
export class SyscallExitStop extends SyscallStopBase {
  readonly kind = 'syscall-exit';
  /** The entry-stop of the same call, or null when there was none (seized inside the call, or resumed with another mode). */
  readonly entry: SyscallEntryStop | null;
  constructor(tracee: Tracee, status: number, words: SyscallWords, entry: SyscallEntryStop | null) {
    super(tracee, status, words);
    this.entry = entry;
  }
  /** The result: a value, or a negative errno when {@link isError}. */
  get result(): bigint {
    return this.words.result;
  }
  get isError(): boolean {
    return this.words.isError;
  }
  /** The error number, 0 when the call succeeded. 512 and more are the kernel's own restart codes. */
  get errno(): number {
    return this.words.isError ? Number(-this.words.result) : 0;
  }
  /** Makes the call's result another one; a negative errno makes it an error. */
  setResult(value: bigint | number): void {
    this.check('set the system call result');
    this.tracee.registers.result = value;
  }
}

/** A seccomp filter said SECCOMP_RET_TRACE (PTRACE_EVENT_SECCOMP). */
export class SeccompStop extends SyscallBeginStop {
  readonly kind = 'seccomp';
  /** The 16 data bits of the filter's verdict. */
  get data(): number {
    return this.words.retData;
  }
}

abstract class SignalStopBase extends StopBase {
  /** The signal. 1 to 64. */
  readonly signal: number;
  readonly siginfo: SigInfo;
  constructor(tracee: Tracee, status: number, siginfo: SigInfo) {
    super(tracee, status);
    this.signal = (status >>> 8) & 0x7f;
    this.siginfo = siginfo;
  }
  get signalName(): string {
    return signalName(this.signal);
  }
}

/** A signal is about to be delivered. A plain resume delivers it. */
export class SignalDeliveryStop extends SignalStopBase {
  readonly kind = 'signal-delivery';
  /** @internal */
  override get defaultSignal(): number {
    return this.signal;
  }
  /** Resumes and delivers the signal; `{signal}` delivers another one, 0 none. */
  override resume(mode: ResumeMode = 'cont', options?: SignalOptions): NextStop {
    this.check('resume');
    return this.tracee.resume(mode, options);
  }
  /** Resumes without delivering the signal. */
  suppress(mode: ResumeMode = 'cont'): NextStop {
    return this.resume(mode, { signal: 0 });
  }
}

/** The thread takes part in a group-stop. `resume` lets it run although its group is stopped; `listen` keeps job control as it is. */
export class GroupStop extends StopBase {
  readonly kind = 'group-stop';
  /** The stopping signal: SIGSTOP, SIGTSTP, SIGTTIN or SIGTTOU. */
  get signal(): number {
    return (this.status >>> 8) & 0x7f;
  }
  get signalName(): string {
    return signalName(this.signal);
  }
  /** Stays stopped, and reports when the group goes on (PTRACE_LISTEN, Linux 3.4). Awaiting gives that stop. */
  listen(): NextStop {
    this.check('listen');
    return this.tracee.listen();
  }
}

/**
 * PTRACE_EVENT_STOP with SIGTRAP. The kernel does not say why; `cause` is derived from what was asked of the tracee:
 * an interrupt, its being new, a change of job control; 'unknown' where more than one can be.
 */
export class EventStop extends StopBase {
  readonly kind = 'event-stop';
  readonly cause: 'interrupt' | 'new-tracee' | 'job-control' | 'unknown';
  constructor(tracee: Tracee, status: number, cause: EventStop['cause']) {
    super(tracee, status);
    this.cause = cause;
  }
  /** Stays here and reports the next change of job control (PTRACE_LISTEN, Linux 3.4). */
  listen(): NextStop {
    this.check('listen');
    return this.tracee.listen();
  }
}

abstract class NewChildStop extends StopBase {
  /** The new tracee. Its own first stop is told after this one. */
  readonly child: Tracee;
  constructor(tracee: Tracee, status: number, child: Tracee) {
    super(tracee, status);
    this.child = child;
  }
}

/** PTRACE_EVENT_FORK: a new process (exit signal SIGCHLD). */
export class ForkStop extends NewChildStop {
  readonly kind = 'fork';
}
/** PTRACE_EVENT_VFORK: a new process that holds up this one until it executes or ends. */
export class VforkStop extends NewChildStop {
  readonly kind = 'vfork';
}
/** PTRACE_EVENT_CLONE: a new thread, or a process with another exit signal. */
export class CloneStop extends NewChildStop {
  readonly kind = 'clone';
}
/** PTRACE_EVENT_VFORK_DONE: the child has let go. */
export class VforkDoneStop extends StopBase {
  readonly kind = 'vfork-done';
  /** pid of the child. */
  readonly childPid: number;
  constructor(tracee: Tracee, status: number, childPid: number) {
    super(tracee, status);
    this.childPid = childPid;
  }
}

/** PTRACE_EVENT_EXEC: a new program, before its first instruction. All other threads of the process have ended. */
export class ExecStop extends StopBase {
  readonly kind = 'exec';
  /** The tid that the executing thread had; differs from `tid` when it was not the leader. The Tracee object is the same. */
  readonly formerTid: number;
  constructor(tracee: Tracee, status: number, formerTid: number) {
    super(tracee, status);
    this.formerTid = formerTid;
  }
}

/** PTRACE_EVENT_EXIT: about to end; registers can still be read. SIGKILL does not break this stop (since Linux 6.1): resume it. */
export class ExitStop extends StopBase {
  readonly kind = 'exit';
  /** The exit status to be, as a wait status word. 0 also when an exec of another thread is the reason. */
  readonly exitStatus: number;
  constructor(tracee: Tracee, status: number, exitStatus: number) {
    super(tracee, status);
    this.exitStatus = exitStatus;
  }
}

/** The end of a step or block-step. A plain resume delivers no SIGTRAP. */
export class StepStop extends SignalStopBase {
  readonly kind = 'step';
  /** One instruction; a system call instruction; or the entry of a signal handler, of which nothing has run. */
  readonly cause: 'instruction' | 'syscall' | 'handler';
  constructor(tracee: Tracee, status: number, siginfo: SigInfo, cause: StepStop['cause']) {
    super(tracee, status, siginfo);
    this.cause = cause;
  }
}

/** A breakpoint instruction or a hardware execution breakpoint. A plain resume delivers no SIGTRAP; `{signal: 'SIGTRAP'}` does. */
export class BreakpointStop extends SignalStopBase {
  readonly kind = 'breakpoint';
  /** Address of the breakpoint: on x86 the program counter is already behind a breakpoint instruction. */
  readonly address: bigint;
  readonly hardware: boolean;
  constructor(tracee: Tracee, status: number, siginfo: SigInfo, address: bigint, hardware: boolean) {
    super(tracee, status, siginfo);
    this.address = address;
    this.hardware = hardware;
  }
  /** Resumes; the SIGTRAP is delivered only when `{signal}` says so. */
  override resume(mode: ResumeMode = 'cont', options?: SignalOptions): NextStop {
    this.check('resume');
    return this.tracee.resume(mode, options);
  }
}

/** A hardware watchpoint. On x86 the access has happened, on arm64 it is about to. A plain resume delivers no SIGTRAP. */
export class WatchpointStop extends SignalStopBase {
  readonly kind = 'watchpoint';
  /** The watched address as the debug registers (x86) or the fault (arm64) have it. */
  readonly address: bigint;
  constructor(tracee: Tracee, status: number, siginfo: SigInfo, address: bigint) {
    super(tracee, status, siginfo);
    this.address = address;
  }
  override resume(mode: ResumeMode = 'cont', options?: SignalOptions): NextStop {
    this.check('resume');
    return this.tracee.resume(mode, options);
  }
}

/** A PTRACE_EVENT that this version does not know. */
export class UnknownEventStop extends StopBase {
  readonly kind = 'unknown-event';
  /** The event's number. */
  get event(): number {
    return this.status >>> 16;
  }
  get eventName(): string {
    return eventName(this.event);
  }
}

abstract class EndBase extends Told {
  readonly tracee: Tracee;
  /** The thread that ended. */
  readonly tid: number;
  /** The wait status word. */
  readonly status: number;
  constructor(tracee: Tracee, status: number) {
    super();
    this.tracee = tracee;
    this.tid = tracee.tid;
    this.status = status;
  }
}

/** The thread ended by exit. Told once, and last. */
export class Exited extends EndBase {
  readonly kind = 'exited';
  /** Exit code. 0 when the thread was ended by another thread's exec. */
  readonly code: number;
  /** 'exec': another thread of the process executed a program, which ends all others. */
  readonly cause: 'exit' | 'exec';
  constructor(tracee: Tracee, status: number, cause: Exited['cause']) {
    super(tracee, status);
    this.code = (status >>> 8) & 0xff;
    this.cause = cause;
  }
}

/** The thread was killed by a signal. Told once, and last. */
export class Killed extends EndBase {
  readonly kind = 'killed';
  get signal(): number {
    return this.status & 0x7f;
  }
  get signalName(): string {
    return signalName(this.signal);
  }
  get coreDumped(): boolean {
    return (this.status & 0x80) !== 0;
  }
}

/** The end of a tracee. */
export type End = Exited | Killed;

/** A stop in which the tracee waits to be resumed. */
export type PtraceStop =
  | SyscallEntryStop
  | SyscallExitStop
  | SeccompStop
  | SignalDeliveryStop
  | GroupStop
  | EventStop
  | ForkStop
  | VforkStop
  | VforkDoneStop
  | CloneStop
  | ExecStop
  | ExitStop
  | StepStop
  | BreakpointStop
  | WatchpointStop
  | UnknownEventStop;

/** Everything a tracee can report. */
export type Stop = PtraceStop | End;

/** Whether this is the end of its tracee. */
export function isEnd(stop: Stop): stop is End {
  return stop.kind === 'exited' || stop.kind === 'killed';
}
