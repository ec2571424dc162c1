import { Arm64Registers, ArmRegisters } from './arch/arm64/registers.js';
import type { HostArch } from './arch/host.js';
import { I386Registers, X64Registers } from './arch/x64/registers.js';

/** The general registers of a tracee; `abi` tells which of the four. */
export type Registers = X64Registers | I386Registers | Arm64Registers | ArmRegisters;

/** The size of the largest NT_PRSTATUS, so that one buffer fits every tracee. */
export const MAX_REGISTERS_SIZE = 272;

/**
 * The register set over what PTRACE_GETREGSET with NT_PRSTATUS has read.
 * The length tells the layout: the kernel gives the 32-bit one while the tracee runs 32-bit code.
 *
 * @param arch the architecture of the tracer
 * @param bytes exactly the bytes that were read. They are not copied (but where misaligned): the set lives in them.
 * @throws RangeError when no layout of the architecture has that length
 */
export function registersFrom(arch: HostArch, bytes: Uint8Array): Registers {
  const size = bytes.byteLength;
  if (arch === 'x64') {
    if (size === X64Registers.SIZE) return new X64Registers(bytes);
    if (size === I386Registers.SIZE) return new I386Registers(bytes);
  } else {
    if (size === Arm64Registers.SIZE) return new Arm64Registers(bytes);
    if (size === ArmRegisters.SIZE) return new ArmRegisters(bytes);
  }
  throw new RangeError(`no register set of ${arch} has ${size} bytes`);
}
