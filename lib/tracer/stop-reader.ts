/**
 * From a wait status word to a stop.
 *
 * The word says little: what it leaves out is asked of the kernel (siginfo, event message, system call information), and what the kernel does
 * not tell either is concluded from what was asked of the tracee before. SIGKILL can take the tracee out of the stop meanwhile; there is no
 * such stop then.
 */
import { ERRNO } from '../kernel/errno.js';
import { PTRACE_EVENT } from '../kernel/events.js';
import { registersFrom, MAX_REGISTERS_SIZE } from '../kernel/registers.js';
import { PTRACE } from '../kernel/requests.js';
import { decodeSiginfo } from '../kernel/siginfo.js';
import { isStopSignal, SIG } from '../kernel/signals.js';
import { readGeneral } from '../raw/general-registers.js';
import { readTrapArm64 } from './arch/arm64/traps.js';
import { readTrapX64 } from './arch/x64/traps.js';
import { HOST } from './host.js';
import {
  BreakpointStop,
  CloneStop,
  EventStop,
  ExitStop,
  ForkStop,
  GroupStop,
  SeccompStop,
  SignalDeliveryStop,
  StepStop,
  SyscallEntryStop,
  SyscallExitStop,
  UnknownEventStop,
  VforkDoneStop,
  VforkStop,
  WatchpointStop,
  type PtraceStop,
  type ResumeMode,
} from './stop.js';
import { OP, SyscallWords } from './syscall-words.js';
import type { Tracee } from './tracee.js';
import type { TracerCore } from './tracer-core.js';

const readTrap = HOST === 'x64' ? readTrapX64 : readTrapArm64;

const STEPPING: ReadonlySet<ResumeMode> = new Set(['step', 'block-step', 'sysemu-step']);

const siginfoBytes = new Uint8Array(128);
const word = new BigUint64Array(1);
const registerBytes = new Uint8Array(MAX_REGISTERS_SIZE);

/** Set once PTRACE_GET_SYSCALL_INFO was refused: before Linux 5.3 entry and exit can only be told by counting. */
let withoutSyscallInfo = false;

/** Reads the stops of one tracee, and keeps what is needed to tell the next one. */
export class StopReader {
  readonly #core: TracerCore;
  readonly #tracee: Tracee;
  /** Entry-stop of the system call that the thread is in. */
  #entry: SyscallEntryStop | null = null;
  /** Whether the next system call stop is an exit, for kernels that do not tell. */
  #inCall = false;
  /** An INTERRUPT was sent and no stop has been seen since. */
  #interrupted = false;
  /** An INTERRUPT was sent before the last stop was seen: it may have come too late to be used up by it. */
  #crossed = false;
  /** The thread's group was stopped when last seen, and this thread was let go or listens. */
  #groupStopped = false;
  /** It was told to step, and the trap has not been seen: an event-stop can come between the step and its trap. */
  #owesStep = false;
  #fresh: boolean;

  /** @param fresh whether the tracee is new: the kernel attached it at its birth, and its first stop says so */
  constructor(core: TracerCore, tracee: Tracee, fresh: boolean) {
    this.#core = core;
    this.#tracee = tracee;
    this.#fresh = fresh;
  }

  /** PTRACE_INTERRUPT was sent. */
  interrupted(): void {
    this.#interrupted = true;
  }

  /** It was resumed. Only PTRACE_SYSCALL makes the exit of the call that it is in report. */
  resumed(mode: ResumeMode): void {
    if (STEPPING.has(mode)) this.#owesStep = true;
    if (mode !== 'syscall') this.forgetCall();
  }

  /** Whether the trap of a step may still be under way. */
  get owesStep(): boolean {
    return this.#owesStep;
  }

  /** It left a group-stop while its group stays stopped, or listens. */
  leftGroupStop(): void {
    this.#groupStopped = true;
  }

  /** The system call it was in has no exit to come. */
  forgetCall(): void {
    this.#entry = null;
    this.#inCall = false;
  }

  /** It stands inside a system call whose entry nobody has seen: an exec, whose call began in another program. */
  insideCall(): void {
    this.#entry = null;
    this.#inCall = true;
  }

  /** It is in a stop that was read. */
  entered(stop: PtraceStop): void {
    const stopEvent = stop.kind === 'event-stop' || stop.kind === 'group-stop';
    // An INTERRUPT before this trap is used up by it; one after it, before it was seen here, is still pending.
    this.#crossed = this.#interrupted && !stopEvent;
    this.#interrupted = false;
    this.#fresh = false;
    if (!stopEvent) this.#owesStep = false;
  }

  /** The stop that a status word stands for; undefined when the tracee was gone before it could be asked. */
  read(status: number): PtraceStop | undefined {
    const signal = (status >>> 8) & 0xff;
    const event = status >>> 16;
    if (event === 0) {
      if (signal === (SIG.SIGTRAP | 0x80)) return this.#classifySyscall(status);
      return this.#classifySignal(status, signal);
    }
    if (event === PTRACE_EVENT.STOP) return this.#classifyEventStop(status, signal);
    // The other events come inside a system call, exit apart.
    this.#inCall = true;
    switch (event) {
      case PTRACE_EVENT.FORK:
      case PTRACE_EVENT.VFORK:
      case PTRACE_EVENT.CLONE: {
        const tid = this.eventMessage(event);
        if (tid === undefined) return undefined;
        const child = this.#core.childOf(this.#tracee, tid, event === PTRACE_EVENT.CLONE);
        if (event === PTRACE_EVENT.FORK) return new ForkStop(this.#tracee, status, child);
        if (event === PTRACE_EVENT.VFORK) return new VforkStop(this.#tracee, status, child);
        return new CloneStop(this.#tracee, status, child);
      }
      case PTRACE_EVENT.VFORK_DONE: {
        const pid = this.eventMessage(event);
        return pid === undefined ? undefined : new VforkDoneStop(this.#tracee, status, pid);
      }
      case PTRACE_EVENT.EXIT: {
        const exitStatus = this.eventMessage(event);
        return exitStatus === undefined ? undefined : new ExitStop(this.#tracee, status, exitStatus);
      }
      case PTRACE_EVENT.SECCOMP:
        return this.#classifySeccomp(status);
      default:
        return new UnknownEventStop(this.#tracee, status);
    }
  }

  #classifySyscall(status: number): PtraceStop | undefined {
    if (withoutSyscallInfo) return this.#countSyscall(status);
    const scratch = SyscallWords.scratch;
    const length = this.#core.layer.ptraceBuffer(PTRACE.GET_SYSCALL_INFO, this.#tracee.tid, 88, scratch);
    if (length < 0) {
      if (length === -ERRNO.ESRCH) return undefined;
      withoutSyscallInfo = true;
      return this.#countSyscall(status);
    }
    const op = SyscallWords.scratchOp();
    if (op === OP.EXIT) {
      const entry = this.#entry;
      this.#entry = null;
      return new SyscallExitStop(this.#tracee, status, new SyscallWords(), entry);
    }
    // SIGKILL has moved it on to EVENT_EXIT.
    if (op !== OP.ENTRY) return undefined;
    return (this.#entry = new SyscallEntryStop(this.#tracee, status, new SyscallWords()));
  }

  /** Entry and exit by turns, for kernels that do not tell (before Linux 5.3). */
  #countSyscall(status: number): PtraceStop | undefined {
    const isExit = this.#inCall;
    if (!this.#fillFromRegisters(isExit ? OP.EXIT : OP.ENTRY)) return undefined;
    this.#inCall = !isExit;
    if (isExit) {
      const entry = this.#entry;
      this.#entry = null;
      return new SyscallExitStop(this.#tracee, status, new SyscallWords(), entry);
    }
    return (this.#entry = new SyscallEntryStop(this.#tracee, status, new SyscallWords()));
  }

  #classifySeccomp(status: number): PtraceStop | undefined {
    if (!withoutSyscallInfo) {
      const length = this.#core.layer.ptraceBuffer(PTRACE.GET_SYSCALL_INFO, this.#tracee.tid, 88, SyscallWords.scratch);
      if (length === -ERRNO.ESRCH) return undefined;
      if (length >= 0) {
        return SyscallWords.scratchOp() === OP.SECCOMP
          ? new SeccompStop(this.#tracee, status, new SyscallWords())
          : undefined;
      }
      withoutSyscallInfo = true;
    }
    return this.#fillFromRegisters(OP.SECCOMP) ? new SeccompStop(this.#tracee, status, new SyscallWords()) : undefined;
  }

  #fillFromRegisters(op: number): boolean {
    const length = readGeneral(this.#core.layer, this.#tracee.tid, registerBytes);
    if (length < 0) return false;
    const registers = registersFrom(HOST, registerBytes.subarray(0, length));
    const arch = this.#core.auditArch(registers.abi);
    if (op === OP.EXIT) {
      const result = registers.result;
      const isError = result < 0n && result >= -4095n;
      SyscallWords.fillScratch(op, arch, registers.pc, registers.sp, result, [isError ? 1n : 0n]);
      return true;
    }
    const rest = [0, 1, 2, 3, 4, 5].map((index) => registers.arg(index));
    if (op === OP.SECCOMP) rest.push(BigInt(this.eventMessage(PTRACE_EVENT.SECCOMP) ?? 0));
    SyscallWords.fillScratch(op, arch, registers.pc, registers.sp, BigInt(registers.syscallNumber), rest);
    return true;
  }

  #classifySignal(status: number, signal: number): PtraceStop | undefined {
    const result = this.#core.layer.ptraceBuffer(PTRACE.GETSIGINFO, this.#tracee.tid, 0, siginfoBytes);
    if (result === -ERRNO.ESRCH) return undefined;
    // Only under PTRACE_ATTACH: a group-stop has no siginfo.
    if (result === -ERRNO.EINVAL && isStopSignal(signal)) return new GroupStop(this.#tracee, status);
    const siginfo = decodeSiginfo(siginfoBytes);
    // SIGKILL has moved it on to EVENT_EXIT.
    if (siginfo.signal !== signal || siginfo.code >> 8 === PTRACE_EVENT.EXIT) return undefined;
    if (signal !== SIG.SIGTRAP) return new SignalDeliveryStop(this.#tracee, status, siginfo);
    const trap = readTrap({
      tid: this.#tracee.tid,
      code: siginfo.code,
      pid: 'pid' in siginfo ? siginfo.pid : 0,
      address: siginfo.kind === 'fault' ? siginfo.addr : 0n,
      stepping: this.#owesStep,
      programCounter: () => this.#programCounter(),
      peekUser: (offset) => {
        return this.#core.layer.ptraceBuffer(PTRACE.PEEKUSER, this.#tracee.tid, offset, word) < 0
          ? 0n
          : (word[0] ?? 0n);
      },
    });
    switch (trap.kind) {
      case 'step':
        return new StepStop(this.#tracee, status, siginfo, trap.cause);
      case 'breakpoint':
        return new BreakpointStop(this.#tracee, status, siginfo, trap.address, trap.hardware);
      case 'watchpoint':
        return new WatchpointStop(this.#tracee, status, siginfo, trap.address);
      case 'signal':
        return new SignalDeliveryStop(this.#tracee, status, siginfo);
    }
  }

  #programCounter(): bigint {
    const length = readGeneral(this.#core.layer, this.#tracee.tid, registerBytes);
    return length < 0 ? 0n : registersFrom(HOST, registerBytes.slice(0, length)).pc;
  }

  #classifyEventStop(status: number, signal: number): PtraceStop {
    if (isStopSignal(signal)) {
      this.#groupStopped = true;
      return new GroupStop(this.#tracee, status);
    }
    const wasStopped = this.#groupStopped;
    this.#groupStopped = false;
    if (this.#fresh) return new EventStop(this.#tracee, status, 'new-tracee');
    if (this.#interrupted) return new EventStop(this.#tracee, status, wasStopped ? 'unknown' : 'interrupt');
    // SIGCONT traps a seized thread whether its group was stopped or not. Nothing else is left but an INTERRUPT that crossed another stop.
    return new EventStop(this.#tracee, status, this.#crossed ? 'unknown' : 'job-control');
  }

  /**
   * The message of an event stop; undefined when SIGKILL took the stop away, even if the tracee stands in EVENT_EXIT by now, whose message is
   * another one.
   */
  eventMessage(event: number): number | undefined {
    const { layer } = this.#core;
    if (layer.ptraceBuffer(PTRACE.GETEVENTMSG, this.#tracee.tid, 0, word) < 0) return undefined;
    const message = Number(word[0]);
    if (event === PTRACE_EVENT.EXIT) return message;
    if (layer.ptraceBuffer(PTRACE.GETSIGINFO, this.#tracee.tid, 0, siginfoBytes) < 0) return undefined;
    return decodeSiginfo(siginfoBytes).code >> 8 === event ? message : undefined;
  }
}
