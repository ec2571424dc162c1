/**
 * struct ptrace_syscall_info of one stop, kept as words.
 *
 * A tracer reads one at every system call stop, and its fields must stay readable after the tracee has gone on. An own buffer a stop would
 * be allocated and collected 100,000 times a second; so stops take their places one after the other in a larger buffer, which lives as
 * long as one of them does.
 */
const WORDS = 11;
const PLACES = 64;

/** PTRACE_SYSCALL_INFO_* */
export const OP = { NONE: 0, ENTRY: 1, EXIT: 2, SECCOMP: 3 } as const;

let chunk = new BigUint64Array(WORDS * PLACES);
let next = 0;

export class SyscallWords {
  /** The buffer that PTRACE_GET_SYSCALL_INFO fills: 88 bytes. One a thread: the next request overwrites it. */
  static readonly scratch = new BigUint64Array(WORDS);
  readonly #words: BigUint64Array;
  readonly #at: number;

  /** Keeps what is in the scratch buffer. */
  constructor() {
    if (next === WORDS * PLACES) {
      chunk = new BigUint64Array(WORDS * PLACES);
      next = 0;
    }
    this.#words = chunk;
    this.#at = next;
    next += WORDS;
    this.#words.set(SyscallWords.scratch, this.#at);
  }

  /** PTRACE_SYSCALL_INFO_* of what is in the scratch buffer. */
  static scratchOp(): number {
    return scratchBytes[0] ?? 0;
  }

  /** Makes the scratch buffer that of a stop for which the kernel gives no such information (before Linux 5.3). */
  static fillScratch(op: number, arch: number, ip: bigint, sp: bigint, first: bigint, rest: readonly bigint[]): void {
    const scratch = SyscallWords.scratch;
    scratch.fill(0n);
    scratch[0] = BigInt(op) | (BigInt(arch >>> 0) << 32n);
    scratch[1] = ip;
    scratch[2] = sp;
    scratch[3] = BigInt.asUintN(64, first);
    rest.forEach((word, index) => {
      scratch[4 + index] = BigInt.asUintN(64, word);
    });
  }

  #word(index: number): bigint {
    return this.#words[this.#at + index] ?? 0n;
  }
  get arch(): number {
    return Number(this.#word(0) >> 32n);
  }
  get instructionPointer(): bigint {
    return this.#word(1);
  }
  get stackPointer(): bigint {
    return this.#word(2);
  }
  get number(): number {
    return Number(BigInt.asIntN(32, this.#word(3)));
  }
  arg(index: number): bigint {
    return index >= 0 && index < 6 ? this.#word(4 + index) : 0n;
  }
  get result(): bigint {
    return BigInt.asIntN(64, this.#word(3));
  }
  get isError(): boolean {
    return (this.#word(4) & 0xffn) !== 0n;
  }
  get retData(): number {
    return Number(this.#word(10) & 0xffffffffn);
  }
}

const scratchBytes = new Uint8Array(SyscallWords.scratch.buffer);
