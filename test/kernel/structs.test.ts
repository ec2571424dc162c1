import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  decodePeeksiginfoArgs,
  decodeRseqConfiguration,
  decodeSeccompMetadata,
  decodeSyscallUserDispatchConfig,
  encodePeeksiginfoArgs,
  encodeSeccompMetadata,
  encodeSyscallUserDispatchConfig,
} from '../../lib/kernel/index.js';

const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const u32 = fc.integer({ min: 0, max: 0xffffffff });

it('syscall user dispatch goes back and forth', () => {
  fc.assert(
    fc.property(fc.record({ mode: u64, selector: u64, offset: u64, length: u64 }), (config) => {
      const bytes = encodeSyscallUserDispatchConfig(config);
      expect(bytes).toHaveLength(32);
      expect(decodeSyscallUserDispatchConfig(bytes)).toEqual(config);
    }),
  );
});

it('the arguments of PEEKSIGINFO go back and forth', () => {
  fc.assert(
    fc.property(fc.record({ offset: u64, flags: u32, count: fc.integer() }), (args) => {
      const bytes = encodePeeksiginfoArgs(args);
      expect(bytes).toHaveLength(16);
      expect(decodePeeksiginfoArgs(bytes)).toEqual(args);
    }),
  );
});

it('seccomp metadata goes in with the number of the filter', () => {
  expect(decodeSeccompMetadata(encodeSeccompMetadata(3n))).toEqual({ filterOffset: 3n, flags: 0n });
});

it('an rseq configuration is read', () => {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, 0x7f00_0000_0020n, true);
  view.setUint32(8, 32, true);
  view.setUint32(12, 0x53053053, true);
  view.setUint32(16, 1, true);
  const config = { rseqAbiPointer: 0x7f00_0000_0020n, rseqAbiSize: 32, signature: 0x53053053, flags: 1 };
  expect(decodeRseqConfiguration(bytes)).toEqual(config);
  const shifted = new Uint8Array(29).subarray(5);
  shifted.set(bytes);
  expect(decodeRseqConfiguration(shifted)).toEqual(config);
});

it('too few bytes are refused', () => {
  const short = new Uint8Array(15);
  for (const decode of [
    decodePeeksiginfoArgs,
    decodeRseqConfiguration,
    decodeSeccompMetadata,
    decodeSyscallUserDispatchConfig,
  ]) {
    expect(() => decode(short)).toThrow(RangeError);
  }
});
