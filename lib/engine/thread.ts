/**
 * One thread under engines: from its stops to passes, and from their verdicts to the request that it goes on with.
 *
 * Everything here is synchronous. A stop is taken, its passes are made and the thread is resumed in one call, unless a callback gives a promise: then the
 * rest waits, and goes on when that settles. So the same code serves an event loop and a caller that blocks.
 *
 * - Every safe point of utrace is a ptrace-stop. Where utrace would go on to the border with a report pending, inside a system call, the thread is
 *   resumed by PTRACE_SYSCALL: the exit of the call is the border. Elsewhere the stop itself is.
 * - PTRACE_SYSCALL is used while any engine wants system calls, PTRACE_CONT otherwise. A step asked for in front of a system call instruction goes by
 *   PTRACE_SYSCALL then, since PTRACE_SINGLESTEP would pass the entry without a word; its trap is made up at the exit.
 * - The trap of a step is reported as the SIGTRAP it is. Since the program has not caused it, it is ignored unless an engine votes otherwise (utrace would
 *   deliver it, and kill).
 * - In a group stop the thread listens (PTRACE_LISTEN) whatever is voted: job control is not overridden.
 */
import { ERRNO } from '../kernel/errno.js';
import { PTRACE_EVENT } from '../kernel/events.js';
import { PTRACE } from '../kernel/requests.js';
import { PTRACE_X64 } from '../kernel/arch/x64/requests.js';
import { PTRACE_O } from '../kernel/options.js';
import type { Registers } from '../kernel/registers.js';
import { SIG, signalSetHas } from '../kernel/signals.js';
import { encodeSiginfo, TRAP } from '../kernel/siginfo.js';
import { syscallName } from '../kernel/syscalls.js';
import { CLD } from '../kernel/wait-flags.js';
import { badInput, fromErrno, refused } from '../errors.js';
import { procStatus } from '../proc.js';
import { binding } from '../binding.js';
import { scaledMillis } from '../time-scale.js';
import type { KernelLayer } from '../raw/kernel-layer.js';
import { TraceeMemory } from '../tracer/memory.js';
import { HOST } from '../tracer/host.js';
import { OP } from '../tracer/syscall-words.js';
import type { StatusSink } from '../tracer/wait-hub.js';
import { RESUME_MASK, SIGNAL_ACTION, SIGNAL_MASK, SYSCALL_ACTION, UTRACE } from './actions.js';
import {
  Arbitration,
  type BorderVerdict,
  type Call,
  type ControlResult,
  type ExamineResult,
  type SetEventsResult,
} from './arbitration.js';
import { isSyscallInstructionArm64, SYSCALL_STEP_CODE_ARM64 } from './arch/arm64/syscall-instruction.js';
import { isSyscallInstructionX64, SYSCALL_STEP_CODE_X64 } from './arch/x64/syscall-instruction.js';
import type { Answer, CloneReport, EngineOps, SignalReport } from './callbacks.js';
import { callbackOf, type Engine, type Examination } from './engine.js';
import type { Engines } from './engines.js';
import { EVENT, EVENT_SIGNAL_ALL, EVENT_SYSCALL } from './events.js';
import type { Seat } from './seat.js';
import { classOf, fateOf } from './signal-class.js';
import { STAGE, type Stage } from './stages.js';
import { ThreadView, type SyscallView } from './thread-view.js';

const STEPPING = { single: true, block: HOST === 'x64' };
const BLOCKSTEP = HOST === 'x64' ? PTRACE_X64.SINGLEBLOCK : PTRACE.SINGLESTEP;
const isSyscallInstruction = HOST === 'x64' ? isSyscallInstructionX64 : isSyscallInstructionArm64;
const SYSCALL_STEP_CODE = HOST === 'x64' ? SYSCALL_STEP_CODE_X64 : SYSCALL_STEP_CODE_ARM64;
/** TRACESYSGOOD's mark on a system call stop. */
const SYSCALL_STOP = SIG.SIGTRAP | 0x80;
const SI_CODE = 8;

/** The options of every thread. What nobody wants costs a stop, but a clone, an exec or a death that is missed cannot be made up for. */
export const BASE_OPTIONS =
  PTRACE_O.TRACESYSGOOD |
  PTRACE_O.TRACEFORK |
  PTRACE_O.TRACEVFORK |
  PTRACE_O.TRACECLONE |
  PTRACE_O.TRACEEXEC |
  PTRACE_O.TRACEEXIT;

const word = new BigUint64Array(1);
const NOTHING = new Uint8Array(0);
const isEnd = (status: number): boolean => (status & 0xff) !== 0x7f;

/** What the callback of the event under way is told. */
type Details =
  | { readonly kind: 'none' }
  | { readonly kind: 'clone'; readonly report: CloneReport }
  | { readonly kind: 'exec'; readonly formerTid: number }
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'vfork-done'; readonly childPid: number }
  | { readonly kind: 'jctl'; readonly type: number; readonly notify: number };

/** The system calls that make threads and processes. */
const CLONES: ReadonlySet<string> = new Set(['clone', 'clone3', 'fork', 'vfork']);

/** In place of the vote of a callback whose fault was reported. */
const FAULT = -1;

const NO_DETAILS: Details = { kind: 'none' };
const NO_SIGNAL: SignalReport = { signal: 0, siginfo: NOTHING, event: 0 };

export class EngineThread implements StatusSink {
  /** @internal */
  readonly arbitration = new Arbitration<EngineOps>();
  readonly #session: Engines;
  readonly #layer: KernelLayer;
  readonly #view: ThreadView;
  #memory: TraceeMemory | undefined;
  #tid: number;
  readonly #pid: number;
  /** It stands in a ptrace-stop, or is dead and not reaped; its passes are being made or an engine holds it. */
  #standing = false;
  /** An engine holds it; this is what to do when none does any more. */
  #wake: Stage | undefined;
  /** Stops and ends that came while it stood: SIGKILL took it away. */
  readonly #queue: number[] = [];
  /** Not to be taken before the parent's pass is over. */
  #waitsForParent: boolean;
  #waiting = false;
  #referenced = false;

  #status = 0;
  #stage: Stage = STAGE.GO;
  #inPass = false;
  /** Whether the pass that belongs to the stage was made. */
  #passed = false;
  #busy = false;
  #suspended = false;
  #ticket = 0;
  #timer: NodeJS.Timeout | undefined;
  #event = 0;
  #details: Details = NO_DETAILS;
  #signalReport: SignalReport = NO_SIGNAL;
  #orphans: EngineThread[] = [];

  /** It stands inside a system call, whose exit is still to come. */
  #inCall = false;
  #abort = false;
  /** It stands where signals are taken. */
  #inSignals = false;
  /** The signal of this stop that no pass has decided about. */
  #signalDue = 0;
  #signalResult: number = SIGNAL_ACTION.DELIVER;
  /** What it is resumed with. */
  #inject = 0;
  /** A step passes a system call by PTRACE_SYSCALL; its trap is to be made up. */
  #across = false;
  #stepped = false;
  #expectsHandler = false;
  #jobStopped = false;
  #interrupted = false;
  #kickOnResume = false;
  #options = BASE_OPTIONS;
  #endStatus = 0;
  #exitSeen = false;
  #consumed = false;
  #endSeen = false;
  #barriers: { readonly seat: Seat<EngineOps>; readonly resolve: (result: 0 | 'ESRCH') => void }[] = [];

  /** @internal */
  constructor(session: Engines, tid: number, pid: number, options: number, waitsForParent: boolean) {
    this.#session = session;
    this.#layer = session.layer;
    this.#tid = tid;
    this.#pid = pid;
    this.#options = options;
    this.#waitsForParent = waitsForParent;
    this.#view = new ThreadView(session.layer, tid);
  }

  /** Whose thread it is. @internal */
  get session(): Engines {
    return this.#session;
  }
  get tid(): number {
    return this.#tid;
  }
  get pid(): number {
    return this.#pid;
  }
  get isLeader(): boolean {
    return this.#tid === this.#pid;
  }
  /** Whether it can be examined: it stands in a ptrace-stop. */
  get state(): 'running' | 'stopped' | 'ended' {
    const { phase } = this.arbitration;
    if (phase === 'dead' || phase === 'reaped' || (this.#standing && isEnd(this.#status))) return 'ended';
    return this.#standing ? 'stopped' : 'running';
  }
  /** The wait status word of the stop that it stands in. */
  get status(): number {
    return this.#status;
  }
  /** The engines on it, in the order in which they are called. */
  get engines(): Engine[] {
    return this.arbitration.engines.map((seat) => seat.owner as Engine);
  }
  /** Its registers, the same set for all engines; what is changed is written back when it goes on. */
  get registers(): Registers {
    this.requireStop('PTRACE_GETREGSET');
    return this.#view.registers;
  }
  /** The system call that it enters or leaves. */
  get syscall(): SyscallView {
    return this.#view;
  }
  /** The siginfo of its stop, 128 bytes. */
  get siginfo(): Uint8Array {
    this.requireStop('PTRACE_GETSIGINFO');
    return this.#view.siginfo();
  }
  get memory(): TraceeMemory {
    return (this.#memory ??= new TraceeMemory(this, this.#layer));
  }

  /** Writes changed registers back now; otherwise it is done when the thread goes on. */
  flush(): void {
    this.#view.flush();
  }

  /** Its registers, siginfo or system call were changed behind the view, by a request of its own: they are read anew. @internal */
  changedBehind(): void {
    this.#view.reread();
  }

  /** The PTRACE_O bits that it has. @internal */
  get realOptions(): number {
    return this.#options;
  }

  /** @internal */
  requireStop(request: string): void {
    if (this.state === 'ended') throw refused('gone', request, this.#tid);
    if (!this.#standing) throw refused('running', request, this.#tid);
  }

  // --- calls of engines

  /** Whether this is called from inside a callback of this thread. */
  get #self(): boolean {
    return this.#session.current === this;
  }

  /** @internal */
  setEvents(seat: Seat<EngineOps>, events: number): SetEventsResult {
    return this.arbitration.setEvents(seat, events, this.#self);
  }

  /** @internal */
  control(seat: Seat<EngineOps>, action: number, lazy: boolean): ControlResult {
    const { arbitration } = this;
    const stopped = arbitration.phase === 'stopped';
    const result = arbitration.control(seat, action, STEPPING, this.#self);
    if (stopped && (arbitration.phase as string) === 'running') this.#goOn();
    else if (!lazy) this.#kick();
    return result;
  }

  /** @internal */
  barrier(seat: Seat<EngineOps>): Promise<0 | 'ESRCH'> {
    const result = this.arbitration.barrier(seat, this.#self);
    if (result !== 'EINPROGRESS') return Promise.resolve(result);
    return new Promise((resolve) => {
      this.#barriers.push({ seat, resolve });
    });
  }

  /** @internal */
  prepareExamine(seat: Seat<EngineOps>): Examination | Exclude<ExamineResult, 0> {
    const result = this.arbitration.prepareExamine(seat);
    if (result !== 0) return result;
    return this.#hasLeft() ? 'EAGAIN' : { generation: this.arbitration.generation };
  }

  /** @internal */
  finishExamine(generation: number): ExamineResult {
    const result = this.arbitration.finishExamine(generation);
    return result === 0 && this.#hasLeft() ? 'EAGAIN' : result;
  }

  /** Whether it has something to report already: SIGKILL has taken it out of the stop that it is thought to stand in. */
  #hasLeft(): boolean {
    return this.#session.hasReport(this.#tid);
  }

  /** A stop is wanted of a thread that runs. */
  #kick(): void {
    const { arbitration } = this;
    if (arbitration.resume > UTRACE.REPORT || arbitration.phase !== 'running') return;
    if (this.#standing || this.#waitsForParent) this.#kickOnResume = true;
    else if (!this.#interrupted) this.#interrupt();
  }

  #interrupt(): void {
    this.#interrupted = this.#layer.ptrace(PTRACE.INTERRUPT, this.#tid, 0, 0) === 0;
    if (!this.#interrupted && this.isLeader) this.#session.leaves(this);
  }

  /** An engine was attached, or something is pending: as {@link #kick}. @internal */
  kick(): void {
    this.#kick();
  }

  /** Nobody needs it traced: it is detached as soon as it stands. @internal */
  letGo(): void {
    if (this.arbitration.isEmpty && !this.#standing && !this.#interrupted) this.#interrupt();
  }

  // --- statuses

  /** @internal */
  receive(status: number): void {
    this.#endWaiting();
    if (isEnd(status)) this.#consumed = true;
    if (status >>> 16 === PTRACE_EVENT.EXEC && !isEnd(status)) {
      const former = this.#eventMessage();
      if (former !== 0 && former !== this.#tid) {
        this.#session.executed(this, former, status);
        return;
      }
    }
    this.#deliver(status);
  }

  #deliver(status: number): void {
    if (this.#waitsForParent) {
      this.#queue.push(status);
      return;
    }
    if (!this.#standing || (this.arbitration.phase === 'dead' && !this.#inPass)) {
      this.#take(status);
      this.#run();
      return;
    }
    // Only SIGKILL, or an exec of another thread, takes a thread out of its stop.
    this.#queue.push(status);
    this.arbitration.kill();
    if (this.#suspended || this.#busy) return;
    this.#wake = undefined;
    this.#takeQueued();
    this.#run();
  }

  /** The parent's pass is over. @internal */
  release(): void {
    if (!this.#waitsForParent) return;
    this.#waitsForParent = false;
    if (this.#queue.length === 0) this.#beginWaiting();
    else {
      this.#takeQueued();
      this.#run();
    }
  }

  /** Whether it is held for its parent's pass. @internal */
  get waitsForParent(): boolean {
    return this.#waitsForParent;
  }

  /** It took the tid of its leader by an exec, whose status is still to be taken. @internal */
  becomeLeader(): void {
    this.#endWaiting();
    this.#tid = this.#pid;
    this.#view.tid = this.#pid;
  }

  /** As {@link receive}, of an exec that {@link Engines.executed} has sorted out. @internal */
  receiveExec(status: number): void {
    this.#deliver(status);
  }

  /** The kernel has released it without a word: another thread executed a program. @internal */
  vanish(): void {
    if (this.arbitration.phase === 'reaped') return;
    this.#endWaiting();
    this.#consumed = true;
    this.#waitsForParent = false;
    this.#deliver(0);
  }

  /** It is the zombie of a leader that left before its threads: nobody can detach that. Without engines it is given up. @internal */
  leaveBehind(): void {
    if (!this.arbitration.isEmpty) return;
    this.#endWaiting();
    this.#giveUp(true);
  }

  /** A look has found its end, and nothing was consumed yet. Whether it may be. @internal */
  ending(status: number): boolean {
    this.#endWaiting();
    if (this.arbitration.phase === 'dead') return this.#mayBeReaped();
    if (this.#standing || this.#waitsForParent) {
      this.#endSeen = true;
      if (this.#waitsForParent || this.#suspended || this.#busy) return false;
      // Held where it is no more.
      this.arbitration.kill();
      this.#wake = undefined;
    }
    this.#take(status);
    this.#run();
    return this.#mayBeReaped();
  }

  /** Whether its death was told to all; if a promise is waited for, it is reaped after that. */
  #mayBeReaped(): boolean {
    const { phase, dying } = this.arbitration;
    if (phase === 'dead' && !dying) return true;
    this.#endSeen = true;
    return false;
  }

  #takeQueued(): void {
    const status = this.#queue.shift();
    if (status !== undefined) this.#take(status);
  }

  /** @param referenced whether that keeps the event loop alive, if the session wants it: what is held does not */
  #beginWaiting(referenced = true): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#referenced = this.#session.begin(this.#tid, referenced);
  }

  #endWaiting(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#session.end(this.#referenced);
  }

  /** It runs from now on: made by a seize or a spawn. @internal */
  start(): void {
    this.#beginWaiting();
  }

  #eventMessage(): number {
    return this.#layer.ptraceBuffer(PTRACE.GETEVENTMSG, this.#tid, 0, word) < 0 ? 0 : Number(word[0]);
  }

  /** Begins with what has happened; {@link #run} does the rest. */
  #take(status: number): void {
    this.#session.taken++;
    this.#standing = true;
    this.#status = status;
    this.#interrupted = false;
    this.#kickOnResume = false;
    this.#inject = 0;
    this.#signalDue = 0;
    this.#inSignals = false;
    this.#details = NO_DETAILS;
    this.#view.renew();
    if (isEnd(status)) {
      this.#endStatus = status;
      if (this.arbitration.phase === 'dead') {
        this.#stage = STAGE.DEATH;
        this.#inPass = false;
      } else if (this.#exitSeen) this.#die();
      else {
        this.#details = { kind: 'exit', code: status };
        this.#begin(EVENT.EXIT, STAGE.LATE_EXIT);
      }
      return;
    }
    const signal = (status >>> 8) & 0xff;
    const event = status >>> 16;
    if (event === 0) {
      if (signal === SYSCALL_STOP) this.#takeSyscall();
      else this.#takeSignal(signal);
    } else this.#takeEvent(event, signal);
  }

  #begin(event: number, stage: Stage, resumed = false): void {
    this.#event = event;
    this.#stage = stage;
    this.#inPass = this.#passed = this.arbitration.begin(event, resumed);
  }

  #die(): void {
    this.#stage = STAGE.DEATH;
    this.#event = EVENT.DEATH;
    this.#inPass = this.arbitration.beginDeath();
  }

  #takeSyscall(): void {
    const op = this.#view.readSyscall();
    const entry = op === OP.ENTRY || (op < 0 && !this.#inCall);
    if (entry) {
      this.#inCall = true;
      this.#abort = false;
      this.#begin(EVENT.SYSCALL_ENTRY, STAGE.ENTRY);
      return;
    }
    this.#inCall = false;
    const { arbitration } = this;
    if (arbitration.resume === UTRACE.SINGLESTEP || arbitration.resume === UTRACE.BLOCKSTEP) {
      // The step was asked for inside the call, and is over with it.
      arbitration.resume = UTRACE.RESUME;
      this.#across = true;
    }
    this.#begin(EVENT.SYSCALL_EXIT, STAGE.SYSCALL_EXIT);
  }

  #takeEvent(event: number, signal: number): void {
    switch (event) {
      case PTRACE_EVENT.CLONE:
      case PTRACE_EVENT.FORK:
      case PTRACE_EVENT.VFORK: {
        this.#inCall = true;
        const tid = this.#eventMessage();
        const kind = event === PTRACE_EVENT.CLONE ? 'clone' : event === PTRACE_EVENT.FORK ? 'fork' : 'vfork';
        if (tid === 0) {
          // SIGKILL was quicker. The child is told of before the exit.
          this.#stage = STAGE.GO;
          return;
        }
        this.#cloned(kind, this.#session.childOf(this, tid, kind), STAGE.CLONE);
        return;
      }
      case PTRACE_EVENT.EXEC:
        this.#inCall = true;
        this.#jobStopped = false;
        this.#across = false;
        this.#session.executedProgram(this);
        this.#details = { kind: 'exec', formerTid: this.#eventMessage() || this.#tid };
        this.#begin(EVENT.EXEC, STAGE.INSIDE);
        return;
      case PTRACE_EVENT.VFORK_DONE:
        this.#inCall = true;
        this.#details = { kind: 'vfork-done', childPid: this.#eventMessage() };
        this.#begin(EVENT.VFORK_DONE, STAGE.INSIDE);
        return;
      case PTRACE_EVENT.SECCOMP:
        this.#view.readSyscall();
        this.#inCall = true;
        this.#begin(EVENT.SECCOMP, STAGE.SECCOMP);
        return;
      case PTRACE_EVENT.EXIT:
        this.#exitSeen = true;
        this.#orphans = this.#isInClone() ? this.#session.orphansOf(this) : [];
        this.#stage = STAGE.ORPHANS;
        return;
      case PTRACE_EVENT.STOP:
        this.#takeEventStop(signal);
        return;
      default:
        this.#stage = STAGE.GO;
    }
  }

  /** Whether SIGKILL has found it in a call that makes a thread or process, so that the event of that may be missing. */
  #isInClone(): boolean {
    try {
      const { abi, syscallNumber } = this.#view.registers;
      return CLONES.has(syscallName(abi, syscallNumber) ?? '');
    } catch {
      return true;
    }
  }

  #cloned(kind: CloneReport['kind'], child: EngineThread, stage: Stage): void {
    this.#details = { kind: 'clone', report: { kind, child } };
    this.#begin(EVENT.CLONE, stage);
  }

  /** Group stop, its end, an interrupt, the first stop of a new thread. */
  #takeEventStop(signal: number): void {
    this.#inSignals = true;
    this.#inCall = false;
    const stopping = signal !== SIG.SIGTRAP;
    if (stopping === this.#jobStopped) {
      this.#stage = STAGE.BORDER;
      return;
    }
    this.#jobStopped = stopping;
    const type = stopping ? CLD.STOPPED : CLD.CONTINUED;
    const last = this.#session.threadsOf(this.#pid).every((thread) => thread.#jobStopped === stopping);
    this.#details = { kind: 'jctl', type, notify: last ? type : 0 };
    this.#begin(EVENT.JCTL, STAGE.JCTL);
  }

  #takeSignal(signal: number): void {
    this.#inSignals = true;
    this.#inCall = false;
    this.#signalResult = SIGNAL_ACTION.DELIVER;
    this.#stage = STAGE.BORDER;
    if (signal === SIG.SIGTRAP && this.#stepped) {
      const code = new DataView(this.#view.siginfo().buffer).getInt32(SI_CODE, true);
      if (this.#expectsHandler && code === SIG.SIGTRAP) {
        // ptrace_notify() at the first instruction of the handler: no signal at all.
        this.#expectsHandler = false;
        return;
      }
      if (code === TRAP.TRACE || code === TRAP.BRANCH || code === SYSCALL_STEP_CODE) {
        this.#signalResult = SIGNAL_ACTION.IGN;
      }
    }
    if (this.#expectsHandler) {
      // It was blocked meanwhile, and no handler was set up.
      this.#expectsHandler = false;
      this.arbitration.handler = false;
    }
    this.#signalDue = signal;
  }

  // --- stages

  /** Goes on until there is something to wait for. */
  #run(): void {
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#step());
    } finally {
      this.#busy = false;
    }
  }

  /** An engine's STOP is over. */
  #goOn(): void {
    if (this.#wake === undefined) return;
    this.#endWaiting();
    if (this.#hasLeft()) {
      // What it is asked for now would fall on the stop at its exit, which nobody has seen.
      this.arbitration.kill();
      this.#wake = undefined;
      this.#beginWaiting();
      return;
    }
    this.#stage = this.#wake;
    this.#wake = undefined;
    this.#run();
  }

  #hold(wake: Stage): false {
    this.#wake = wake;
    // SIGKILL is noticed.
    this.#beginWaiting(false);
    // What was changed is there for whoever examines the thread while it is held.
    this.#writeBack();
    return false;
  }

  #step(): boolean {
    if (this.#suspended) return false;
    if (this.#inPass) {
      if (!this.#callAll()) return false;
      this.#inPass = false;
    }
    const { arbitration } = this;
    switch (this.#stage) {
      case STAGE.ENTRY:
        if (this.#passed) {
          const stops = arbitration.end(true);
          this.#abort = (arbitration.result & SIGNAL_MASK) === SYSCALL_ACTION.ABORT;
          if (stops) return this.#hold(STAGE.ENTRY_WOKEN);
        }
        this.#stage = STAGE.GO;
        return true;
      case STAGE.ENTRY_WOKEN:
        if (arbitration.resume <= UTRACE.REPORT && !arbitration.killed) {
          this.#writeBack();
          this.#begin(EVENT.SYSCALL_ENTRY, STAGE.ENTRY, true);
        } else this.#stage = STAGE.GO;
        return true;
      case STAGE.SYSCALL_EXIT:
        if (this.#passed) arbitration.end(false);
        if (this.#across) this.#makeUpTrap();
        else this.#stage = STAGE.BORDER;
        return true;
      case STAGE.STEPPED:
        // As a signal of the resume it would be sent anew, and reported again.
        if (this.#passed) {
          if ((arbitration.result & SIGNAL_MASK) !== SIGNAL_ACTION.IGN) this.#inject = SIG.SIGTRAP;
          return this.#verdict(arbitration.endIgnored());
        }
        this.#stage = STAGE.BORDER;
        return true;
      case STAGE.CLONE: {
        const report = this.#details.kind === 'clone' ? this.#details.report : undefined;
        const stops = this.#passed && arbitration.end(report?.kind === 'vfork');
        report?.child.release();
        if (stops) return this.#hold(STAGE.GO);
        this.#stage = STAGE.GO;
        return true;
      }
      case STAGE.INSIDE:
        if (this.#passed) arbitration.end(false);
        this.#stage = STAGE.GO;
        return true;
      case STAGE.SECCOMP:
        if (this.#passed && arbitration.end(true)) return this.#hold(STAGE.GO);
        this.#stage = STAGE.GO;
        return true;
      case STAGE.ORPHANS: {
        const orphan = this.#orphans.pop();
        if (orphan !== undefined) {
          this.#cloned(orphan.#pid === this.#pid ? 'clone' : 'fork', orphan, STAGE.ORPHAN);
          return true;
        }
        this.#details = { kind: 'exit', code: this.#eventMessage() };
        this.#begin(EVENT.EXIT, STAGE.EXIT);
        return true;
      }
      case STAGE.ORPHAN:
        if (this.#passed) arbitration.end(false);
        if (this.#details.kind === 'clone') this.#details.report.child.release();
        this.#stage = STAGE.ORPHANS;
        return true;
      case STAGE.EXIT:
        if (this.#passed && arbitration.end(true, true)) return this.#hold(STAGE.GO);
        this.#stage = STAGE.GO;
        return true;
      case STAGE.SIGNAL:
        return this.#signalDecided();
      case STAGE.JCTL:
        if (this.#passed) arbitration.end(false);
        this.#stage = STAGE.BORDER;
        return true;
      case STAGE.BORDER:
        if (!arbitration.isPending && !arbitration.stopWanted) return this.#verdict('go');
        this.#event = 0;
        this.#signalReport = NO_SIGNAL;
        this.#inPass = arbitration.beginBorder(this.#inSignals);
        this.#stage = STAGE.AFTER_BORDER;
        return true;
      case STAGE.AFTER_BORDER:
        return this.#verdict(arbitration.endBorder());
      case STAGE.LATE_EXIT:
        if (this.#passed) arbitration.end(false);
        this.#die();
        return true;
      case STAGE.DEATH:
        return this.#dead();
      case STAGE.GO:
        return this.#leave(this.#request('go'));
    }
  }

  #verdict(verdict: BorderVerdict): boolean {
    switch (verdict) {
      case 'stop':
        return this.#hold(STAGE.BORDER);
      case 'again':
        this.#stage = STAGE.BORDER;
        return true;
      default:
        if (this.#signalDue !== 0) {
          this.#beginSignal();
          return true;
        }
        return this.#leave(this.#request(verdict));
    }
  }

  #beginSignal(): void {
    const signal = this.#signalDue;
    this.#signalDue = 0;
    this.#inject = this.#signalResult === SIGNAL_ACTION.IGN ? 0 : signal;
    this.#stage = STAGE.SIGNAL;
    this.#passed = this.#inPass = false;
    if ((this.arbitration.wanted & (EVENT_SIGNAL_ALL | EVENT.QUIESCE)) === 0) return;
    const { event, action } = classOf(this.#tid, signal);
    const result = this.#signalResult === SIGNAL_ACTION.IGN ? SIGNAL_ACTION.IGN : action;
    this.#event = event;
    this.#signalReport = { signal, siginfo: this.#view.siginfo(), event };
    this.#inPass = this.#passed = this.arbitration.beginSignal(event, result);
  }

  #signalDecided(): boolean {
    const { arbitration } = this;
    if (!this.#passed) return this.#leave(this.#request('go'));
    const siginfo = this.#view.siginfo();
    const signal = new DataView(siginfo.buffer, siginfo.byteOffset).getInt32(0, true);
    const { result } = arbitration;
    if ((result & SIGNAL_ACTION.HOLD) !== 0) this.#putBack(signal, siginfo);
    const fate = fateOf(this.#tid, signal, (result & SIGNAL_ACTION.HOLD) === 0 ? result : SIGNAL_ACTION.IGN);
    this.#inject = fate.inject;
    if (fate.inject === 0) return this.#verdict(arbitration.endIgnored());
    arbitration.endSignal(fate.handled);
    return this.#leave(this.#request('go'));
  }

  /** HOLD: a siginfo of the kernel's own cannot be sent again as it was; the signal is. */
  #putBack(signal: number, siginfo: Uint8Array): void {
    const addon = binding();
    if (addon.rtTgsigqueueinfo(this.#pid, this.#tid, signal, siginfo) < 0) addon.tgkill(this.#pid, this.#tid, signal);
  }

  #makeUpTrap(): void {
    this.#across = false;
    const bytes = encodeSiginfo({ signal: SIG.SIGTRAP, code: SYSCALL_STEP_CODE, pid: this.#tid });
    const { event } = classOf(this.#tid, SIG.SIGTRAP);
    this.#event = event;
    this.#signalReport = { signal: SIG.SIGTRAP, siginfo: this.#view.pretendSiginfo(bytes), event };
    this.#stage = STAGE.STEPPED;
    this.#inPass = this.#passed = this.arbitration.beginSignal(event, SIGNAL_ACTION.IGN);
  }

  #dead(): boolean {
    const { arbitration } = this;
    if (arbitration.phase === 'dead' && arbitration.dying) arbitration.endDeath();
    if (!this.#consumed) {
      // Who is in the middle of asking consumes it; after a promise nobody is.
      this.#stage = STAGE.DEATH;
      if (this.#endSeen) {
        this.#endSeen = false;
        this.#session.consumeLater(this.#tid);
      }
      return false;
    }
    this.#session.reaped(this);
    for (const seat of arbitration.reap()) {
      const engine = seat.owner as Engine;
      try {
        engine.ops.reportReap?.(engine, this);
      } catch (error) {
        this.#fault(engine, 'reportReap', error);
      }
    }
    this.#settleBarriers(undefined);
    return false;
  }

  // --- resuming

  /** The request that a verdict comes to. */
  #request(verdict: BorderVerdict): number {
    const { arbitration } = this;
    if (this.#jobStopped && this.#inSignals) {
      // The step is for when it runs again.
      if (verdict === 'step') arbitration.resume = Math.min(arbitration.resume, UTRACE.SINGLESTEP);
      if (verdict === 'block-step') arbitration.resume = Math.min(arbitration.resume, UTRACE.BLOCKSTEP);
      return PTRACE.LISTEN;
    }
    const wantsCalls = (arbitration.wanted & EVENT_SYSCALL) !== 0;
    if (verdict === 'step' || verdict === 'block-step') {
      if (wantsCalls && this.#isAtSyscall()) {
        this.#across = true;
        return PTRACE.SYSCALL;
      }
      return verdict === 'step' ? PTRACE.SINGLESTEP : BLOCKSTEP;
    }
    if (arbitration.handler && this.#inject !== 0) {
      this.#expectsHandler = true;
      return PTRACE.SINGLESTEP;
    }
    return wantsCalls || (this.#inCall && (arbitration.isPending || this.#across)) ? PTRACE.SYSCALL : PTRACE.CONT;
  }

  #isAtSyscall(): boolean {
    const { pc } = this.#view.registers;
    return this.#layer.ptraceBuffer(PTRACE.PEEKDATA, this.#tid, pc, word) >= 0 && isSyscallInstruction(word[0] ?? 0n);
  }

  /** The thread leaves this stop. Whether there is another one to be taken at once. */
  #leave(request: number): boolean {
    if (this.#queue.length > 0) {
      this.#takeQueued();
      return true;
    }
    const { arbitration } = this;
    if (this.#abort && this.#inCall) {
      this.#abort = false;
      this.#attempt(() => this.#view.abort());
    }
    this.#writeBack();
    const exits = this.#status >>> 16 === PTRACE_EVENT.EXIT;
    if (arbitration.isEmpty && !exits && this.#detach()) return false;
    this.#setOptions();
    if (exits) {
      this.#session.expectEnd(this.#tid);
      if (this.isLeader) this.#session.leaves(this);
    }
    // A signal goes with a signal stop only; at a system call it would be sent.
    const injects = request !== PTRACE.LISTEN && (this.#inSignals || this.#inject !== 0);
    if (arbitration.resume === UTRACE.INTERRUPT && this.#inCall) this.#interrupt();
    let result = this.#layer.ptrace(request, this.#tid, 0, injects ? this.#inject : 0);
    if (result === -ERRNO.EIO && request === BLOCKSTEP) {
      result = this.#layer.ptrace(PTRACE.SINGLESTEP, this.#tid, 0, injects ? this.#inject : 0);
    }
    if (request !== PTRACE.LISTEN) this.#stepped = request === PTRACE.SINGLESTEP || request === BLOCKSTEP;
    // ESRCH: SIGKILL has taken it away, and what follows is the exit or the end.
    this.#standing = false;
    if (this.#endSeen) {
      this.#endSeen = false;
      this.#session.lookAgain();
    }
    this.#beginWaiting();
    if (this.#kickOnResume || (arbitration.resume <= UTRACE.REPORT && !this.#inCall && !arbitration.handler)) {
      this.#kickOnResume = false;
      if (arbitration.resume <= UTRACE.REPORT && !exits && result >= 0) this.#interrupt();
    }
    return false;
  }

  #writeBack(): void {
    this.#attempt(() => this.#view.flush());
  }

  /** What an engine has left undone badly (registers that cannot be) is told, and the thread goes on without it. */
  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#session.failed(this, error);
    }
  }

  #setOptions(): void {
    const { wanted } = this.arbitration;
    let options = this.#session.baseOptions;
    if ((wanted & EVENT.SECCOMP) !== 0) options |= PTRACE_O.TRACESECCOMP;
    if ((wanted & EVENT.VFORK_DONE) !== 0) options |= PTRACE_O.TRACEVFORKDONE;
    if (options === this.#options) return;
    if (this.#layer.ptrace(PTRACE.SETOPTIONS, this.#tid, 0, options) >= 0) this.#options = options;
  }

  /** The last engine is gone: so is the tracing. Whether it is; not if SIGKILL was quicker. */
  #detach(): boolean {
    // Untraced, the trap of its last step would kill it: it is let run into that first.
    if (this.#stepped && signalSetHas(procStatus(this.#tid)?.sigPnd ?? 0n, SIG.SIGTRAP)) return false;
    const signal = this.#inSignals || this.#inject !== 0 ? this.#inject : 0;
    if (this.#layer.ptrace(PTRACE.DETACH, this.#tid, 0, signal) < 0) return false;
    this.#giveUp(false);
    return true;
  }

  /** It is traced no more, or nobody here cares. */
  #giveUp(isZombie: boolean): void {
    this.#standing = false;
    this.arbitration.reap();
    this.#settleBarriers(undefined);
    this.#session.detached(this, isZombie);
  }

  // --- callbacks

  /** Makes the calls of the pass. Whether it is over; not if a callback has given a promise. */
  #callAll(): boolean {
    const { arbitration } = this;
    for (;;) {
      const call = arbitration.next();
      if (call === undefined) return true;
      const engine = arbitration.reporting?.owner as Engine;
      const name = this.#nameOf(call, engine);
      let answer: Answer;
      const outer = this.#session.current;
      this.#session.current = this;
      try {
        answer = this.#invoke(name, engine);
      } catch (error) {
        this.#fault(engine, name, error);
        answer = FAULT;
      } finally {
        this.#session.current = outer;
      }
      if (typeof answer === 'object' && answer !== null && typeof (answer as { then?: unknown }).then === 'function') {
        this.#suspend(call, name, engine, answer);
        return false;
      }
      this.#settle(call, name, engine, answer);
    }
  }

  #nameOf(call: Call, engine: Engine): keyof EngineOps {
    if (call === 'quiesce') return 'reportQuiesce';
    if (call === 'signal') return typeof engine.ops.reportSignal === 'function' ? 'reportSignal' : 'reportQuiesce';
    return callbackOf(this.#event);
  }

  #invoke(name: keyof EngineOps, engine: Engine): Answer {
    const { ops } = engine;
    const { argument } = this.arbitration;
    switch (name) {
      case 'reportSyscallEntry':
        return ops.reportSyscallEntry?.(argument, engine, this.#view);
      case 'reportSyscallExit':
        return ops.reportSyscallExit?.(argument, engine, this.#view);
      case 'reportSeccomp':
        return ops.reportSeccomp?.(argument, engine, this.#view);
      case 'reportQuiesce':
        return ops.reportQuiesce?.(argument & RESUME_MASK, engine, this.#event);
      case 'reportSignal':
        return ops.reportSignal?.(argument, engine, this.#signalReport);
      case 'reportDeath':
        return ops.reportDeath?.(engine, {
          groupDead: this.isLeader,
          signal: this.isLeader ? SIG.SIGCHLD : -1,
          status: this.#endStatus,
        });
      default:
        return this.#invokeRare(engine, argument);
    }
  }

  #invokeRare(engine: Engine, argument: number): Answer {
    const details = this.#details;
    const { ops } = engine;
    switch (details.kind) {
      case 'clone':
        return ops.reportClone?.(argument, engine, details.report);
      case 'exec':
        return ops.reportExec?.(argument, engine, { formerTid: details.formerTid });
      case 'exit':
        return ops.reportExit?.(argument, engine, { code: details.code });
      case 'vfork-done':
        return ops.reportVforkDone?.(argument, engine, details.childPid);
      case 'jctl':
        return ops.reportJctl?.(argument, engine, { type: details.type, notify: details.notify });
      case 'none':
        return undefined;
    }
  }

  #settle(call: Call, name: keyof EngineOps, engine: Engine, vote: unknown): void {
    const { arbitration } = this;
    // In the signal path what a quiesce votes says nothing about the signal.
    const quiet = call === 'signal' && name === 'reportQuiesce';
    if (vote === undefined) arbitration.settle(call, arbitration.abstention(call));
    else if (vote === FAULT) arbitration.settle(call, arbitration.faultVote(call));
    else if (typeof vote === 'number' && arbitration.isLegal(quiet ? 'quiesce' : call, vote)) {
      arbitration.settle(call, quiet ? vote | arbitration.result : vote);
    } else {
      const shown = typeof vote === 'number' ? `0x${vote.toString(16)}` : `a ${typeof vote}`;
      this.#fault(engine, name, badInput(name, `the vote is ${shown}, which this callback cannot give`, this.#tid));
      arbitration.settle(call, arbitration.faultVote(call));
    }
    if (this.#barriers.length > 0) this.#settleBarriers(engine.seat);
  }

  /** The thread stays as it is until the promise settles, or its time is over. */
  #suspend(call: Call, name: keyof EngineOps, engine: Engine, promise: PromiseLike<unknown>): void {
    const ticket = ++this.#ticket;
    this.#suspended = true;
    this.#session.suspended++;
    const goOn = (vote: unknown): void => {
      if (ticket !== this.#ticket) return;
      this.#ticket++;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      clearImmediate(watching);
      this.#endWaiting();
      this.#suspended = false;
      this.#session.suspended--;
      this.#settle(call, name, engine, vote);
      this.#run();
    };
    const fail = (error: unknown): void => {
      if (ticket !== this.#ticket) return;
      this.#fault(engine, name, error);
      goOn(FAULT);
    };
    // SIGKILL is noticed, but a promise that settles in this turn need not pay for that.
    const watching = setImmediate(() => this.#beginWaiting(false));
    promise.then(goOn, fail);
    if (engine.timeout === 0) return;
    this.#timer = setTimeout(() => {
      fail(refused('timed-out', name, this.#tid, `its promise has not settled within ${engine.timeout} ms`));
    }, scaledMillis(engine.timeout));
  }

  #fault(engine: Engine, callback: keyof EngineOps, error: unknown): void {
    this.#session.fault({ engine, thread: this, callback, error });
  }

  /** Tells those who wait for an engine's callback to be over; undefined: for all of them, the thread is gone. */
  #settleBarriers(seat: Seat<EngineOps> | undefined): void {
    const waiting = this.#barriers;
    this.#barriers = waiting.filter((barrier) => seat !== undefined && barrier.seat !== seat);
    for (const barrier of waiting) if (seat === undefined || barrier.seat === seat) barrier.resolve(0);
  }

  /** Whether a promise keeps a pass of it waiting. @internal */
  get isSuspended(): boolean {
    return this.#suspended;
  }

  toString(): string {
    return `EngineThread ${this.#tid} (${this.state})`;
  }
}

/** The error of an attach that found nothing, too much, or nobody. */
export function attachFailed(tid: number, failure: 'ENOENT' | 'EEXIST' | 'ESRCH'): Error {
  switch (failure) {
    case 'ENOENT':
      return fromErrno('attach an engine', tid, ERRNO.ENOENT, 'bad-input', 'no engine on this thread matches');
    case 'EEXIST':
      return fromErrno(
        'attach an engine',
        tid,
        ERRNO.EEXIST,
        'denied',
        'an engine that matches is on this thread already',
      );
    case 'ESRCH':
      return fromErrno('attach an engine', tid, ERRNO.ESRCH, 'gone');
  }
}
