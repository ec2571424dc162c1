import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Arm64Registers,
  ArmRegisters,
  I386Registers,
  MAX_REGISTERS_SIZE,
  type Registers,
  X64Registers,
  registersFrom,
} from '../../lib/kernel/index.js';
import { cValues, noHeaders } from './headers.js';

const sets = [
  { abi: 'x86_64', arch: 'x64', make: () => new X64Registers(new Uint8Array(216)), bits: 64, pc: 'rip', sp: 'rsp' },
  { abi: 'i386', arch: 'x64', make: () => new I386Registers(new Uint8Array(68)), bits: 32, pc: 'eip', sp: 'esp' },
  { abi: 'aarch64', arch: 'arm64', make: () => new Arm64Registers(new Uint8Array(272)), bits: 64, pc: 'pc', sp: 'sp' },
  { abi: 'arm', arch: 'arm64', make: () => new ArmRegisters(new Uint8Array(72)), bits: 32, pc: 'pc', sp: 'sp' },
] as const;

const conventions = {
  x86_64: { nr: 'orig_rax', result: 'rax', flags: 'eflags', args: ['rdi', 'rsi', 'rdx', 'r10', 'r8', 'r9'] },
  i386: { nr: 'orig_eax', result: 'eax', flags: 'eflags', args: ['ebx', 'ecx', 'edx', 'esi', 'edi', 'ebp'] },
  aarch64: { nr: 'x8', result: 'x0', flags: 'pstate', args: ['x0', 'x1', 'x2', 'x3', 'x4', 'x5'] },
  arm: { nr: 'r7', result: 'r0', flags: 'cpsr', args: ['r0', 'r1', 'r2', 'r3', 'r4', 'r5'] },
} as const;

/** A register through its own accessor rather than by get and set. */
function accessor(registers: Registers, name: string): { value: bigint | number } {
  return {
    get value() {
      return (registers as unknown as Record<string, bigint>)[name]!;
    },
    set value(value: bigint | number) {
      (registers as unknown as Record<string, bigint | number>)[name] = value;
    },
  };
}

describe.each(sets)('$abi', ({ abi, arch, make, bits, pc, sp }) => {
  const convention = conventions[abi];
  const word = fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n });

  it('is picked by length', () => {
    const registers = registersFrom(arch, make().bytes);
    expect(registers.abi).toBe(abi);
    expect(registers).toBeInstanceOf(make().constructor);
    expect(registers.bytes.byteLength).toBe(registers.names.length * (bits / 8));
    expect(registers.bytes.byteLength).toBeLessThanOrEqual(MAX_REGISTERS_SIZE);
  });

  it('keeps each register in its own place, by accessor and by name', () => {
    const registers = make();
    registers.names.forEach((name, index) => {
      accessor(registers, name).value = BigInt(index + 1);
    });
    registers.names.forEach((name, index) => {
      expect([name, accessor(registers, name).value, registers.get(name)]).toEqual([
        name,
        BigInt(index + 1),
        BigInt(index + 1),
      ]);
      const at = index * (bits / 8);
      expect(registers.bytes[at]).toBe(index + 1);
    });
    expect(Object.keys(registers.toObject())).toEqual([...registers.names]);
    expect(Object.values(registers.toObject())).toEqual(registers.names.map((_, index) => BigInt(index + 1)));
  });

  it('goes back and forth with any values', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 34, maxLength: 34 }), (values) => {
        const registers = make();
        registers.names.forEach((name, index) => {
          registers.set(name, values[index]!);
        });
        const again = registersFrom(arch, registers.bytes.slice());
        registers.names.forEach((name, index) => {
          expect(again.get(name)).toBe(values[index]);
        });
      }),
    );
  });

  it('is written by whoever writes a register, and only then', () => {
    const registers = make();
    expect([registers.pc, new Set(Object.values(registers.toObject()))]).toEqual([0n, new Set([0n])]);
    expect(registers.dirty).toBe(false);
    registers.pc = 0x1000n;
    expect(registers.dirty).toBe(true);
    registers.dirty = false;
    registers.setArg(0, 1);
    expect(registers.dirty).toBe(true);
  });

  it('knows pc, sp, flags, system call, arguments and result by their common names', () => {
    const registers: Registers = make();
    registers.pc = 0x11;
    registers.sp = 0x22n;
    registers.flags = 0x33;
    expect([registers.get(pc), registers.get(sp), registers.get(convention.flags)]).toEqual([0x11n, 0x22n, 0x33n]);
    expect([registers.pc, registers.sp, registers.flags]).toEqual([0x11n, 0x22n, 0x33n]);
    convention.args.forEach((name, index) => {
      registers.setArg(index, index + 100);
      expect(registers.get(name)).toBe(BigInt(index + 100));
      expect(registers.arg(index)).toBe(BigInt(index + 100));
    });
    registers.syscallNumber = 39;
    expect(registers.get(convention.nr)).toBe(39n);
    registers.syscallNumber = -1;
    expect(registers.get(convention.nr)).toBe((1n << BigInt(bits)) - 1n);
    expect(registers.syscallNumber).toBe(-1);
    registers.result = -4n;
    expect(registers.result).toBe(-4n);
    expect(registers.get(convention.result)).toBe((1n << BigInt(bits)) - 4n);
    expect(() => registers.arg(6)).toThrow(RangeError);
    expect(() => {
      registers.setArg(-1, 0);
    }).toThrow(RangeError);
  });

  it('takes two complements and refuses what does not fit, leaving the register as it was', () => {
    const registers = make();
    const top = 1n << BigInt(bits);
    registers.pc = top - 1n;
    registers.pc = -(top / 2n);
    expect(registers.pc).toBe(top / 2n);
    registers.pc = -1;
    expect(registers.pc).toBe(top - 1n);
    registers.pc = 7;
    for (const bad of [top, -(top / 2n) - 1n, 1.5, Number.NaN, Infinity, 2 ** 60]) {
      expect(() => {
        registers.pc = bad;
      }).toThrow(RangeError);
    }
    for (const bad of ['7', null, undefined, {}, Symbol('seven'), true]) {
      expect(() => {
        registers.set(pc, bad as never);
      }).toThrow(TypeError);
    }
    for (const bad of [1n as never, 1.5, 2 ** 31, Number.NaN]) {
      expect(() => {
        registers.syscallNumber = bad;
      }).toThrow(RangeError);
    }
    expect(registers.pc).toBe(7n);
  });

  it('refuses a register that it has not', () => {
    const registers = make();
    for (const name of ['nope', '', '__proto__', 'toString', Symbol('pc') as never, 3 as never]) {
      expect(() => registers.get(name)).toThrow(RangeError);
      expect(() => {
        registers.set(name, 1n);
      }).toThrow(/has no register/);
    }
  });

  it('lives in the buffer it was given, wherever that is aligned', () => {
    const size = make().bytes.byteLength;
    const aligned = new Uint8Array(size + 8).subarray(8);
    const registers = registersFrom(arch, aligned);
    registers.pc = 5n;
    expect(registersFrom(arch, aligned).pc).toBe(5n);
    const odd = new Uint8Array(size + 1).subarray(1);
    odd.set(registers.bytes);
    const copy = registersFrom(arch, odd);
    expect(copy.pc).toBe(5n);
    expect(copy.bytes).not.toBe(odd);
  });
});

it('a length of no layout is refused', () => {
  for (const size of [0, 1, 68, 215, 217, 272]) {
    if (size !== 68) expect(() => registersFrom('x64', new Uint8Array(size))).toThrow(RangeError);
    if (size !== 272) expect(() => registersFrom('arm64', new Uint8Array(size))).toThrow(RangeError);
  }
  expect(() => new X64Registers(new Uint8Array(68))).toThrow(RangeError);
});

it('the union narrows by abi', () => {
  const registers = registersFrom('x64', new Uint8Array(216));
  if (registers.abi !== 'x86_64') throw new Error('not reached');
  registers.rax = 60n;
  expect(registers.rax).toBe(60n);
});

it.skipIf(noHeaders !== undefined || process.arch !== 'x64')("x86_64 has the layout of the machine's headers", () => {
  const registers = new X64Registers(new Uint8Array(216));
  const offsets = cValues(
    ['sys/user.h'],
    Object.fromEntries(registers.names.map((name) => [name, `offsetof(struct user_regs_struct, ${name})`])),
  );
  expect([...offsets]).toEqual(registers.names.map((name, index) => [name, BigInt(index * 8)]));
});
