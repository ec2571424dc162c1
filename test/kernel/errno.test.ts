import { expect, it } from 'vitest';
import { ERRNO, type ErrnoName, errnoMessage, errnoName } from '../../lib/kernel/index.js';

it('every errno has its name and a message of its own', () => {
  for (const name of Object.keys(ERRNO) as ErrnoName[]) {
    expect(errnoName(ERRNO[name])).toBe(name);
    expect(errnoMessage(ERRNO[name])).toMatch(/^[a-zA-Z].{3,}$/);
  }
});

it('the restart codes that only a tracer sees have names', () => {
  expect([512, 513, 514, 516].map(errnoName)).toEqual([
    'ERESTARTSYS',
    'ERESTARTNOINTR',
    'ERESTARTNOHAND',
    'ERESTART_RESTARTBLOCK',
  ]);
});

it('an unknown number is shown', () => {
  expect(errnoName(41)).toBe('errno 41');
  expect(errnoMessage(4000)).toBe('unknown error 4000');
  expect(errnoName(-3)).toBe('errno -3');
});
