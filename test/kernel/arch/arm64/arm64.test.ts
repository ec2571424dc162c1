import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  HW_DEBUG_STATE_SIZE,
  HW_SLOT_OFF,
  decodeHwDebugState,
  decodeHwWatchpoint,
  encodeHwBreakpoint,
  encodeHwDebugState,
  encodeHwWatchpoint,
} from '../../../../lib/kernel/index.js';

describe('hardware debug state', () => {
  it('goes back and forth', () => {
    const slot = fc.record({
      address: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      control: fc.integer({ min: 0, max: 0xffffffff }),
    });
    fc.assert(
      fc.property(fc.array(slot, { maxLength: 16 }), (slots) => {
        const bytes = encodeHwDebugState(slots);
        expect(bytes).toHaveLength(8 + slots.length * 16);
        expect(decodeHwDebugState(bytes).slots).toEqual(slots);
      }),
    );
    expect(encodeHwDebugState(Array.from({ length: 16 }, () => HW_SLOT_OFF))).toHaveLength(HW_DEBUG_STATE_SIZE);
    expect(() => encodeHwDebugState(Array.from({ length: 17 }, () => HW_SLOT_OFF))).toThrow(RangeError);
    expect(() => decodeHwDebugState(new Uint8Array(7))).toThrow(RangeError);
  });

  it('tells the slots of the CPU', () => {
    const bytes = new Uint8Array(HW_DEBUG_STATE_SIZE);
    bytes[0] = 6;
    bytes[1] = 8;
    expect(decodeHwDebugState(bytes)).toMatchObject({ slotCount: 6, debugArch: 8 });
    expect(decodeHwDebugState(bytes).slots).toHaveLength(16);
  });
});

describe('breakpoints and watchpoints', () => {
  it('have the bits of the manual', () => {
    expect(encodeHwBreakpoint(0x1000n)).toEqual({ address: 0x1000n, control: 0x1e5 });
    expect(() => encodeHwBreakpoint(0x1002n)).toThrow(RangeError);
    expect(encodeHwWatchpoint({ address: 0x1000n, length: 8, access: 'write' })).toEqual({
      address: 0x1000n,
      control: (0xff << 5) | (2 << 3) | (2 << 1) | 1,
    });
    expect(encodeHwWatchpoint({ address: 0x1004n, length: 4, access: 'read' })).toEqual({
      address: 0x1000n,
      control: (0xf0 << 5) | (1 << 3) | (2 << 1) | 1,
    });
  });

  it('watchpoints go back and forth', () => {
    const watch = fc
      .tuple(fc.bigInt({ min: 0n, max: 1n << 47n }), fc.integer({ min: 0, max: 7 }), fc.integer({ min: 1, max: 8 }))
      .filter(([, offset, length]) => offset + length <= 8)
      .map(([word, offset, length]) => ({ address: (word & ~7n) + BigInt(offset), length }));
    fc.assert(
      fc.property(watch, fc.constantFrom('read' as const, 'write' as const, 'read-write' as const), (where, access) => {
        expect(decodeHwWatchpoint(encodeHwWatchpoint({ ...where, access }))).toEqual({ ...where, access });
      }),
    );
  });

  it('refuse what one slot cannot watch', () => {
    expect(() => encodeHwWatchpoint({ address: 5n, length: 4, access: 'write' })).toThrow(RangeError);
    expect(() => encodeHwWatchpoint({ address: 0n, length: 0, access: 'write' })).toThrow(RangeError);
    expect(() => encodeHwWatchpoint({ address: 0n, length: 1.5, access: 'write' })).toThrow(RangeError);
    expect(() => encodeHwWatchpoint({ address: 0n, length: 1, access: 'never' as never })).toThrow(RangeError);
    expect(decodeHwWatchpoint(HW_SLOT_OFF)).toBeUndefined();
    expect(decodeHwWatchpoint({ address: 0n, control: (0xa5 << 5) | (2 << 3) | 1 })).toBeUndefined();
  });
});
