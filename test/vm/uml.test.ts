import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { VmError } from '../../lib/vm/failure.js';
import { readKernelImage } from '../../lib/vm/kernel-image.js';
import { ownSystem } from '../../lib/vm/own-system.js';
import { inPath, type MachineOptions } from '../../lib/vm/qemu.js';
import { isUserModeLinux, umlArguments } from '../../lib/vm/uml.js';
import { requireBuild } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';
import { scratch } from '../helpers/scratch.js';

// No download: a User-mode Linux runs what this machine runs.
vi.mock('../../lib/vm/fetch-node.js', () => ({
  fetchNode: () => Promise.resolve({ version: process.versions.node, file: process.execPath }),
}));
vi.mock('../../lib/vm/fetch-system.js', () => ({ fetchSystem: () => ownSystem('not asked for', {}) }));
const { runInGuest } = await import('../../lib/vm/run.js');

/** An ELF file that has sections of these names, and nothing in them. */
function elf(names: readonly string[], machine = 62): Buffer {
  const table = Buffer.from(`\0${names.map((name) => `${name}\0`).join('')}`);
  const bytes = Buffer.alloc(64 + 64 + table.length);
  bytes.write('\x7fELF\x02\x01\x01', 'latin1');
  bytes.writeUInt16LE(machine, 18);
  bytes.writeBigUInt64LE(64n, 40);
  bytes.writeUInt16LE(1, 60);
  bytes.writeUInt16LE(0, 62);
  bytes.writeBigUInt64LE(128n, 64 + 24);
  bytes.writeBigUInt64LE(BigInt(table.length), 64 + 32);
  table.copy(bytes, 128);
  return bytes;
}

function given(bytes: Uint8Array): string {
  const file = join(scratch(), 'linux');
  writeFileSync(file, bytes);
  return file;
}

const UML = ['.text', '.uml.setup.init', '.shstrtab'];

const machine: MachineOptions = {
  arch: 'x64',
  kernel: '/k',
  initrd: '/i',
  disk: '/d',
  cpus: 1,
  memory: 512,
};

describe('a User-mode Linux', () => {
  it('is told from other ELF files by its sections', () => {
    expect(isUserModeLinux(given(elf(UML)))).toBe(true);
    expect(isUserModeLinux(given(elf(['.text', '.shstrtab'])))).toBe(false);
    expect(isUserModeLinux(given(elf(UML, 183)))).toBe(false);
    for (const length of [0, 10, 63, 64, 100, 130])
      expect(isUserModeLinux(given(elf(UML).subarray(0, length)))).toBe(false);
    expect(isUserModeLinux(process.execPath)).toBe(false);
  });

  it.runIf(process.arch === 'x64')('is a kernel that starts itself', () => {
    const file = given(elf(UML));
    expect(readKernelImage(file)).toMatchObject({ file, arch: 'x64', by: 'itself' });
    expect(() => readKernelImage(file, 'arm64')).toThrow(/is a kernel for x64, not for arm64$/);
    expect(() => readKernelImage(given(elf(['.text'])))).toThrow(/is an ELF file \(x86-64\), no boot image/);
  });

  it('gets its machine by the words of its command line', () => {
    expect(umlArguments({ ...machine, disks: ['/e'], append: ' one  two ' }, '/f')).toEqual([
      ...['mem=512M', 'initrd=/i', 'ubd0=/d', 'ubd1=/e', 'con=null', 'con0=null,fd:1', 'uml_dir=/f'],
      ...['panic=-1', 'quiet', 'one', 'two'],
    ]);
    expect(umlArguments({ ...machine, verbose: true }, '/f')).toContain('ignore_loglevel');
  });

  it('has no processors to choose from', () => {
    expect(() => umlArguments({ ...machine, cpu: 'max' }, '/f')).toThrow(VmError);
    expect(() => umlArguments({ ...machine, cpus: 2 }, '/f')).toThrow(VmError);
  });

  it(
    'runs the command',
    async (context) => {
      const kernel = inPath('linux.uml');
      if (kernel === undefined)
        return context.skip('linux.uml is not in PATH (Debian: apt-get install user-mode-linux)');
      if (inPath('busybox') === undefined) context.skip('there is no busybox in PATH');
      requireBuild();
      const out = scratch();
      const result = await runInGuest({
        kernel,
        out,
        args: ['conform', '--filter', 'interrupt-status', '--format', 'json', '--out', 'report.json'],
        log: join(out, 'console'),
        timeScale: 2,
      });
      expect(result.stderr).not.toMatch(/rror/);
      expect([result.code, result.files, result.release]).toEqual([0, ['report.json'], expect.stringMatching(/^\d/)]);
    },
    limit(120_000),
  );
});
