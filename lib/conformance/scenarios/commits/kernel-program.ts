/** A program that needs no compiler: an executable whose first instruction is a fault. What comes after its execve is a SIGSEGV. */
import { chmodSync, closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Stage } from '../../stage.js';

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const LOAD_ADDRESS = 0x1000_0000n;
/** Nothing is mapped there. */
const ENTRY = 0x2000_0000n;
const ET_EXEC = 2;
const PT_LOAD = 1;
const PF_R = 4;
const SEGMENT_ALIGNMENT = 0x10000n;

/** The header of this process's own program: it knows the machine. */
function ownHeader(): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  const fd = openSync('/proc/self/exe', 'r');
  try {
    readSync(fd, header, 0, HEADER_BYTES, 0);
  } finally {
    closeSync(fd);
  }
  return header;
}

/** A static ELF executable of this machine with one segment, whose entry is unmapped. */
function hollowElf(): Buffer {
  const own = ownHeader();
  const elf = Buffer.alloc(HEADER_BYTES + SEGMENT_BYTES);
  own.copy(elf, 0, 0, 16);
  elf.writeUInt16LE(ET_EXEC, 16);
  elf.writeUInt16LE(own.readUInt16LE(18), 18); // e_machine
  elf.writeUInt32LE(1, 20); // e_version
  elf.writeBigUInt64LE(ENTRY, 24);
  elf.writeBigUInt64LE(BigInt(HEADER_BYTES), 32); // e_phoff
  elf.writeUInt32LE(own.readUInt32LE(48), 48); // e_flags
  elf.writeUInt16LE(HEADER_BYTES, 52); // e_ehsize
  elf.writeUInt16LE(SEGMENT_BYTES, 54); // e_phentsize
  elf.writeUInt16LE(1, 56); // e_phnum
  const at = HEADER_BYTES;
  elf.writeUInt32LE(PT_LOAD, at);
  elf.writeUInt32LE(PF_R, at + 4);
  elf.writeBigUInt64LE(LOAD_ADDRESS, at + 16);
  elf.writeBigUInt64LE(LOAD_ADDRESS, at + 24);
  elf.writeBigUInt64LE(BigInt(elf.length), at + 32);
  elf.writeBigUInt64LE(BigInt(elf.length), at + 40);
  elf.writeBigUInt64LE(SEGMENT_ALIGNMENT, at + 48);
  return elf;
}

/** A directory for files of a scenario that anybody can reach; it is gone when the stage is closed. */
export function scratchDirectory(s: Stage): string {
  const directory = mkdtempSync(join(tmpdir(), 'linux-ptrace-'));
  s.onClose(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  chmodSync(directory, 0o755);
  return directory;
}

/** Writes an executable file and gives its path. */
export function executable(directory: string, name: string, content: Uint8Array | string, mode = 0o755): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

/** The path of a program that is executed and then stops, dies, by SIGSEGV at once. */
export function hollowProgram(s: Stage, mode = 0o755): string {
  return executable(scratchDirectory(s), 'hollow', hollowElf(), mode);
}
