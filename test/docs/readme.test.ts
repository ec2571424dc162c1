/** The examples of the README are what a new user types first: each is run as it stands. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireBuild, root } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';

const examples = [...readFileSync(`${root}README.md`, 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(
  (match) => match[1] ?? '',
);

/** What each prints, in the order of the README. */
const expectations: readonly ((output: string) => void)[] = [
  (output) => {
    expect(output).toMatch(/\[\d+\] openat\(/);
    expect(output).toMatch(/\[\d+\] exited with 0\n/);
  },
  (output) => {
    expect(output).toContain('id says 1234');
  },
  (output) => {
    expect(output.trim().split('\n')).toEqual(['stopped by SIGSTOP', 'continues', 'exited with 0']);
  },
  (output) => {
    expect(output).toContain('killed');
    expect(output).toContain('128');
  },
  (output) => {
    expect(output.trim().split('\n').sort()).toEqual(['1234', 'the logger sees 1234']);
  },
];

let folder: string;
beforeAll(() => {
  requireBuild();
  // Inside the package, so that its own name resolves to it.
  folder = mkdtempSync(join(root, 'dist', 'readme-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the README', () => {
  test('has the examples that are expected here', () => {
    expect(examples).toHaveLength(expectations.length);
  });

  test.each(examples.map((code, index) => ({ index, code })))('example $index runs', async ({ index, code }) => {
    expect(code.trim().split('\n').length).toBeLessThanOrEqual(22);
    const file = join(folder, `example-${index}.ts`);
    writeFileSync(file, code);
    const { stdout, stderr, exitCode } = await execa('node', ['--import', 'tsx', file], {
      cwd: root,
      reject: false,
      timeout: limit(15_000),
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expectations[index]?.(`${stdout}\n`);
  });

  test('names the two commands', () => {
    const readme = readFileSync(`${root}README.md`, 'utf8');
    expect(readme).toContain('npm ci && npm start');
    expect(readme).toContain('npm cit');
  });
});
