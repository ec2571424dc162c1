/** What a file that is said to be a kernel really is, told from its first bytes. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { errnoMessage } from '../kernel/errno.js';
import { VmError } from './failure.js';
import type { GuestArch } from './guest-arch.js';
import { isUserModeLinux } from './uml.js';

/** A kernel that can be started. */
export interface KernelImage {
  readonly file: string;
  readonly arch: GuestArch;
  /** What starts it: QEMU with -kernel, or this machine, whose program a User-mode Linux is. */
  readonly by: 'qemu' | 'itself';
  /** What the image says of its release, where it says it before it is unpacked: `6.12.9-cloud-amd64`. */
  readonly release: string | undefined;
  /** The size of a page in bytes, where the image tells. */
  readonly pageSize: number | undefined;
}

const HEAD = 0x10000;

/** The boot protocol of x86, Documentation/arch/x86/boot.rst. */
const SETUP = {
  sectors: 0x1f1,
  size: 0x1f4,
  bootFlag: 0x1fe,
  header: 0x202,
  version: 0x206,
  kernelVersion: 0x20e,
  xloadflags: 0x236,
} as const;
const BOOT_FLAG = 0xaa55;
/** Of protocol 2.12: the flag XLF_KERNEL_64 is told since. */
const WITH_XLOADFLAGS = 0x20c;
const XLF_KERNEL_64 = 1;

/** The header of an arm64 image, Documentation/arch/arm64/booting.rst. */
const ARM64 = { flags: 24, magic: 56, pe: 60, magicValue: 0x644d5241 } as const;
/** The COFF header and the table of sections behind it. */
const PE = { sections: 6, optionalSize: 20, optional: 24, section: 40, dataSize: 16, dataAt: 20 } as const;
const PAGE_SIZES = [undefined, 4096, 16384, 65536] as const;

/** The first bytes of a file, and how many it has. */
function head(file: string): { readonly bytes: Buffer; readonly size: number } {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (error) {
    const { errno = 0 } = error as NodeJS.ErrnoException;
    throw new VmError('bad-kernel', `cannot read the kernel ${file}: ${errnoMessage(Math.abs(errno))}`, {
      cause: error,
    });
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new VmError('bad-kernel', `${file} is no file: give a bzImage or an arm64 Image`);
    const bytes = Buffer.alloc(HEAD);
    return { bytes: bytes.subarray(0, readSync(fd, bytes, 0, HEAD, 0)), size: stat.size };
  } finally {
    closeSync(fd);
  }
}

function text(bytes: Buffer, at: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString('latin1', at, end < 0 ? at + 100 : end);
}

/** A download that broke off boots into silence. */
function needBytes(file: string, size: number, wanted: number): void {
  if (size >= wanted) return;
  throw new VmError('bad-kernel', `${file} is cut off: it has ${size} of the ${wanted} bytes that its header tells of`);
}

function bzImage(file: string, bytes: Buffer, size: number): KernelImage | undefined {
  if (bytes.length < 0x400 || bytes.readUInt16LE(SETUP.bootFlag) !== BOOT_FLAG) return undefined;
  if (bytes.toString('latin1', SETUP.header, SETUP.header + 4) !== 'HdrS') return undefined;
  const protocol = bytes.readUInt16LE(SETUP.version);
  const wide = protocol >= WITH_XLOADFLAGS && (bytes.readUInt16LE(SETUP.xloadflags) & XLF_KERNEL_64) !== 0;
  if (!wide) throw new VmError('bad-kernel', `${file} is a 32-bit kernel of x86: only 64-bit kernels are of use here`);
  // Sectors of real-mode code behind the first one, 4 where 0 is told; then paragraphs of 16 bytes.
  const setup = (1 + (bytes.readUInt8(SETUP.sectors) || 4)) * 512;
  needBytes(file, size, setup + bytes.readUInt32LE(SETUP.size) * 16);
  const pointer = bytes.readUInt16LE(SETUP.kernelVersion);
  const release = pointer === 0 ? undefined : text(bytes, pointer + 0x200).split(' ')[0];
  return { file, arch: 'x64', by: 'qemu', release, pageSize: 4096 };
}

/**
 * Where the last section of an image ends that is an EFI program as well, as distributions build them; 0 for others. The header of arm64 tells
 * the size in memory only.
 */
function endOfSections(bytes: Buffer): number {
  const at = bytes.readUInt32LE(ARM64.pe);
  if (at + PE.optional > bytes.length || bytes.toString('latin1', at, at + 4) !== 'PE\0\0') return 0;
  const table = at + PE.optional + bytes.readUInt16LE(at + PE.optionalSize);
  const count = bytes.readUInt16LE(at + PE.sections);
  if (table + count * PE.section > bytes.length) return 0;
  const ends = Array.from({ length: count }, (_, index) => {
    const section = table + index * PE.section;
    return bytes.readUInt32LE(section + PE.dataSize) + bytes.readUInt32LE(section + PE.dataAt);
  });
  return Math.max(0, ...ends);
}

/** @param size of the file, where it is not compressed */
function arm64Image(file: string, bytes: Buffer, size = Infinity): KernelImage | undefined {
  if (bytes.length < 64 || bytes.readUInt32LE(ARM64.magic) !== ARM64.magicValue) return undefined;
  needBytes(file, size, endOfSections(bytes));
  const flags = bytes.readUInt32LE(ARM64.flags);
  if ((flags & 1) !== 0) throw new VmError('bad-kernel', `${file} is a big-endian kernel, and Node is little-endian`);
  return { file, arch: 'arm64', by: 'qemu', release: undefined, pageSize: PAGE_SIZES[(flags >> 1) & 3] };
}

function userModeLinux(file: string): KernelImage | undefined {
  if (!isUserModeLinux(file)) return undefined;
  if (process.arch !== 'x64')
    throw new VmError('bad-kernel', `${file} is a User-mode Linux for x64: it runs only there`);
  return { file, arch: 'x64', by: 'itself', release: undefined, pageSize: 4096 };
}

/** The first bytes of what a gzip file holds, as far as the first bytes of the file tell. */
function unpackedHead(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { finishFlush: 2, maxOutputLength: 1 << 26 });
  } catch {
    return Buffer.alloc(0);
  }
}

const MACHINES: Readonly<Record<number, string>> = { 3: 'x86', 40: 'arm', 62: 'x86-64', 183: 'arm64', 243: 'riscv' };

/** What the file is instead, with what to do about it. */
function otherwise(file: string, bytes: Buffer): string {
  const starts = (magic: string): boolean => bytes.toString('latin1', 0, magic.length) === magic;
  if (bytes.length === 0) return `${file} is empty`;
  if (starts('\x7fELF')) {
    const machine = bytes.length < 20 ? 0 : bytes.readUInt16LE(18);
    return `${file} is an ELF file (${MACHINES[machine] ?? `machine ${machine}`}), no boot image: give arch/x86/boot/bzImage or arch/arm64/boot/Image`;
  }
  if (starts('\x1f\x8b'))
    return `${file} is no kernel: what it has compressed with gzip is no Image of arm64, and a bzImage must be given as it is`;
  if (starts('!<arch>'))
    return `${file} is a Debian package: give the kernel inside of it (dpkg-deb -x ${file} folder)`;
  if (starts('MZ') && bytes.toString('latin1', 4, 8) === 'zimg') {
    return `${file} is a compressed EFI program: give arch/arm64/boot/Image`;
  }
  if (starts('\x27\x05\x19\x56')) return `${file} is a U-Boot image: give arch/arm64/boot/Image`;
  return `${file} is no kernel: give a bzImage of x86-64 or an Image of arm64`;
}

/**
 * Reads what a kernel's file says of itself.
 *
 * @param arch the architecture that is wanted; without it, the one that the file is for
 * @throws VmError 'bad-kernel' when it is no kernel, or one of another architecture; it says what it is
 */
export function readKernelImage(file: string, arch?: GuestArch): KernelImage {
  const { bytes, size } = head(file);
  const gzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const image = gzip
    ? arm64Image(file, unpackedHead(bytes))
    : (bzImage(file, bytes, size) ?? arm64Image(file, bytes, size) ?? userModeLinux(file));
  if (image === undefined) throw new VmError('bad-kernel', otherwise(file, bytes));
  if (arch !== undefined && image.arch !== arch) {
    throw new VmError('bad-kernel', `${file} is a kernel for ${image.arch}, not for ${arch}`);
  }
  return image;
}
