import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { fetchSystem } from '../../lib/vm/fetch-system.js';
import { isStaticExecutable, lddPaths } from '../../lib/vm/own-system.js';
import { Archive, type Content } from '../helpers/archive.js';
import { scratch } from '../helpers/scratch.js';

const LIBC = ['libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0', 'librt.so.1'];

/** The packages of a guest, as they were laid out before and after /lib became a link. */
function packages(triplet: string, linker: string, merged: boolean): Readonly<Record<string, Content>> {
  const usr = merged ? 'usr/' : '';
  const lib = `${usr}lib/${triplet}`;
  return {
    libc6: {
      ...Object.fromEntries([linker, ...LIBC].map((name) => [`${lib}/${name}`, name])),
      [`${lib}/libresolv.so.2`]: 'unused',
      [`usr/lib/${triplet}/gconv/libc.so.6`]: 'another',
      'usr/share/doc/libc6/copyright': 'words',
    },
    'libstdc++6': {
      [`usr/lib/${triplet}/libstdc++.so.6`]: '->libstdc++.so.6.0.33',
      [`usr/lib/${triplet}/libstdc++.so.6.0.33`]: 'c++',
    },
    'libgcc-s1': { [`${lib}/libgcc_s.so.1`]: 'gcc' },
    libatomic1: {
      [`usr/lib/${triplet}/libatomic.so.1.2.0`]: 'atomic',
      [`usr/lib/${triplet}/libatomic.so.1`]: '->libatomic.so.1.2.0',
    },
    'busybox-static': { [`${usr}bin/busybox`]: 'box' },
  };
}

async function add(world: Archive, suite: string, merged = true, without = ''): Promise<void> {
  for (const [name, content] of Object.entries(packages('aarch64-linux-gnu', 'ld-linux-aarch64.so.1', merged))) {
    if (name !== without) await world.add([suite, 'arm64'], [name, '1-1'], content);
  }
}

const GUEST: Readonly<Record<string, string>> = {
  'bin/busybox': 'box',
  'lib/ld-linux-aarch64.so.1': 'ld-linux-aarch64.so.1',
  ...Object.fromEntries(LIBC.map((name) => [`lib/aarch64-linux-gnu/${name}`, name])),
  'lib/aarch64-linux-gnu/libstdc++.so.6': 'c++',
  'lib/aarch64-linux-gnu/libgcc_s.so.1': 'gcc',
  'lib/aarch64-linux-gnu/libatomic.so.1': 'atomic',
};

const texts = (files: Awaited<ReturnType<typeof fetchSystem>>): unknown =>
  Object.fromEntries(files.map(({ path, file }) => [path, readFileSync(file, 'utf8')]));

describe("a guest's files", () => {
  it.each([true, false])('are found in packages, /usr merged: %s', async (merged) => {
    const world = new Archive();
    await add(world, 'trixie', merged);
    const files = await fetchSystem('arm64');
    expect(texts(files)).toEqual(GUEST);
    expect(files.every(({ mode }) => (mode & 0o777) === 0o755)).toBe(true);
    expect(world.cached('system').filter((name) => name.endsWith('libresolv.so.2'))).toEqual([]);
    world.log();
    expect(await fetchSystem('arm64')).toEqual(files);
    expect(await fetchSystem('arm64', { offline: true })).toEqual(files);
    expect(world.log()).toEqual([]);
  });

  it('come from the older suite where the newer one does not have them', async () => {
    const world = new Archive();
    await add(world, 'trixie', true, 'libatomic1');
    await add(world, 'bookworm', false);
    expect(texts(await fetchSystem('arm64'))).toEqual(GUEST);
    expect(world.log().filter((line) => line.startsWith('update'))).toEqual([
      'update trixie arm64',
      'update bookworm arm64',
    ]);
  });

  it('are not to be had in halves', async () => {
    const world = new Archive();
    await add(world, 'trixie', true, 'libgcc-s1');
    await world.add(['trixie', 'arm64'], ['libgcc-s1', '1-1'], { 'usr/share/doc/a': 'a' });
    const other = process.arch === 'arm64' ? 'x64' : 'arm64';
    if (other === 'arm64') {
      await expect(fetchSystem('arm64')).rejects.toMatchObject({ reason: 'unavailable' });
      expect(world.cached('system')).toEqual([]);
    } else await expect(fetchSystem(other)).rejects.toMatchObject({ reason: 'unavailable' });
  });

  it('of another architecture need packages', async () => {
    new Archive([]);
    const other = process.arch === 'arm64' ? 'x64' : 'arm64';
    await expect(fetchSystem(other)).rejects.toMatchObject({
      reason: 'missing-tool',
      message: expect.stringMatching(
        new RegExp(`^the C library and busybox for ${other} are not to be had: apt-config is not there`),
      ) as unknown,
    });
    await expect(fetchSystem(other, { offline: true })).rejects.toMatchObject({ reason: 'unavailable' });
  });
});

describe("the machine's own files", () => {
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64';

  /** A machine without apt, with ldd and a busybox. */
  async function machine(busybox: 'static' | 'linked' | 'none'): Promise<Archive> {
    const world = new Archive([]);
    const { stdout } = await execa('/usr/bin/ldd', [process.execPath]);
    writeFileSync(join(world.bin, 'ldd'), `#!/bin/sh\n/bin/cat <<'END'\n${stdout}\nEND\n`, { mode: 0o755 });
    const box = join(world.bin, 'busybox');
    if (busybox === 'linked') copyFileSync('/bin/sh', box);
    if (busybox === 'static') {
      const source = join(world.folder, 'box.c');
      writeFileSync(source, 'int main(void) { return 0; }');
      await execa('cc', ['-static', '-o', box, source], { env: { PATH: '/usr/bin:/bin' } });
    }
    return world;
  }

  it('serve where there is no apt', async () => {
    const world = await machine('static');
    const files = await fetchSystem(arch);
    const paths = files.map(({ path }) => path);
    expect(paths).toContain('bin/busybox');
    expect(paths.some((path) => /(^|\/)ld-linux[^/]*$/.test(path))).toBe(true);
    expect(paths.some((path) => path.endsWith('/libc.so.6'))).toBe(true);
    expect(paths.some((path) => path.startsWith('/'))).toBe(false);
    expect(files.find(({ path }) => path === 'bin/busybox')?.file).toBe(join(world.bin, 'busybox'));
    // They change with the machine: nothing of them is kept.
    expect(world.cached('system')).toEqual([]);
  });

  it.each([
    [
      'linked',
      /^guest files are not to be had: apt-config is not there.*; nor from this machine: .*busybox needs libraries.*; install busybox-static$/,
    ],
    ['none', /nor from this machine: there is no busybox in PATH; install busybox-static$/],
  ] as const)('need a static busybox, and this is %s', async (busybox, words) => {
    await machine(busybox);
    await expect(fetchSystem(arch)).rejects.toMatchObject({
      reason: 'missing-tool',
      message: expect.stringMatching(words) as unknown,
    });
  });

  it("ldd's words are read", () => {
    const text = `\tlinux-vdso.so.1 (0x00007ffd4a5f0000)
\tlibdl.so.2 => /lib/x86_64-linux-gnu/libdl.so.2 (0x00007f0000000000)
\tlibgone.so.1 => not found
\t/lib64/ld-linux-x86-64.so.2 (0x00007f0000000000)
`;
    expect(lddPaths(text)).toEqual(['/lib/x86_64-linux-gnu/libdl.so.2', '/lib64/ld-linux-x86-64.so.2']);
    expect(lddPaths('\tstatically linked\n')).toEqual([]);
  });

  it('what is no executable is not static', async () => {
    const file = join(scratch(), 'script');
    writeFileSync(file, '#!/bin/sh\n');
    expect(await isStaticExecutable(file)).toBe(false);
    expect(await isStaticExecutable(process.execPath)).toBe(false);
  });
});
