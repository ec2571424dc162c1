import { PtraceError, badInput, isPtraceError } from './errors.js';
import { PTRACE_O_MASK, optionNames } from './kernel/options.js';
import { SIGRTMAX, signalNumber } from './kernel/signals.js';

/*
 * Checks of arguments that come from outside. Each takes `unknown`, answers with the checked value in the one form the
 * callee uses, or throws a PtraceError with reason 'bad-input' that says what was given and what is wanted. A value may
 * be anything: a symbol, a revoked proxy, an object whose getters throw. So no method of the value is called, nothing
 * is converted, and views are read through the intrinsic getters.
 */

const MAX_TID = 0x7fffffff;
const MAX_ADDRESS = (1n << 64n) - 1n;
const MAX_TEXT = 40;

/**
 * The value of a getter that every view of its kind inherits, read past whatever the value itself or its class defines.
 */
function intrinsicGetter(prototype: object, key: string | symbol): (this: unknown) => unknown {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, key) as
    { get?: (this: unknown) => unknown } | undefined;
  const getter = descriptor?.get;
  if (getter === undefined) throw new TypeError(`no getter ${String(key)}`);
  return getter;
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const typedArrayTag = intrinsicGetter(typedArray, Symbol.toStringTag);
const typedArrayLength = intrinsicGetter(typedArray, 'byteLength');
const typedArrayOffset = intrinsicGetter(typedArray, 'byteOffset');
const typedArrayBuffer = intrinsicGetter(typedArray, 'buffer');

/** Say what a value is, in few characters and without running any code of its. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'undefined';
    case 'boolean':
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      // Writing out a bigint of a million digits takes seconds.
      return BigInt.asIntN(128, value) === value ? `${value}n` : 'a bigint beyond 128 bits';
    case 'string':
      return value.length <= MAX_TEXT ? JSON.stringify(value) : `${JSON.stringify(value.slice(0, MAX_TEXT))}…`;
    case 'symbol':
      return 'a symbol';
    case 'function':
      return 'a function';
    case 'object':
      if (value === null) return 'null';
      if (ArrayBuffer.isView(value)) {
        const tag = typedArrayTag.call(value);
        return typeof tag === 'string' ? `a ${tag} of ${String(typedArrayLength.call(value))} bytes` : 'a DataView';
      }
      return 'an object';
  }
}

function reject(request: string, what: string, value: unknown, wanted: string): PtraceError {
  return badInput(request, `${what} is ${describe(value)}, want ${wanted}`);
}

/** A thread or process id: an integer of 1 to 2^31-1. */
export function checkTid(request: string, value: unknown, what = 'tid'): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_TID) return value;
  throw reject(request, what, value, `an integer of 1 to ${MAX_TID}`);
}

/**
 * A signal by number or name; the answer is the number.
 *
 * @param options.allowZero whether 0 (no signal) is taken
 */
export function checkSignal(
  request: string,
  value: unknown,
  options?: { readonly allowZero?: boolean; readonly what?: string },
): number {
  const allowZero = options?.allowZero === true;
  if (value === 0 && allowZero) return 0;
  const signal = signalNumber(value);
  if (signal !== undefined) return signal;
  throw reject(
    request,
    options?.what ?? 'signal',
    value,
    `a number of ${allowZero ? 0 : 1} to ${SIGRTMAX} or a name such as 'SIGUSR1' or 'SIGRTMIN+1'`,
  );
}

/**
 * An address or register-wide value: a bigint of 0 to 2^64-1, or a non-negative safe integer. The answer is a bigint.
 */
export function checkAddress(request: string, value: unknown, what = 'address'): bigint {
  if (typeof value === 'bigint') {
    if (value >= 0n && value <= MAX_ADDRESS) return value;
  } else if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) {
    return BigInt(value);
  }
  throw reject(request, what, value, 'a bigint of 0 to 2^64-1 or a non-negative safe integer');
}

/**
 * A 64-bit word, signed or unsigned: a bigint of -2^63 to 2^64-1 or a safe integer. The answer is the unsigned form.
 */
export function checkWord(request: string, value: unknown, what = 'value'): bigint {
  if (typeof value === 'bigint') {
    if (value >= -(1n << 63n) && value <= MAX_ADDRESS) return BigInt.asUintN(64, value);
  } else if (typeof value === 'number' && Number.isSafeInteger(value)) {
    return BigInt.asUintN(64, BigInt(value));
  }
  throw reject(request, what, value, 'a bigint of -2^63 to 2^64-1 or a safe integer');
}

/** A number of bytes or things: an integer of 0 to `max` (without it, the largest safe integer). */
export function checkLength(
  request: string,
  value: unknown,
  what = 'length',
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max) return value + 0;
  throw reject(request, what, value, `an integer of 0 to ${max}`);
}

/** A signed 32-bit integer. */
export function checkInt32(request: string, value: unknown, what = 'value'): number {
  if (typeof value === 'number' && (value | 0) === value) return value | 0;
  throw reject(request, what, value, 'an integer of -2^31 to 2^31-1');
}

/** An unsigned 32-bit integer. */
export function checkUint32(request: string, value: unknown, what = 'value'): number {
  if (typeof value === 'number' && value >>> 0 === value) return value >>> 0;
  throw reject(request, what, value, 'an integer of 0 to 2^32-1');
}

/**
 * A mask of 32 flags, in the unsigned form or in the signed one that `|` of JavaScript makes. The answer is unsigned.
 *
 * @param allowed the bits that may be set
 */
export function checkFlags(request: string, value: unknown, allowed: number, what = 'flags'): number {
  if (typeof value !== 'number' || ((value | 0) !== value && value >>> 0 !== value)) {
    throw reject(request, what, value, 'a mask of 32 bits');
  }
  const unknown = (value & ~allowed) >>> 0;
  if (unknown === 0) return value >>> 0;
  throw badInput(
    request,
    `${what} has the unknown bits 0x${unknown.toString(16)}, want bits of 0x${(allowed >>> 0).toString(16)}`,
  );
}

/** Options of PTRACE_SETOPTIONS and PTRACE_SEIZE: a mask of PTRACE_O bits. */
export function checkOptions(request: string, value: unknown, what = 'options'): number {
  if (typeof value !== 'number' || (value | 0) !== value) {
    throw reject(request, what, value, `a mask of PTRACE_O bits (${optionNames(PTRACE_O_MASK).join(', ')})`);
  }
  return checkFlags(request, value, PTRACE_O_MASK, what);
}

/**
 * A buffer: a Uint8Array (Buffer too) itself, or a Uint8Array over the memory of another typed array, DataView or
 * ArrayBuffer.
 *
 * @param minBytes the least size
 */
export function checkBuffer(request: string, value: unknown, minBytes = 0, what = 'buffer'): Uint8Array {
  const bytes = bytesOf(value);
  if (bytes === undefined) {
    throw reject(request, what, value, 'a Uint8Array, another view, or an ArrayBuffer');
  }
  const size = typedArrayLength.call(bytes) as number;
  if (size < minBytes) throw badInput(request, `${what} has ${size} bytes, want at least ${minBytes}`);
  return bytes;
}

function bytesOf(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (ArrayBuffer.isView(value)) {
    const tag = typedArrayTag.call(value);
    if (tag === 'Uint8Array') return value as Uint8Array;
    if (tag === undefined) return overDataView(value as DataView);
    return new Uint8Array(
      typedArrayBuffer.call(value) as ArrayBuffer,
      typedArrayOffset.call(value) as number,
      typedArrayLength.call(value) as number,
    );
  }
  return overArrayBuffer(value);
}

const dataViewLength = intrinsicGetter(DataView.prototype, 'byteLength');
const dataViewOffset = intrinsicGetter(DataView.prototype, 'byteOffset');
const dataViewBuffer = intrinsicGetter(DataView.prototype, 'buffer');
const arrayBufferLength = intrinsicGetter(ArrayBuffer.prototype, 'byteLength');
const sharedBufferLength = intrinsicGetter(SharedArrayBuffer.prototype, 'byteLength');

function overDataView(view: DataView): Uint8Array | undefined {
  try {
    return new Uint8Array(
      dataViewBuffer.call(view) as ArrayBuffer,
      dataViewOffset.call(view) as number,
      dataViewLength.call(view) as number,
    );
  } catch {
    return undefined; // its memory was detached
  }
}

function overArrayBuffer(value: object): Uint8Array | undefined {
  // The intrinsic getters throw on everything that is not such a buffer, a proxy of one included.
  for (const length of [arrayBufferLength, sharedBufferLength]) {
    try {
      return new Uint8Array(value as ArrayBuffer, 0, length.call(value) as number);
    } catch {
      continue;
    }
  }
  return undefined;
}

/** A boolean, or undefined for the default. */
export function checkBoolean(request: string, value: unknown, what: string, byDefault: boolean): boolean {
  if (value === undefined) return byDefault;
  if (typeof value === 'boolean') return value;
  throw reject(request, what, value, 'true or false');
}

/** A string that can go to the kernel: without NUL, which would end it early. */
export function checkString(request: string, value: unknown, what: string): string {
  if (typeof value !== 'string') throw reject(request, what, value, 'a string');
  if (value.includes('\0')) throw badInput(request, `${what} contains a NUL byte, want a string without`);
  return value;
}

/** One of some strings. */
export function checkOneOf<const T extends string>(
  request: string,
  value: unknown,
  what: string,
  allowed: readonly T[],
): T {
  for (const each of allowed) if (value === each) return each;
  throw reject(request, what, value, `one of ${allowed.map((each) => `'${each}'`).join(', ')}`);
}

/** A callable value. */
export function checkFunction(request: string, value: unknown, what: string): (...args: never[]) => unknown {
  if (typeof value === 'function') return value as (...args: never[]) => unknown;
  throw reject(request, what, value, 'a function');
}

/**
 * An object of options, read once: the answer holds a copy of the named properties, so that nothing of the value runs
 * later. Undefined counts as no options. A name that is not known is refused, for a misspelt option would be silently
 * ignored.
 *
 * @param keys the options there are
 */
export function checkBag<const K extends string>(
  request: string,
  value: unknown,
  keys: readonly K[],
  what = 'options',
): { readonly [key in K]?: unknown } {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null) throw reject(request, what, value, 'an object');
  const bag: { [key in K]?: unknown } = {};
  try {
    for (const key of Object.keys(value)) {
      if (!(keys as readonly string[]).includes(key)) {
        throw badInput(request, `${what} has no ${describe(key)}, want some of ${keys.join(', ')}`);
      }
    }
    for (const key of keys) {
      const property = (value as { readonly [key in K]?: unknown })[key];
      if (property !== undefined) bag[key] = property;
    }
  } catch (error) {
    if (isPtraceError(error)) throw error;
    throw new PtraceError({ request, reason: 'bad-input', detail: `${what} cannot be read`, cause: error });
  }
  return bag;
}
