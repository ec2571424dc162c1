import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { cacheFolder, withStaging } from '../../lib/vm/cache.js';
import { makeFolder, needFolder, placeError } from '../../lib/vm/folder.js';
import { makeScratch } from '../../lib/vm/scratch.js';
import { scratch } from '../helpers/scratch.js';

const refusal = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};

describe('a folder that somebody names', () => {
  it('is made with all above it, and may be there', () => {
    const folder = join(scratch(), 'a', 'b', 'c');
    makeFolder(folder);
    makeFolder(folder);
    needFolder(folder);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['below a file', (top: string) => join(top, 'file', 'below'), 'not a directory'],
    ['that is a file', (top: string) => join(top, 'file'), 'already exists'],
    ['behind a link to nowhere', (top: string) => join(top, 'link', 'below'), 'no such file or directory'],
    // Where folders are there and answer ENOENT, mkdir with `recursive` never comes back.
    ['of /proc', () => '/proc/nothing/below', 'no such file or directory'],
    ['that is there and takes nothing', () => '/proc/self', 'no such file or directory'],
  ])('%s is refused in words', (_name, place, why) => {
    const top = scratch();
    writeFileSync(join(top, 'file'), '');
    symlinkSync(join(top, 'nowhere', 'deep'), join(top, 'link'));
    const error = refusal(() => needFolder(place(top)));
    expect(error).toMatchObject({ name: 'VmError', reason: 'bad-input' });
    expect((error as Error).message).toBe(`the folder ${place(top)} cannot be written to: ${why}`);
  });

  it('on a full disk is told as such', () => {
    const full = Object.assign(new Error('write'), { code: 'ENOSPC', errno: -28 });
    expect(placeError('the folder', full)).toMatchObject({ reason: 'no-space' });
  });
});

describe('a folder that the environment names', () => {
  it('for the cache: what is wrong with it, and what names another', async () => {
    const top = scratch();
    writeFileSync(join(top, 'file'), '');
    vi.stubEnv('LINUX_PTRACE_CACHE', join(top, 'file'));
    expect(refusal(cacheFolder)).toMatchObject({
      reason: 'bad-input',
      message: expect.stringMatching(/^the cache's folder .*file cannot be written to: .*LINUX_PTRACE_CACHE/) as string,
    });
    vi.stubEnv('LINUX_PTRACE_CACHE', '/proc/self');
    await expect(withStaging(() => Promise.resolve())).rejects.toMatchObject({ reason: 'bad-input' });
    vi.unstubAllEnvs();
  });

  it('for temporary files: the same', () => {
    vi.stubEnv('TMPDIR', join(scratch(), 'nowhere'));
    expect(refusal(makeScratch)).toMatchObject({
      reason: 'bad-input',
      message: expect.stringMatching(/TMPDIR/) as string,
    });
    vi.unstubAllEnvs();
  });
});

describe('what a killed run has left', () => {
  it('of another pid namespace stays while it may be in use', () => {
    const temporary = scratch();
    vi.stubEnv('TMPDIR', temporary);
    // No process has a pid as large as that (PID_MAX_LIMIT).
    const theirs = join(temporary, 'linux-ptrace-vm-4194305-1-XXXXXX');
    mkdirSync(theirs);
    const ours = makeScratch();
    expect(existsSync(theirs)).toBe(true);
    mkdirSync(ours.replace(`-${process.pid}-`, '-4194305-'));
    const next = makeScratch();
    expect(
      readdirSync(temporary)
        .map((name) => join(temporary, name))
        .sort(),
    ).toEqual([theirs, ours, next].sort());
    vi.unstubAllEnvs();
  });
});
