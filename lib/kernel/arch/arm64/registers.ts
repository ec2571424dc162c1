import {
  type RegisterFile,
  WordRegisters32,
  WordRegisters64,
  argumentRegister,
  indexNames,
} from '../../register-file.js';

/** The registers of `struct user_pt_regs`, in its order. Source: arch/arm64 uapi/asm/ptrace.h. */
export const ARM64_REGISTER_NAMES = [
  'x0',
  'x1',
  'x2',
  'x3',
  'x4',
  'x5',
  'x6',
  'x7',
  'x8',
  'x9',
  'x10',
  'x11',
  'x12',
  'x13',
  'x14',
  'x15',
  'x16',
  'x17',
  'x18',
  'x19',
  'x20',
  'x21',
  'x22',
  'x23',
  'x24',
  'x25',
  'x26',
  'x27',
  'x28',
  'x29',
  'x30',
  'sp',
  'pc',
  'pstate',
] as const;

const placesARM64 = indexNames(ARM64_REGISTER_NAMES);
const argumentsARM64 = [0, 1, 2, 3, 4, 5] as const; // x0, x1, x2, x3, x4, x5

/**
 * The general registers of an AArch64 tracee.
 *
 * A change of `syscallNumber` (x8) does not change the call that is being entered: write NT_ARM_SYSTEM_CALL for that.
 */
export class Arm64Registers extends WordRegisters64 implements RegisterFile {
  /** The size of the set in bytes. */
  static readonly SIZE = 272;

  /**
   * @param bytes the registers as PTRACE_GETREGSET gave them. The set lives in this buffer; only a misaligned one is
   * copied.
   * @throws RangeError when the length is not SIZE
   */
  constructor(bytes: Uint8Array) {
    super('aarch64', Arm64Registers.SIZE, bytes);
  }

  get abi(): 'aarch64' {
    return 'aarch64';
  }

  get names(): typeof ARM64_REGISTER_NAMES {
    return ARM64_REGISTER_NAMES;
  }

  protected get places(): ReadonlyMap<string, number> {
    return placesARM64;
  }

  get flags(): bigint {
    return this.read(33);
  }
  set flags(value: bigint | number) {
    this.write(33, value);
  }

  get syscallNumber(): number {
    return this.readInt32(8);
  }
  set syscallNumber(value: number) {
    this.writeInt32(8, value);
  }

  arg(index: number): bigint {
    return this.read(argumentRegister('aarch64', argumentsARM64, index));
  }

  setArg(index: number, value: bigint | number): void {
    this.write(argumentRegister('aarch64', argumentsARM64, index), value);
  }

  get result(): bigint {
    return this.readSigned(0);
  }
  set result(value: bigint | number) {
    this.write(0, value);
  }

  toObject(): Record<(typeof ARM64_REGISTER_NAMES)[number], bigint> {
    return {
      x0: this.read(0),
      x1: this.read(1),
      x2: this.read(2),
      x3: this.read(3),
      x4: this.read(4),
      x5: this.read(5),
      x6: this.read(6),
      x7: this.read(7),
      x8: this.read(8),
      x9: this.read(9),
      x10: this.read(10),
      x11: this.read(11),
      x12: this.read(12),
      x13: this.read(13),
      x14: this.read(14),
      x15: this.read(15),
      x16: this.read(16),
      x17: this.read(17),
      x18: this.read(18),
      x19: this.read(19),
      x20: this.read(20),
      x21: this.read(21),
      x22: this.read(22),
      x23: this.read(23),
      x24: this.read(24),
      x25: this.read(25),
      x26: this.read(26),
      x27: this.read(27),
      x28: this.read(28),
      x29: this.read(29),
      x30: this.read(30),
      sp: this.read(31),
      pc: this.read(32),
      pstate: this.read(33),
    };
  }

  get x0(): bigint {
    return this.read(0);
  }
  set x0(value: bigint | number) {
    this.write(0, value);
  }

  get x1(): bigint {
    return this.read(1);
  }
  set x1(value: bigint | number) {
    this.write(1, value);
  }

  get x2(): bigint {
    return this.read(2);
  }
  set x2(value: bigint | number) {
    this.write(2, value);
  }

  get x3(): bigint {
    return this.read(3);
  }
  set x3(value: bigint | number) {
    this.write(3, value);
  }

  get x4(): bigint {
    return this.read(4);
  }
  set x4(value: bigint | number) {
    this.write(4, value);
  }

  get x5(): bigint {
    return this.read(5);
  }
  set x5(value: bigint | number) {
    this.write(5, value);
  }

  get x6(): bigint {
    return this.read(6);
  }
  set x6(value: bigint | number) {
    this.write(6, value);
  }

  get x7(): bigint {
    return this.read(7);
  }
  set x7(value: bigint | number) {
    this.write(7, value);
  }

  get x8(): bigint {
    return this.read(8);
  }
  set x8(value: bigint | number) {
    this.write(8, value);
  }

  get x9(): bigint {
    return this.read(9);
  }
  set x9(value: bigint | number) {
    this.write(9, value);
  }

  get x10(): bigint {
    return this.read(10);
  }
  set x10(value: bigint | number) {
    this.write(10, value);
  }

  get x11(): bigint {
    return this.read(11);
  }
  set x11(value: bigint | number) {
    this.write(11, value);
  }

  get x12(): bigint {
    return this.read(12);
  }
  set x12(value: bigint | number) {
    this.write(12, value);
  }

  get x13(): bigint {
    return this.read(13);
  }
  set x13(value: bigint | number) {
    this.write(13, value);
  }

  get x14(): bigint {
    return this.read(14);
  }
  set x14(value: bigint | number) {
    this.write(14, value);
  }

  get x15(): bigint {
    return this.read(15);
  }
  set x15(value: bigint | number) {
    this.write(15, value);
  }

  get x16(): bigint {
    return this.read(16);
  }
  set x16(value: bigint | number) {
    this.write(16, value);
  }

  get x17(): bigint {
    return this.read(17);
  }
  set x17(value: bigint | number) {
    this.write(17, value);
  }

  get x18(): bigint {
    return this.read(18);
  }
  set x18(value: bigint | number) {
    this.write(18, value);
  }

  get x19(): bigint {
    return this.read(19);
  }
  set x19(value: bigint | number) {
    this.write(19, value);
  }

  get x20(): bigint {
    return this.read(20);
  }
  set x20(value: bigint | number) {
    this.write(20, value);
  }

  get x21(): bigint {
    return this.read(21);
  }
  set x21(value: bigint | number) {
    this.write(21, value);
  }

  get x22(): bigint {
    return this.read(22);
  }
  set x22(value: bigint | number) {
    this.write(22, value);
  }

  get x23(): bigint {
    return this.read(23);
  }
  set x23(value: bigint | number) {
    this.write(23, value);
  }

  get x24(): bigint {
    return this.read(24);
  }
  set x24(value: bigint | number) {
    this.write(24, value);
  }

  get x25(): bigint {
    return this.read(25);
  }
  set x25(value: bigint | number) {
    this.write(25, value);
  }

  get x26(): bigint {
    return this.read(26);
  }
  set x26(value: bigint | number) {
    this.write(26, value);
  }

  get x27(): bigint {
    return this.read(27);
  }
  set x27(value: bigint | number) {
    this.write(27, value);
  }

  get x28(): bigint {
    return this.read(28);
  }
  set x28(value: bigint | number) {
    this.write(28, value);
  }

  get x29(): bigint {
    return this.read(29);
  }
  set x29(value: bigint | number) {
    this.write(29, value);
  }

  get x30(): bigint {
    return this.read(30);
  }
  set x30(value: bigint | number) {
    this.write(30, value);
  }

  get sp(): bigint {
    return this.read(31);
  }
  set sp(value: bigint | number) {
    this.write(31, value);
  }

  get pc(): bigint {
    return this.read(32);
  }
  set pc(value: bigint | number) {
    this.write(32, value);
  }

  get pstate(): bigint {
    return this.read(33);
  }
  set pstate(value: bigint | number) {
    this.write(33, value);
  }
}

/**
 * The registers of a 32-bit ARM tracee, in the order of the regset. `orig_r0` is r0 as it was at the system call's
 * entry.
 */
export const ARM_REGISTER_NAMES = [
  'r0',
  'r1',
  'r2',
  'r3',
  'r4',
  'r5',
  'r6',
  'r7',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'sp',
  'lr',
  'pc',
  'cpsr',
  'orig_r0',
] as const;

const placesARM = indexNames(ARM_REGISTER_NAMES);
const argumentsARM = [0, 1, 2, 3, 4, 5] as const; // r0, r1, r2, r3, r4, r5

/** The general registers of an AArch32 tracee (EABI: the system call number is in r7). */
export class ArmRegisters extends WordRegisters32 implements RegisterFile {
  /** The size of the set in bytes. */
  static readonly SIZE = 72;

  /**
   * @param bytes the registers as PTRACE_GETREGSET gave them. The set lives in this buffer; only a misaligned one is
   * copied.
   * @throws RangeError when the length is not SIZE
   */
  constructor(bytes: Uint8Array) {
    super('arm', ArmRegisters.SIZE, bytes);
  }

  get abi(): 'arm' {
    return 'arm';
  }

  get names(): typeof ARM_REGISTER_NAMES {
    return ARM_REGISTER_NAMES;
  }

  protected get places(): ReadonlyMap<string, number> {
    return placesARM;
  }

  get flags(): bigint {
    return this.read(16);
  }
  set flags(value: bigint | number) {
    this.write(16, value);
  }

  get syscallNumber(): number {
    return this.readInt32(7);
  }
  set syscallNumber(value: number) {
    this.writeInt32(7, value);
  }

  arg(index: number): bigint {
    return this.read(argumentRegister('arm', argumentsARM, index));
  }

  setArg(index: number, value: bigint | number): void {
    this.write(argumentRegister('arm', argumentsARM, index), value);
  }

  get result(): bigint {
    return this.readSigned(0);
  }
  set result(value: bigint | number) {
    this.write(0, value);
  }

  toObject(): Record<(typeof ARM_REGISTER_NAMES)[number], bigint> {
    return {
      r0: this.read(0),
      r1: this.read(1),
      r2: this.read(2),
      r3: this.read(3),
      r4: this.read(4),
      r5: this.read(5),
      r6: this.read(6),
      r7: this.read(7),
      r8: this.read(8),
      r9: this.read(9),
      r10: this.read(10),
      r11: this.read(11),
      r12: this.read(12),
      sp: this.read(13),
      lr: this.read(14),
      pc: this.read(15),
      cpsr: this.read(16),
      orig_r0: this.read(17),
    };
  }

  get r0(): bigint {
    return this.read(0);
  }
  set r0(value: bigint | number) {
    this.write(0, value);
  }

  get r1(): bigint {
    return this.read(1);
  }
  set r1(value: bigint | number) {
    this.write(1, value);
  }

  get r2(): bigint {
    return this.read(2);
  }
  set r2(value: bigint | number) {
    this.write(2, value);
  }

  get r3(): bigint {
    return this.read(3);
  }
  set r3(value: bigint | number) {
    this.write(3, value);
  }

  get r4(): bigint {
    return this.read(4);
  }
  set r4(value: bigint | number) {
    this.write(4, value);
  }

  get r5(): bigint {
    return this.read(5);
  }
  set r5(value: bigint | number) {
    this.write(5, value);
  }

  get r6(): bigint {
    return this.read(6);
  }
  set r6(value: bigint | number) {
    this.write(6, value);
  }

  get r7(): bigint {
    return this.read(7);
  }
  set r7(value: bigint | number) {
    this.write(7, value);
  }

  get r8(): bigint {
    return this.read(8);
  }
  set r8(value: bigint | number) {
    this.write(8, value);
  }

  get r9(): bigint {
    return this.read(9);
  }
  set r9(value: bigint | number) {
    this.write(9, value);
  }

  get r10(): bigint {
    return this.read(10);
  }
  set r10(value: bigint | number) {
    this.write(10, value);
  }

  get r11(): bigint {
    return this.read(11);
  }
  set r11(value: bigint | number) {
    this.write(11, value);
  }

  get r12(): bigint {
    return this.read(12);
  }
  set r12(value: bigint | number) {
    this.write(12, value);
  }

  get sp(): bigint {
    return this.read(13);
  }
  set sp(value: bigint | number) {
    this.write(13, value);
  }

  get lr(): bigint {
    return this.read(14);
  }
  set lr(value: bigint | number) {
    this.write(14, value);
  }

  get pc(): bigint {
    return this.read(15);
  }
  set pc(value: bigint | number) {
    this.write(15, value);
  }

  get cpsr(): bigint {
    return this.read(16);
  }
  set cpsr(value: bigint | number) {
    this.write(16, value);
  }

  get orig_r0(): bigint {
    return this.read(17);
  }
  set orig_r0(value: bigint | number) {
    this.write(17, value);
  }
}
