import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareDebianVersions } from '../../lib/vm/debian-version.js';

describe('the order of Debian versions', () => {
  it.each([
    ['6.12.9-1', '6.12.10-1'],
    ['6.12.117-1~deb12u1', '6.12.117-1'],
    ['6.12.117-1', '6.12.117-1+b1'],
    ['7.3~rc7-1~exp1', '7.3-1~exp1'],
    ['7.3-1~exp1', '7.3-1'],
    ['7.3.4-1~bpo13+1', '7.3.4-1'],
    ['7.2.12-1~bpo13+1', '7.2.13-1'],
    ['5.10.218-1', '5.10.223-1'],
    ['6.1.176-1', '6.1.176-2'],
    ['9.0', '1:1.0'],
    ['1.0~~', '1.0~'],
    ['1.0~a', '1.0'],
    ['1.0', '1.0a'],
    ['1.0a', '1.0+'],
    ['1.0-1', '1.0-1.1'],
    ['1.0', '1.0-1'],
    ['1.0-1', '1.0-a-0'],
  ])('%s is older than %s', (older, newer) => {
    expect(compareDebianVersions(older, newer)).toBeLessThan(0);
    expect(compareDebianVersions(newer, older)).toBeGreaterThan(0);
    expect(compareDebianVersions(newer, newer)).toBe(0);
  });

  it('leading zeros say nothing', () => {
    expect(compareDebianVersions('1.007-01', '1.7-1')).toBe(0);
  });

  it('is an order', () => {
    const version = fc.stringMatching(/^([0-9]:)?[0-9][0-9a-zA-Z.+~]{0,6}(-[0-9a-zA-Z.+~]{1,4})?$/);
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        const [low = '', middle = '', high = ''] = [a, b, c].sort(compareDebianVersions);
        expect(Math.sign(compareDebianVersions(a, b))).toBe(0 - Math.sign(compareDebianVersions(b, a)));
        expect(compareDebianVersions(low, middle)).toBeLessThanOrEqual(0);
        expect(compareDebianVersions(middle, high)).toBeLessThanOrEqual(0);
        expect(compareDebianVersions(low, high)).toBeLessThanOrEqual(0);
      }),
    );
  });
});
