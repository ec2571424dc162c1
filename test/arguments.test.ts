import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as checks from '../lib/arguments.js';
import { PtraceError } from '../lib/errors.js';
import { PTRACE_O, W, WAITID_MASK } from '../lib/kernel/index.js';

const throwing = (): never => {
  throw new Error('hostile');
};
const throwingProxy: object = new Proxy(
  {},
  Object.fromEntries(Reflect.ownKeys(Reflect).map((trap) => [trap, throwing])),
);
const revoked = Proxy.revocable({}, {});
revoked.revoke();

class LyingArray extends Uint8Array {
  override get byteLength(): number {
    return throwing();
  }
  override get length(): number {
    return throwing();
  }
}

/** Values that run code, or throw, when they are touched carelessly. */
const hostile: readonly unknown[] = [
  Symbol('s'),
  throwingProxy,
  revoked.proxy,
  { toString: throwing, valueOf: throwing, [Symbol.toPrimitive]: throwing },
  Object.defineProperty({}, Symbol.toStringTag, { get: throwing }),
  Object.create(null),
  new Proxy(new Uint8Array(8), {}),
  new Proxy(new ArrayBuffer(8), {}),
  10n ** 100_000n,
  -(10n ** 100n),
  'x'.repeat(1_000_000),
  Number.NaN,
  Infinity,
  -0,
  2 ** 53,
  throwing,
  null,
  undefined,
];

/** Every check, each with its plainest arguments. */
const all: Readonly<Record<string, (value: unknown) => unknown>> = {
  checkTid: (value) => checks.checkTid('r', value),
  checkSignal: (value) => checks.checkSignal('r', value),
  checkSignalOrZero: (value) => checks.checkSignal('r', value, { allowZero: true }),
  checkAddress: (value) => checks.checkAddress('r', value),
  checkWord: (value) => checks.checkWord('r', value),
  checkLength: (value) => checks.checkLength('r', value),
  checkInt32: (value) => checks.checkInt32('r', value),
  checkUint32: (value) => checks.checkUint32('r', value),
  checkFlags: (value) => checks.checkFlags('r', value, 0xff),
  checkOptions: (value) => checks.checkOptions('r', value),
  checkBuffer: (value) => checks.checkBuffer('r', value),
  checkBoolean: (value) => checks.checkBoolean('r', value, 'b', true),
  checkString: (value) => checks.checkString('r', value, 's'),
  checkOneOf: (value) => checks.checkOneOf('r', value, 'o', ['a', 'b']),
  checkFunction: (value) => checks.checkFunction('r', value, 'f'),
  checkBag: (value) => checks.checkBag('r', value, ['a', 'b']),
};

function outcome(check: (value: unknown) => unknown, value: unknown): unknown {
  try {
    return check(value);
  } catch (error) {
    if (!(error instanceof PtraceError)) throw error;
    expect(error).toMatchObject({ reason: 'bad-input', code: 'ERR_BAD_INPUT', errno: 0, request: 'r' });
    expect(error.message.length).toBeLessThan(400);
    return error;
  }
}

describe.each(Object.entries(all))('%s', (_name, check) => {
  it('answers hostile values with a value or a bad-input error', () => {
    for (const value of hostile) outcome(check, value);
  });

  it('answers any value with a value or a bad-input error', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withTypedArray: true, withNullPrototype: true, withObjectString: true }),
        (value) => {
          outcome(check, value);
        },
      ),
    );
  });
});

function message(check: () => unknown): string {
  try {
    check();
  } catch (error) {
    if (error instanceof PtraceError) return error.message;
  }
  throw new Error('nothing was thrown');
}

describe('numbers', () => {
  it('tid', () => {
    expect(checks.checkTid('r', 1)).toBe(1);
    expect(checks.checkTid('r', 2 ** 31 - 1)).toBe(2 ** 31 - 1);
    for (const bad of [0, -1, 2 ** 31, 1.5, '1', 1n, Number.NaN])
      expect(() => checks.checkTid('r', bad)).toThrow(PtraceError);
    expect(message(() => checks.checkTid('PTRACE_SEIZE', -1))).toBe(
      'cannot PTRACE_SEIZE: tid is -1, want an integer of 1 to 2147483647',
    );
  });

  it('signal', () => {
    expect(checks.checkSignal('r', 'SIGRTMIN+1')).toBe(35);
    expect(checks.checkSignal('r', 64)).toBe(64);
    expect(checks.checkSignal('r', 0, { allowZero: true })).toBe(0);
    expect(Object.is(checks.checkSignal('r', -0, { allowZero: true }), 0)).toBe(true);
    expect(() => checks.checkSignal('r', 0)).toThrow(/want a number of 1 to 64/);
    expect(() => checks.checkSignal('r', 'KILL')).toThrow(/signal is "KILL"/);
  });

  it('address and word', () => {
    expect(checks.checkAddress('r', 0)).toBe(0n);
    expect(checks.checkAddress('r', 2n ** 64n - 1n)).toBe(2n ** 64n - 1n);
    for (const bad of [-1, -1n, 2n ** 64n, 2 ** 53, 1.5, '0x10']) {
      expect(() => checks.checkAddress('r', bad)).toThrow(PtraceError);
    }
    expect(checks.checkWord('r', -1)).toBe(2n ** 64n - 1n);
    expect(checks.checkWord('r', -(2n ** 63n))).toBe(2n ** 63n);
    expect(() => checks.checkWord('r', -(2n ** 63n) - 1n)).toThrow(PtraceError);
  });

  it('length, int32, uint32', () => {
    expect(checks.checkLength('r', 10, 'count', 10)).toBe(10);
    expect(Object.is(checks.checkLength('r', -0), 0)).toBe(true);
    expect(() => checks.checkLength('r', 11, 'count', 10)).toThrow(/count is 11, want an integer of 0 to 10/);
    expect(checks.checkInt32('r', -(2 ** 31))).toBe(-(2 ** 31));
    expect(() => checks.checkInt32('r', 2 ** 31)).toThrow(PtraceError);
    expect(checks.checkUint32('r', 2 ** 32 - 1)).toBe(2 ** 32 - 1);
    expect(() => checks.checkUint32('r', -1)).toThrow(PtraceError);
  });

  it('flags, signed or not, and options', () => {
    expect(checks.checkFlags('waitid', W.__WCLONE, WAITID_MASK)).toBe(0x80000000);
    expect(checks.checkFlags('waitid', W.__WCLONE | W.WEXITED, WAITID_MASK)).toBe(0x80000004);
    expect(() => checks.checkFlags('waitid', 0x10, WAITID_MASK)).toThrow(/unknown bits 0x10/);
    expect(checks.checkOptions('r', PTRACE_O.EXITKILL | PTRACE_O.TRACEEXEC)).toBe(0x100010);
    expect(() => checks.checkOptions('r', 0x100)).toThrow(/unknown bits 0x100/);
    expect(() => checks.checkOptions('r', -1)).toThrow(/unknown bits 0xffcfff00/);
    expect(() => checks.checkOptions('r', 'TRACEEXEC')).toThrow(/PTRACE_O_TRACEEXEC/);
  });
});

describe('buffers', () => {
  it('are taken as they are, or as bytes over the same memory', () => {
    const bytes = new Uint8Array(16);
    expect(checks.checkBuffer('r', bytes, 16)).toBe(bytes);
    const buffer = Buffer.alloc(4);
    expect(checks.checkBuffer('r', buffer)).toBe(buffer);
    for (const view of [
      new DataView(bytes.buffer, 8, 4),
      new Uint32Array(bytes.buffer, 8, 1),
      new Int8Array(bytes.buffer, 8, 4),
    ]) {
      const same = checks.checkBuffer('r', view);
      expect([same.buffer, same.byteOffset, same.byteLength]).toEqual([bytes.buffer, 8, 4]);
    }
    expect(checks.checkBuffer('r', bytes.buffer).byteLength).toBe(16);
    expect(checks.checkBuffer('r', new SharedArrayBuffer(8)).byteLength).toBe(8);
  });

  it('are measured past what their class says', () => {
    const lying = new LyingArray(8);
    expect(checks.checkBuffer('r', lying, 8)).toBe(lying);
    expect(() => checks.checkBuffer('r', lying, 9)).toThrow(/buffer has 8 bytes, want at least 9/);
  });

  it('are refused when detached, too short, or none', () => {
    const detached = new Uint8Array(8);
    const detachedView = new DataView(new ArrayBuffer(8));
    structuredClone(null, { transfer: [detached.buffer, detachedView.buffer] });
    expect(() => checks.checkBuffer('r', detached, 1)).toThrow(PtraceError);
    expect(() => checks.checkBuffer('r', detachedView, 1)).toThrow(PtraceError);
    expect(() => checks.checkBuffer('r', [1, 2, 3])).toThrow(/buffer is an object, want a Uint8Array/);
    expect(() => checks.checkBuffer('r', { byteLength: 8 })).toThrow(PtraceError);
  });
});

describe('strings, booleans, choices', () => {
  it('are what they say', () => {
    expect(checks.checkString('r', 'path', 'file')).toBe('path');
    expect(() => checks.checkString('r', 'a\0b', 'file')).toThrow(/file contains a NUL byte/);
    expect(checks.checkBoolean('r', undefined, 'b', true)).toBe(true);
    expect(() => checks.checkBoolean('r', 0, 'b', true)).toThrow(PtraceError);
    expect(checks.checkOneOf('r', 'kill', 'onTracerExit', ['kill', 'detach'])).toBe('kill');
    expect(() => checks.checkOneOf('r', 'die', 'onTracerExit', ['kill', 'detach'])).toThrow(
      /onTracerExit is "die", want one of 'kill', 'detach'/,
    );
    expect(checks.checkFunction('r', throwing, 'f')).toBe(throwing);
  });
});

describe('bags of options', () => {
  it('are copied, once', () => {
    let reads = 0;
    const bag = checks.checkBag('r', { get a() { return ++reads; } }, ['a', 'b']); // prettier-ignore
    expect([bag.a, bag.a, 'b' in bag]).toEqual([1, 1, false]);
    expect(checks.checkBag('r', undefined, ['a'])).toEqual({});
  });

  it('take properties of a class, too', () => {
    class Options {
      get a(): number {
        return 1;
      }
    }
    expect(checks.checkBag('r', new Options(), ['a'])).toEqual({ a: 1 });
  });

  it('refuse a misspelt option and keep the cause of what cannot be read', () => {
    expect(() => checks.checkBag('spawn', { env: {}, cmd: '/' }, ['cwd', 'env'])).toThrow(
      'cannot spawn: options has no "cmd", want some of cwd, env',
    );
    try {
      checks.checkBag('r', { get a() { return throwing(); } }, ['a']); // prettier-ignore
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ reason: 'bad-input', cause: new Error('hostile') });
    }
  });
});
