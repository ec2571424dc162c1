import { describe, expect, it } from 'vitest';
import { findSeries, kernelTable } from '../../lib/vm/kernel-table.js';
import { selectKernels } from '../../lib/vm/select-kernels.js';

const ids = (words: readonly string[]): string[] => selectKernels(words).map(({ series }) => series.id);

describe('the table of kernels', () => {
  it('has every id once, which says what the kernel is', () => {
    expect(new Set(kernelTable.map(({ id }) => id)).size).toBe(kernelTable.length);
    for (const { id, release, arch, flavour } of kernelTable) {
      expect(id).toBe(`${release}-${arch}${flavour === 'cloud' ? '' : `-${flavour}`}`);
    }
  });

  it('stands in the order of releases', () => {
    const numbers = kernelTable.map(({ release }) => {
      const [major = 0, minor = 0] = release.split('.').map(Number);
      return major * 1000 + minor;
    });
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  });

  it('has every release for both architectures', () => {
    const cloud = kernelTable.filter(({ flavour }) => flavour === 'cloud');
    const releases = (arch: string): string[] =>
      cloud.filter((each) => each.arch === arch).map(({ release }) => release);
    expect(releases('x64')).toEqual(releases('arm64'));
    expect(releases('x64')).toEqual([
      '5.10',
      '6.1',
      '6.12',
      '6.16',
      '6.17',
      '6.18',
      '6.19',
      '7.0',
      '7.1',
      '7.2',
      '7.3',
    ]);
    expect(kernelTable.filter(({ optional }) => optional).every(({ flavour }) => flavour === 'rt')).toBe(true);
  });

  it('says what may have been meant', () => {
    expect(findSeries('6.12-arm64-16k')).toMatchObject({ arch: 'arm64', release: '6.12', flavour: '16k' });
    expect(() => findSeries('6.12-x86')).toThrow(
      /^there is no kernel '6\.12-x86' \(6\.12-x64.*\?\); linux-ptrace vm kernels lists them$/,
    );
    expect(() => findSeries('hurd')).toThrow(expect.objectContaining({ name: 'VmError', reason: 'bad-input' }));
  });
});

describe('kernels by words', () => {
  it('all of them, by globs, each once', () => {
    expect(ids(['all'])).toEqual(kernelTable.map(({ id }) => id));
    expect(ids(['6.12-arm64*'])).toEqual(['6.12-arm64', '6.12-arm64-16k', '6.12-arm64-rt']);
    expect(ids(['7.3-x64', '7.?-x64', '7.3-x64'])).toEqual(['7.3-x64', '7.0-x64', '7.1-x64', '7.2-x64']);
    expect(ids([])).toEqual([]);
  });

  it('tells those that are named from those that a glob meets', () => {
    const named = (words: readonly string[]): string[] =>
      selectKernels(words)
        .filter((each) => each.named)
        .map(({ series }) => series.id);
    expect(named(['*-rt', '6.12-x64-rt'])).toEqual(['6.12-x64-rt']);
    expect(named(['all'])).toEqual([]);
  });

  it('a word that fits none is refused', () => {
    expect(() => ids(['all', '*-mips'])).toThrow(/'\*-mips'/);
    expect(() => ids(['6.13-x64'])).toThrow(/'6\.13-x64'/);
  });
});
