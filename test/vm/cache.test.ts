import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { cacheFolder, place, withStaging } from '../../lib/vm/cache.js';
import { Gate } from '../../lib/vm/gate.js';
import { scratch } from '../helpers/scratch.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

function cache(): string {
  const folder = join(scratch(), 'cache');
  vi.stubEnv('LINUX_PTRACE_CACHE', folder);
  return folder;
}

describe("the cache's folder", () => {
  it('is what LINUX_PTRACE_CACHE names, else below XDG_CACHE_HOME, else below ~/.cache', () => {
    const folder = scratch();
    vi.stubEnv('XDG_CACHE_HOME', join(folder, 'xdg'));
    vi.stubEnv('LINUX_PTRACE_CACHE', join(folder, 'own', 'deep'));
    expect(cacheFolder()).toBe(join(folder, 'own', 'deep'));
    expect(existsSync(join(folder, 'own', 'deep'))).toBe(true);
    vi.stubEnv('LINUX_PTRACE_CACHE', '');
    expect(cacheFolder()).toBe(join(folder, 'xdg', 'linux-ptrace'));
    vi.stubEnv('HOME', folder);
    vi.stubEnv('XDG_CACHE_HOME', 'relative');
    expect(homedir()).toBe(folder);
    expect(cacheFolder()).toBe(join(folder, '.cache', 'linux-ptrace'));
  });
});

describe('what is not whole yet', () => {
  it('has a folder, which is gone when the work is done or fails', async () => {
    const folder = cache();
    const seen = await withStaging((staging) => {
      writeFileSync(join(staging, 'part'), 'half');
      return Promise.resolve(staging);
    });
    expect(seen.startsWith(join(folder, 'staging', `${process.pid}-`))).toBe(true);
    await expect(withStaging(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(readdirSync(join(folder, 'staging'))).toEqual([]);
  });

  it('a full disk is told from other failures', async () => {
    cache();
    const full = Object.assign(new Error('write'), { code: 'ENOSPC' });
    await expect(withStaging(() => Promise.reject(full))).rejects.toMatchObject({ reason: 'no-space', cause: full });
  });

  it('what killed processes left goes when it is old, and what is in use stays', async () => {
    const staging = join(cache(), 'staging');
    // No process has a pid as large as that (PID_MAX_LIMIT).
    const names = ['4194305-old', '4194305-new', `${process.pid}-old`];
    for (const name of names) {
      mkdirSync(join(staging, name), { recursive: true });
      if (name.endsWith('old')) utimesSync(join(staging, name), 1000, 1000);
    }
    await withStaging(() => Promise.resolve());
    expect(readdirSync(staging).sort()).toEqual(['4194305-new', `${process.pid}-old`].sort());
  });
});

describe('what is whole', () => {
  const made = (folder: string, text: string): string => {
    mkdirSync(join(folder, text), { recursive: true });
    writeFileSync(join(folder, text, 'file'), text);
    return join(folder, text);
  };

  it('comes to its place; of two that are whole the first stays, and what is broken makes room', async () => {
    const folder = scratch();
    const target = join(folder, 'deep', 'place');
    const text = (): string => readFileSync(join(target, 'file'), 'utf8');
    await place(made(folder, 'first'), target, () => Promise.resolve(true));
    expect(text()).toBe('first');
    await place(made(folder, 'second'), target, () => Promise.resolve(true));
    expect(text()).toBe('first');
    await place(made(folder, 'third'), target, () => Promise.resolve(false));
    expect(text()).toBe('third');
    writeFileSync(join(folder, 'deep', 'file'), 'no folder');
    await place(made(folder, 'fourth'), join(folder, 'deep', 'file'), () => Promise.resolve(false));
    expect(readFileSync(join(folder, 'deep', 'file', 'file'), 'utf8')).toBe('fourth');
  });
});

describe('a gate', () => {
  it('lets few through at a time, in their order, whatever becomes of them', async () => {
    const gate = new Gate(2);
    let inside = 0;
    let most = 0;
    const order: number[] = [];
    const works = [1, 2, 3, 4, 5].map((n) =>
      gate.through(async () => {
        order.push(n);
        most = Math.max(most, ++inside);
        await Promise.resolve();
        inside--;
        if (n === 2) throw new Error('two');
        return n;
      }),
    );
    const results = await Promise.allSettled(works);
    expect(order).toEqual([1, 2, 3, 4, 5]);
    expect(most).toBe(2);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
    expect(await gate.through(() => Promise.resolve(6))).toBe(6);
  });
});
