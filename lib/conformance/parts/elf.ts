/** Executable files of one segment, that need no compiler. Source: elf(5). */
import type { HostArch } from '../../kernel/arch/host.js';

const BASE = 0x40_0000n;
const EHDR = 64;
const PHDR = 56;
const ET_EXEC = 2;
const PT_LOAD = 1;
const READABLE_AND_EXECUTABLE = 5;
const ALIGNMENT = 0x1_0000n;

const MACHINES: Readonly<Record<HostArch, number>> = { x64: 62, arm64: 183 };

/**
 * The bytes of a file with this machine code.
 *
 * @param entry where the program begins; by default at its code
 */
export function elf(arch: HostArch, code: readonly number[], entry = BASE + BigInt(EHDR + PHDR)): Uint8Array {
  const bytes = new Uint8Array(EHDR + PHDR + code.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, ET_EXEC, true);
  view.setUint16(18, MACHINES[arch], true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, entry, true);
  view.setBigUint64(32, BigInt(EHDR), true);
  view.setUint16(52, EHDR, true);
  view.setUint16(54, PHDR, true);
  view.setUint16(56, 1, true);
  view.setUint16(58, 64, true);
  view.setUint32(EHDR, PT_LOAD, true);
  view.setUint32(EHDR + 4, READABLE_AND_EXECUTABLE, true);
  view.setBigUint64(EHDR + 16, BASE, true);
  view.setBigUint64(EHDR + 24, BASE, true);
  view.setBigUint64(EHDR + 32, BigInt(bytes.length), true);
  view.setBigUint64(EHDR + 40, BigInt(bytes.length), true);
  view.setBigUint64(EHDR + 48, ALIGNMENT, true);
  bytes.set(code, EHDR + PHDR);
  return bytes;
}
