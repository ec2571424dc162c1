/** A program to execute that needs nothing of the machine: an ELF file of one segment that exits with 7 at once. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostArch, type HostArch } from '../kernel/arch/host.js';

/** Its exit code. */
export const TINY_EXIT = 7;

const BASE = 0x40_0000n;
const EHDR = 64;
const PHDR = 56;

/** The machine code of exit_group(7). Source: syscall(2), "Architecture calling conventions". */
const CODE: Readonly<Record<HostArch, { readonly machine: number; readonly code: readonly number[] }>> = {
  // mov $231, %eax; mov $7, %edi; syscall
  x64: { machine: 62, code: [0xb8, 231, 0, 0, 0, 0xbf, TINY_EXIT, 0, 0, 0, 0x0f, 0x05] },
  // mov x0, #7; mov x8, #94; svc #0
  arm64: {
    machine: 183,
    code: [0x00 | (TINY_EXIT << 5), TINY_EXIT >> 3, 0x80, 0xd2, 0xc8, 0x0b, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4],
  },
};

/** The bytes of the file. Source: elf(5). */
export function tinyElf(arch: HostArch): Uint8Array {
  const { machine, code } = CODE[arch];
  const bytes = new Uint8Array(EHDR + PHDR + code.length);
  const view = new DataView(bytes.buffer);
  const entry = BASE + BigInt(EHDR + PHDR);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, machine, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, entry, true);
  view.setBigUint64(32, BigInt(EHDR), true);
  view.setUint16(52, EHDR, true);
  view.setUint16(54, PHDR, true);
  view.setUint16(56, 1, true);
  view.setUint16(58, 64, true);
  view.setUint32(EHDR, 1, true); // PT_LOAD
  view.setUint32(EHDR + 4, 5, true); // readable, executable
  view.setBigUint64(EHDR + 16, BASE, true);
  view.setBigUint64(EHDR + 24, BASE, true);
  view.setBigUint64(EHDR + 32, BigInt(bytes.length), true);
  view.setBigUint64(EHDR + 40, BigInt(bytes.length), true);
  view.setBigUint64(EHDR + 48, 0x1_0000n, true);
  bytes.set(code, EHDR + PHDR);
  return bytes;
}

/** The variable that names the folder for the files of scenarios: the runner's, who removes it. */
export const FOLDER = 'LINUX_PTRACE_CONFORM_DIR';

let path: string | undefined;

/** The path of the program, written to a folder of this process that is removed at its end. */
export function tinyProgram(): string {
  if (path !== undefined) return path;
  const arch = hostArch(process.arch);
  if (arch === undefined) throw new Error(`no code for ${process.arch}`);
  const folder = mkdtempSync(join(process.env[FOLDER] ?? tmpdir(), 'linux-ptrace-'));
  process.on('exit', () => {
    rmSync(folder, { recursive: true, force: true });
  });
  const file = join(folder, 'tiny');
  writeFileSync(file, tinyElf(arch));
  chmodSync(file, 0o755);
  chmodSync(folder, 0o755);
  return (path = file);
}
