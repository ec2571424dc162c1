import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { VmError } from '../../lib/vm/failure.js';
import { readKernelImage } from '../../lib/vm/kernel-image.js';
import { scratch } from '../helpers/scratch.js';

function bzImage({ protocol = 0x20f, wide = true, release = '6.12.9 (someone@somewhere)' } = {}): Buffer {
  const bytes = Buffer.alloc(0x2000);
  bytes.writeUInt16LE(0xaa55, 0x1fe);
  bytes.write('HdrS', 0x202, 'latin1');
  bytes.writeUInt16LE(protocol, 0x206);
  bytes.writeUInt16LE(0x1000, 0x20e);
  bytes.writeUInt16LE(wide ? 0x3f : 0x3e, 0x236);
  bytes.write(`${release}\0`, 0x1200, 'latin1');
  return bytes;
}

function arm64Image(flags: number): Buffer {
  const bytes = Buffer.alloc(0x1000);
  bytes.writeUInt32LE(flags, 24);
  bytes.write('ARM\x64', 56, 'latin1');
  return bytes;
}

function given(name: string, bytes: Uint8Array): string {
  const file = join(scratch(), name);
  writeFileSync(file, bytes);
  return file;
}

function refusal(file: string, arch?: 'x64' | 'arm64'): string {
  try {
    readKernelImage(file, arch);
  } catch (error) {
    if (error instanceof VmError && error.reason === 'bad-kernel') return error.message;
    throw error;
  }
  throw new Error(`${file} was taken for a kernel`);
}

describe('the file of a kernel', () => {
  it('of x86-64 tells its release', () => {
    const file = given('bzImage', bzImage());
    expect(readKernelImage(file)).toEqual({ file, arch: 'x64', by: 'qemu', release: '6.12.9', pageSize: 4096 });
  });

  it('of arm64 tells the size of its pages', () => {
    for (const [flags, pageSize] of [
      [0b1010, 4096],
      [0b1100, 16384],
      [0b1110, 65536],
      [0, undefined],
    ] as const) {
      const file = given('Image', arm64Image(flags));
      expect(readKernelImage(file)).toEqual({ file, arch: 'arm64', by: 'qemu', release: undefined, pageSize });
    }
  });

  it('may be compressed with gzip, on arm64', () => {
    const whole = Buffer.concat([arm64Image(2), Buffer.alloc(1 << 20, 'kernel')]);
    expect(readKernelImage(given('Image.gz', gzipSync(whole))).arch).toBe('arm64');
  });

  it('that is cut off is told by the size that its header tells of', () => {
    const x64 = bzImage();
    x64.writeUInt8(1, 0x1f1);
    x64.writeUInt32LE((0x2000 - 0x400) / 16, 0x1f4);
    expect(readKernelImage(given('bzImage', x64)).arch).toBe('x64');
    expect(readKernelImage(given('signed', Buffer.concat([x64, Buffer.alloc(1472)]))).arch).toBe('x64');
    expect(refusal(given('bzImage', x64.subarray(0, 0x1fff)))).toMatch(/is cut off: it has 8191 of the 8192 bytes/);

    const arm64 = arm64Image(2);
    arm64.writeUInt32LE(64, 60);
    arm64.write('PE\0\0', 64, 'latin1');
    arm64.writeUInt16LE(1, 64 + 6);
    arm64.writeUInt16LE(0xa0, 64 + 20);
    const section = 64 + 24 + 0xa0;
    arm64.writeUInt32LE(0xc00, section + 16);
    arm64.writeUInt32LE(0x400, section + 20);
    expect(readKernelImage(given('Image', arm64)).arch).toBe('arm64');
    expect(refusal(given('Image', arm64.subarray(0, 0xfff)))).toMatch(/is cut off: it has 4095 of the 4096 bytes/);
    // How much is missing of what is compressed cannot be seen.
    expect(readKernelImage(given('Image.gz', gzipSync(arm64))).arch).toBe('arm64');
  });

  it('of another architecture is refused', () => {
    expect(refusal(given('Image', arm64Image(2)), 'x64')).toMatch(/is a kernel for arm64, not for x64$/);
    expect(refusal(given('bzImage', bzImage()), 'arm64')).toMatch(/is a kernel for x64, not for arm64$/);
  });

  it('of 32 bits or the other byte order is refused', () => {
    expect(refusal(given('bzImage', bzImage({ wide: false })))).toMatch(/32-bit kernel/);
    expect(refusal(given('bzImage', bzImage({ protocol: 0x20a })))).toMatch(/32-bit kernel/);
    expect(refusal(given('Image', arm64Image(1)))).toMatch(/big-endian/);
  });

  it('that is none is told by what it is', () => {
    const elf = Buffer.alloc(64);
    elf.write('\x7fELF', 0, 'latin1');
    elf.writeUInt16LE(62, 18);
    expect(refusal(given('vmlinux', elf))).toMatch(/ELF file \(x86-64\), no boot image: give arch\/x86\/boot\/bzImage/);
    expect(refusal(given('linux.deb', Buffer.from('!<arch>\ndebian-binary')))).toMatch(
      /Debian package: give the kernel inside/,
    );
    expect(refusal(given('vmlinuz.efi', Buffer.from('MZ\0\0zimg')))).toMatch(/compressed EFI program/);
    expect(refusal(given('notes.txt', Buffer.from('no kernel at all')))).toMatch(/is no kernel: give a bzImage/);
    expect(refusal(given('noise.gz', gzipSync('no kernel at all')))).toMatch(/is no kernel/);
    expect(refusal(given('empty', Buffer.alloc(0)))).toMatch(/is empty$/);
  });

  it('that is not there, or no file, is told', () => {
    const folder = join(scratch(), 'folder');
    mkdirSync(folder);
    expect(refusal(folder)).toMatch(/is no file/);
    expect(refusal(join(folder, 'missing'))).toMatch(/cannot read the kernel .*missing: no such file/);
  });
});
