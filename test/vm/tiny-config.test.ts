import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../helpers/dist.js';

interface Config {
  readonly optionsOf: (text: string) => Map<string, string | undefined>;
  readonly layered: (config: string, fragment: string) => string;
  readonly deviations: (config: string, fragment: string) => string[];
  readonly releaseOf: (makefile: string) => [number, number];
  readonly fragmentNames: (names: readonly string[], arch: string, release: readonly number[]) => string[];
}

const { optionsOf, layered, deviations, releaseOf, fragmentNames } = (await import(
  `${root}scripts/kernel-tiny/config.js`
)) as Config;

const FRAGMENT = 'CONFIG_A=y\n# a remark\n# CONFIG_B is not set\nCONFIG_NAME="-tiny"\n';

describe('the configuration of a tiny kernel', () => {
  it('says of each option what it is', () => {
    expect([...optionsOf(FRAGMENT)]).toEqual([
      ['CONFIG_A', 'y'],
      ['CONFIG_B', undefined],
      ['CONFIG_NAME', '"-tiny"'],
    ]);
  });

  it('has what was laid over it, once', () => {
    const laid = layered('# CONFIG_A is not set\nCONFIG_B=y\nCONFIG_C=y\n', FRAGMENT);
    expect(laid).toBe('CONFIG_C=y\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_NAME="-tiny"\n');
    expect(deviations(laid, FRAGMENT)).toEqual([]);
  });

  it('is looked at for what has come back, or is gone', () => {
    expect(deviations('CONFIG_B=y\nCONFIG_NAME="-other"\n', FRAGMENT)).toEqual([
      'CONFIG_A is off, and should be y',
      'CONFIG_B is y, and should be off',
      'CONFIG_NAME is "-other", not "-tiny"',
    ]);
    // An option that the release does not have at all is off.
    expect(deviations('CONFIG_A=y\nCONFIG_NAME="-tiny"\n', FRAGMENT)).toEqual([]);
  });

  it('is that of the architecture and of the release', () => {
    expect(releaseOf('# SPDX\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 9\n')).toEqual([6, 12]);
    const names = [
      'since-6.12.config',
      'tiny-x64.config',
      'config.js',
      'tiny.config',
      'guest.config',
      'tiny-arm64.config',
    ];
    expect(fragmentNames(names, 'x64', [6, 12])).toEqual([
      ...['guest.config', 'tiny.config', 'tiny-x64.config', 'since-6.12.config'],
    ]);
    expect(fragmentNames(names, 'arm64', [6, 1])).toEqual(['guest.config', 'tiny.config', 'tiny-arm64.config']);
    expect(fragmentNames(names, 'x64', [7, 0])).toContain('since-6.12.config');
    expect(fragmentNames(names, 'x64', [5, 15])).not.toContain('since-6.12.config');
  });

  it('asks nowhere for an option twice', () => {
    const folder = join(root, 'scripts', 'kernel-tiny');
    for (const arch of ['x64', 'arm64']) {
      const lines = fragmentNames(readdirSync(folder), arch, [99, 0]).flatMap((name) => {
        const text = readFileSync(join(folder, name), 'utf8');
        return [...optionsOf(text).keys()];
      });
      expect(lines.length).toBeGreaterThan(40);
      expect(lines.filter((name, index) => lines.indexOf(name) !== index)).toEqual([]);
    }
  });
});
