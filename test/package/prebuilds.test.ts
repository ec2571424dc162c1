import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { programOf } from '../../scripts/build-programs.js';
import type { ElfNeeds } from '../../scripts/elf.js';
import { ADDON, ADDON_RULES, complaints } from '../../scripts/prebuilds.js';
import { root } from '../helpers/dist.js';
import { scratch } from '../helpers/scratch.js';

const arch = process.arch;
const program = programOf(arch)!;
const MACHINE = 0x12;

/** The beginning of an executable of this machine's 32-bit ABI. */
function executable(): Buffer {
  const header = Buffer.alloc(52);
  header.write('\x7fELF\x01\x01\x01', 'latin1');
  header.writeUInt16LE(2, 0x10);
  header.writeUInt16LE(arch === 'x64' ? 3 : 40, MACHINE);
  return header;
}

/** A package with whole binaries of this architecture. */
function whole(): { folder: string; addon: string; program: string } {
  const folder = scratch();
  const place = join(folder, 'prebuilds', `linux-${arch}`);
  for (const name of ['native', 'binding.gyp', 'fixtures']) {
    cpSync(join(root, name), join(folder, name), { recursive: true, preserveTimestamps: true });
  }
  mkdirSync(place, { recursive: true });
  const files = { folder, addon: join(place, ADDON), program: join(place, program) };
  cpSync(join(root, 'build/Release/linux_ptrace.node'), files.addon);
  writeFileSync(files.program, executable(), { mode: 0o755 });
  return files;
}

const found = (folder: string): string[] => complaints(folder, [arch]);

describe('prebuilds/', () => {
  it('is fit to be published', () => {
    expect(found(whole().folder)).toEqual([]);
  });

  it('is not when something is missing', () => {
    const { folder, addon, program: file } = whole();
    rmSync(addon);
    rmSync(file);
    expect(found(folder)).toEqual([
      `prebuilds/linux-${arch}/${ADDON} is missing`,
      `prebuilds/linux-${arch}/${program} is missing`,
    ]);
    const other = arch === 'x64' ? 'arm64' : 'x64';
    expect(complaints(folder)).toContain(`prebuilds/linux-${other}/${ADDON} is missing`);
  });

  it.each(['native/wait.cc', 'binding.gyp'])('is not when %s has changed since', (source) => {
    const { folder } = whole();
    const later = Date.now() / 1000 + 60;
    utimesSync(join(folder, source), later, later);
    expect(found(folder)).toEqual([`prebuilds/linux-${arch}/${ADDON} is older than what it is made from`]);
  });

  it('is not when the source of the program has changed since', () => {
    const { folder } = whole();
    const later = Date.now() / 1000 + 60;
    utimesSync(join(folder, 'fixtures/tracee32.h'), later, later);
    expect(found(folder)).toEqual([`prebuilds/linux-${arch}/${program} is older than what it is made from`]);
  });

  it('is not when a file is cut off', () => {
    const { folder, addon, program: file } = whole();
    const bytes = readFileSync(addon);
    writeFileSync(addon, bytes.subarray(0, bytes.length / 2));
    writeFileSync(file, '');
    const [first, second] = found(folder);
    expect(first).toMatch(new RegExp(`${ADDON} is broken: `));
    expect(second).toMatch(new RegExp(`${program} is broken: `));
  });

  it('is not when a file is for another machine', () => {
    const { folder, addon, program: file } = whole();
    for (const each of [addon, file]) {
      const bytes = readFileSync(each);
      bytes.writeUInt16LE(8, MACHINE);
      writeFileSync(each, bytes);
    }
    expect(found(folder)).toEqual([
      `prebuilds/linux-${arch}/${ADDON} is for another machine (8)`,
      `prebuilds/linux-${arch}/${program} is no executable of its ABI`,
    ]);
  });

  it('is not when the program cannot be executed', () => {
    const { folder, program: file } = whole();
    chmodSync(file, 0o644);
    expect(found(folder)).toEqual([`prebuilds/linux-${arch}/${program} cannot be executed`]);
  });
});

describe('the rules for an addon', () => {
  const good: ElfNeeds = {
    machine: 62,
    staysLoaded: true,
    needed: ['libc.so.6'],
    versions: [{ library: 'libc.so.6', version: 'GLIBC_2.28' }],
    imports: [
      { name: 'malloc', version: 'GLIBC_2.2.5', weak: false },
      { name: 'uv_ref', version: '', weak: false },
    ],
    exports: ['napi_register_module_v1', 'node_api_module_get_api_version_v1'],
  };
  const broken = (elf: ElfNeeds): string[] => ADDON_RULES.flatMap((rule) => rule.broken(elf));

  it('are kept by a good one', () => {
    expect(broken(good)).toEqual([]);
  });

  it.each<[string, Partial<ElfNeeds>, string[]]>([
    ['a newer glibc', { imports: [{ name: 'strtol', version: 'GLIBC_2.38', weak: false }] }, ['strtol@GLIBC_2.38']],
    ['a C++ runtime', { versions: [{ library: 'libstdc++.so.6', version: 'GLIBCXX_3.4.9' }] }, ['GLIBCXX_3.4.9']],
    ['a library', { needed: ['libz.so.1'] }, ['libz.so.1']],
    ['what nobody has', { imports: [{ name: 'strange', version: '', weak: false }] }, ['strange']],
    ['a symbol too many', { exports: [...good.exports, '_ZSt3foo'] }, ['_ZSt3foo']],
    ['no entry', { exports: ['node_api_module_get_api_version_v1'] }, ['no napi_register_module_v1']],
    ['an unmapping', { staysLoaded: false }, ['no DF_1_NODELETE']],
  ])('are broken by %s', (_, change, expected) => {
    expect(broken({ ...good, ...change })).toEqual(expected);
  });
});

describe('a command line that makes no sense', () => {
  it.each([
    ['prebuild.js', '--nope', /^linux-ptrace: Unknown option '--nope'.*$/],
    ['prebuild.js', '--arch=mips', /^linux-ptrace: there is no code for mips: .*$/],
    ['test-prebuilt.js', '--arch=mips', /^linux-ptrace: there is no code for mips: .*$/],
  ])('%s %s is refused in one sentence', async (script, option, words) => {
    const { stdout, stderr, exitCode } = await execa('node', [join(root, 'scripts', script), option], {
      reject: false,
    });
    expect([stdout, exitCode]).toEqual(['', 1]);
    expect(stderr).toMatch(words);
  });
});
