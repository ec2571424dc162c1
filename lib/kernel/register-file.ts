import type { Abi } from './arch/host.js';

/**
 * What every register set offers, whatever the architecture. The values live in one buffer, in the layout of
 * NT_PRSTATUS: a getter is one load from it, a setter one store, which marks the set dirty.
 *
 * Setters take bigints, or safe integers, from the least negative two's complement value to the greatest unsigned one
 * of the register's width; getters answer with the unsigned form.
 *
 * @throws TypeError when a value is neither bigint nor number
 * @throws RangeError when a value does not fit, or a register or argument does not exist
 */
export interface RegisterFile {
  /** The system call interface of this layout. An x32 tracee has the registers of x86_64. */
  readonly abi: Abi;
  /** The registers as PTRACE_GETREGSET gives and PTRACE_SETREGSET takes them. Whoever writes here sets `dirty`. */
  readonly bytes: Uint8Array;
  /** Whether a register was set since the set was read or written back. */
  dirty: boolean;
  /** The registers in the order of the buffer. */
  readonly names: readonly string[];
  get(name: string): bigint;
  set(name: string, value: bigint | number): void;
  /** The program counter. */
  get pc(): bigint;
  set pc(value: bigint | number);
  /** The stack pointer. */
  get sp(): bigint;
  set sp(value: bigint | number);
  /** The flags or processor state: eflags, pstate, cpsr. The kernel ignores changes of privileged bits. */
  get flags(): bigint;
  set flags(value: bigint | number);
  /**
   * The number of the system call: signed, -1 for none. It holds at a system call's stops. On arm64 the kernel takes a
   * changed number from NT_ARM_SYSTEM_CALL alone, not from here.
   */
  get syscallNumber(): number;
  set syscallNumber(value: number);
  /** System call argument 0 to 5. It holds at the entry; arm keeps the result where argument 0 was. */
  arg(index: number): bigint;
  setArg(index: number, value: bigint | number): void;
  /** The result register, read as signed: a failed system call has the negative errno. It holds at the exit. */
  get result(): bigint;
  set result(value: bigint | number);
  /** All registers by name. */
  toObject(): Record<string, bigint>;
}

function refuse(abi: Abi, name: string, value: unknown, wanted: string): Error {
  const given = typeof value === 'bigint' || typeof value === 'number' ? `${value}` : `a ${typeof value}`;
  const text = `${abi} register ${name} cannot be ${given}, want ${wanted}`;
  return typeof value === 'bigint' || typeof value === 'number' ? new RangeError(text) : new TypeError(text);
}

function unknownRegister(abi: Abi, name: unknown, names: readonly string[]): RangeError {
  const given = typeof name === 'string' ? `'${name.slice(0, 40)}'` : `named by a ${typeof name}`;
  return new RangeError(`${abi} has no register ${given}, want one of ${names.join(', ')}`);
}

/** The place of each name in a register layout. */
export function indexNames(names: readonly string[]): ReadonlyMap<string, number> {
  return new Map(names.map((name, index) => [name, index]));
}

/** The register that holds a system call argument. */
export function argumentRegister(abi: Abi, places: readonly number[], index: number): number {
  const place = places[index];
  if (place === undefined) throw new RangeError(`${abi} system calls have the arguments 0 to 5, not ${String(index)}`);
  return place;
}

/** Access by name, the same for both widths. */
abstract class NamedRegisters {
  readonly bytes: Uint8Array;
  dirty = false;

  protected constructor(abi: Abi, size: number, wordSize: 4 | 8, bytes: Uint8Array) {
    if (bytes.byteLength !== size) {
      throw new RangeError(`the registers of ${abi} have ${size} bytes, not ${bytes.byteLength}`);
    }
    this.bytes = bytes.byteOffset % wordSize === 0 ? bytes : bytes.slice();
  }

  abstract get abi(): Abi;
  abstract get names(): readonly string[];
  protected abstract get places(): ReadonlyMap<string, number>;
  protected abstract read(index: number): bigint;
  protected abstract write(index: number, value: bigint | number): void;

  get(name: string): bigint {
    return this.read(this.#place(name));
  }

  set(name: string, value: bigint | number): void {
    this.write(this.#place(name), value);
  }

  protected writeInt32(index: number, value: number): void {
    if (typeof value !== 'number' || (value | 0) !== value) {
      throw refuse(this.abi, this.names[index] ?? '', value, 'a system call number of -2^31 to 2^31-1');
    }
    this.write(index, value);
  }

  #place(name: string): number {
    const place = this.places.get(name);
    if (place === undefined) throw unknownRegister(this.abi, name, this.names);
    return place;
  }
}

/** A register set of 64-bit words. */
export abstract class WordRegisters64 extends NamedRegisters {
  readonly #words: BigUint64Array;

  protected constructor(abi: Abi, size: number, bytes: Uint8Array) {
    super(abi, size, 8, bytes);
    this.#words = new BigUint64Array(this.bytes.buffer, this.bytes.byteOffset, size >>> 3);
  }

  protected read(index: number): bigint {
    return this.#words[index] as bigint;
  }

  protected readSigned(index: number): bigint {
    return BigInt.asIntN(64, this.read(index));
  }

  protected readInt32(index: number): number {
    return Number(BigInt.asIntN(32, this.read(index)));
  }

  protected write(index: number, value: bigint | number): void {
    let word: bigint;
    if (typeof value === 'bigint' && value >= -0x8000_0000_0000_0000n && value <= 0xffff_ffff_ffff_ffffn) word = value;
    else if (Number.isSafeInteger(value)) word = BigInt(value);
    else throw refuse(this.abi, this.names[index] ?? '', value, 'a bigint of -2^63 to 2^64-1 or a safe integer');
    this.#words[index] = word;
    this.dirty = true;
  }
}

/** A register set of 32-bit words. */
export abstract class WordRegisters32 extends NamedRegisters {
  readonly #words: Uint32Array;

  protected constructor(abi: Abi, size: number, bytes: Uint8Array) {
    super(abi, size, 4, bytes);
    this.#words = new Uint32Array(this.bytes.buffer, this.bytes.byteOffset, size >>> 2);
  }

  protected read(index: number): bigint {
    return BigInt(this.#words[index] as number);
  }

  protected readSigned(index: number): bigint {
    return BigInt(this.readInt32(index));
  }

  protected readInt32(index: number): number {
    return (this.#words[index] as number) | 0;
  }

  protected write(index: number, value: bigint | number): void {
    const whole = typeof value === 'bigint' || Number.isInteger(value);
    if (!whole || value < -0x8000_0000 || value > 0xffff_ffff) {
      throw refuse(this.abi, this.names[index] ?? '', value, 'an integer of -2^31 to 2^32-1');
    }
    this.#words[index] = Number(value);
    this.dirty = true;
  }
}
