/**
 * User-mode Linux: a kernel that is a program of this machine. It needs no emulator and no rights, and its processes are processes of this
 * machine that it traces.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { VmError } from './failure.js';
import type { MachineOptions } from './qemu.js';

/** Offsets in an ELF header and a section header of 64 bits. Source: elf(5). */
const HEADER = { size: 64, machine: 18, sections: 40, sectionCount: 60, namesIndex: 62 } as const;
const SECTION = { size: 64, offset: 24, length: 32 } as const;
const X86_64 = 62;
/** What User-mode Linux registers the words of its command line in. */
const SECTION_OF_UML = '.uml.setup.init';
const MOST_NAMES = 1 << 16;

function readAt(fd: number, at: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  return bytes.subarray(0, readSync(fd, bytes, 0, size, at));
}

function sectionNames(fd: number): string {
  const header = readAt(fd, 0, HEADER.size);
  if (header.length < HEADER.size || header.toString('latin1', 0, 5) !== '\x7fELF\x02') return '';
  if (header.readUInt16LE(HEADER.machine) !== X86_64) return '';
  const at = Number(header.readBigUInt64LE(HEADER.sections));
  const index = header.readUInt16LE(HEADER.namesIndex);
  if (at === 0 || index >= header.readUInt16LE(HEADER.sectionCount)) return '';
  const section = readAt(fd, at + index * SECTION.size, SECTION.size);
  if (section.length < SECTION.size) return '';
  const length = Number(section.readBigUInt64LE(SECTION.length));
  return readAt(fd, Number(section.readBigUInt64LE(SECTION.offset)), Math.min(length, MOST_NAMES)).toString('latin1');
}

/** Whether a file is a User-mode Linux for x86-64, by the names of its sections. */
export function isUserModeLinux(file: string): boolean {
  const fd = openSync(file, 'r');
  try {
    return sectionNames(fd).split('\0').includes(SECTION_OF_UML);
  } finally {
    closeSync(fd);
  }
}

/**
 * All arguments of a User-mode Linux: they are its kernel's command line.
 *
 * @param folder for its own files
 * @throws VmError 'bad-input' for what only an emulated machine has
 */
export function umlArguments(options: MachineOptions, folder: string): string[] {
  const { initrd, disk, disks = [], cpu, cpus, memory, append = '', verbose = false } = options;
  if (cpu !== undefined) throw new VmError('bad-input', 'User-mode Linux has the processor of this machine: no --cpu');
  if (cpus !== 1) throw new VmError('bad-input', 'User-mode Linux has one processor: no --cpus');
  return [
    `mem=${memory}M`,
    `initrd=${initrd}`,
    ...[disk, ...disks].map((file, index) => `ubd${index}=${file}`),
    ...['con=null', 'con0=null,fd:1', `uml_dir=${folder}`],
    ...['panic=-1', verbose ? 'ignore_loglevel' : 'quiet'],
    ...append.split(/\s+/).filter((word) => word !== ''),
  ];
}
