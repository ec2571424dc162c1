import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  SIG,
  defaultAction,
  isSignal,
  isStopSignal,
  signalName,
  signalNumber,
  signalSet,
  signalSetHas,
  signalsInSet,
} from '../../lib/kernel/index.js';

const anySignal = fc.integer({ min: 1, max: 64 });

describe('names and numbers', () => {
  it('go back and forth for every signal', () => {
    for (let signal = 1; signal <= 64; signal++) {
      expect(signalNumber(signalName(signal))).toBe(signal);
      expect(signalNumber(signal)).toBe(signal);
    }
  });

  it.each([
    ['SIGKILL', 9],
    ['SIGIOT', SIG.SIGABRT],
    ['SIGPOLL', SIG.SIGIO],
    ['SIG32', 32],
    ['SIG33', 33],
    ['SIG9', 9],
    ['SIGRTMIN', 34],
    ['SIGRTMIN+0', 34],
    ['SIGRTMIN+30', 64],
    ['SIGRTMAX', 64],
    ['SIGRTMAX-30', 34],
  ])('%s is %i', (name, number) => {
    expect(signalNumber(name)).toBe(number);
  });

  it.each([
    ['SIGRTMIN+31'],
    ['SIGRTMAX-31'],
    ['SIG0'],
    ['SIG65'],
    ['KILL'],
    ['sigkill'],
    ['SIGKILL '],
    [''],
    ['toString'],
    ['__proto__'],
    [0],
    [65],
    [-1],
    [1.5],
    [Number.NaN],
    [9n],
    [null],
    [Symbol('SIGKILL')],
  ])('%o is no signal', (value) => {
    expect(signalNumber(value)).toBeUndefined();
  });

  it('name what is no signal', () => {
    expect(signalName(32)).toBe('SIG32');
    expect(signalName(34)).toBe('SIGRTMIN');
    expect(signalName(36)).toBe('SIGRTMIN+2');
    expect(signalName(64)).toBe('SIGRTMIN+30');
    expect(signalName(65)).toBe('SIG65');
    expect(signalName(-3)).toBe('SIG-3');
  });

  it('survive any value', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const number = signalNumber(value);
        expect(number === undefined || isSignal(number)).toBe(true);
      }),
    );
  });
});

it('defaultAction follows signal(7)', () => {
  const by: Record<string, number[]> = {};
  for (let signal = 1; signal <= 64; signal++) (by[defaultAction(signal)] ??= []).push(signal);
  expect(by['core']).toEqual([3, 4, 5, 6, 7, 8, 11, 24, 25, 31]);
  expect(by['ignore']).toEqual([17, 23, 28]);
  expect(by['continue']).toEqual([18]);
  expect(by['stop']).toEqual([19, 20, 21, 22]);
  expect(by['stop']?.every(isStopSignal)).toBe(true);
  expect(by['terminate']).toHaveLength(64 - 10 - 3 - 1 - 4);
});

describe('signal sets', () => {
  it('go back and forth', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anySignal), (signals) => {
        const sorted = [...signals].sort((a, b) => a - b);
        expect(signalsInSet(signalSet(signals))).toEqual(sorted);
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (mask) => signalSet(signalsInSet(mask)) === mask),
    );
  });

  it('put signal n into bit n-1, as SigBlk of /proc does', () => {
    expect(signalSet([SIG.SIGKILL, SIG.SIGSTOP])).toBe(0x40100n);
    expect(signalSet([64])).toBe(1n << 63n);
    expect(signalSetHas(0x40100n, 9)).toBe(true);
    expect(signalSetHas(0x40100n, 10)).toBe(false);
    expect(signalSetHas(-1n, 65)).toBe(false);
    expect(() => signalSet([0])).toThrow(RangeError);
  });
});
