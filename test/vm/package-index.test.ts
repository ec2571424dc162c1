import { describe, expect, it } from 'vitest';
import { findSeries } from '../../lib/vm/kernel-table.js';
import { filterIndex, kernelCandidates, parseIndex } from '../../lib/vm/package-index.js';

const MEGABYTE = 1e6;

function paragraph(name: string, version: string, size = 30 * MEGABYTE): string {
  return `Package: ${name}\nSource: linux\nVersion: ${version}\nDescription: a kernel\n with words\nSize: ${size}\n`;
}

const names = (id: string, suites: Readonly<Record<string, string>>): string[] =>
  kernelCandidates(
    findSeries(id),
    Object.entries(suites).map(([suite, text]) => ({ suite, packages: parseIndex(text) })),
  ).map(({ name, suite }) => `${suite}: ${name}`);

describe('lists of packages', () => {
  const text = [paragraph('0ad', '1'), paragraph('libc6', '2.41-12'), paragraph('zsh', '3')].join('\n');

  it('are read', () => {
    expect(parseIndex(text).map(({ name, version }) => [name, version])).toEqual([
      ['0ad', '1'],
      ['libc6', '2.41-12'],
      ['zsh', '3'],
    ]);
    expect(parseIndex(text)[1]?.size).toBe(30 * MEGABYTE);
    expect(parseIndex('')).toEqual([]);
  });

  it('are cut down to what is wanted', () => {
    expect(filterIndex(text, /^(libc6|zsh)$/)).toBe(`${paragraph('libc6', '2.41-12')}\n${paragraph('zsh', '3')}\n`);
    expect(filterIndex(text.trimEnd(), /^zsh$/)).toBe(`${paragraph('zsh', '3')}\n`);
    expect(filterIndex(text, /^nothing$/)).toBe('');
  });
});

describe('packages with a kernel', () => {
  it('newest first over all suites, by the order of versions and not of letters', () => {
    expect(
      names('6.12-x64', {
        trixie: paragraph('linux-image-6.12.94+deb13-cloud-amd64', '6.12.94-1'),
        'trixie-security': [
          paragraph('linux-image-6.12.100+deb13-cloud-amd64', '6.12.100-1'),
          paragraph('linux-image-6.12.95+deb13-cloud-amd64', '6.12.95-1'),
        ].join('\n'),
        'bookworm-security': paragraph('linux-image-6.12.100+deb12-cloud-amd64', '6.12.100-1~deb12u1'),
      }),
    ).toEqual([
      'trixie-security: linux-image-6.12.100+deb13-cloud-amd64',
      'bookworm-security: linux-image-6.12.100+deb12-cloud-amd64',
      'trixie-security: linux-image-6.12.95+deb13-cloud-amd64',
      'trixie: linux-image-6.12.94+deb13-cloud-amd64',
    ]);
  });

  it('the unsigned one before the signed one, and both', () => {
    const of = (end: string): string => paragraph(`linux-image-5.10.0-32-cloud-arm64${end}`, '5.10.223-1');
    expect(names('5.10-arm64', { bullseye: `${of('')}\n${of('-unsigned')}` })).toEqual([
      'bullseye: linux-image-5.10.0-32-cloud-arm64-unsigned',
      'bullseye: linux-image-5.10.0-32-cloud-arm64',
    ]);
  });

  it('linux-binary where linux-image is a shell', () => {
    expect(
      names('6.19-x64', {
        'trixie-backports': [
          paragraph('linux-image-6.19.14+deb13-cloud-amd64', '6.19.14-1~bpo13+1', 2000),
          paragraph('linux-binary-6.19.14+deb13-cloud-amd64', '6.19.14-1~bpo13+1', 13 * MEGABYTE),
        ].join('\n'),
      }),
    ).toEqual(['trixie-backports: linux-binary-6.19.14+deb13-cloud-amd64']);
  });

  it('none of other series, flavours and architectures, no debugging symbols, no packages that name others', () => {
    const others = [
      paragraph('linux-image-6.1.0-56-cloud-amd64', '6.1.192-1'),
      paragraph('linux-image-6.12.1-cloud-amd64', '6.12.1-1'),
      paragraph('linux-image-6.1.0-56-cloud-amd64-dbg', '6.1.192-1'),
      paragraph('linux-image-6.1.0-56-rt-amd64', '6.1.192-1'),
      paragraph('linux-image-6.1.0-56-amd64', '6.1.192-1'),
      paragraph('linux-image-6.1.0-56-cloud-arm64', '6.1.192-1'),
      paragraph('linux-image-6.1-cloud-amd64', '6.1.192-1', 1500),
      paragraph('linux-headers-6.1.0-56-cloud-amd64', '6.1.192-1'),
    ].join('\n');
    expect(names('6.1-x64', { bookworm: others })).toEqual(['bookworm: linux-image-6.1.0-56-cloud-amd64']);
  });

  it.each([
    ['6.12-arm64-16k', 'linux-image-6.12.118+deb13-arm64-16k-unsigned'],
    ['6.12-x64-rt', 'linux-image-6.12.118+deb13-rt-amd64'],
    ['6.12-arm64', 'linux-image-6.12.90+deb13.1-cloud-arm64'],
    ['6.1-x64', 'linux-image-6.1.0-0.deb11.52-cloud-amd64-unsigned'],
    ['7.3-x64', 'linux-binary-7.3-cloud-amd64'],
    ['7.3-arm64', 'linux-binary-7.3-rc7-cloud-arm64'],
    ['7.2-x64', 'linux-binary-7.2.13+deb14-cloud-amd64'],
  ])('%s is in %s', (id, name) => {
    expect(names(id, { any: paragraph(name, '1-1') })).toEqual([`any: ${name}`]);
  });
});
