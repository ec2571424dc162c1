import { STRUCT_SIZE } from './requests.js';

/*
 * struct ptrace_syscall_info. Source: uapi/linux/ptrace.h.
 *
 *    0 u8 op   2 u16 flags (SET_SYSCALL_INFO; zero)   4 u32 arch   8 u64 instruction_pointer   16 u64 stack_pointer
 *   24 entry:   u64 nr, u64 args[6]                      80 bytes in all
 *   24 exit:    s64 rval, u8 is_error                    33
 *   24 seccomp: u64 nr, u64 args[6], u32 ret_data        84
 */

/** What kind of stop PTRACE_GET_SYSCALL_INFO found. */
export const SYSCALL_INFO_OP = { NONE: 0, ENTRY: 1, EXIT: 2, SECCOMP: 3 } as const;

export type SyscallInfoOp = 'none' | 'entry' | 'exit' | 'seccomp';

/** The six arguments of a system call, as unsigned 64-bit words. */
export type SyscallArgs = readonly [bigint, bigint, bigint, bigint, bigint, bigint];

interface SyscallInfoBase {
  /** One of AUDIT_ARCH. */
  readonly arch: number;
  readonly instructionPointer: bigint;
  readonly stackPointer: bigint;
}

/** The decoded answer of PTRACE_GET_SYSCALL_INFO. */
export type SyscallInfo =
  /** The tracee is not in a system call or seccomp stop. */
  | (SyscallInfoBase & { readonly op: 'none' })
  | (SyscallInfoBase & {
      readonly op: 'entry';
      /** The system call number, signed; with the x32 bit where it is set. */
      readonly nr: number;
      readonly args: SyscallArgs;
    })
  | (SyscallInfoBase & {
      readonly op: 'exit';
      /** The result, signed: the negative errno where `isError`. */
      readonly rval: bigint;
      readonly isError: boolean;
    })
  | (SyscallInfoBase & {
      readonly op: 'seccomp';
      readonly nr: number;
      readonly args: SyscallArgs;
      /** SECCOMP_RET_DATA of the filter's answer. */
      readonly retData: number;
    });

const opNames: readonly SyscallInfoOp[] = ['none', 'entry', 'exit', 'seccomp'];

/**
 * The op of a buffer of PTRACE_GET_SYSCALL_INFO, the cheapest question one can ask of it. A number from the future
 * counts as none.
 */
export function syscallInfoOp(bytes: Uint8Array): SyscallInfoOp {
  return opNames[bytes[0] ?? 0] ?? 'none';
}

const SIZE = STRUCT_SIZE.SYSCALL_INFO;
const SLAB_ENTRIES = 64;

/**
 * Memory for many answers at once: three small views cost more than the copy of 88 bytes, and every stop of a traced
 * storm needs one. An answer that is kept alive keeps its slab alive, 5.5 KiB.
 */
class Slab {
  readonly bytes = new Uint8Array(SIZE * SLAB_ENTRIES);
  readonly view = new DataView(this.bytes.buffer);
  used = 0;
}

let slab: Slab | undefined;

/**
 * The answer of PTRACE_GET_SYSCALL_INFO, copied, and decoded field by field only when asked. Fields that the op does
 * not have read as 0, `undefined` or false; `op` tells which are there.
 */
export class SyscallInfoView {
  readonly #slab: Slab;
  readonly #offset: number;

  /**
   * @param source the buffer that the kernel filled, 88 bytes or what the kernel wrote of them; it may be used again
   * afterwards
   */
  constructor(source: Uint8Array) {
    if (slab === undefined || slab.used === SLAB_ENTRIES) slab = new Slab();
    this.#slab = slab;
    this.#offset = slab.used++ * SIZE;
    slab.bytes.set(source.byteLength <= SIZE ? source : source.subarray(0, SIZE), this.#offset);
  }

  get op(): SyscallInfoOp {
    return opNames[this.#slab.bytes[this.#offset] ?? 0] ?? 'none';
  }

  /** One of AUDIT_ARCH. */
  get arch(): number {
    return this.#slab.view.getUint32(this.#offset + 4, true);
  }

  get instructionPointer(): bigint {
    return this.#slab.view.getBigUint64(this.#offset + 8, true);
  }

  get stackPointer(): bigint {
    return this.#slab.view.getBigUint64(this.#offset + 16, true);
  }

  /** The system call number at entry and seccomp, signed; -1 elsewhere. */
  get nr(): number {
    // The kernel keeps system call numbers in an int and extends its sign into the 64 bits.
    return this.#hasCall ? this.#slab.view.getInt32(this.#offset + 24, true) : -1;
  }

  /** Argument 0 to 5 at entry and seccomp; 0n elsewhere. */
  arg(index: number): bigint {
    if (!Number.isInteger(index) || index < 0 || index > 5) {
      throw new RangeError(`system calls have the arguments 0 to 5, not ${String(index)}`);
    }
    return this.#hasCall ? this.#slab.view.getBigUint64(this.#offset + 32 + index * 8, true) : 0n;
  }

  /** All arguments at entry and seccomp; zeros elsewhere. */
  get args(): SyscallArgs {
    return [this.arg(0), this.arg(1), this.arg(2), this.arg(3), this.arg(4), this.arg(5)];
  }

  /** The result at exit, signed; 0n elsewhere. */
  get rval(): bigint {
    return this.op === 'exit' ? this.#slab.view.getBigInt64(this.#offset + 24, true) : 0n;
  }

  /** Whether the result at exit is an error. */
  get isError(): boolean {
    return this.op === 'exit' && this.#slab.bytes[this.#offset + 32] !== 0;
  }

  /** SECCOMP_RET_DATA at seccomp; 0 elsewhere. */
  get retData(): number {
    return this.op === 'seccomp' ? this.#slab.view.getUint32(this.#offset + 80, true) : 0;
  }

  /** The whole answer as a plain value. */
  decode(): SyscallInfo {
    const { arch, instructionPointer, stackPointer } = this;
    switch (this.op) {
      case 'none':
        return { op: 'none', arch, instructionPointer, stackPointer };
      case 'entry':
        return { op: 'entry', arch, instructionPointer, stackPointer, nr: this.nr, args: this.args };
      case 'exit':
        return { op: 'exit', arch, instructionPointer, stackPointer, rval: this.rval, isError: this.isError };
      case 'seccomp':
        return {
          op: 'seccomp',
          arch,
          instructionPointer,
          stackPointer,
          nr: this.nr,
          args: this.args,
          retData: this.retData,
        };
    }
  }

  get #hasCall(): boolean {
    const op = this.#slab.bytes[this.#offset];
    return op === SYSCALL_INFO_OP.ENTRY || op === SYSCALL_INFO_OP.SECCOMP;
  }
}

/** Decode the answer of PTRACE_GET_SYSCALL_INFO at once. What the kernel did not write must be zero. */
export function decodeSyscallInfo(bytes: Uint8Array): SyscallInfo {
  return new SyscallInfoView(bytes).decode();
}

/**
 * The 88 bytes for PTRACE_SET_SYSCALL_INFO (since Linux 6.16). The kernel wants the op and the arch of the stop the
 * tracee is in, so start from what GET_SYSCALL_INFO answered.
 */
export function encodeSyscallInfo(info: SyscallInfo): Uint8Array {
  const bytes = new Uint8Array(SIZE);
  const view = new DataView(bytes.buffer);
  bytes[0] = opNames.indexOf(info.op);
  view.setUint32(4, info.arch, true);
  view.setBigUint64(8, info.instructionPointer, true);
  view.setBigUint64(16, info.stackPointer, true);
  if (info.op === 'entry' || info.op === 'seccomp') {
    view.setBigInt64(24, BigInt(info.nr), true);
    info.args.forEach((arg, index) => {
      view.setBigUint64(32 + index * 8, arg, true);
    });
    if (info.op === 'seccomp') view.setUint32(80, info.retData, true);
  } else if (info.op === 'exit') {
    view.setBigInt64(24, info.rval, true);
    bytes[32] = info.isError ? 1 : 0;
  }
  return bytes;
}
