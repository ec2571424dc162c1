/**
 * One traced thread: its state, its stop, and what can be done with it.
 *
 * All requests are direct system calls on this thread. Only waiting is asynchronous.
 */
import { badInput, fromErrno, isPtraceError, refused, type PtraceError } from '../errors.js';
import { checkBag, checkOneOf, checkSignal, describe } from '../arguments.js';
import { Arm64Registers } from '../kernel/arch/arm64/registers.js';
import { PTRACE_ARM64 } from '../kernel/arch/arm64/requests.js';
import { X64Registers } from '../kernel/arch/x64/registers.js';
import { PTRACE_X64 } from '../kernel/arch/x64/requests.js';
import { ERRNO } from '../kernel/errno.js';
import { PTRACE_EVENT } from '../kernel/events.js';
import { registersFrom, type Registers } from '../kernel/registers.js';
import { NT } from '../kernel/regsets.js';
import { PTRACE, requestName } from '../kernel/requests.js';
import { decodeSiginfo, type SigInfo } from '../kernel/siginfo.js';
import { SIG, signalName, signalSetHas } from '../kernel/signals.js';
import { checkAbortSignal, type CheckedSignal } from '../raw/abort-signal.js';
import { registersRefused, requestFailed } from '../raw/failure.js';
import { readGeneral, writeGeneral } from '../raw/general-registers.js';
import { procState, procStatus, procTasks } from '../proc.js';
import { scaledMillis } from '../time-scale.js';
import { binding } from '../binding.js';
import { TraceeMemory } from './memory.js';
import { HOST } from './host.js';
import { NextStop } from './next-stop.js';
import {
  ExecStop,
  Exited,
  Killed,
  type End,
  type PtraceStop,
  type ResumeMode,
  type SignalOptions,
  type Stop,
} from './stop.js';
import { RegisterRoom } from './register-room.js';
import { StopReader } from './stop-reader.js';
import type { TracerCore } from './tracer-core.js';
import type { StatusSink } from './wait-hub.js';

/**
 * - `starting`: traced from its birth, first stop not seen yet
 * - `running`, `stopped`
 * - `listening`: in a group-stop under PTRACE_LISTEN
 * - `detached`, `ended`: final
 */
export type TraceeState = 'starting' | 'running' | 'stopped' | 'listening' | 'detached' | 'ended';

/** How a detach came out: detached, or the tracee ended before it could be. */
export type DetachOutcome = { readonly kind: 'detached'; readonly tid: number } | End;

/** Detaching. */
export interface DetachOptions {
  /** A signal to deliver with the detach; without it that of the signal-delivery-stop the tracee is in, if any. */
  readonly signal?: number | string;
}

const ARCH_REQUESTS = HOST === 'x64' ? PTRACE_X64 : PTRACE_ARM64;
const SINGLEBLOCK = HOST === 'x64' ? PTRACE_X64.SINGLEBLOCK : -1;

const REQUEST: Readonly<Record<ResumeMode, number>> = {
  cont: PTRACE.CONT,
  syscall: PTRACE.SYSCALL,
  step: PTRACE.SINGLESTEP,
  'block-step': SINGLEBLOCK,
  sysemu: ARCH_REQUESTS.SYSEMU,
  'sysemu-step': ARCH_REQUESTS.SYSEMU_SINGLESTEP,
};
const MODES = Object.keys(REQUEST) as ResumeMode[];

/** How often a detach looks whether a leader that does not stop has left its threads. */
const LEADER_MILLIS = 20;

const siginfoBytes = new Uint8Array(128);
const registerRoom = new RegisterRoom(HOST === 'x64' ? X64Registers.SIZE : Arm64Registers.SIZE);
const four = new Uint8Array(4);

interface EndWaiter {
  resolve(end: End): void;
  reject(error: unknown): void;
  referenced: boolean;
}

interface Waiter {
  resolve(stop: Stop): void;
  reject(error: unknown): void;
  readonly promise: Promise<Stop>;
  referenced: boolean;
  /** How many wait for the same. */
  users: number;
}

export class Tracee implements StatusSink {
  readonly #core: TracerCore;
  #tid: number;
  #pid: number;
  #state: TraceeState;
  #stop: PtraceStop | undefined;
  #end: End | undefined;
  readonly #reader: StopReader;
  #registers: Registers | undefined;
  #memory: TraceeMemory | undefined;
  #next: NextStop | undefined;
  #waiter: Waiter | undefined;
  /** Takes the next stop before anyone else does: an operation of ours is under way. */
  #intercept: ((stop: Stop | undefined) => void) | undefined;
  #endWaiters: EndWaiter[] = [];
  #seesEnd: boolean;
  #backlog: number[] | undefined;

  /** @internal */
  constructor(core: TracerCore, tid: number, pid: number, state: 'starting' | 'running', child: { own: boolean }) {
    this.#core = core;
    this.#tid = tid;
    this.#pid = pid;
    this.#state = state;
    this.#reader = new StopReader(core, this, state === 'starting');
    this.#seesEnd = child.own;
  }

  /** Thread id. Changes when a thread that is not the leader executes a program: it then takes the process's id. */
  get tid(): number {
    return this.#tid;
  }
  /** Process (thread group) id. */
  get pid(): number {
    return this.#pid;
  }
  /** Whether this is the leader of its thread group. */
  get isLeader(): boolean {
    return this.#tid === this.#pid;
  }
  get state(): TraceeState {
    return this.#state;
  }
  /** The stop the tracee is in, or null. */
  get stop(): PtraceStop | null {
    return this.#stop ?? null;
  }
  /** Whether the tracee is a child that this tracer spawned. */
  get isOwnChild(): boolean {
    return this.#seesEnd;
  }

  /**
   * The general registers at the current stop: read when first asked for, written back, if changed, when the tracee goes on.
   *
   * @throws PtraceError 'running', 'listening', 'gone', 'not-tracee'
   */
  get registers(): Registers {
    if (this.#registers !== undefined) return this.#registers;
    this.#requireStop('PTRACE_GETREGSET');
    const place = registerRoom.place();
    const length = readGeneral(this.#core.layer, this.#tid, place);
    if (length < 0) throw this.#failed(PTRACE.GETREGSET, -length);
    registerRoom.take();
    return (this.#registers = registersFrom(HOST, length === place.length ? place : place.subarray(0, length)));
  }

  /** The memory of the process. Reading works while the tracee runs, too, where the kernel allows it. */
  get memory(): TraceeMemory {
    return (this.#memory ??= new TraceeMemory(this, this.#core.layer));
  }

  /**
   * Resumes a stopped tracee. Awaiting the result gives this tracee's next stop; not awaited, that goes to the tracer.
   *
   * From a signal-delivery-stop a plain resume delivers the signal. A signal can be given only where the kernel takes one: at
   * signal-delivery, breakpoint and watchpoint stops. If SIGKILL has taken the stop away, the result is the tracee's end.
   *
   * @param mode how to run on: PTRACE_CONT, SYSCALL, SINGLESTEP, SINGLEBLOCK (x86), SYSEMU (x86; arm64 since 5.3), SYSEMU_SINGLESTEP
   * @throws PtraceError 'running' or 'listening' when it is not stopped, 'gone' when it ended, 'bad-input', 'not-supported'
   */
  resume(mode: ResumeMode = 'cont', options?: SignalOptions): NextStop {
    const stop = this.#requireStop('resume');
    let signal = stop.defaultSignal;
    // What is no string must not become a key: that would run code of its.
    const request = REQUEST[typeof mode === 'string' ? mode : checkOneOf('resume', mode, 'mode', MODES)];
    if (typeof request !== 'number') checkOneOf('resume', mode, 'mode', MODES);
    if (request < 0) throw refused('not-supported', 'PTRACE_SINGLEBLOCK', this.#tid, 'block-step exists on x86 only');
    if (options !== undefined) {
      const given = checkBag('resume', options, ['signal'], 'options').signal;
      if (given !== undefined) signal = this.#injectable(stop, checkSignal('resume', given, { allowZero: true }));
    }
    if (this.#registers !== undefined) this.#writeBackRegisters();
    const result = this.#core.layer.ptrace(request, this.#tid, 0, signal);
    if (result < 0 && result !== -ERRNO.ESRCH) {
      if (result === -ERRNO.EIO) {
        throw fromErrno(
          requestName(request, HOST),
          this.#tid,
          ERRNO.EIO,
          'not-supported',
          `${mode} is not supported by this CPU or kernel`,
        );
      }
      throw this.#failed(request, -result);
    }
    // ESRCH: SIGKILL took the stop away. What follows is the end, or EVENT_EXIT and the end: the next stop in either case.
    this.#leaveStop('running');
    this.#reader.resumed(mode);
    return this.#nextStop();
  }

  /**
   * The tracee's next stop, without resuming anything. A stop that nobody has taken yet counts. The end can be asked for again and again.
   *
   * @param options.signal aborts the wait; nothing is lost by that
   * @throws PtraceError (as rejection) 'bad-input' when the tracee is in a stop that was already told, 'not-tracee' when it was detached,
   * 'aborted', 'disposed'
   */
  wait(options?: { readonly signal?: AbortSignal }): Promise<Stop> {
    const signal = this.#signalOf(options);
    if (signal instanceof Error) return Promise.reject(signal);
    if (this.#end !== undefined && !this.#core.holds(this)) return Promise.resolve(this.#end);
    const untold = this.#core.takeFrom(this);
    if (untold !== undefined) return Promise.resolve(untold);
    if (this.#state === 'detached')
      return Promise.reject(refused('not-tracee', 'wait', this.#tid, 'the tracee was detached'));
    if (this.#stop !== undefined) {
      const detail = `the tracee is in a ${this.#stop.kind} stop that was told already, resume it first`;
      return Promise.reject(badInput('wait', detail, this.#tid));
    }
    const waiter = this.#waiter ?? this.#beginWaiting();
    waiter.users++;
    return signal === undefined ? waiter.promise : this.#abortable(waiter, signal);
  }

  /** The tracee's end, whenever it comes: also after a detach, if it is our own child. Does not take stops away from anyone. */
  end(): Promise<End> {
    if (this.#end !== undefined) return Promise.resolve(this.#end);
    if (this.#state === 'detached' && !this.#seesEnd) {
      return Promise.reject(
        refused('not-tracee', 'wait', this.#tid, 'it was detached and is not our child: nobody tells us its end'),
      );
    }
    return new Promise((resolve, reject) => {
      this.#endWaiters.push({ resolve, reject, referenced: this.#core.begin(0) });
    });
  }

  /**
   * Makes a running tracee stop with an event-stop (PTRACE_INTERRUPT, Linux 3.4); in a stop, it will stop again after being resumed;
   * listening, it stops at once. Any other stop that comes first uses the request up.
   *
   * @throws PtraceError 'gone', 'not-tracee'
   */
  interrupt(): NextStop {
    this.#requireAlive('PTRACE_INTERRUPT');
    const result = this.#core.layer.ptrace(PTRACE.INTERRUPT, this.#tid, 0, 0);
    if (result < 0 && result !== -ERRNO.ESRCH) throw this.#failed(PTRACE.INTERRUPT, -result);
    if (result < 0) this.endIfReleased();
    this.#reader.interrupted();
    return this.#nextStop();
  }

  /**
   * Leaves the tracee in its group-stop and lets it report the next change of job control (PTRACE_LISTEN, Linux 3.4).
   *
   * @throws PtraceError 'bad-input' when the stop is neither a group-stop nor an event-stop; as {@link resume}
   */
  listen(): NextStop {
    const stop = this.#requireStop('PTRACE_LISTEN');
    if (stop.kind !== 'group-stop' && stop.kind !== 'event-stop') {
      throw badInput(
        'PTRACE_LISTEN',
        `the tracee is in a ${stop.kind} stop; listen works in group-stops and event-stops`,
        this.#tid,
      );
    }
    if (this.#registers !== undefined) this.#writeBackRegisters();
    const result = this.#core.layer.ptrace(PTRACE.LISTEN, this.#tid, 0, 0);
    // EIO: SIGKILL took it out of its group-stop and it stands in EVENT_EXIT already.
    if (result < 0 && result !== -ERRNO.ESRCH && result !== -ERRNO.EIO) throw this.#failed(PTRACE.LISTEN, -result);
    this.#leaveStop(result < 0 ? 'running' : 'listening');
    return this.#nextStop();
  }

  /**
   * Detaches this thread from whatever state it is in. A running one is interrupted first. What its group's job control was stays: a
   * stopped process stays stopped. A signal about to be delivered is delivered.
   *
   * @returns `detached`, or the tracee's end if that came first
   */
  async detach(options?: DetachOptions): Promise<DetachOutcome> {
    const bag = options === undefined ? {} : checkBag('detach', options, ['signal'], 'options');
    const signal = bag.signal === undefined ? undefined : checkSignal('detach', bag.signal, { allowZero: true });
    let next: Promise<Stop> | undefined;
    for (;;) {
      if (this.#end !== undefined) return this.#end;
      if (this.#state === 'detached') return { kind: 'detached', tid: this.#tid };
      if (this.#stop !== undefined && this.#reader.owesStep && this.#isTrapPending()) {
        // Untraced, the trap of its last step would kill it.
        this.resume('cont');
        next = undefined;
      } else if (this.#stop !== undefined) {
        if (this.#detachNow(signal)) return { kind: 'detached', tid: this.#tid };
        // SIGKILL was quicker.
        this.#leaveStop('running');
        next = undefined;
      } else if (this.isLeader && this.#hasLeftItsThreads()) {
        this.#leaveBehind();
        return { kind: 'detached', tid: this.#tid };
      } else if (next !== undefined && this.endIfReleased()) {
        continue;
      }
      if (next === undefined && this.#state !== 'starting') {
        const result = this.#core.layer.ptrace(PTRACE.INTERRUPT, this.#tid, 0, 0);
        if (result === 0) this.#reader.interrupted();
        else if (this.endIfReleased()) continue;
      }
      next ??= this.nextForUs();
      if (await this.#comes(next)) next = undefined;
    }
  }

  /**
   * A leader is released by the kernel without a status when a thread that is not traced executes a program: its id is the new program's
   * then, which is nobody's tracee. To be asked when a request found nobody there; the tracee has ended if so.
   *
   * @internal
   */
  endIfReleased(): boolean {
    if (!this.isLeader || procStatus(this.#tid)?.tracerPid === binding().gettid()) return false;
    this.#core.released(this);
    return true;
  }

  /** Whether the stop came. For a leader it is not waited for without end: it may leave before its threads, and stops no more then. */
  async #comes(next: Promise<Stop>): Promise<boolean> {
    if (!this.isLeader) return next.then(() => true);
    let timer: NodeJS.Timeout | undefined;
    const later = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, scaledMillis(LEADER_MILLIS), false);
    });
    try {
      return await Promise.race([next.then(() => true), later]);
    } finally {
      clearTimeout(timer);
    }
  }

  #isTrapPending(): boolean {
    return signalSetHas(procStatus(this.#tid)?.sigPnd ?? 0n, SIG.SIGTRAP);
  }

  /** Whether it is the zombie of a leader that left before its threads: the kernel tells its end only after theirs. */
  #hasLeftItsThreads(): boolean {
    if (procState(this.#tid) !== 'Z' || (procTasks(this.#pid)?.length ?? 0) < 2) return false;
    // Who has been born a moment ago is found as long as a thread of its process is traced.
    return !this.#core.hasUnknownThreads(this.#pid);
  }

  /** A zombie cannot be detached: it is given up, and reaped when the time comes. */
  #leaveBehind(): void {
    this.stopIntercepting();
    this.#clear('detached');
    this.#core.detached(this, true);
    this.giveUp(refused('not-tracee', 'wait', this.#tid, 'the tracee was detached'));
  }

  /**
   * Sends SIGKILL to the whole process. Awaiting gives the end, or the exit-stop before it where that was asked for.
   *
   * @throws PtraceError 'not-tracee' when it was detached
   */
  kill(): NextStop {
    if (this.#state === 'detached') throw refused('not-tracee', 'kill', this.#tid);
    if (this.#end === undefined) {
      binding().kill(this.#pid, SIG.SIGKILL);
      // No stop but EVENT_EXIT outlives SIGKILL.
      if (this.#stop !== undefined && this.#stop.kind !== 'exit') this.#leaveStop('running');
      else if (this.#stop?.kind === 'exit') this.resume();
    }
    return this.#nextStop();
  }

  /** The siginfo of the current stop, as PTRACE_GETSIGINFO gives it. */
  siginfo(): SigInfo {
    this.#requireStop('PTRACE_GETSIGINFO');
    const result = this.#core.layer.ptraceBuffer(PTRACE.GETSIGINFO, this.#tid, 0, siginfoBytes);
    if (result < 0) throw this.#failed(PTRACE.GETSIGINFO, -result);
    return decodeSiginfo(siginfoBytes);
  }

  /** Changes the number of the system call at its entry- or seccomp-stop; -1 skips it. @internal */
  setSyscallNumber(number: number): void {
    if (!Number.isInteger(number) || Math.abs(number) > 0x7fffffff) {
      throw badInput(
        'set the system call number',
        `number is ${describe(number)}, want an integer of 32 bits`,
        this.#tid,
      );
    }
    if (HOST === 'arm64') {
      // The register that held the number is not looked at again: only this regset changes the call.
      new DataView(four.buffer).setInt32(0, number, true);
      this.#requireStop('PTRACE_SETREGSET');
      const result = this.#core.layer.ptraceIovec(PTRACE.SETREGSET, this.#tid, NT.ARM_SYSTEM_CALL, four);
      if (result < 0) throw this.#failed(PTRACE.SETREGSET, -result);
      // A call that is left out leaves x0 as it is, the first argument: it would have succeeded with that.
      if (number === -1) this.registers.result = -ERRNO.ENOSYS;
      return;
    }
    this.registers.syscallNumber = number;
  }

  toString(): string {
    return `Tracee ${this.#tid} (${this.#stop?.kind ?? this.#state})`;
  }

  // What follows is for the tracer.

  /** The next stop, taken before anyone else gets it. @internal */
  nextForUs(): Promise<Stop> {
    if (this.#end !== undefined) return Promise.resolve(this.#end);
    // Two operations at once (a detach while another is under way) both want to know.
    const former = this.#intercept;
    return new Promise((resolve) => {
      const referenced = this.#core.begin(this.#tid);
      this.#intercept = (stop) => {
        this.#core.end(referenced);
        former?.(stop);
        if (stop !== undefined) resolve(stop);
      };
    });
  }

  /** Whoever asked with {@link nextForUs} asks no more; their promises stay open. @internal */
  stopIntercepting(): void {
    const intercept = this.#intercept;
    this.#intercept = undefined;
    intercept?.(undefined);
  }

  /** Statuses that were received before this tracee was known, and all that come before they were told. @internal */
  receiveLater(statuses: readonly number[]): void {
    this.#backlog = [...statuses];
    queueMicrotask(() => {
      this.receiveNow();
    });
  }

  /** What {@link receiveLater} has kept. @internal */
  receiveNow(): void {
    const backlog = this.#backlog;
    this.#backlog = undefined;
    for (const status of backlog ?? []) this.receive(status);
  }

  /** A status from the wait. @internal */
  receive(status: number): void {
    if (this.#backlog !== undefined) {
      this.#backlog.push(status);
      return;
    }
    if ((status & 0xff) !== 0x7f) {
      this.#core.ended(this, status);
      return;
    }
    if (status >>> 16 === PTRACE_EVENT.EXEC) {
      this.#core.executed(this, status);
      return;
    }
    const stop = this.#reader.read(status);
    // The stop was gone before it could be asked about: SIGKILL. The end follows.
    if (stop !== undefined) this.#enter(stop);
  }

  /** The status of an EVENT_EXEC, once it is clear whose it is. @internal */
  receiveExec(status: number, former: number): void {
    this.#memory?.close();
    this.#reader.insideCall();
    this.#enter(new ExecStop(this, status, former));
  }

  #enter(stop: PtraceStop): void {
    this.#core.colocation?.stopped();
    this.#reader.entered(stop);
    this.#stop = stop;
    this.#state = 'stopped';
    this.#deliver(stop);
  }

  /** The end, at the time it is to be told. @internal */
  finish(status: number, cause: 'exit' | 'exec'): void {
    if (this.#end !== undefined) return;
    const end = (status & 0x7f) === 0 ? new Exited(this, status, cause) : new Killed(this, status);
    this.#end = end;
    this.#clear('ended');
    this.#tellEnd(end);
    this.#deliver(end);
    // An operation of ours has taken it: who waits beside that hears it, too, for nothing else will come.
    this.#settleWaiter(end);
  }

  /** The end of a detached child of ours: told to those who asked for it, nobody else. @internal */
  finishDetached(status: number): void {
    const end = (status & 0x7f) === 0 ? new Exited(this, status, 'exit') : new Killed(this, status);
    this.#end = end;
    this.#tellEnd(end);
  }

  /** Somebody else has reaped the detached child. @internal */
  endLost(): void {
    this.#seesEnd = false;
    const detail = 'somebody else in this process reaped it: its end is not known here';
    for (const waiter of this.#endWaiters.splice(0)) {
      this.#core.end(waiter.referenced);
      waiter.reject(refused('not-tracee', 'wait', this.#tid, detail));
    }
  }

  #tellEnd(end: End): void {
    for (const waiter of this.#endWaiters.splice(0)) {
      this.#core.end(waiter.referenced);
      waiter.resolve(end);
    }
  }

  /** This thread executed a program and has its process's id now. @internal */
  takeTid(tid: number): void {
    this.#tid = tid;
  }

  /** The thread stands now for a process that is our own child. @internal */
  becomeOwnChild(): void {
    this.#seesEnd = true;
  }

  /** Everyone who waits is told that nothing will come. @internal */
  giveUp(error: unknown): void {
    const waiter = this.#waiter;
    if (waiter !== undefined) {
      this.#waiter = undefined;
      this.#core.end(waiter.referenced);
      waiter.reject(error);
    }
    if (this.#seesEnd && this.#state === 'detached') return;
    for (const end of this.#endWaiters.splice(0)) {
      this.#core.end(end.referenced);
      end.reject(error);
    }
  }

  /** PTRACE_DETACH; false when the stop was gone. @internal */
  #detachNow(signal: number | undefined): boolean {
    const stop = this.#stop;
    if (stop === undefined) return false;
    if (this.#registers !== undefined) this.#writeBackRegisters();
    const deliver = signal ?? stop.defaultSignal;
    const result = this.#core.layer.ptrace(PTRACE.DETACH, this.#tid, 0, deliver);
    if (result === -ERRNO.ESRCH) return false;
    if (result < 0) throw this.#failed(PTRACE.DETACH, -result);
    this.#clear('detached');
    this.#core.detached(this);
    this.giveUp(refused('not-tracee', 'wait', this.#tid, 'the tracee was detached'));
    return true;
  }

  #nextStop(): NextStop {
    return (this.#next ??= new NextStop(this));
  }

  #beginWaiting(): Waiter {
    let resolve!: (stop: Stop) => void;
    let reject!: (error: unknown) => void;
    const promise = new Promise<Stop>((onStop, onError) => {
      resolve = onStop;
      reject = onError;
    });
    const referenced = this.#core.begin(this.#tid);
    return (this.#waiter = { resolve, reject, promise, referenced, users: 0 });
  }

  #signalOf(options: unknown): CheckedSignal | PtraceError | undefined {
    if (options === undefined) return undefined;
    try {
      return checkAbortSignal('wait', checkBag('wait', options, ['signal']).signal);
    } catch (error) {
      if (isPtraceError(error)) return error;
      throw error;
    }
  }

  #abortable(waiter: Waiter, signal: CheckedSignal): Promise<Stop> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        // Its stop is under way already: that is what it gets.
        if (this.#waiter !== waiter) return;
        if (--waiter.users === 0) {
          this.#waiter = undefined;
          this.#core.end(waiter.referenced);
        }
        reject(refused('aborted', 'wait', this.#tid, undefined, { cause: signal.reason }));
      };
      if (signal.aborted) {
        abort();
        return;
      }
      void waiter.promise.then(resolve, reject).finally(signal.onAbort(abort));
    });
  }

  /** Waits under way keep the event loop alive, or no more. @internal */
  rereference(): void {
    for (const waiter of [...(this.#waiter === undefined ? [] : [this.#waiter]), ...this.#endWaiters]) {
      this.#core.end(waiter.referenced);
      waiter.referenced = this.#core.begin(0);
    }
  }

  #deliver(stop: Stop): void {
    const intercept = this.#intercept;
    if (intercept !== undefined) {
      this.#intercept = undefined;
      intercept(stop);
      return;
    }
    if (!this.#settleWaiter(stop)) this.#core.enqueue(stop);
  }

  /** Gives a stop to who waits for it, if there is somebody. */
  #settleWaiter(stop: Stop): boolean {
    const waiter = this.#waiter;
    if (waiter === undefined) return false;
    this.#waiter = undefined;
    this.#core.end(waiter.referenced);
    waiter.resolve(stop);
    return true;
  }

  #leaveStop(state: 'running' | 'listening'): void {
    const stop = this.#stop;
    if (stop?.kind === 'group-stop') this.#reader.leftGroupStop();
    this.#stop = undefined;
    this.#registers = undefined;
    this.#state = state;
  }

  #clear(state: 'detached' | 'ended'): void {
    this.#stop = undefined;
    this.#registers = undefined;
    this.#reader.forgetCall();
    this.#memory?.close();
    this.#state = state;
  }

  /** Takes back what was set in the registers at this stop; whether there was anything. @internal */
  forgetRegisters(): boolean {
    const changed = this.#registers?.dirty === true;
    if (changed) this.#registers = undefined;
    return changed;
  }

  #writeBackRegisters(): void {
    const registers = this.#registers;
    if (registers?.dirty !== true) return;
    const result = writeGeneral(this.#core.layer, this.#tid, registers.bytes);
    // Gone: the request that follows finds out.
    if (result < 0 && result !== -ERRNO.ESRCH) throw registersRefused(this.#tid, -result);
    registers.dirty = false;
  }

  #injectable(stop: PtraceStop, signal: number): number {
    if (signal === 0 || stop.kind === 'signal-delivery' || stop.kind === 'breakpoint' || stop.kind === 'watchpoint')
      return signal;
    throw badInput(
      'resume',
      `${signalName(signal)} cannot be injected at a ${stop.kind} stop: the kernel would drop or delay it. Send it with kill instead`,
      this.#tid,
    );
  }

  /** @internal */
  requireStop(request: string): PtraceStop {
    return this.#requireStop(request);
  }

  #requireStop(request: string): PtraceStop {
    const stop = this.#stop;
    if (stop !== undefined) return stop;
    this.#requireAlive(request);
    throw refused(this.#state === 'listening' ? 'listening' : 'running', request, this.#tid);
  }

  #requireAlive(request: string): void {
    if (this.#state === 'ended') throw refused('gone', request, this.#tid);
    if (this.#state === 'detached') throw refused('not-tracee', request, this.#tid, 'the tracee was detached');
  }

  #failed(request: number, errno: number): Error {
    return requestFailed(request, this.#tid, errno);
  }

  /** The message of an event stop; see {@link StopReader.eventMessage}. @internal */
  eventMessage(event: number): number | undefined {
    return this.#reader.eventMessage(event);
  }
}
