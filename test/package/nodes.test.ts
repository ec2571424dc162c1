import { describe, expect, it } from 'vitest';
import { isOffline, reason } from '../../scripts/nodes.js';

/** What npm's failure looks like to whoever started it. */
const failed = (stderr: string): Error & { stderr: string } => Object.assign(new Error('Command failed'), { stderr });

describe('a Node of another line', () => {
  it.each([
    'npm error code ENOTFOUND\nnpm error syscall getaddrinfo',
    'npm error code EAI_AGAIN',
    'npm error code ECONNREFUSED',
    'npm error code ETIMEDOUT',
    'npm error code ENOTCACHED',
  ])('cannot be had without a network: %s', (stderr) => {
    expect(isOffline(failed(stderr))).toBe(true);
  });

  it.each(['npm error code E404', 'npm error code ETARGET', 'npm error code EINTEGRITY', ''])(
    'that cannot be had with one is a failure: %s',
    (stderr) => {
      expect(isOffline(failed(stderr))).toBe(false);
    },
  );

  it.each([
    ['unreachable', true],
    ['gone', false],
  ])('that the cache has to fetch is told by why that failed: %s', (kind, offline) => {
    expect(isOffline(Object.assign(failed(''), { cause: { kind } }))).toBe(offline);
  });

  it('why it is missing is told in one line', () => {
    expect(reason(failed('\nnpm error code E404\nnpm error 404 Not Found'))).toBe('npm error code E404');
    expect(reason(failed(''))).toBe('Command failed');
  });
});
