/** What the tests need in a guest: scripts/guest-tests.js. */
import { existsSync } from 'node:fs';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { root } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';

interface Packed {
  readonly files: readonly string[];
  readonly paths: readonly string[];
  readonly bundle: string;
}

it(
  'is each test as one module over the built library, and vitest with its binaries',
  { timeout: limit(60_000) },
  async () => {
    const { stdout } = await execa(
      'node',
      [
        '--input-type=module',
        '-e',
        `import { testEntries, testFiles } from ${JSON.stringify(`${root}scripts/guest-tests.js`)};
       const root = ${JSON.stringify(root)};
       const files = testFiles(root, ['test/raw/options.test.ts', 'test/series']);
       const entries = await testEntries(root, process.arch, files, false);
       const found = entries.find(({ path }) => path.endsWith('test/raw/options.test.mjs'));
       const bundle = Buffer.from(found?.content ?? '').toString();
       console.log(JSON.stringify({ files, paths: entries.map(({ path }) => path), bundle }));
       for (const { kind, file } of entries) if (kind === 'copy') process.getBuiltinModule('node:fs').accessSync(file);`,
      ],
      { cwd: root },
    );
    const { files, paths, bundle } = JSON.parse(stdout) as Packed;
    expect(files).toContain('test/raw/options.test.ts');
    expect(files.filter((file) => file.startsWith('test/series/')).length).toBeGreaterThan(1);
    for (const file of files) expect(paths).toContain(`opt/linux-ptrace/${file.replace(/ts$/, 'mjs')}`);
    for (const path of ['node_modules/vitest/vitest.mjs', 'test/helpers/file-setup.mjs', 'guest.config.mjs'])
      expect(paths).toContain(`opt/linux-ptrace/${path}`);
    expect(paths.filter((path) => path.endsWith('.node')).length).toBeGreaterThan(0);
    expect(new Set(paths).size).toBe(paths.length);
    // One copy of the library serves all of them.
    const [, ...imports] = bundle.split('"/opt/linux-ptrace/dist/');
    expect(imports.length).toBeGreaterThan(1);
    for (const text of imports) expect(existsSync(`${root}dist/${text.split('"')[0] ?? ''}`)).toBe(true);
    expect(bundle).toContain('from "vitest"');
  },
);
