import { createReadStream, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { readTar, TarError, type TarEntry } from '../../lib/vm/tar.js';
import { scratch } from '../helpers/scratch.js';

const LONG = `${'a'.repeat(90)}/${'b'.repeat(120)}`;

async function archive(format: string): Promise<string> {
  const folder = scratch();
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'boot'), { recursive: true });
  mkdirSync(join(tree, 'a'.repeat(90)));
  writeFileSync(join(tree, 'boot', 'vmlinuz'), Buffer.alloc(100_000, 7), { mode: 0o640 });
  writeFileSync(join(tree, 'boot', 'empty'), '');
  writeFileSync(join(tree, 'boot', 'block'), Buffer.alloc(512, 1));
  writeFileSync(join(tree, LONG), 'long');
  symlinkSync(`to/${'c'.repeat(150)}`, join(tree, 'link'));
  linkSync(join(tree, 'boot', 'block'), join(tree, 'boot', 'hard'));
  const file = join(folder, 'a.tar');
  await execa('tar', [`--format=${format}`, '--sort=name', '-C', tree, '-cf', file, '.']);
  return file;
}

async function entries(stream: Readable): Promise<(TarEntry & { readonly text: Buffer })[]> {
  const found: (TarEntry & { readonly text: Buffer })[] = [];
  await readTar(stream, async (entry, data) => {
    const pieces: Buffer[] = [];
    for (let piece = await data(); piece !== undefined; piece = await data()) pieces.push(piece);
    found.push({ ...entry, text: Buffer.concat(pieces) });
    return false;
  });
  return found;
}

describe('tar archives', () => {
  it.each(['gnu', 'pax'])('of the format %s are read whole', async (format) => {
    const found = await entries(createReadStream(await archive(format)));
    const byPath = new Map(found.map((entry) => [entry.path, entry]));
    expect(byPath.get('boot')).toMatchObject({ type: 'folder' });
    expect(byPath.get('boot/vmlinuz')).toMatchObject({ type: 'file', mode: 0o640, size: 100_000 });
    expect(byPath.get('boot/vmlinuz')?.text.equals(Buffer.alloc(100_000, 7))).toBe(true);
    expect(byPath.get('boot/empty')).toMatchObject({ type: 'file', size: 0 });
    expect(byPath.get('boot/block')?.text.equals(Buffer.alloc(512, 1))).toBe(true);
    expect(byPath.get('boot/hard')).toMatchObject({ type: 'link', target: './boot/block' });
    expect(byPath.get('link')).toMatchObject({ type: 'link', target: `to/${'c'.repeat(150)}` });
    expect(byPath.get(LONG)?.text.toString()).toBe('long');
  });

  it('ustar splits long paths', async () => {
    const folder = scratch();
    mkdirSync(join(folder, 'a'.repeat(90)));
    writeFileSync(join(folder, 'a'.repeat(90), 'b'.repeat(90)), 'split');
    await execa('tar', ['--format=ustar', '-C', folder, '-cf', join(folder, 'a.tar'), 'a'.repeat(90)]);
    const found = await entries(createReadStream(join(folder, 'a.tar')));
    expect(found.at(-1)).toMatchObject({ path: `${'a'.repeat(90)}/${'b'.repeat(90)}`, text: Buffer.from('split') });
  });

  it('are left when the visitor has what it wants, and what it does not read is passed over', async () => {
    const seen: string[] = [];
    const stream = createReadStream(await archive('gnu'), { highWaterMark: 700 });
    const ended = await readTar(stream, ({ path }) => {
      seen.push(path);
      return path === 'boot/hard';
    });
    stream.destroy();
    expect(ended).toBe(true);
    expect(seen.at(-1)).toBe('boot/hard');
    expect(seen).toContain('boot/block');
    expect(seen).not.toContain('boot/vmlinuz');
  });

  it('that end too early or are none are refused', async () => {
    const file = await archive('gnu');
    await expect(entries(createReadStream(file, { end: 3000 }))).rejects.toThrow(TarError);
    await expect(entries(Readable.from([Buffer.alloc(1024, 65)]))).rejects.toThrow(/no tar archive/);
    await expect(entries(Readable.from([]))).rejects.toThrow(/too early/);
  });
});
