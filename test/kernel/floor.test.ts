import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const floor = fileURLToPath(new URL('../../lib/kernel/', import.meta.url));
const files = readdirSync(floor, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

it('the floor imports nothing from outside, so that it loads in a browser', () => {
  const outside: string[] = [];
  for (const file of files) {
    for (const [, from = ''] of readFileSync(join(floor, file), 'utf8').matchAll(/from '([^']+)'/g)) {
      const target = from.startsWith('.') ? relative(floor, resolve(floor, dirname(file), from)) : from;
      if (!from.startsWith('.') || target.startsWith('..')) outside.push(`${file}: ${from}`);
    }
  }
  expect(files.length).toBeGreaterThan(20);
  expect(outside).toEqual([]);
});

it('the rooms of the two architectures do not know each other', () => {
  for (const [own, other] of [
    ['arch/x64/', 'arm64'],
    ['arch/arm64/', 'x64'],
  ] as const) {
    for (const file of files.filter((name) => name.startsWith(own))) {
      expect(readFileSync(join(floor, file), 'utf8')).not.toMatch(new RegExp(`from '[^']*${other}/`));
    }
  }
});
