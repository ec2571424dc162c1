/**
 * Children that play a part: a program of a few system calls, written in TypeScript, interpreted in a forked child by the machine of
 * native/script.cc. Nothing but what the script says happens in the child: no C library, no exit handlers, no changed signal mask.
 *
 * ```ts
 * const pid = run(script().traceme().tgkillSelf('SIGSTOP').loop((s) => s.pause()));
 * ```
 *
 * The child is an ordinary child of this process (exit signal SIGCHLD) in a process group of its own, with default signal dispositions
 * and an empty signal mask. It dies with the thread that started it, and of the parent's descriptors it keeps 0, 1, 2 and those it is told to.
 *
 * A flow of control (the child, each thread, each signal handler) has 16 registers. {@link result} is register 0 and holds the result of the
 * last system call: a value >= 0 or a negative errno. Registers 1 to 7 are the script's; 8 to 15 belong to the builder. Threads and
 * forked children start with a copy, handlers with the signal number in register 0 and, with SA_SIGINFO, the addresses of siginfo and ucontext in
 * 1 and 2.
 *
 * What flows share is in named words and buffers of the data: {@link ChildScript.word}, {@link ChildScript.store}.
 */
import { readdirSync } from 'node:fs';
import {
  checkBag,
  checkBoolean,
  checkBuffer,
  checkFunction,
  checkLength,
  checkOneOf,
  checkSignal,
  checkString,
  describe,
} from '../arguments.js';
import { binding } from '../binding.js';
import { badInput, fromErrno } from '../errors.js';
import { ERRNO } from '../kernel/errno.js';
import { SIGRTMAX, signalSet } from '../kernel/signals.js';
import { copyOfArray } from './arrays.js';
import { hostSyscallNumber } from './host-syscalls.js';
import {
  checkRegister,
  checkValue,
  Code,
  Label,
  OP,
  Operand,
  result,
  type Arithmetic,
  type Value,
} from './script-code.js';
import { lengthOf } from './views.js';

export { Operand, result, type Arithmetic, type Value } from './script-code.js';

const REQUEST = 'script';

/** Flags of clone(2). Source: uapi/linux/sched.h. */
export const CLONE = {
  VM: 0x100,
  FS: 0x200,
  FILES: 0x400,
  SIGHAND: 0x800,
  PIDFD: 0x1000,
  PTRACE: 0x2000,
  VFORK: 0x4000,
  PARENT: 0x8000,
  THREAD: 0x10000,
  NEWNS: 0x20000,
  SYSVSEM: 0x40000,
  SETTLS: 0x80000,
  PARENT_SETTID: 0x100000,
  UNTRACED: 0x800000,
  NEWCGROUP: 0x2000000,
  NEWUTS: 0x4000000,
  NEWIPC: 0x8000000,
  NEWUSER: 0x10000000,
  NEWPID: 0x20000000,
  NEWNET: 0x40000000,
  IO: 0x80000000,
} as const;

/** Flags of sigaction(2). Source: uapi/asm-generic/signal-defs.h. */
export const SA = {
  NOCLDSTOP: 1,
  NOCLDWAIT: 2,
  SIGINFO: 4,
  ONSTACK: 0x08000000,
  RESTART: 0x10000000,
  NODEFER: 0x40000000,
  RESETHAND: 0x80000000,
} as const;

const SIGCHLD = 17;
const THREAD_FLAGS = CLONE.VM | CLONE.FS | CLONE.FILES | CLONE.SIGHAND | CLONE.THREAD | CLONE.SYSVSEM;
const SIG_BLOCK = 0;
const SIG_UNBLOCK = 1;
const SIG_SETMASK = 2;
const SIGSET_BYTES = 8;
const PTRACE_TRACEME = 0;
const PR_SET_PDEATHSIG = 1;
const PR_SET_NAME = 15;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_PTRACER = 0x59616d61;
const SECCOMP_SET_MODE_FILTER = 1;

const FIRST_SCRATCH = 8;
const FIRST_COUNTER = 10;
const COUNTERS = 6;
/** Stacks for what is started in a loop without end. More are made when needed. */
const ENDLESS_STACKS = 8;
const MOST_STACKS = 4096;
const MOST_BYTES = 1 << 28;
const MOST_TEXTS = 65536;
const MOST_FDS = 65536;

const CONDITIONS = ['==', '!=', '<', '<=', '>', '>=', 'below'] as const;

/** How two values are compared: as signed numbers, `below` as unsigned ones. */
export type Condition = (typeof CONDITIONS)[number];

/** The machine's comparisons, and whether the sides change places for it. */
const COMPARISONS: Readonly<Record<Condition, { readonly code: number; readonly swap: boolean }>> = {
  '==': { code: 0, swap: false },
  '!=': { code: 1, swap: false },
  '<': { code: 2, swap: false },
  '<=': { code: 3, swap: false },
  '>': { code: 2, swap: true },
  '>=': { code: 3, swap: true },
  below: { code: 4, swap: false },
};

const ARITHMETIC = ['add', 'subtract', 'multiply', 'and', 'or', 'xor', 'shiftLeft', 'shiftRight'] as const;

/** A part of a script: receives the builder and adds to it. */
export type Part = (script: ChildScript) => unknown;

/** A signal by number or name. */
export type SignalLike = number | string;

/** How a signal handler is installed. */
export interface HandlerOptions {
  /** Bits of {@link SA}. */
  flags?: number;
  /** Signals blocked while the handler runs, beside its own. */
  mask?: readonly SignalLike[];
}

/** What a child gets when it is started. */
export interface ScriptOptions {
  /** Descriptors it keeps beside 0, 1 and 2; `true` keeps all. */
  keepFds?: readonly number[] | true;
  /** Whether it is killed when the thread that started it ends. Default true. */
  deathSignal?: boolean;
  /** Whether it gets a process group of its own. Default true. */
  ownGroup?: boolean;
}

/** A child that was started. */
export interface ScriptChild {
  readonly pid: number;
  /** Addresses in the child (and its forks) of an instruction block or instruction that the script can run: for breakpoints and steps. */
  readonly nops: bigint;
  readonly trap: bigint;
  readonly illegal: bigint;
  /** The address of a named word or buffer. */
  address(name: string): bigint;
}

/** Milliseconds as a struct timespec. */
function timespec(milliseconds: number): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(16));
  bytes.setBigInt64(0, BigInt(Math.floor(milliseconds / 1000)), true);
  bytes.setBigInt64(8, BigInt(Math.round((milliseconds % 1000) * 1e6)), true);
  return new Uint8Array(bytes.buffer);
}

function checkMilliseconds(value: unknown, what: string): number {
  if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER) return value;
  throw badInput(REQUEST, `${what} is ${describe(value)}, want a number of milliseconds >= 0`);
}

function maskOf(signals: readonly SignalLike[]): Uint8Array {
  const bytes = new BigUint64Array([signalSet(signals.map((signal) => checkSignal(REQUEST, signal)))]);
  return new Uint8Array(bytes.buffer);
}

interface Named {
  readonly offset: number;
  readonly bytes: number;
}

/**
 * A script in the making. Every method adds to its end and answers the script itself; the parts that callbacks add (loops, children,
 * handlers) belong to the same script. Wrong arguments throw a PtraceError 'bad-input'. A script can be started any number of times.
 */
export class ChildScript {
  readonly #code = new Code();
  readonly #labels = new Map<string, Label>();
  readonly #named = new Map<string, Named>();
  #loops = 0;
  #times = 1;
  #stacks = 0;
  #unnamed = 0;

  // ---- Values ----

  /** The 8 bytes of a named word, read when the instruction runs. A name that is new makes a word of 0. */
  word(name: string): Operand {
    return Operand.word(this.#offset(name));
  }

  /** The address of a named word or buffer. */
  address(name: string): Operand {
    return Operand.address(this.#offset(name));
  }

  /** The last wait status that {@link wait4} stored. */
  get status(): Operand {
    return Operand.integer(this.#offset('wait status'));
  }

  /** One of the registers 1 to 7 (0 is {@link result}), or in a handler 1 and 2: siginfo and ucontext. */
  register(index: number): Operand {
    return Operand.register(checkRegister(index));
  }

  /** A named buffer of zeroes, or of the given bytes or the given text. */
  buffer(name: string, content: number | Uint8Array | string): this {
    checkString(REQUEST, name, 'name');
    if (this.#named.has(name)) throw badInput(REQUEST, `${describe(name)} exists already`);
    if (typeof content === 'number') {
      const bytes = checkLength(REQUEST, content, 'size', MOST_BYTES);
      this.#named.set(name, { offset: this.#code.reserve(Math.max(bytes, 1)), bytes });
    } else {
      const bytes = typeof content === 'string' ? Buffer.from(content) : checkBuffer(REQUEST, content, 0, 'content');
      this.#named.set(name, { offset: this.#code.bytes(bytes), bytes: lengthOf(bytes) });
    }
    return this;
  }

  #offset(name: unknown): number {
    const text = checkString(REQUEST, name, 'name');
    let named = this.#named.get(text);
    if (named === undefined) {
      named = { offset: this.#code.reserve(8), bytes: 8 };
      this.#named.set(text, named);
    }
    return named.offset;
  }

  // ---- System calls ----

  /**
   * Any system call. Strings and buffers are passed as addresses; missing arguments are 0. The result is in {@link result}.
   *
   * @param call a name of this machine's table, such as 'getpid', or a number
   */
  syscall(call: string | number, ...args: (Value | string | Uint8Array)[]): this {
    return this.#syscall(typeof call === 'string' ? call : checkLength(REQUEST, call, 'system call', 0x7fffffff), args);
  }

  #syscall(call: string | number, args: readonly (Value | string | Uint8Array)[], destination = 0): this {
    if (args.length > 6) throw badInput(REQUEST, `${args.length} arguments, want at most 6`);
    const number = typeof call === 'number' ? call : hostSyscallNumber(call);
    if (number === undefined) throw badInput(REQUEST, `there is no system call ${describe(call)} on ${process.arch}`);
    this.#code.emit(OP.syscall, [number, ...args.map((arg, index) => this.#argument(arg, index))], destination);
    return this;
  }

  #argument(arg: unknown, index: number): Value {
    if (typeof arg === 'string')
      return Operand.address(this.#code.text(checkString(REQUEST, arg, `argument ${index}`)));
    if (ArrayBuffer.isView(arg)) return Operand.address(this.#code.bytes(checkBuffer(REQUEST, arg)));
    return checkValue(arg, `argument ${index}`);
  }

  /** x86-64 only: an i386 system call by `int $0x80`, numbers of the i386 table; elsewhere the result is -ENOSYS. At most 5 arguments. */
  syscall32(number: number, ...args: Value[]): this {
    if (args.length > 5) throw badInput(REQUEST, `${args.length} arguments, want at most 5`);
    const values = args.map((arg, index) => checkValue(arg, `argument ${index}`));
    this.#code.emit(OP.syscall32, [checkLength(REQUEST, number, 'system call', 0x7fffffff), ...values], 0);
    return this;
  }

  /** PTRACE_TRACEME. */
  traceme(): this {
    return this.#syscall('ptrace', [PTRACE_TRACEME]);
  }

  /** A thread-directed signal to the flow itself, as raise(3) should be: nothing but getpid, gettid, tgkill. */
  tgkillSelf(signal: SignalLike): this {
    const number = checkSignal(REQUEST, signal);
    this.#syscall('getpid', [], FIRST_SCRATCH).#syscall('gettid', [], FIRST_SCRATCH + 1);
    return this.#syscall('tgkill', [Operand.register(FIRST_SCRATCH), Operand.register(FIRST_SCRATCH + 1), number]);
  }

  /** A process-directed signal to the own process: getpid, kill. */
  killSelf(signal: SignalLike): this {
    const number = checkSignal(REQUEST, signal);
    return this.#syscall('getpid', [], FIRST_SCRATCH).#syscall('kill', [Operand.register(FIRST_SCRATCH), number]);
  }

  /** kill(2). Signal 0 only asks. */
  kill(pid: Value, signal: SignalLike): this {
    return this.#syscall('kill', [pid, checkSignal(REQUEST, signal, { allowZero: true })]);
  }

  /** Waits for a signal. On arm64, which has no pause(2), by ppoll(2) as the C libraries do. */
  pause(): this {
    return hostSyscallNumber('pause') === undefined
      ? this.#syscall('ppoll', [0, 0, 0, 0, SIGSET_BYTES])
      : this.#syscall('pause', []);
  }

  nanosleep(milliseconds: number): this {
    return this.#syscall('nanosleep', [this.#constant(timespec(checkMilliseconds(milliseconds, 'milliseconds'))), 0]);
  }

  /** write(2) of a text, or of a named buffer or word given by its {@link address} and a length. */
  write(fd: Value, text: string | Operand, length?: number): this {
    if (typeof text === 'string') {
      const bytes = Buffer.from(text);
      return this.#syscall('write', [fd, this.#constant(bytes), bytes.length]);
    }
    return this.#syscall('write', [fd, text, checkLength(REQUEST, length, 'length', MOST_BYTES)]);
  }

  /** Ends the flow of control: a thread alone. */
  exit(code: Value = 0): this {
    return this.#syscall('exit', [code]);
  }

  /** Ends the process. */
  exitGroup(code: Value = 0): this {
    return this.#syscall('exit_group', [code]);
  }

  /** execve(2). The script goes on only if it fails. */
  exec(path: string, argv: readonly string[] = [path], env: readonly string[] = []): this {
    const file = this.#code.text(checkString(REQUEST, path, 'path'));
    const args = this.#pointers(argv, 'argv');
    const variables = this.#pointers(env, 'env');
    return this.#syscall('execve', [Operand.address(file), args, variables]);
  }

  /** A list of addresses that ends with 0, written when the script runs: only then the addresses are known. */
  #pointers(texts: readonly string[], what: string): Operand {
    const checked = copyOfArray(REQUEST, texts, what, MOST_TEXTS).map((text, index) =>
      checkString(REQUEST, text, `${what}[${index}]`),
    );
    const list = this.#code.reserve(8 * (checked.length + 1));
    for (const [index, text] of checked.entries()) {
      const offset = this.#code.text(text);
      this.#code.emit(OP.store, [8, Operand.address(list + 8 * index), Operand.address(offset)]);
    }
    return Operand.address(list);
  }

  /** wait4(2): the pid is the {@link result}, the status is in {@link status}. */
  wait4(pid: Value = -1, options: Value = 0): this {
    return this.#syscall('wait4', [pid, this.address('wait status'), options, 0]);
  }

  prctl(option: number, ...args: Value[]): this {
    return this.#syscall('prctl', [option, ...args]);
  }

  /**
   * The process is killed when the thread that made it ends. {@link start} does so for the child itself; a child of the child does not inherit it,
   * it stays in the child's process group.
   */
  dieWithParent(): this {
    return this.prctl(PR_SET_PDEATHSIG, 9);
  }

  /** Lets any process trace this one where Yama would refuse. */
  setPtracerAny(): this {
    return this.prctl(PR_SET_PTRACER, -1);
  }

  /** Name of the thread, as ps and /proc/pid/comm show it. */
  setName(name: string): this {
    return this.prctl(PR_SET_NAME, Operand.address(this.#code.text(checkString(REQUEST, name, 'name'))));
  }

  /** setitimer(2) for ITIMER_REAL: SIGALRM after a time, then at every interval (0: once). */
  alarm(milliseconds: number, interval = 0): this {
    const bytes = new Uint8Array(32);
    for (const [at, value, what] of [
      [0, interval, 'interval'],
      [16, milliseconds, 'milliseconds'],
    ] as const) {
      const view = new DataView(bytes.buffer, at);
      const checked = checkMilliseconds(value, what);
      view.setBigInt64(0, BigInt(Math.floor(checked / 1000)), true);
      view.setBigInt64(8, BigInt(Math.round((checked % 1000) * 1000)), true);
    }
    return this.#syscall('setitimer', [0, this.#constant(bytes), 0]);
  }

  /** pipe2(2). The ends are named integers of the data: `name` reads, `name` with ` write` writes, see {@link pipeEnd}. */
  pipe(name: string, flags = 0): this {
    return this.#syscall('pipe2', [this.address(name), flags]);
  }

  /** An end of a pipe that {@link pipe} made. */
  pipeEnd(name: string, end: 'read' | 'write'): Operand {
    const offset = this.#offset(name);
    return Operand.integer(checkOneOf(REQUEST, end, 'end', ['read', 'write']) === 'read' ? offset : offset + 4);
  }

  close(fd: Value): this {
    return this.#syscall('close', [fd]);
  }

  /** Blocks until a byte or the end of the file can be read from a descriptor; signals with handlers do not end the wait. */
  readGate(fd: Value): this {
    const again = this.#newLabel('read gate');
    this.#code.place(again);
    this.#syscall('read', [fd, this.address('read gate'), 1]);
    this.#branch(result, '==', -ERRNO.EINTR, again);
    return this;
  }

  /** Looks every millisecond until a named word compares as wanted. A tracer opens it by writing to the word's address. */
  waitUntil(name: string, condition: Condition, value: Value): this {
    const look = this.#newLabel('look');
    const past = this.#newLabel('past');
    this.#code.place(look);
    this.#branch(this.word(name), condition, value, past);
    this.nanosleep(1);
    this.#code.emit(OP.jump, [look]);
    this.#code.place(past);
    return this;
  }

  // ---- Signals ----

  /** Blocks signals of this flow. */
  block(...signals: SignalLike[]): this {
    return this.#sigprocmask(SIG_BLOCK, signals);
  }

  unblock(...signals: SignalLike[]): this {
    return this.#sigprocmask(SIG_UNBLOCK, signals);
  }

  /** Blocks exactly these signals. */
  setMask(...signals: SignalLike[]): this {
    return this.#sigprocmask(SIG_SETMASK, signals);
  }

  #sigprocmask(how: number, signals: readonly SignalLike[]): this {
    return this.#syscall('rt_sigprocmask', [how, this.#constant(maskOf(signals)), 0, SIGSET_BYTES]);
  }

  /** Takes one of these signals, which must be blocked, without a handler: the {@link result} is its number. */
  sigwait(...signals: SignalLike[]): this {
    return this.#syscall('rt_sigtimedwait', [this.#constant(maskOf(signals)), 0, 0, SIGSET_BYTES]);
  }

  /** rt_sigsuspend(2): waits for a signal with exactly these blocked. */
  sigsuspend(...blocked: SignalLike[]): this {
    return this.#syscall('rt_sigsuspend', [this.#constant(maskOf(blocked)), SIGSET_BYTES]);
  }

  /** SIG_IGN. */
  ignore(signal: SignalLike, flags = 0): this {
    return this.#sigaction(signal, [1, 0, this.#flags(flags), 0]);
  }

  /** SIG_DFL. */
  defaultAction(signal: SignalLike, flags = 0): this {
    return this.#sigaction(signal, [0, 0, this.#flags(flags), 0]);
  }

  /**
   * Installs a part of the script as handler. It has registers of its own and runs on the stack of the thread that takes the signal.
   * Handlers belong to the memory: a vfork child that installs one changes its parent's too.
   */
  handle(signal: SignalLike, handler: Part, options: HandlerOptions = {}): this {
    const bag = checkBag(REQUEST, options, ['flags', 'mask'], 'handler options');
    const mask = bag.mask === undefined ? [] : copyOfArray(REQUEST, bag.mask, 'mask', SIGRTMAX);
    const entry = this.#newLabel('handler');
    const blocked = signalSet(mask.map((each) => checkSignal(REQUEST, each)));
    this.#sigaction(signal, [2, entry, this.#flags(bag.flags ?? 0), blocked]);
    return this.#aside(entry, handler, () => {
      this.#code.emit(OP.end);
    });
  }

  #flags(value: unknown): number {
    return checkLength(REQUEST, value, 'flags', 0xffffffff);
  }

  #sigaction(signal: SignalLike, operands: readonly (Value | Label)[]): this {
    this.#code.emit(OP.sigaction, [checkSignal(REQUEST, signal), ...operands], 0);
    return this;
  }

  // ---- Children and threads ----

  /** A forked child plays the part, then exits 0. The {@link result} here is its pid. */
  fork(child: Part): this {
    return this.clone(SIGCHLD, child);
  }

  /** A vfork child on its own stack plays the part, while this flow waits until it executes or exits. */
  vfork(child: Part): this {
    return this.clone(CLONE.VM | CLONE.VFORK | SIGCHLD, child);
  }

  /** A thread plays the part, then exits 0. The {@link result} here is its tid. */
  thread(part: Part): this {
    return this.clone(THREAD_FLAGS, part);
  }

  /**
   * clone(2) with any flags of {@link CLONE} and an exit signal. With VM the child has a stack of its own, and the kernel is asked to tell when it
   * is free (CLONE_CHILD_CLEARTID); without VM it has a copy of everything. At the end of its part a thread exits alone, a child its process.
   */
  clone(flags: number, child: Part): this {
    const bits = this.#flags(flags);
    checkFunction(REQUEST, child, 'part');
    const end = (): void => {
      if ((bits & CLONE.THREAD) !== 0) this.exit(0);
      else this.exitGroup(0);
    };
    if ((bits & CLONE.VM) !== 0) {
      this.#stacks = Math.min(this.#stacks + this.#times, MOST_STACKS);
      const entry = this.#newLabel('child');
      this.#code.emit(OP.clone, [bits, entry, 0, 0], 0);
      return this.#aside(entry, child, end);
    }
    const parent = this.#newLabel('parent');
    this.#syscall('clone', [bits, 0, 0, 0, 0]);
    this.#branch(result, '!=', 0, parent);
    this.#play(child);
    end();
    this.#code.place(parent);
    return this;
  }

  /** A part that is not on the way: it has an entry, and the flow goes on behind it. */
  #aside(entry: Label, part: Part, end: () => void): this {
    const past = this.#newLabel('past');
    this.#code.emit(OP.jump, [past]);
    this.#code.place(entry);
    this.#play(part);
    end();
    this.#code.place(past);
    return this;
  }

  #play(part: unknown): void {
    checkFunction(REQUEST, part, 'part');
    (part as Part)(this);
  }

  // ---- Computing and control ----

  /** Puts a value into {@link result}, or into a register of 1 to 7. */
  set(value: Value, register = 0): this {
    this.#code.emit(OP.set, [checkValue(value, 'value')], checkRegister(register));
    return this;
  }

  /** Puts `left operation right` into {@link result}, or into a register of 1 to 7. */
  compute(left: Value, operation: Arithmetic, right: Value, register = 0): this {
    const checked = checkOneOf(REQUEST, operation, 'operation', ARITHMETIC);
    this.#code.emit(OP[checked], [checkValue(left, 'left'), checkValue(right, 'right')], checkRegister(register));
    return this;
  }

  /** Stores a value, by default the {@link result}, in a named word: one write of 8 bytes. */
  store(name: string, value: Value = result): this {
    this.#code.emit(OP.store, [8, this.address(name), checkValue(value, 'value')]);
    return this;
  }

  /** Reads a named word into {@link result}: one read of 8 bytes. */
  load(name: string): this {
    this.#code.emit(OP.load, [8, this.address(name)], 0);
    return this;
  }

  /** Adds to a named word, atomically among threads. {@link result} is what it was. */
  increment(name: string, by: Value = 1): this {
    this.#code.emit(OP.fetchAdd, [this.address(name), checkValue(by, 'by')], 0);
    return this;
  }

  /** One read of 1, 4 or 8 bytes at any address, into {@link result}. */
  loadAt(address: Value, width: 1 | 4 | 8 = 8): this {
    this.#code.emit(OP.load, [this.#width(width), checkValue(address, 'address')], 0);
    return this;
  }

  /** One write of 1, 4 or 8 bytes at any address. */
  storeAt(address: Value, value: Value, width: 1 | 4 | 8 = 8): this {
    this.#code.emit(OP.store, [this.#width(width), checkValue(address, 'address'), checkValue(value, 'value')]);
    return this;
  }

  #width(width: unknown): number {
    if (width === 1 || width === 4 || width === 8) return width;
    throw badInput(REQUEST, `width is ${describe(width)}, want 1, 4 or 8`);
  }

  /** Names this place. */
  label(name: string): this {
    this.#code.place(this.#label(name));
    return this;
  }

  /** Goes on at a label, wherever in the script it is. */
  jump(name: string): this {
    this.#code.emit(OP.jump, [this.#label(name)]);
    return this;
  }

  /** Goes on at a label when the comparison holds. */
  jumpIf(left: Value, condition: Condition, right: Value, name: string): this {
    this.#branch(left, condition, right, this.#label(name));
    return this;
  }

  /** Plays a part only when the comparison holds. */
  when(left: Value, condition: Condition, right: Value, part: Part): this {
    const yes = this.#newLabel('when');
    const past = this.#newLabel('past');
    this.#branch(left, condition, right, yes);
    this.#code.emit(OP.jump, [past]);
    this.#code.place(yes);
    this.#play(part);
    this.#code.place(past);
    return this;
  }

  /** Plays the code at a label as a subroutine, up to {@link return}. At most 32 deep. */
  call(name: string): this {
    this.#code.emit(OP.call, [this.#label(name)]);
    return this;
  }

  /** Returns from a subroutine; outside of one the flow of control ends. */
  return(): this {
    this.#code.emit(OP.return);
    return this;
  }

  /** Plays a part again and again: for ever, or `times` times. At most 6 counted loops in each other. */
  loop(part: Part, times?: number): this {
    const again = this.#newLabel('loop');
    const outer = this.#times;
    if (times === undefined) {
      this.#times = Math.min(outer * ENDLESS_STACKS, MOST_STACKS);
      this.#code.place(again);
      this.#play(part);
      this.#code.emit(OP.jump, [again]);
      this.#times = outer;
      return this;
    }
    const count = checkLength(REQUEST, times, 'times');
    if (count === 0) return this;
    if (this.#loops === COUNTERS) throw badInput(REQUEST, `more than ${COUNTERS} counted loops in each other`);
    const counter = FIRST_COUNTER + this.#loops++;
    this.#times = Math.min(outer * count, MOST_STACKS);
    this.#code.emit(OP.set, [count], counter);
    this.#code.place(again);
    this.#play(part);
    this.#code.emit(OP.subtract, [Operand.register(counter), 1], counter);
    this.#branch(Operand.register(counter), '!=', 0, again);
    this.#loops--;
    this.#times = outer;
    return this;
  }

  #label(name: unknown): Label {
    const text = checkString(REQUEST, name, 'label');
    let label = this.#labels.get(text);
    if (label === undefined) {
      label = new Label(text);
      this.#labels.set(text, label);
    }
    return label;
  }

  #newLabel(what: string): Label {
    return new Label(`${what} ${++this.#unnamed}`);
  }

  #branch(left: Value, condition: Condition, right: Value, label: Label): void {
    const a = checkValue(left, 'left');
    const b = checkValue(right, 'right');
    const { code, swap } = COMPARISONS[checkOneOf(REQUEST, condition, 'condition', CONDITIONS)];
    this.#code.emit(OP.branch, swap ? [code, b, a, label] : [code, a, b, label]);
  }

  // ---- Instructions ----

  /** Burns CPU time: counts to a number, or for ever. */
  spin(count?: number): this {
    this.#code.emit(OP.spin, [count === undefined ? -1 : checkLength(REQUEST, count, 'count')]);
    return this;
  }

  /** The breakpoint instruction: SIGTRAP. */
  trap(): this {
    this.#code.emit(OP.trap);
    return this;
  }

  /** An undefined instruction: SIGILL, again and again unless something moves the program counter. */
  illegal(): this {
    this.#code.emit(OP.illegal);
    return this;
  }

  /** A memory fault: SIGSEGV, again and again unless something mends it. */
  fault(address: Value = 0): this {
    return this.loadAt(address);
  }

  /** 64 instructions that do nothing, at {@link ScriptChild.nops}. */
  nops(): this {
    this.#code.emit(OP.nops);
    return this;
  }

  /** getppid(2) in a loop of machine code, for ever or `times` times: nothing but system calls at the rate of C. */
  getppidLoop(times?: number): this {
    const count = times === undefined ? -1 : checkLength(REQUEST, times, 'times');
    this.#code.emit(OP.syscallLoop, [hostSyscallNumber('getppid') ?? -1, count], 0);
    return this;
  }

  // ---- Restrictions ----

  /**
   * Installs a seccomp filter: an array of struct sock_filter, 8 bytes each. Sets no_new_privs first, without which only root may.
   * The {@link result} is that of seccomp(2).
   */
  seccompFilter(filter: Uint8Array, flags = 0): this {
    const bytes = checkBuffer(REQUEST, filter, 8, 'filter');
    if (bytes.length % 8 !== 0) throw badInput(REQUEST, `filter has ${bytes.length} bytes, want a multiple of 8`);
    const code = this.#code.bytes(bytes);
    const program = this.#code.bytes(new Uint8Array(new Uint16Array([bytes.length / 8, 0, 0, 0, 0, 0, 0, 0]).buffer));
    this.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    this.#code.emit(OP.store, [8, Operand.address(program + 8), Operand.address(code)]);
    return this.#syscall('seccomp', [SECCOMP_SET_MODE_FILTER, this.#flags(flags), Operand.address(program)]);
  }

  #constant(bytes: Uint8Array): Operand {
    return Operand.address(this.#code.constant(bytes));
  }

  /** @internal Whether a value is a script: not one that only says so, such as a proxy. */
  static isScript(value: unknown): value is ChildScript {
    return typeof value === 'object' && value !== null && #code in value;
  }

  /** @internal What {@link start} hands to the machine. */
  assemble(prologue: Code): {
    words: BigInt64Array;
    data: Uint8Array;
    stacks: number;
    places: ReadonlyMap<string, number>;
  } {
    return {
      words: this.#code.words(prologue),
      data: this.#code.data(),
      stacks: this.#stacks,
      places: new Map([...this.#named].map(([name, { offset }]) => [name, offset])),
    };
  }
}

/** A new, empty script. */
export function script(): ChildScript {
  return new ChildScript();
}

function systemCall(code: Code, name: string, ...args: number[]): void {
  const number = hostSyscallNumber(name);
  if (number === undefined) throw badInput(REQUEST, `there is no system call ${describe(name)} on ${process.arch}`);
  code.emit(OP.syscall, [number, ...args], 0);
}

/** Closes all descriptors but those to keep, also where there is no close_range(2) (before Linux 5.9). */
function closeOthers(code: Code, keep: readonly number[]): void {
  const kept = [...new Set([0, 1, 2, ...keep])].sort((a, b) => a - b);
  const done = new Label('descriptors closed');
  const byOne = new Label('descriptors one by one');
  for (const [index, fd] of kept.entries()) {
    const next = kept[index + 1] ?? 0x100000000;
    if (next === fd + 1) continue;
    systemCall(code, 'close_range', fd + 1, next - 1, 0);
    code.emit(OP.branch, [0, result, -ERRNO.ENOSYS, byOne]);
  }
  code.emit(OP.jump, [done]);
  code.place(byOne);
  for (const name of readdirSync('/proc/self/fd')) {
    if (!kept.includes(Number(name))) systemCall(code, 'close', Number(name));
  }
  code.place(done);
}

/** What a child does before its script. */
function prologue(options: ScriptOptions | undefined): Code {
  const bag = checkBag(REQUEST, options, ['keepFds', 'deathSignal', 'ownGroup']);
  const code = new Code();
  if (checkBoolean(REQUEST, bag.deathSignal, 'deathSignal', true)) {
    systemCall(code, 'prctl', PR_SET_PDEATHSIG, 9);
    // The parent may have died before.
    const alive = new Label('parent alive');
    systemCall(code, 'getppid');
    code.emit(OP.branch, [0, result, process.pid, alive]);
    systemCall(code, 'exit_group', 127);
    code.place(alive);
  }
  if (checkBoolean(REQUEST, bag.ownGroup, 'ownGroup', true)) systemCall(code, 'setpgid', 0, 0);
  if (bag.keepFds !== true) {
    const keep = copyOfArray(REQUEST, bag.keepFds ?? [], 'keepFds', MOST_FDS);
    closeOthers(
      code,
      keep.map((fd) => checkLength(REQUEST, fd, 'descriptor', 0x7fffffff)),
    );
  }
  code.emit(OP.set, [0], 0);
  return code;
}

/**
 * Starts a child that plays a script.
 *
 * @throws PtraceError 'bad-input' for a label that is never set; with the errno of clone(2) when there is no room for another process
 */
export function start(child: ChildScript, options?: ScriptOptions): ScriptChild {
  if (!ChildScript.isScript(child)) throw badInput(REQUEST, `script is ${describe(child)}, want a ChildScript`);
  const { words, data, stacks, places } = child.assemble(prologue(options));
  const addresses = new BigUint64Array(4);
  const pid = binding().runScript(words, data, stacks, addresses);
  if (pid < 0) throw fromErrno('clone', 0, -pid);
  binding().registerChild(pid);
  const [base = 0n, nops = 0n, trap = 0n, illegal = 0n] = addresses;
  return {
    pid,
    nops,
    trap,
    illegal,
    address(name) {
      const offset = places.get(name);
      if (offset === undefined) throw badInput(REQUEST, `the script has no word or buffer ${describe(name)}`);
      return base + BigInt(offset);
    },
  };
}

/** Starts a child that plays a script; its pid. See {@link start}. */
export function run(child: ChildScript, options?: ScriptOptions): number {
  return start(child, options).pid;
}
