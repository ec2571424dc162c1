/** A process or thread on the stage. Its methods are what a tracer can do to it; each writes a line of the transcript. */
import { isPtraceError } from '../errors.js';
import type { Registers } from '../kernel/registers.js';
import { PTRACE } from '../kernel/requests.js';
import type { SyscallInfo } from '../kernel/syscall-info.js';
import { syscallName, syscallNumber } from '../kernel/syscalls.js';
import type { SigInfo } from '../kernel/siginfo.js';
import { signalName, signalNumber } from '../kernel/signals.js';
import { P_PID, W } from '../kernel/wait-flags.js';
import type { WaitStatus } from '../kernel/wait-status.js';
import { procState, procStatus, procSyscall } from '../proc.js';
import type { ScriptChild, SignalLike } from '../raw/child.js';
import { getGeneral, setGeneral } from '../raw/general-registers.js';
import * as raw from '../raw/index.js';
import { kernelLayer } from '../raw/kernel-layer.js';
import type { RequestArgument } from '../raw/request.js';
import { childCodeText, NO_REPORT, resultText, siginfoText, signalSetText, statusText } from './describe.js';
import { OutOfTime, type Stage, STRANGER } from './stage.js';
import { readTask, writeTask } from './task-memory.js';

const RESTING = 'STtZXI';
const STATES: Readonly<Record<string, string>> = {
  R: 'R (running)',
  S: 'S (sleeping)',
  D: 'D (disk sleep)',
  T: 'T (stopped)',
  t: 't (tracing stop)',
  Z: 'Z (zombie)',
};

/** A signal as its number; 0 is none. */
function numberOf(signal: SignalLike): number {
  if (signal === 0) return 0;
  const number = signalNumber(signal);
  if (number === undefined) throw new Error(`${signal} is no signal`);
  return number;
}

/** The result of a request: '0' or the name of an error, as in the transcript. */
export type Result = string;

export class Actor {
  readonly stage: Stage;
  readonly name: string;
  /** It changes when a thread that is not the leader executes a program: see {@link Actor.becomes}. */
  tid: number;
  /** The child as it was started; undefined for what came by itself. */
  readonly #child: ScriptChild | undefined;
  /** Its end was consumed. */
  ended = false;

  constructor(stage: Stage, name: string, tid: number, child: ScriptChild | undefined) {
    this.stage = stage;
    this.name = name;
    this.tid = tid;
    this.#child = child;
  }

  /** A line of the transcript about it. */
  observe(what: string, value: string | number | bigint | boolean): void {
    this.stage.observe(`${this.name}: ${what}`, value);
  }

  /** The thread has got another id by an execve. */
  becomes(tid: number): void {
    this.tid = tid;
  }

  // ---- Its script ----

  get child(): ScriptChild {
    if (this.#child === undefined) throw new Error(`${this.name} plays no script of its own`);
    return this.#child;
  }

  /** The address of a named word or buffer of its script. The same in its forks and threads. */
  address(name: string): bigint {
    return this.child.address(name);
  }

  /** A named word of its script, signed. Needs no stop; not in the transcript. */
  word(name: string): bigint {
    return this.wordAt(this.address(name));
  }

  /** 8 bytes of its memory, signed. Needs no stop; not in the transcript. */
  wordAt(address: bigint): bigint {
    const bytes = new BigInt64Array(1);
    const read = readTask(this.tid, address, bytes);
    if (read !== 8) throw new Error(`the memory of ${this.name} cannot be read: ${resultText(read)}`);
    return bytes[0] ?? 0n;
  }

  /** Writes a named word of its script: opens a gate it waits at. Needs no stop; not in the transcript. */
  setWord(name: string, value: bigint): void {
    this.setBytes(name, new BigUint64Array([BigInt.asUintN(64, value)]));
  }

  /** Writes the beginning of a named buffer of its script. Needs no stop; not in the transcript. */
  setBytes(name: string, bytes: NodeJS.TypedArray): void {
    const written = writeTask(this.tid, this.address(name), bytes);
    if (written === bytes.byteLength) return;
    throw new Error(`the memory of ${this.name} cannot be written: ${resultText(written)}`);
  }

  /** Waits until a word of its script has a value. */
  untilWord(name: string, value: bigint): void {
    this.stage.until(`${this.name} has ${name} ${value}`, () => this.word(name) === value);
  }

  /** Waits until a word of its script is not 0 any more; the word. */
  untilSet(name: string): bigint {
    this.stage.until(`${this.name} has ${name}`, () => this.word(name) !== 0n);
    return this.word(name);
  }

  /** What a word says, as the result of a system call: the name of an error, or the number. Written into the transcript. */
  result(name: string, what: string = name): void {
    this.observe(what, resultText(this.word(name)));
  }

  // ---- What /proc says ----

  /** The letter of its state. On a virtual ptrace a tracing stop may be one of another engine's, which is over as soon as that has had its turn. */
  #letter(): string | undefined {
    const letter = procState(this.tid);
    // Reaped, and on its way out of /proc: nobody can do anything with it any more.
    if (letter === 'X') return undefined;
    const { idle } = kernelLayer();
    if (letter !== 't' || idle === undefined) return letter;
    idle();
    return procState(this.tid);
  }

  /** Its state: `t (tracing stop)`, `T (stopped)`, `S (sleeping)`, or `gone`. */
  state(): string {
    const letter = this.#letter();
    const state = letter === undefined ? 'gone' : (STATES[letter] ?? letter);
    this.observe('state', state);
    return state;
  }

  /** Waits until it is in one of these states, letters of /proc. Not in the transcript. */
  untilState(letters: string): void {
    this.stage.until(`${this.name} is in state ${letters}`, () => letters.includes(this.#letter() ?? 'gone'));
  }

  /** Waits until it sleeps in a system call. Not in the transcript. */
  untilAsleep(): void {
    this.stage.until(
      `${this.name} sleeps in a system call`,
      () => procState(this.tid) === 'S' && procSyscall(this.tid) !== 'running',
    );
  }

  /**
   * Waits until it has nothing left to do: it sleeps, stands or is dead. Whatever makes it do something (a signal, a request, a byte) has made it
   * runnable when the call that did it returns, so it has done it then. Not in the transcript.
   */
  rest(): void {
    this.stage.until(`${this.name} rests`, () => RESTING.includes(this.#letter() ?? 'X'));
  }

  /** Who traces it. */
  tracer(): string {
    const status = procStatus(this.tid);
    const pid = status?.tracerPid ?? 0;
    const name = status === undefined ? 'gone' : pid === 0 ? 'nobody' : this.stage.nameOf(pid);
    this.observe('tracer', name);
    return name;
  }

  /** Signals that wait: its own, and the process's. */
  pending(): void {
    const status = procStatus(this.tid);
    this.observe('pending', status === undefined ? 'gone' : signalSetText(status.sigPnd | status.shdPnd));
  }

  /** Signals that it blocks, by /proc. */
  blocked(): void {
    const status = procStatus(this.tid);
    this.observe('blocked', status === undefined ? 'gone' : signalSetText(status.sigBlk));
  }

  // ---- Signals ----

  /** kill(2): to the process. */
  kill(signal: SignalLike): Result {
    return this.#record(`kill ${signalName(numberOf(signal))}`, () => {
      raw.kill(this.tid, numberOf(signal));
    });
  }

  /** tgkill(2): to this thread. */
  tgkill(signal: SignalLike): Result {
    const tgid = procStatus(this.tid)?.tgid ?? this.tid;
    return this.#record(`tgkill ${signalName(numberOf(signal))}`, () => {
      raw.tgkill(tgid, this.tid, numberOf(signal));
    });
  }

  // ---- Requests ----

  #record(what: string, request: () => unknown): Result {
    const result = this.stage.attempt(request);
    this.observe(what, result);
    return result;
  }

  #restart(name: string, request: (tid: number, signal: number) => void, signal: SignalLike): Result {
    const number = numberOf(signal);
    return this.#record(number === 0 ? name : `${name} ${signalName(number)}`, () => {
      request(this.tid, number);
    });
  }

  /** Throws when a step that only leads to the behaviour has failed. */
  mustSucceed(result: Result, what: string): void {
    if (result !== '0') throw new Error(`${what} of ${this.name} failed: ${result}`);
  }

  attach(): Result {
    return this.#record('ATTACH', () => {
      raw.attach(this.tid);
    });
  }

  /** @param options bits of PTRACE_O; the kernel's to refuse */
  seize(options = 0): Result {
    return this.#record('SEIZE', () => {
      raw.request(PTRACE.SEIZE, this.tid, 0, options);
    });
  }

  interrupt(): Result {
    return this.#record('INTERRUPT', () => {
      raw.interrupt(this.tid);
    });
  }

  listen(): Result {
    return this.#record('LISTEN', () => {
      raw.listen(this.tid);
    });
  }

  detach(signal: SignalLike = 0): Result {
    return this.#restart('DETACH', raw.detach, signal);
  }

  /** PTRACE_KILL. */
  ptraceKill(): Result {
    return this.#record('KILL', () => {
      raw.ptraceKill(this.tid);
    });
  }

  cont(signal: SignalLike = 0): Result {
    return this.#restart('CONT', raw.cont, signal);
  }

  syscall(signal: SignalLike = 0): Result {
    return this.#restart('SYSCALL', raw.syscall, signal);
  }

  step(signal: SignalLike = 0): Result {
    return this.#restart('SINGLESTEP', raw.singlestep, signal);
  }

  sysemu(signal: SignalLike = 0): Result {
    return this.#restart('SYSEMU', raw.sysemu, signal);
  }

  sysemuStep(signal: SignalLike = 0): Result {
    return this.#restart('SYSEMU_SINGLESTEP', raw.sysemuSinglestep, signal);
  }

  /** @param options bits of PTRACE_O; the kernel's to refuse */
  setOptions(options: number): Result {
    return this.#record('SETOPTIONS', () => {
      raw.request(PTRACE.SETOPTIONS, this.tid, 0, options);
    });
  }

  /**
   * Any request by its number, with arguments that the kernel may refuse.
   *
   * @param what its name in the transcript
   */
  request(what: string, number: number, addr: RequestArgument, data: RequestArgument): Result {
    let value = 0;
    const result = this.stage.attempt(() => {
      value = raw.request(number, this.tid, addr, data);
    });
    const text = result === '0' ? String(value) : result;
    this.observe(what, text);
    return text;
  }

  /** GETEVENTMSG: a process's name if it is one on the stage, else the number in hexadecimal. */
  eventMessage(): bigint | undefined {
    let message: bigint | undefined;
    const result = this.stage.attempt(() => {
      message = raw.getEventMessage(this.tid);
    });
    if (message === undefined) this.observe('event message', result);
    else {
      const name = this.stage.nameOf(Number(message));
      const known = message !== 0n && name !== STRANGER;
      this.observe('event message', known ? name : `0x${message.toString(16)}`);
    }
    return message;
  }

  /** The new process or thread of a fork, vfork or clone event, which comes onto the stage under this name. */
  newTask(name: string): Actor {
    const message = raw.getEventMessage(this.tid);
    const task = this.stage.adopt(name, Number(message));
    this.observe('event message', name);
    return task;
  }

  /** GETSIGINFO: signal, code, sender. */
  siginfo(): SigInfo | undefined {
    let info: SigInfo | undefined;
    const result = this.stage.attempt(() => {
      info = raw.getSiginfo(this.tid).decoded;
    });
    this.observe('siginfo', info === undefined ? result : siginfoText(info, (pid) => this.stage.nameOf(pid)));
    return info;
  }

  /** GETSIGMASK. */
  sigmask(): bigint | undefined {
    let mask: bigint | undefined;
    const result = this.stage.attempt(() => {
      mask = raw.getSigmask(this.tid);
    });
    this.observe('sigmask', mask === undefined ? result : signalSetText(mask));
    return mask;
  }

  /** PEEKDATA. */
  peek(address: bigint, what = 'PEEKDATA'): bigint | undefined {
    let value: bigint | undefined;
    const result = this.stage.attempt(() => {
      value = raw.peekData(this.tid, address);
    });
    this.observe(what, value === undefined ? result : `0x${value.toString(16)}`);
    return value;
  }

  /** POKEDATA. */
  poke(address: bigint, value: bigint, what = 'POKEDATA'): Result {
    return this.#record(what, () => {
      raw.pokeData(this.tid, address, BigInt.asUintN(64, value));
    });
  }

  /** GET_SYSCALL_INFO: `entry getpid`, `exit 0`, `exit ENOENT`, `seccomp getppid data 0x1234`, `none`. */
  syscallInfo(): SyscallInfo | undefined {
    let info: SyscallInfo | undefined;
    const result = this.stage.attempt(() => {
      info = raw.getSyscallInfo(this.tid);
    });
    this.observe('syscall info', info === undefined ? result : this.#syscallText(info));
    return info;
  }

  #syscallText(info: SyscallInfo): string {
    switch (info.op) {
      case 'none':
        return 'none';
      case 'entry':
        return `entry ${this.syscallName(info.nr)}`;
      case 'seccomp':
        return `seccomp ${this.syscallName(info.nr)} data 0x${info.retData.toString(16)}`;
      case 'exit':
        return `exit ${this.stage.valueText(info.rval)}`;
    }
  }

  // ---- Registers: not in the transcript ----

  registers(): Registers {
    return this.stage.arch.registersFrom(getGeneral(this.tid));
  }

  setRegisters(registers: Registers): void {
    setGeneral(this.tid, registers.bytes);
  }

  /** Changes registers by one reading and one writing. */
  changeRegisters(change: (registers: Registers) => void): void {
    const registers = this.registers();
    change(registers);
    this.setRegisters(registers);
  }

  /** Changes the number of the system call that is being entered. */
  setSyscallNumber(number: number): void {
    const regset = this.stage.arch.syscallNumberRegset;
    if (regset === undefined) {
      this.changeRegisters((registers) => {
        registers.syscallNumber = number;
      });
    } else {
      raw.setRegset(this.tid, regset, new Int32Array([number]));
    }
  }

  /** The name of a system call of this machine. */
  syscallName(number: number): string {
    return syscallName(this.stage.arch.nativeAbi, number) ?? String(number);
  }

  /** The number of a system call of this machine. */
  syscallNumber(name: string): number {
    const number = syscallNumber(this.stage.arch.nativeAbi, name);
    if (number === undefined) throw new Error(`there is no system call ${name} here`);
    return number;
  }

  // ---- Waits ----

  /**
   * Waits for its next report by its id.
   *
   * @param flags of W, for wait4(2)
   * @throws OutOfTime when none comes; the play is over
   */
  wait(flags: number = W.__WALL): WaitStatus | undefined {
    return this.#waitFor('wait', () => this.stage.await(this.tid, flags)?.status, true);
  }

  /** Lets it do all that it has to do, then looks (WNOHANG): `nothing`, or its report. Silence without waiting for it. */
  poll(flags: number = W.__WALL): WaitStatus | undefined {
    this.rest();
    return this.look(flags);
  }

  /** Looks at once (WNOHANG), whatever it does. */
  look(flags: number = W.__WALL): WaitStatus | undefined {
    return this.#waitFor('poll', () => this.stage.look(this.tid, flags)?.status, false);
  }

  #waitFor(what: string, get: () => WaitStatus | undefined, must: boolean): WaitStatus | undefined {
    let status: WaitStatus | undefined;
    try {
      status = get();
    } catch (error) {
      if (!isPtraceError(error) || error.errno === 0) throw error;
      this.observe(what, error.code);
      return undefined;
    }
    if (status === undefined && must) {
      this.observe(what, NO_REPORT);
      throw new OutOfTime(`${what} for ${this.name}`);
    }
    this.observe(what, statusText(status));
    if (status?.kind === 'exited' || status?.kind === 'killed') this.stage.ended(this.tid);
    return status;
  }

  /**
   * waitid(2) by its id, for no longer than the patience: `CLD_TRAPPED 0x8013`, `CLD_EXITED 0`, `nothing` (with WNOHANG), an error.
   *
   * @param flags of W; WNOHANG lets it rest first
   */
  waitid(flags: number): void {
    let text: string | undefined;
    const look = (): void => {
      const result = this.stage.attempt(() => {
        const found = raw.waitid(P_PID, this.tid, flags | W.WNOHANG);
        if (found === null) return;
        text = `${childCodeText(found.code)} 0x${found.status.toString(16)}`;
        const isEnd = found.decoded.kind === 'exited' || found.decoded.kind === 'killed';
        if (isEnd && (flags & W.WNOWAIT) === 0) this.stage.ended(this.tid);
      });
      if (result !== '0') text = result;
    };
    if ((flags & W.WNOHANG) !== 0) {
      this.rest();
      look();
      this.observe('waitid', text ?? 'nothing');
      return;
    }
    const begin = performance.now();
    try {
      this.stage.until(`${this.name} has something for waitid`, () => {
        look();
        if (text === undefined) this.stage.nap(begin);
        return text !== undefined;
      });
    } finally {
      this.observe('waitid', text ?? NO_REPORT);
    }
  }

  /** Its next report must be a stop by this signal, of whatever event: for what leads to the behaviour. */
  expectStop(signal: number): void {
    const status = this.wait();
    const is = status !== undefined && 'signal' in status && status.kind !== 'killed' ? status.signal : undefined;
    if (is !== signal) throw new Error(`${this.name} did not stop by ${signalName(signal)}: ${statusText(status)}`);
  }
}
