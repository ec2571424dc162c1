import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparedOf, median, spread, summarize } from '../../bench/statistics.js';

describe('median', () => {
  it('is the middle of an odd number, the mean of the two middle ones of an even number', () => {
    expect(median([3])).toBe(3);
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([10, 9, 100, 1])).toBe(9.5);
  });

  it('of nothing is not a number', () => {
    expect(median([])).toBeNaN();
  });

  it('has as many values below it as above it, leaves its argument alone, and does not depend on the order', () => {
    const values = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(values, (given) => {
        const before = [...given];
        const middle = median(given);
        expect(given).toEqual(before);
        const below = given.filter((value) => value < middle).length;
        const above = given.filter((value) => value > middle).length;
        expect(Math.max(below, above)).toBeLessThanOrEqual(given.length / 2);
        expect(median([...given].reverse())).toBe(middle);
      }),
    );
  });
});

describe('spread', () => {
  it('is the least and the greatest', () => {
    expect(spread([2, -1, 7])).toEqual({ least: -1, greatest: 7 });
  });
});

describe('comparedOf', () => {
  it('gives ratio, difference or our own number', () => {
    const pair = { ours: 6, reference: 4 };
    expect(comparedOf(pair, 'ratio')).toBe(1.5);
    expect(comparedOf(pair, 'difference')).toBe(2);
    expect(comparedOf(pair, 'ours')).toBe(6);
  });
});

describe('summarize', () => {
  const even = [
    { ours: 11, reference: 10 },
    { ours: 22, reference: 20 },
    { ours: 33, reference: 30 },
  ];

  it('compares pair by pair: a machine that slows down both sides does not count', () => {
    const summary = summarize([even], 'ratio', true);
    expect(summary.ratio).toBeCloseTo(1.1);
    expect(summary.value).toBeCloseTo(1.1);
    expect(summary.ours).toBe(22);
    expect(summary.reference).toBe(20);
  });

  it('one bad pair in a round and one bad round change nothing', () => {
    const disturbed = [...even.slice(0, 2), { ours: 900, reference: 30 }];
    const bad = even.map(({ ours, reference }) => ({ ours: ours * 5, reference }));
    const summary = summarize([even, disturbed, bad], 'ratio', true);
    expect(summary.ratio).toBeCloseTo(1.1);
    expect(summary.spread.least).toBeCloseTo(1.1);
    expect(summary.spread.greatest).toBeCloseTo(5.5);
  });

  it('has value and spread of what is compared', () => {
    const summary = summarize([even], 'difference', true);
    expect(summary.value).toBe(2);
    expect(summary.spread).toEqual({ least: 2, greatest: 2 });
    expect(summary.ratio).toBeCloseTo(1.1);
  });

  it('has no ratio without a reference', () => {
    const alone = [{ ours: 5, reference: NaN }];
    expect(summarize([alone], 'ours', false)).toEqual({
      ours: 5,
      reference: null,
      ratio: null,
      value: 5,
      spread: { least: 5, greatest: 5 },
    });
  });
});
