import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type DebugSlot,
  USER_AREA,
  USER_AREA_SIZE,
  debugRegisterOffset,
  debugSlotsHit,
  decodeDr6,
  decodeDr7,
  encodeDr7,
  userRegisterOffset,
} from '../../../../lib/kernel/index.js';
import { cValues, noHeaders } from '../../headers.js';

describe('user area', () => {
  it.skipIf(noHeaders !== undefined || process.arch !== 'x64')("has the layout of the machine's headers", () => {
    // The C library's struct lacks the two words that the kernel has at the end.
    const fields = Object.keys(USER_AREA).filter(
      (name) => !['error_code', 'fault_address', 'u_ar0', 'u_fpstate'].includes(name),
    );
    const offsets = cValues(
      ['sys/user.h'],
      Object.fromEntries(fields.map((name) => [name, `offsetof(struct user, ${name})`])),
    );
    for (const [name, offset] of offsets) {
      expect([name, USER_AREA[name as keyof typeof USER_AREA]]).toEqual([name, Number(offset)]);
    }
    expect(offsets.size).toBe(fields.length);
  });

  it('finds registers', () => {
    expect(userRegisterOffset('r15')).toBe(0);
    expect(userRegisterOffset('orig_rax')).toBe(120);
    expect(userRegisterOffset('rip')).toBe(128);
    expect(debugRegisterOffset(0)).toBe(848);
    expect(debugRegisterOffset(7)).toBe(904);
    expect(USER_AREA_SIZE % 8).toBe(0);
    expect(() => userRegisterOffset('eip' as never)).toThrow(RangeError);
    expect(() => debugRegisterOffset(8)).toThrow(RangeError);
  });
});

describe('debug registers', () => {
  const slot = fc.oneof(
    fc.record({ access: fc.constant('execute' as const), length: fc.constant(1 as const) }),
    fc.record({
      access: fc.constantFrom('write' as const, 'read-write' as const),
      length: fc.constantFrom(1 as const, 2 as const, 4 as const, 8 as const),
    }),
  );
  const slots: fc.Arbitrary<DebugSlot[]> = fc
    .array(fc.option(slot), { minLength: 4, maxLength: 4 })
    .map((all) => all.flatMap((each, index) => (each === null ? [] : [{ slot: index, ...each }])));

  it('DR7 goes back and forth', () => {
    fc.assert(
      fc.property(slots, (all) => {
        expect(decodeDr7(encodeDr7(all))).toEqual(all);
      }),
    );
  });

  it('DR7 has the bits of the manual', () => {
    expect(encodeDr7([{ slot: 0, access: 'execute', length: 1 }])).toBe(0x1n);
    expect(encodeDr7([{ slot: 0, access: 'write', length: 4 }])).toBe(0xd0001n);
    expect(encodeDr7([{ slot: 1, access: 'read-write', length: 8 }])).toBe(0xb00004n);
    expect(encodeDr7([{ slot: 3, access: 'read-write', length: 4 }])).toBe(0xf0000040n);
    expect(encodeDr7([])).toBe(0n);
  });

  it('DR7 of any bits decodes', () => {
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (bits) => decodeDr7(bits).length <= 4));
    expect(decodeDr7(0x20002n)).toEqual([]); // an I/O watch
  });

  it.each<[string, readonly DebugSlot[]]>([
    ['no such slot', [{ slot: 4, access: 'write', length: 1 }]],
    [
      'a slot twice',
      [
        { slot: 1, access: 'write', length: 1 },
        { slot: 1, access: 'write', length: 1 },
      ],
    ],
    ['a long execute', [{ slot: 0, access: 'execute', length: 4 }]],
    ['no such length', [{ slot: 0, access: 'write', length: 3 as never }]],
    ['no such access', [{ slot: 0, access: 'toString' as never, length: 1 }]],
  ])('DR7 refuses %s', (_name, bad) => {
    expect(() => encodeDr7(bad)).toThrow(RangeError);
  });

  it('DR6 tells why', () => {
    expect(decodeDr6(0xffff0ff0n)).toEqual({ slots: [], singleStep: false, accessDetected: false, taskSwitch: false });
    expect(decodeDr6(0x4005n)).toEqual({ slots: [0, 2], singleStep: true, accessDetected: false, taskSwitch: false });
    const dr7 = encodeDr7([{ slot: 2, access: 'write', length: 8 }]);
    expect(debugSlotsHit(0x5n, dr7)).toEqual([{ slot: 2, access: 'write', length: 8 }]);
  });
});
