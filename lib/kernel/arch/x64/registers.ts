import {
  type RegisterFile,
  WordRegisters32,
  WordRegisters64,
  argumentRegister,
  indexNames,
} from '../../register-file.js';

/** The registers of `struct user_regs_struct` on x86-64, in its order. Source: asm/user_64.h. */
export const X64_REGISTER_NAMES = [
  'r15',
  'r14',
  'r13',
  'r12',
  'rbp',
  'rbx',
  'r11',
  'r10',
  'r9',
  'r8',
  'rax',
  'rcx',
  'rdx',
  'rsi',
  'rdi',
  'orig_rax',
  'rip',
  'cs',
  'eflags',
  'rsp',
  'ss',
  'fs_base',
  'gs_base',
  'ds',
  'es',
  'fs',
  'gs',
] as const;

const placesX64 = indexNames(X64_REGISTER_NAMES);
const argumentsX64 = [14, 13, 12, 7, 9, 8] as const; // rdi, rsi, rdx, r10, r8, r9

/**
 * The general registers of an x86-64 or x32 tracee.
 *
 * `orig_rax` is the system call number while the tracee is in a system call, also in one that a signal has interrupted,
 * and negative elsewhere. Who moves `rip` at an interrupted call sets it to -1, so that the kernel does not restart the
 * call there.
 */
export class X64Registers extends WordRegisters64 implements RegisterFile {
  /** The size of the set in bytes. */
  static readonly SIZE = 216;

  /**
   * @param bytes the registers as PTRACE_GETREGSET gave them. The set lives in this buffer; only a misaligned one is
   * copied.
   * @throws RangeError when the length is not SIZE
   */
  constructor(bytes: Uint8Array) {
    super('x86_64', X64Registers.SIZE, bytes);
  }

  get abi(): 'x86_64' {
    return 'x86_64';
  }

  get names(): typeof X64_REGISTER_NAMES {
    return X64_REGISTER_NAMES;
  }

  protected get places(): ReadonlyMap<string, number> {
    return placesX64;
  }

  get pc(): bigint {
    return this.read(16);
  }
  set pc(value: bigint | number) {
    this.write(16, value);
  }

  get sp(): bigint {
    return this.read(19);
  }
  set sp(value: bigint | number) {
    this.write(19, value);
  }

  get flags(): bigint {
    return this.read(18);
  }
  set flags(value: bigint | number) {
    this.write(18, value);
  }

  get syscallNumber(): number {
    return this.readInt32(15);
  }
  set syscallNumber(value: number) {
    this.writeInt32(15, value);
  }

  arg(index: number): bigint {
    return this.read(argumentRegister('x86_64', argumentsX64, index));
  }

  setArg(index: number, value: bigint | number): void {
    this.write(argumentRegister('x86_64', argumentsX64, index), value);
  }

  get result(): bigint {
    return this.readSigned(10);
  }
  set result(value: bigint | number) {
    this.write(10, value);
  }

  toObject(): Record<(typeof X64_REGISTER_NAMES)[number], bigint> {
    return {
      r15: this.read(0),
      r14: this.read(1),
      r13: this.read(2),
      r12: this.read(3),
      rbp: this.read(4),
      rbx: this.read(5),
      r11: this.read(6),
      r10: this.read(7),
      r9: this.read(8),
      r8: this.read(9),
      rax: this.read(10),
      rcx: this.read(11),
      rdx: this.read(12),
      rsi: this.read(13),
      rdi: this.read(14),
      orig_rax: this.read(15),
      rip: this.read(16),
      cs: this.read(17),
      eflags: this.read(18),
      rsp: this.read(19),
      ss: this.read(20),
      fs_base: this.read(21),
      gs_base: this.read(22),
      ds: this.read(23),
      es: this.read(24),
      fs: this.read(25),
      gs: this.read(26),
    };
  }

  get r15(): bigint {
    return this.read(0);
  }
  set r15(value: bigint | number) {
    this.write(0, value);
  }

  get r14(): bigint {
    return this.read(1);
  }
  set r14(value: bigint | number) {
    this.write(1, value);
  }

  get r13(): bigint {
    return this.read(2);
  }
  set r13(value: bigint | number) {
    this.write(2, value);
  }

  get r12(): bigint {
    return this.read(3);
  }
  set r12(value: bigint | number) {
    this.write(3, value);
  }

  get rbp(): bigint {
    return this.read(4);
  }
  set rbp(value: bigint | number) {
    this.write(4, value);
  }

  get rbx(): bigint {
    return this.read(5);
  }
  set rbx(value: bigint | number) {
    this.write(5, value);
  }

  get r11(): bigint {
    return this.read(6);
  }
  set r11(value: bigint | number) {
    this.write(6, value);
  }

  get r10(): bigint {
    return this.read(7);
  }
  set r10(value: bigint | number) {
    this.write(7, value);
  }

  get r9(): bigint {
    return this.read(8);
  }
  set r9(value: bigint | number) {
    this.write(8, value);
  }

  get r8(): bigint {
    return this.read(9);
  }
  set r8(value: bigint | number) {
    this.write(9, value);
  }

  get rax(): bigint {
    return this.read(10);
  }
  set rax(value: bigint | number) {
    this.write(10, value);
  }

  get rcx(): bigint {
    return this.read(11);
  }
  set rcx(value: bigint | number) {
    this.write(11, value);
  }

  get rdx(): bigint {
    return this.read(12);
  }
  set rdx(value: bigint | number) {
    this.write(12, value);
  }

  get rsi(): bigint {
    return this.read(13);
  }
  set rsi(value: bigint | number) {
    this.write(13, value);
  }

  get rdi(): bigint {
    return this.read(14);
  }
  set rdi(value: bigint | number) {
    this.write(14, value);
  }

  get orig_rax(): bigint {
    return this.read(15);
  }
  set orig_rax(value: bigint | number) {
    this.write(15, value);
  }

  get rip(): bigint {
    return this.read(16);
  }
  set rip(value: bigint | number) {
    this.write(16, value);
  }

  get cs(): bigint {
    return this.read(17);
  }
  set cs(value: bigint | number) {
    this.write(17, value);
  }

  get eflags(): bigint {
    return this.read(18);
  }
  set eflags(value: bigint | number) {
    this.write(18, value);
  }

  get rsp(): bigint {
    return this.read(19);
  }
  set rsp(value: bigint | number) {
    this.write(19, value);
  }

  get ss(): bigint {
    return this.read(20);
  }
  set ss(value: bigint | number) {
    this.write(20, value);
  }

  get fs_base(): bigint {
    return this.read(21);
  }
  set fs_base(value: bigint | number) {
    this.write(21, value);
  }

  get gs_base(): bigint {
    return this.read(22);
  }
  set gs_base(value: bigint | number) {
    this.write(22, value);
  }

  get ds(): bigint {
    return this.read(23);
  }
  set ds(value: bigint | number) {
    this.write(23, value);
  }

  get es(): bigint {
    return this.read(24);
  }
  set es(value: bigint | number) {
    this.write(24, value);
  }

  get fs(): bigint {
    return this.read(25);
  }
  set fs(value: bigint | number) {
    this.write(25, value);
  }

  get gs(): bigint {
    return this.read(26);
  }
  set gs(value: bigint | number) {
    this.write(26, value);
  }
}

/** The registers of `struct user_regs_struct` on i386, in its order. Source: asm/user_32.h. */
export const I386_REGISTER_NAMES = [
  'ebx',
  'ecx',
  'edx',
  'esi',
  'edi',
  'ebp',
  'eax',
  'ds',
  'es',
  'fs',
  'gs',
  'orig_eax',
  'eip',
  'cs',
  'eflags',
  'esp',
  'ss',
] as const;

const placesI386 = indexNames(I386_REGISTER_NAMES);
const argumentsI386 = [0, 1, 2, 3, 4, 5] as const; // ebx, ecx, edx, esi, edi, ebp

/** The general registers of an i386 tracee, as PTRACE_GETREGSET gives them while the tracee runs 32-bit code. */
export class I386Registers extends WordRegisters32 implements RegisterFile {
  /** The size of the set in bytes. */
  static readonly SIZE = 68;

  /**
   * @param bytes the registers as PTRACE_GETREGSET gave them. The set lives in this buffer; only a misaligned one is
   * copied.
   * @throws RangeError when the length is not SIZE
   */
  constructor(bytes: Uint8Array) {
    super('i386', I386Registers.SIZE, bytes);
  }

  get abi(): 'i386' {
    return 'i386';
  }

  get names(): typeof I386_REGISTER_NAMES {
    return I386_REGISTER_NAMES;
  }

  protected get places(): ReadonlyMap<string, number> {
    return placesI386;
  }

  get pc(): bigint {
    return this.read(12);
  }
  set pc(value: bigint | number) {
    this.write(12, value);
  }

  get sp(): bigint {
    return this.read(15);
  }
  set sp(value: bigint | number) {
    this.write(15, value);
  }

  get flags(): bigint {
    return this.read(14);
  }
  set flags(value: bigint | number) {
    this.write(14, value);
  }

  get syscallNumber(): number {
    return this.readInt32(11);
  }
  set syscallNumber(value: number) {
    this.writeInt32(11, value);
  }

  arg(index: number): bigint {
    return this.read(argumentRegister('i386', argumentsI386, index));
  }

  setArg(index: number, value: bigint | number): void {
    this.write(argumentRegister('i386', argumentsI386, index), value);
  }

  get result(): bigint {
    return this.readSigned(6);
  }
  set result(value: bigint | number) {
    this.write(6, value);
  }

  toObject(): Record<(typeof I386_REGISTER_NAMES)[number], bigint> {
    return {
      ebx: this.read(0),
      ecx: this.read(1),
      edx: this.read(2),
      esi: this.read(3),
      edi: this.read(4),
      ebp: this.read(5),
      eax: this.read(6),
      ds: this.read(7),
      es: this.read(8),
      fs: this.read(9),
      gs: this.read(10),
      orig_eax: this.read(11),
      eip: this.read(12),
      cs: this.read(13),
      eflags: this.read(14),
      esp: this.read(15),
      ss: this.read(16),
    };
  }

  get ebx(): bigint {
    return this.read(0);
  }
  set ebx(value: bigint | number) {
    this.write(0, value);
  }

  get ecx(): bigint {
    return this.read(1);
  }
  set ecx(value: bigint | number) {
    this.write(1, value);
  }

  get edx(): bigint {
    return this.read(2);
  }
  set edx(value: bigint | number) {
    this.write(2, value);
  }

  get esi(): bigint {
    return this.read(3);
  }
  set esi(value: bigint | number) {
    this.write(3, value);
  }

  get edi(): bigint {
    return this.read(4);
  }
  set edi(value: bigint | number) {
    this.write(4, value);
  }

  get ebp(): bigint {
    return this.read(5);
  }
  set ebp(value: bigint | number) {
    this.write(5, value);
  }

  get eax(): bigint {
    return this.read(6);
  }
  set eax(value: bigint | number) {
    this.write(6, value);
  }

  get ds(): bigint {
    return this.read(7);
  }
  set ds(value: bigint | number) {
    this.write(7, value);
  }

  get es(): bigint {
    return this.read(8);
  }
  set es(value: bigint | number) {
    this.write(8, value);
  }

  get fs(): bigint {
    return this.read(9);
  }
  set fs(value: bigint | number) {
    this.write(9, value);
  }

  get gs(): bigint {
    return this.read(10);
  }
  set gs(value: bigint | number) {
    this.write(10, value);
  }

  get orig_eax(): bigint {
    return this.read(11);
  }
  set orig_eax(value: bigint | number) {
    this.write(11, value);
  }

  get eip(): bigint {
    return this.read(12);
  }
  set eip(value: bigint | number) {
    this.write(12, value);
  }

  get cs(): bigint {
    return this.read(13);
  }
  set cs(value: bigint | number) {
    this.write(13, value);
  }

  get eflags(): bigint {
    return this.read(14);
  }
  set eflags(value: bigint | number) {
    this.write(14, value);
  }

  get esp(): bigint {
    return this.read(15);
  }
  set esp(value: bigint | number) {
    this.write(15, value);
  }

  get ss(): bigint {
    return this.read(16);
  }
  set ss(value: bigint | number) {
    this.write(16, value);
  }
}
