#!/usr/bin/env node
// Addon (when outdated), then lib/ -> dist/ -> bundle/. `--clean` starts from nothing, as a release must.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { argv, execPath, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.js';
import { page } from './page.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);

/** Whether the script did its work. */
function run(...args) {
  const { error, status } = spawnSync(execPath, args, { cwd: root, stdio: 'inherit' });
  if (error) console.error(error.message);
  return status === 0;
}

if (argv.includes('--clean'))
  for (const folder of ['dist', 'bundle']) rmSync(join(root, folder), { recursive: true, force: true });
if (!run(join(root, 'scripts', 'build-addon.js'))) exit(1);
// JavaScript comes out in spite of type errors; the exit status tells of them.
const typed = run(join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc'), '-p', 'tsconfig.build.json');
await bundle(root);
await page(root);

if (!typed) exit(1);
