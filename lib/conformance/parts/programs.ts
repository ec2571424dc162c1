/** Programs to execute that need nothing of the machine. */
import { rmSync } from 'node:fs';
import { hostArch, type HostArch } from '../../kernel/arch/host.js';
import type { Stage } from '../stage.js';
import { elf } from './elf.js';
import { executable, newDirectory, scratchDirectory } from './scratch.js';

/** The exit code of {@link tinyProgram}. */
export const TINY_EXIT = 7;

/** The machine code of exit_group(7). Source: syscall(2), "Architecture calling conventions". */
const EXIT_GROUP: Readonly<Record<HostArch, readonly number[]>> = {
  // mov $231, %eax; mov $7, %edi; syscall
  x64: [0xb8, 231, 0, 0, 0, 0xbf, TINY_EXIT, 0, 0, 0, 0x0f, 0x05],
  // mov x0, #7; mov x8, #94; svc #0
  arm64: [0x00 | (TINY_EXIT << 5), TINY_EXIT >> 3, 0x80, 0xd2, 0xc8, 0x0b, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4],
};

/** An address where {@link hollowProgram} has nothing. */
const UNMAPPED = 0x2000_0000n;

let path: string | undefined;

/** The path of a program that exits with 7 at once. It is in a folder of this process that is removed at its end. */
export function tinyProgram(): string {
  if (path !== undefined) return path;
  const arch = hostArch(process.arch);
  if (arch === undefined) throw new Error(`no code for ${process.arch}`);
  const directory = newDirectory();
  process.on('exit', () => {
    rmSync(directory, { recursive: true, force: true });
  });
  return (path = executable(directory, 'tiny', elf(arch, EXIT_GROUP[arch])));
}

/** The path of a program whose first instruction is a fault: what comes after its execve is a SIGSEGV. */
export function hollowProgram(s: Stage, mode?: number): string {
  return executable(scratchDirectory(s), 'hollow', elf(s.arch.name, [], UNMAPPED), mode);
}
