import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CpioWriter, type Entry } from '../../lib/vm/cpio.js';
import { scratch } from '../helpers/scratch.js';

function archive(file: string, entries: readonly Entry[]): Buffer {
  const fd = openSync(file, 'w');
  const writer = new CpioWriter(fd);
  for (const entry of entries) writer.add(entry);
  writer.end();
  closeSync(fd);
  return readFileSync(file);
}

interface Found {
  readonly path: string;
  readonly mode: number;
  readonly device: string;
  readonly content: string;
}

/** Reads an archive as the kernel does. */
function unpacked(bytes: Buffer): Found[] {
  const found: Found[] = [];
  for (let at = 0; at < bytes.length;) {
    expect(bytes.toString('latin1', at, at + 6)).toBe('070701');
    const field = (index: number): number =>
      Number.parseInt(bytes.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
    const [mode, size, major, minor, nameSize] = [field(1), field(6), field(9), field(10), field(11)];
    const path = bytes.toString('utf8', at + 110, at + 110 + nameSize - 1);
    expect(bytes[at + 110 + nameSize - 1]).toBe(0);
    const data = (at + 110 + nameSize + 3) & ~3;
    found.push({ path, mode, device: `${major}:${minor}`, content: bytes.toString('utf8', data, data + size) });
    at = (data + size + 3) & ~3;
  }
  return found;
}

describe('the initramfs archive', () => {
  it('holds files, links, devices and folders, with the folders on the way to them', () => {
    const folder = scratch();
    writeFileSync(join(folder, 'here'), 'of this machine');
    const found = unpacked(
      archive(join(folder, 'a.cpio'), [
        { kind: 'file', path: 'a/b/c', mode: 0o755, content: 'ABCDE' },
        { kind: 'copy', path: 'a/b/d', mode: 0o644, file: join(folder, 'here') },
        { kind: 'link', path: 'bin/sh', target: 'busybox' },
        { kind: 'device', path: 'dev/null', mode: 0o666, major: 1, minor: 3 },
        { kind: 'folder', path: 'tmp', mode: 0o1777 },
      ]),
    );
    expect(found).toEqual([
      { path: 'a', mode: 0o040755, device: '0:0', content: '' },
      { path: 'a/b', mode: 0o040755, device: '0:0', content: '' },
      { path: 'a/b/c', mode: 0o100755, device: '0:0', content: 'ABCDE' },
      { path: 'a/b/d', mode: 0o100644, device: '0:0', content: 'of this machine' },
      { path: 'bin', mode: 0o040755, device: '0:0', content: '' },
      { path: 'bin/sh', mode: 0o120777, device: '0:0', content: 'busybox' },
      { path: 'dev', mode: 0o040755, device: '0:0', content: '' },
      { path: 'dev/null', mode: 0o020666, device: '1:3', content: '' },
      { path: 'tmp', mode: 0o041777, device: '0:0', content: '' },
      { path: 'TRAILER!!!', mode: 0, device: '0:0', content: '' },
    ]);
  });

  it('may follow another one: every archive ends on a boundary of four bytes', () => {
    const folder = scratch();
    for (let length = 0; length < 8; length++) {
      const file = join(folder, `${length}.cpio`);
      archive(file, [{ kind: 'file', path: 'x'.repeat(length + 1), mode: 0o600, content: 'y'.repeat(length) }]);
      expect(statSync(file).size % 4).toBe(0);
    }
  });

  it('is what cpio reads, where there is one', (context) => {
    const folder = scratch();
    const bytes = archive(join(folder, 'a.cpio'), [{ kind: 'file', path: 'a/b', mode: 0o644, content: 'hello' }]);
    try {
      execFileSync('cpio', ['--version'], { stdio: 'ignore' });
    } catch {
      context.skip('cpio is not installed');
    }
    execFileSync('cpio', ['-id', '--quiet'], { cwd: folder, input: bytes });
    expect(readFileSync(join(folder, 'a/b'), 'utf8')).toBe('hello');
  });
});
