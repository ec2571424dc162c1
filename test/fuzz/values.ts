import fc from 'fast-check';

/**
 * A value that is made only where it is used: the generator looks into what it hands out, prints it and compares it, which such values do
 * not bear.
 */
class Recipe {
  readonly #name: string;
  readonly make: () => unknown;

  constructor(name: string, make: () => unknown) {
    this.#name = name;
    this.make = make;
  }

  [fc.toStringMethod](): string {
    return `<${this.#name}>`;
  }
}

/** What recipes make, also those inside arrays and plain objects that the generator made. */
export function realize(value: unknown): unknown {
  if (value instanceof Recipe) return value.make();
  if (Array.isArray(value)) return value.map(realize);
  if (typeof value === 'object' && value !== null && Object.values(value).some((inner) => inner instanceof Recipe)) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, realize(inner)]));
  }
  return value;
}

/** A proxy of which every trap throws. */
function hostileProxy(target: object): object {
  const fail = (): never => {
    throw new Error('a trap of a hostile proxy');
  };
  const traps: Required<ProxyHandler<object>> = {
    apply: fail,
    construct: fail,
    defineProperty: fail,
    deleteProperty: fail,
    get: fail,
    getOwnPropertyDescriptor: fail,
    getPrototypeOf: fail,
    has: fail,
    isExtensible: fail,
    ownKeys: fail,
    preventExtensions: fail,
    set: fail,
    setPrototypeOf: fail,
  };
  return new Proxy(target, traps);
}

function revokedProxy(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function throwing(): object {
  const fail = (): never => {
    throw new TypeError('a hostile method');
  };
  return {
    get length() {
      return fail();
    },
    get byteLength() {
      return fail();
    },
    get buffer() {
      return fail();
    },
    valueOf: fail,
    toString: fail,
    toJSON: fail,
    [Symbol.toPrimitive]: fail,
    [Symbol.iterator]: fail,
    then: undefined,
  };
}

function detached(): Uint8Array {
  const bytes = new Uint8Array(128);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

function detachedView(): DataView {
  const view = new DataView(new ArrayBuffer(128));
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}

interface Resizable {
  new (bytes: number, options: { maxByteLength: number }): ArrayBuffer & { resize: (bytes: number) => void };
}

/** A view that no longer fits into its memory. */
function outOfBounds(): Uint8Array {
  const memory = new (ArrayBuffer as unknown as Resizable)(256, { maxByteLength: 512 });
  const bytes = new Uint8Array(memory, 128, 128);
  memory.resize(64);
  return bytes;
}

function lengthTracking(size: number): Uint8Array {
  return new Uint8Array(new (ArrayBuffer as unknown as Resizable)(size, { maxByteLength: 4096 }));
}

/** A short buffer that says it is long. */
function liar(): Uint8Array {
  const bytes = new Uint8Array(1);
  for (const [name, value] of Object.entries({ byteLength: 1 << 20, length: 1 << 20, byteOffset: 4096 })) {
    Object.defineProperty(bytes, name, { value });
  }
  Object.defineProperty(bytes, 'buffer', { value: new ArrayBuffer(1 << 20) });
  return bytes;
}

class Impostor extends Uint8Array {
  static get [Symbol.species](): Uint8ArrayConstructor {
    throw new Error('a hostile species');
  }
  override get byteLength(): never {
    throw new Error('a hostile getter');
  }
  override subarray(): never {
    throw new Error('a hostile method');
  }
}

const odd: Readonly<Record<string, () => unknown>> = {
  'hostile proxy': () => hostileProxy({}),
  'hostile proxy of an array': () => hostileProxy([]),
  'hostile proxy of a Uint8Array': () => hostileProxy(new Uint8Array(128)),
  'hostile proxy of a function': () => hostileProxy(() => undefined),
  'revoked proxy': () => revokedProxy({}),
  'revoked proxy of an array': () => revokedProxy([]),
  'revoked proxy of a Uint8Array': () => revokedProxy(new Uint8Array(128)),
  'proxy of a Uint8Array': () => new Proxy(new Uint8Array(256), {}),
  'proxy of an AbortSignal': () => new Proxy(new AbortController().signal, {}),
  'object that throws': throwing,
  'array of an object that throws': () => [throwing()],
  'no Uint8Array': () => Object.create(Uint8Array.prototype) as unknown,
  'no AbortSignal': () => Object.create(AbortSignal.prototype) as unknown,
  'object without prototype': () => Object.create(null) as unknown,
  'frozen object': () => Object.freeze({}),
  symbol: () => Symbol('fuzz'),
  function: () => () => undefined,
  class: () => Impostor,
  promise: () => Promise.resolve(1),
  AbortSignal: () => new AbortController().signal,
  'aborted AbortSignal': () => AbortSignal.abort(),
  'long string': () => 'x'.repeat(1 << 20),
  'long array': () => new Array(100_000).fill(0) as unknown,
};

const sized: Readonly<Record<string, (size: number) => unknown>> = {
  Uint8Array: (size) => new Uint8Array(size),
  Buffer: (size) => Buffer.alloc(size),
  ArrayBuffer: (size) => new ArrayBuffer(size),
  SharedArrayBuffer: (size) => new SharedArrayBuffer(size),
  DataView: (size) => new DataView(new ArrayBuffer(size)),
  'shared DataView': (size) => new DataView(new SharedArrayBuffer(size)),
  'shared Uint8Array': (size) => new Uint8Array(new SharedArrayBuffer(size)),
  BigUint64Array: (size) => new BigUint64Array(size >> 3),
  Float64Array: (size) => new Float64Array(size >> 3),
  Int16Array: (size) => new Int16Array(size >> 1),
  Int32Array: (size) => new Int32Array(size >> 2),
  'misaligned Uint8Array': (size) => new Uint8Array(new ArrayBuffer(size + 9), 3, size),
  impostor: (size) => new Impostor(size),
  'length-tracking Uint8Array': lengthTracking,
};

const broken: Readonly<Record<string, () => unknown>> = {
  'detached Uint8Array': detached,
  'detached DataView': detachedView,
  'Uint8Array out of bounds': outOfBounds,
  liar,
  'large Uint8Array': () => new Uint8Array(1 << 22),
};

const recipes = (table: Readonly<Record<string, () => unknown>>): fc.Arbitrary<unknown> =>
  fc.constantFrom(...Object.entries(table).map(([name, make]) => new Recipe(name, make)));

/** Views and buffers of every kind. */
export const buffers: fc.Arbitrary<unknown> = fc.oneof(
  {
    arbitrary: fc
      .tuple(
        fc.constantFrom(...Object.entries(sized)),
        fc.constantFrom(0, 1, 7, 8, 15, 16, 24, 32, 87, 88, 128, 216, 512, 600, 4096),
      )
      .map(([[name, make], size]) => new Recipe(`${name} of ${size}`, () => make(size))),
    weight: 3,
  },
  { arbitrary: recipes(broken), weight: 1 },
);

/** Numbers at the edges of every type. */
export const edges: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    0,
    -0,
    1,
    -1,
    0.5,
    NaN,
    Infinity,
    -Infinity,
    2 ** 31 - 1,
    2 ** 31,
    -(2 ** 31),
    -(2 ** 31) - 1,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 32 + 1,
    2 ** 53 - 1,
    2 ** 53,
    -(2 ** 53),
    1e308,
    5e-324,
    0n,
    1n,
    -1n,
    (1n << 63n) - 1n,
    1n << 63n,
    (1n << 64n) - 1n,
    1n << 64n,
    -(1n << 63n),
    -(1n << 63n) - 1n,
    1n << 100_000n,
    -(1n << 100_000n),
  ),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt(),
  fc.double(),
);

/** Any value at all. */
export const anything: fc.Arbitrary<unknown> = fc.oneof(
  { arbitrary: edges, weight: 3 },
  { arbitrary: buffers, weight: 2 },
  { arbitrary: recipes(odd), weight: 3 },
  {
    arbitrary: fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withObjectString: true,
      withSparseArray: true,
      withTypedArray: true,
    }),
    weight: 3,
  },
);
