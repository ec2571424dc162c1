import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { fetchKernel } from '../../lib/vm/fetch-kernel.js';
import { Archive } from '../helpers/archive.js';
import { command } from '../helpers/dist.js';
import { until } from '../helpers/processes.js';

const SUITE = 'trixie-backports';
const UPDATE = `update ${SUITE} amd64`;
const download = (release: string): string => `download linux-image-${release}-cloud-amd64=${release}-1 amd64`;

async function archive(...releases: readonly string[]): Promise<Archive> {
  const made = new Archive();
  made.suite(SUITE, 'amd64');
  for (const release of releases) await made.kernel(SUITE, release);
  return made;
}

describe('a kernel that is fetched', () => {
  it('is the newest, and comes without anything else of its package', async () => {
    const world = await archive('6.18.9', '6.18.15', '6.18.12', '6.17.99');
    const words: string[] = [];
    const kernel = await fetchKernel('6.18-x64', { onProgress: (text) => words.push(text) });
    const file = join(world.cache, 'kernels', '6.18-x64', '6.18.15-1', 'vmlinuz-6.18.15-cloud-amd64');
    expect(kernel).toEqual({
      id: '6.18-x64',
      arch: 'x64',
      version: '6.18.15-1',
      package: 'linux-image-6.18.15-cloud-amd64',
      file,
      sha256: createHash('sha256').update('kernel 6.18.15').digest('hex'),
      size: 'kernel 6.18.15'.length,
      suite: SUITE,
    });
    expect(readFileSync(file, 'utf8')).toBe('kernel 6.18.15');
    expect(world.cached('kernels')).toEqual([join(dirname(file), 'kernel.json'), file]);
    expect(world.cached('staging')).toEqual([]);
    expect(world.log()).toEqual([UPDATE, download('6.18.15'), 'dpkg-deb']);
    expect(words).toEqual([`list of ${SUITE} for x64`, '6.18-x64: linux-image-6.18.15-cloud-amd64 (20 MB)']);
  });

  it('is not fetched again, and needs no program then', async () => {
    const world = await archive('6.18.15');
    const first = await fetchKernel('6.18-x64');
    world.log();
    expect(await fetchKernel('6.18-x64')).toEqual(first);
    expect(await fetchKernel('6.18-x64', { offline: true, refresh: true })).toEqual(first);
    expect(world.log()).toEqual([]);
  });

  it('may lie beside its modules in the package', async () => {
    const world = await archive();
    const path = 'usr/lib/modules/6.19.14+deb13-cloud-amd64/vmlinuz';
    await world.add([SUITE, 'amd64'], ['linux-binary-6.19.14+deb13-cloud-amd64', '6.19.14-1'], { [path]: 'kernel' });
    const { file } = await fetchKernel('6.19-x64');
    expect(file).toMatch(/\/vmlinuz-6\.19\.14\+deb13-cloud-amd64$/);
    expect(readFileSync(file, 'utf8')).toBe('kernel');
  });

  it('is the newest of all suites, as far as they answer', async () => {
    const world = new Archive();
    await world.kernel('bullseye', '5.10.0-32');
    await world.kernel('bullseye-security', '5.10.0-46');
    expect(await fetchKernel('5.10-x64')).toMatchObject({ version: '5.10.0-46-1', suite: 'bullseye-security' });

    const half = new Archive();
    await half.kernel('bullseye', '5.10.0-32');
    expect(await fetchKernel('5.10-x64')).toMatchObject({ version: '5.10.0-32-1', suite: 'bullseye' });
    expect(half.log()).toContain('update bullseye-security amd64');
  });

  it('lists of packages are fetched once for all kernels in them', async () => {
    const world = await archive('6.16.1', '6.17.1', '6.18.1', '7.0.1');
    await Promise.all(['6.16-x64', '6.17-x64', '6.18-x64'].map((id) => fetchKernel(id)));
    await fetchKernel('7.0-x64');
    expect(world.log().filter((line) => line === UPDATE)).toHaveLength(1);
  });

  it('that is broken in the cache is fetched again', async () => {
    const world = await archive('6.18.15');
    const { file } = await fetchKernel('6.18-x64');
    truncateSync(file, 3);
    expect(readFileSync((await fetchKernel('6.18-x64')).file, 'utf8')).toBe('kernel 6.18.15');
    // As long as it was, and something else: told by its hash.
    writeFileSync(file, 'kernel 6.18.16');
    const told: string[] = [];
    const again = await fetchKernel('6.18-x64', { onProgress: (words) => told.push(words) });
    expect(readFileSync(again.file, 'utf8')).toBe('kernel 6.18.15');
    expect(told[0]).toBe(`${file} is not what was fetched: it is thrown away`);
    writeFileSync(join(dirname(file), 'kernel.json'), '{');
    expect(readFileSync((await fetchKernel('6.18-x64')).file, 'utf8')).toBe('kernel 6.18.15');
    expect(world.cached('staging')).toEqual([]);
  });
});

describe('a newer kernel', () => {
  it('is looked for to refresh', async () => {
    const world = await archive('6.18.9');
    await fetchKernel('6.18-x64');
    await world.kernel(SUITE, '6.18.15');
    expect(await fetchKernel('6.18-x64')).toMatchObject({ version: '6.18.9-1' });
    world.ageLists();
    expect(await fetchKernel('6.18-x64', { refresh: true })).toMatchObject({ version: '6.18.15-1' });
    expect(await fetchKernel('6.18-x64')).toMatchObject({ version: '6.18.15-1' });
  });

  it('that is not there, or not to be had, leaves the one that is here', async () => {
    const world = await archive('6.18.9');
    const first = await fetchKernel('6.18-x64');
    world.log();
    expect(await fetchKernel('6.18-x64', { refresh: true })).toEqual(first);
    expect(world.log().filter((line) => line.startsWith('download'))).toEqual([]);
    await world.kernel(SUITE, '6.18.15', 'gone');
    world.ageLists();
    expect(await fetchKernel('6.18-x64', { refresh: true })).toEqual(first);
    expect(world.log()).toContain(download('6.18.15'));
    world.suite(SUITE, 'amd64', 'unreachable');
    world.ageLists();
    expect(await fetchKernel('6.18-x64', { refresh: true })).toEqual(first);
  });
});

describe('what is not to be had', () => {
  it('the next older package is taken for one that is gone, damaged or without a kernel', async () => {
    const world = await archive('6.18.5');
    await world.kernel(SUITE, '6.18.15', 'gone');
    await world.kernel(SUITE, '6.18.14', 'refused');
    await world.add([SUITE, 'amd64'], ['linux-image-6.18.13-cloud-amd64', '6.18.13-1'], 'damaged');
    await world.add([SUITE, 'amd64'], ['linux-image-6.18.12-cloud-amd64', '6.18.12-1'], { 'usr/share/doc/a': 'a' });
    expect(await fetchKernel('6.18-x64')).toMatchObject({ version: '6.18.5-1' });
    const tried = ['6.18.15', '6.18.14', '6.18.13', '6.18.12', '6.18.5'].map(download);
    expect(world.log().filter((line) => line.startsWith('download'))).toEqual(tried);
    expect(world.cached('staging')).toEqual([]);
  });

  it('is said with what was tried', async () => {
    const world = await archive();
    await world.kernel(SUITE, '6.18.15', 'gone');
    await expect(fetchKernel('6.18-x64')).rejects.toMatchObject({
      name: 'VmError',
      reason: 'unavailable',
      message:
        'kernel 6.18-x64 is not to be had: tried the suites trixie-backports for x64: ' +
        'linux-image-6.18.15-cloud-amd64: Failed to fetch http://mirror.invalid/a  404  Not Found',
    });
    await expect(fetchKernel('7.0-x64')).rejects.toThrow(
      /^kernel 7\.0-x64 is not to be had: .*: no package of it is there any more$/,
    );
    await expect(fetchKernel('5.10-x64')).rejects.toThrow(
      /the list of bullseye-security: The repository .* does not have a Release file/,
    );
    expect(world.cached('kernels')).toEqual([]);
  });

  it('lists older than the archive are fetched anew', async () => {
    const world = await archive('6.17.1', '6.18.9');
    await fetchKernel('6.17-x64');
    world.remove(SUITE, 'amd64', /6\.18/);
    await world.kernel(SUITE, '6.18.15');
    world.log();
    expect(await fetchKernel('6.18-x64')).toMatchObject({ version: '6.18.15-1' });
    expect(world.log()).toEqual([download('6.18.9'), UPDATE, download('6.18.15'), 'dpkg-deb']);
  });

  it('without a network that is said, after three tries, and what is tried soon after does not wait', async () => {
    const world = await archive();
    world.suite(SUITE, 'amd64', 'unreachable');
    const failure = {
      reason: 'unavailable',
      message: expect.stringMatching(
        /^kernel 6\.1[78]-x64 is not to be had now: the archive cannot be reached \(.*Could not resolve 'mirror\.invalid'\); tried /,
      ) as unknown,
    };
    await expect(fetchKernel('6.18-x64')).rejects.toMatchObject(failure);
    expect(world.log()).toEqual([UPDATE, UPDATE, UPDATE]);
    await expect(fetchKernel('6.17-x64')).rejects.toMatchObject(failure);
    expect(world.log()).toEqual([]);
  });

  it('no older package is tried when the network goes', async () => {
    const world = await archive();
    await world.kernel(SUITE, '6.18.9');
    await world.kernel(SUITE, '6.18.15', 'unreachable');
    await expect(fetchKernel('6.18-x64')).rejects.toThrow(/cannot be reached/);
    expect(world.log()).toEqual([UPDATE, ...Array.from({ length: 3 }, () => download('6.18.15'))]);
  });

  it('what fails twice is fetched at the third try', async () => {
    const world = await archive();
    await world.kernel(SUITE, '6.18.15', 'flaky');
    expect(await fetchKernel('6.18-x64')).toMatchObject({ version: '6.18.15-1' });
    expect(world.log().filter((line) => line === download('6.18.15'))).toHaveLength(3);
  });

  it('offline, it is what is not in the cache', async () => {
    const world = await archive('6.18.15');
    await expect(fetchKernel('6.18-x64', { offline: true })).rejects.toMatchObject({
      reason: 'unavailable',
      message: 'kernel 6.18-x64 is not in the cache; linux-ptrace vm fetch 6.18-x64 fetches it',
    });
    expect(world.log()).toEqual([]);
  });

  it("it is all that is not in the machine's sources", async () => {
    const world = await archive('6.18.15');
    writeFileSync(join(world.folder, 'sources.list'), 'deb http://mirror.invalid/ubuntu noble main\n');
    await expect(fetchKernel('6.18-x64')).rejects.toThrow(/the machine's apt sources do not name Debian's archive/);
    mkdirSync(join(world.folder, 'sources.list.d'));
    const entry = 'Types: deb\nURIs: http://mirror.invalid/debian\nSuites: sid\nComponents: main\n';
    writeFileSync(join(world.folder, 'sources.list.d', 'debian.sources.disabled'), entry);
    await expect(fetchKernel('6.18-x64')).rejects.toMatchObject({ reason: 'unavailable' });
    writeFileSync(join(world.folder, 'sources.list.d', 'debian.sources'), entry);
    expect(await fetchKernel('6.18-x64')).toMatchObject({ version: '6.18.15-1' });
  });
});

describe('a machine that cannot fetch', () => {
  it.each([
    [['apt-get', 'dpkg-deb'], /^apt-config is not there: /],
    [['apt-config', 'dpkg-deb'], /^apt-get is not there: .*give a kernel file of your own$/],
    [['apt-config', 'apt-get'], /^dpkg-deb is not there: .*install dpkg$/],
  ] as const)('with %j only says what is missing', async (programs, words) => {
    const world = new Archive(programs);
    await world.kernel(SUITE, '6.18.15');
    await expect(fetchKernel('6.18-x64')).rejects.toMatchObject({
      reason: 'missing-tool',
      message: expect.stringMatching(words) as unknown,
    });
    expect(world.cached('staging')).toEqual([]);
  });

  it.each(['update', 'download', 'dpkg-deb'] as const)('its disk is full at %s: nothing is left', async (when) => {
    const world = await archive();
    if (when === 'update') world.suite(SUITE, 'amd64', 'full');
    await world.kernel(SUITE, '6.18.15', when === 'download' ? 'full' : 'there');
    if (when === 'dpkg-deb') world.fillDisk();
    await world.kernel(SUITE, '6.18.9');
    await expect(fetchKernel('6.18-x64')).rejects.toMatchObject({ reason: 'no-space' });
    expect(world.log().filter((line) => line === download('6.18.9'))).toEqual([]);
    expect([world.cached('staging'), world.cached('kernels')]).toEqual([[], []]);
  });
});

describe('fetching that is called off', () => {
  const cli = (id: string) => execa(process.execPath, [command(), 'vm', 'fetch', id], { reject: false });

  it('by a signal ends its programs and leaves nothing', async () => {
    const world = await archive();
    await world.kernel(SUITE, '6.18.15', 'hang');
    const controller = new AbortController();
    const going = fetchKernel('6.18-x64', { signal: controller.signal });
    going.catch(() => undefined);
    const pid = await until(() => world.hanging, 'apt-get downloads');
    controller.abort(new Error('enough'));
    await expect(going).rejects.toThrow('enough');
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(world.cached('staging')).toEqual([]);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'by %s of the whole command leaves nothing that is taken for a kernel',
    async (signal) => {
      const world = await archive();
      await world.kernel(SUITE, '6.18.15', 'hang');
      const going = cli('6.18-x64');
      const pid = await until(() => world.hanging, 'apt-get downloads');
      going.kill(signal);
      expect(await going).toMatchObject({ signal });
      if (signal === 'SIGKILL') process.kill(pid, 'SIGKILL');
      else expect(() => process.kill(pid, 0)).toThrow('ESRCH');
      expect(world.cached('kernels')).toEqual([]);
      if (signal === 'SIGTERM') expect(world.cached('staging')).toEqual([]);

      world.change(SUITE, 'amd64', 'there');
      expect(await fetchKernel('6.18-x64')).toMatchObject({ version: '6.18.15-1' });
    },
  );

  it('two commands at once get the same kernel', async () => {
    const world = await archive('6.18.15');
    const [one, other, { file }] = await Promise.all([cli('6.18-x64'), cli('6.18-x64'), fetchKernel('6.18-x64')]);
    for (const { stdout, exitCode } of [one, other]) {
      expect([stdout, exitCode]).toEqual([`6.18-x64 6.18.15-1 ${file}`, 0]);
    }
    expect(world.cached('kernels')).toEqual([join(dirname(file), 'kernel.json'), file]);
    expect(world.cached('staging')).toEqual([]);
  });
});
