/**
 * The code of the machine in native/script.cc: operations, operands, labels, and the data they point into. What the instructions are good
 * for is the business of child.ts.
 */
import { badInput } from '../errors.js';
import { checkWord, describe } from '../arguments.js';
import { lengthOf, prefixOf } from './views.js';

const REQUEST = 'script';

/** Operations, as native/script.cc numbers them. */
export const OP = {
  end: 0,
  syscall: 1,
  set: 2,
  add: 3,
  subtract: 4,
  multiply: 5,
  and: 6,
  or: 7,
  xor: 8,
  shiftLeft: 9,
  shiftRight: 10,
  jump: 11,
  branch: 12,
  call: 13,
  return: 14,
  load: 15,
  store: 16,
  fetchAdd: 17,
  clone: 18,
  sigaction: 19,
  spin: 20,
  trap: 21,
  illegal: 22,
  nops: 23,
  syscallLoop: 24,
  syscall32: 25,
} as const;

/** An operation with a value for its result. */
export type Arithmetic = 'add' | 'subtract' | 'multiply' | 'and' | 'or' | 'xor' | 'shiftLeft' | 'shiftRight';

const MODE = { constant: 0, register: 1, address: 2, word: 3, integer: 4 } as const;

const OPERANDS = 7;
const NO_DESTINATION = 0xff;
const REGISTERS = 16;

/** Something an instruction reads when it runs: a register, a word of the data, or the address of a place in the data. */
export class Operand {
  readonly mode: number;
  readonly value: number;

  private constructor(mode: number, value: number) {
    this.mode = mode;
    this.value = value;
  }

  static register(index: number): Operand {
    return new Operand(MODE.register, index);
  }

  /** The address of the data at an offset. */
  static address(offset: number): Operand {
    return new Operand(MODE.address, offset);
  }

  /** The 8 bytes of the data at an offset. */
  static word(offset: number): Operand {
    return new Operand(MODE.word, offset);
  }

  /** The 4 bytes, with sign, of the data at an offset. */
  static integer(offset: number): Operand {
    return new Operand(MODE.integer, offset);
  }
}

/** A place in the code, named before or after it is set. */
export class Label {
  at: number | undefined;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** What a script can compute with: a number, or something that is read when the instruction runs. */
export type Value = number | bigint | Operand;

/** The result of the last system call or computation of the flow of control: register 0. */
export const result: Operand = Operand.register(0);

function isOperand(value: unknown): value is Operand {
  try {
    return value instanceof Operand;
  } catch {
    return false; // a proxy that does not bear to be asked
  }
}

/** Checks a value that comes from outside. */
export function checkValue(value: unknown, what: string): Value {
  if (isOperand(value)) return value;
  if (typeof value === 'number' || typeof value === 'bigint') return checkWord(REQUEST, value, what);
  throw badInput(REQUEST, `${what} is ${describe(value)}, want a safe integer, a bigint of 64 bits or an operand`);
}

/** Checks a register number that a script may use for itself. */
export function checkRegister(value: unknown, what = 'register'): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < REGISTERS) return value;
  throw badInput(REQUEST, `${what} is ${describe(value)}, want an integer of 0 to ${REGISTERS - 1}`);
}

interface Instruction {
  readonly op: number;
  readonly destination: number;
  readonly operands: readonly (Value | Label)[];
}

/** Instructions and data in the making. */
export class Code {
  readonly #instructions: Instruction[] = [];
  readonly #constants = new Map<string, number>();
  #data = new Uint8Array(256);
  #used = 0;

  get length(): number {
    return this.#instructions.length;
  }

  /** @param destination register for the result; none without */
  emit(op: number, operands: readonly (Value | Label)[] = [], destination = NO_DESTINATION): void {
    this.#instructions.push({ op, destination, operands });
  }

  /** Sets a label here. */
  place(label: Label): void {
    if (label.at !== undefined) throw badInput(REQUEST, `label '${label.name}' is set twice`);
    label.at = this.#instructions.length;
  }

  /** Zeroed room in the data; its offset. */
  reserve(bytes: number, alignment = 8): number {
    const offset = Math.ceil(this.#used / alignment) * alignment;
    this.#used = offset + bytes;
    if (this.#used > this.#data.length) {
      const grown = new Uint8Array(Math.max(this.#used, 2 * this.#data.length));
      grown.set(this.#data);
      this.#data = grown;
    }
    return offset;
  }

  /** Bytes that the script only reads; equal ones share their place. Their offset. */
  constant(bytes: Uint8Array): number {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    let offset = this.#constants.get(key);
    if (offset === undefined) {
      offset = this.bytes(bytes);
      this.#constants.set(key, offset);
    }
    return offset;
  }

  /** Bytes of their own. Their offset. */
  bytes(bytes: Uint8Array): number {
    // What the caller's object says of itself is not believed.
    const plain = prefixOf(bytes, lengthOf(bytes));
    const offset = this.reserve(plain.length);
    this.#data.set(plain, offset);
    return offset;
  }

  /** A string with its NUL. Its offset. */
  text(text: string): number {
    return this.constant(Buffer.from(`${text}\0`));
  }

  data(): Uint8Array {
    return this.#data.slice(0, this.#used);
  }

  /**
   * The words for the machine, `prologue` first. The prologue has no labels and no data of its own.
   *
   * @throws PtraceError 'bad-input' when a label is used and never set
   */
  words(prologue?: Code): BigInt64Array {
    const first = prologue === undefined ? [] : prologue.#instructions;
    const all = [...first, ...this.#instructions];
    const words = new BigInt64Array(all.length * (1 + OPERANDS));
    for (const [index, { op, destination, operands }] of all.entries()) {
      let head = BigInt(op) | (BigInt(destination) << 8n);
      for (const [position, operand] of operands.entries()) {
        const at = index * (1 + OPERANDS) + 1 + position;
        if (operand instanceof Operand) {
          head |= BigInt(operand.mode) << BigInt(16 + 4 * position);
          words[at] = BigInt(operand.value);
        } else if (operand instanceof Label) {
          if (operand.at === undefined) throw badInput(REQUEST, `label '${operand.name}' is used but never set`);
          words[at] = BigInt(operand.at + (index < first.length ? 0 : first.length));
        } else {
          words[at] = BigInt.asIntN(64, BigInt(operand));
        }
      }
      words[index * (1 + OPERANDS)] = head;
    }
    return words;
  }
}
