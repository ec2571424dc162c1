import { describe, expect, it } from 'vitest';
import { headNames, kernelNames } from '../../lib/conformance/report/page/client/names.js';
import { pageData } from '../../lib/conformance/report/page/page-data.js';
import { membersMatrix } from '../../lib/conformance/kernels/collection-page.js';
import { member } from './kernels/members.js';

const kernel = (name: string, release: string, machine = 'x86_64') => ({
  name,
  release,
  machine,
  arch: 'x64' as const,
  date: '2026-01-01',
  interrupted: false,
});

describe('the names of kernels on the page', () => {
  it('are releases, with the machine or what tells them apart below', () => {
    expect(headNames(kernel('6.1.158', '6.1.158'))).toEqual(['6.1.158', 'x86_64']);
    expect(headNames(kernel('6.1.158 x86_64', '6.1.158'))).toEqual(['6.1.158', 'x86_64']);
  });

  it('are those of a collection, whose builds of one release would look alike otherwise', () => {
    const { kernels } = pageData(membersMatrix([member('6.12-x64'), member('6.12-x64-rt'), member('6.12-arm64')]));
    expect(kernels.map((each) => headNames(each))).toEqual([
      ['6.12', 'x64'],
      ['6.12', 'x64-rt'],
      ['6.12', 'arm64'],
    ]);
    expect(headNames(kernel('mine', '6.12.9'))).toEqual(['mine', 'x86_64']);
  });

  it('stand before what kernels did, those of one machine together', () => {
    const kernels = [
      kernel('5.10.246 x86_64', '5.10.246'),
      kernel('6.1.158 x86_64', '6.1.158'),
      kernel('6.1.158 aarch64', '6.1.158'),
      kernel('6.12-x64-rt', '6.12.118+deb13-rt-amd64'),
    ];
    const data = { kernels, rows: [] };
    expect(kernelNames(data, [0, 1, 2])).toBe('5.10.246, 6.1.158 x86_64; 6.1.158 aarch64');
    expect(kernelNames(data, [3])).toBe('6.12-x64-rt');
    expect(kernelNames(data, [0, 1, 2, 3])).toBe('all 4 kernels');
  });
});
