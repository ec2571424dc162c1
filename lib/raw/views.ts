/** Views over memory that a caller gave. Its objects may be anything: their own properties are not believed. */
function intrinsicGetter(key: string | symbol): (this: unknown) => unknown {
  const descriptor = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype) as object, key) as
    { get?: (this: unknown) => unknown } | undefined;
  if (descriptor?.get === undefined) throw new TypeError(`typed arrays have no getter ${String(key)}`);
  return descriptor.get;
}

const lengthGetter = intrinsicGetter('byteLength');
const offsetGetter = intrinsicGetter('byteOffset');
const bufferGetter = intrinsicGetter('buffer');
const tagGetter = intrinsicGetter(Symbol.toStringTag);

/** Whether a value is an Int32Array, and not only says so. */
export function isInt32Array(value: unknown): value is Int32Array {
  return tagGetter.call(value) === 'Int32Array';
}

/** The real length of a typed array, in bytes. */
export function lengthOf(bytes: Uint8Array): number {
  return lengthGetter.call(bytes) as number;
}

/** The first `length` bytes of a typed array, as a plain view of the same memory. */
export function prefixOf(bytes: Uint8Array, length: number): Uint8Array {
  // Detached memory has no bytes, and takes no views.
  if (length === 0) return new Uint8Array(0);
  return new Uint8Array(bufferGetter.call(bytes) as ArrayBuffer, offsetGetter.call(bytes) as number, length);
}
