import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { placeWhole } from '../lib/whole-file.js';
import { scratch } from './helpers/scratch.js';

it('a file takes its place when it is whole', () => {
  const folder = scratch();
  const file = join(folder, 'report.json');
  writeFileSync(file, 'old');
  placeWhole(file, (beside) => {
    writeFileSync(beside, 'new');
    expect(readFileSync(file, 'utf8')).toBe('old');
  });
  expect(readFileSync(file, 'utf8')).toBe('new');
  expect(readdirSync(folder)).toEqual(['report.json']);
});

it('one that could not be made leaves what was there, and nothing beside it', () => {
  const folder = scratch();
  const file = join(folder, 'report.json');
  writeFileSync(file, 'old');
  const full = new Error('the disk is full');
  expect(() =>
    placeWhole(file, (beside) => {
      writeFileSync(beside, 'ne');
      throw full;
    }),
  ).toThrow(full);
  expect(readFileSync(file, 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['report.json']);
});
