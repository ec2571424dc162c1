import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../helpers/dist.js';
import { readElf } from '../helpers/elf.js';

/** The newest glibc that Node 20's own binary for Linux asks for: what loads Node must load the addon. */
const FLOOR = [2, 28] as const;

/** Node-API functions of version 8 and below begin with this; libuv's are exported by node itself. */
const FROM_NODE = /^(napi_|node_api_|uv_)/;

function addons(): string[] {
  const prebuilds = join(root, 'prebuilds', `linux-${process.arch}`);
  const prebuilt = existsSync(prebuilds) ? readdirSync(prebuilds).filter((name) => name.endsWith('.node')) : [];
  return [join(root, 'build', 'Release', 'linux_ptrace.node'), ...prebuilt.map((name) => join(prebuilds, name))].filter(
    (file) => existsSync(file),
  );
}

function aboveFloor(version: string): boolean {
  const [, major = '0', minor = '0'] = /^GLIBC_(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > FLOOR[0] || (Number(major) === FLOOR[0] && Number(minor) > FLOOR[1]);
}

it('there is a built addon to look at', () => {
  expect(addons()).not.toEqual([]);
});

describe.each(addons())('%s', (file) => {
  const elf = readElf(readFileSync(file));

  it(`asks for no glibc above ${FLOOR.join('.')}`, () => {
    const tooNew = elf.imports.filter(({ version }) => aboveFloor(version));
    expect(tooNew.map(({ name, version }) => `${name}@${version}`)).toEqual([]);
    expect(elf.versions.filter(({ version }) => aboveFloor(version))).toEqual([]);
  });

  it('brings its C++ runtime along', () => {
    expect(elf.needed.filter((library) => /^(libstdc\+\+|libgcc_s)\./.test(library))).toEqual([]);
    expect(elf.versions.filter(({ version }) => /^(GLIBCXX|CXXABI|GCC)_/.test(version))).toEqual([]);
  });

  it('asks for nothing but glibc and what node exports', () => {
    expect(elf.needed.filter((library) => !/^(libc|libm|ld-linux.*)\.so\.\d+$/.test(library))).toEqual([]);
    const stray = elf.imports.filter(({ name, version, weak }) => version === '' && !weak && !FROM_NODE.test(name));
    expect(stray.map(({ name }) => name)).toEqual([]);
  });

  it('shows no symbol but the ones that node looks for', () => {
    expect(
      elf.exports.filter((name) => !/^(napi_register_module_v1|node_api_module_get_api_version_v1)$/.test(name)),
    ).toEqual([]);
  });
});
