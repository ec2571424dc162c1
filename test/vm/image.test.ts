import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { baseArchive, writeInitramfs } from '../../lib/vm/image.js';
import { scratch } from '../helpers/scratch.js';

const DAY = 86_400;

it('the base of a guest is made once, and goes when nobody has used it for long', () => {
  const cache = scratch();
  vi.stubEnv('LINUX_PTRACE_CACHE', cache);
  const images = join(cache, 'images');
  mkdirSync(images);
  const now = Date.now() / 1000;
  for (const [name, days] of [
    ['x64-old.cpio', 15],
    ['x64-used.cpio', 13],
  ] as const) {
    writeFileSync(join(images, name), '');
    utimesSync(join(images, name), now - days * DAY, now - days * DAY);
  }
  const [node, other] = ['node', 'other'].map((name) => join(cache, name)) as [string, string];
  for (const each of [node, other]) writeFileSync(each, each);
  const file = baseArchive('x64', node, []);
  expect(readdirSync(images).sort()).toEqual([file.slice(images.length + 1), 'x64-used.cpio'].sort());

  // Somebody with this pid in another container may be writing the same archive.
  const half = `${file}.${process.pid}`;
  writeFileSync(half, 'half of it');
  rmSync(file);
  baseArchive('x64', node, []);
  expect(readFileSync(half, 'utf8')).toBe('half of it');
  rmSync(half);

  utimesSync(file, now - 10 * DAY, now - 10 * DAY);
  const { ino } = statSync(file);
  expect(baseArchive('x64', node, [])).toBe(file);
  expect(statSync(file).ino).toBe(ino);
  expect(statSync(file).mtimeMs / 1000).toBeGreaterThan(now - DAY);
  expect(baseArchive('x64', other, [])).not.toBe(file);

  const image = join(cache, 'initrd');
  writeInitramfs(image, file, [{ kind: 'file', path: 'mine', mode: 0o644, content: 'x' }]);
  expect(statSync(image).size).toBeGreaterThan(statSync(file).size);
  vi.unstubAllEnvs();
});
