#!/usr/bin/env node
// Addon (when outdated), then lib/ -> dist/. `--clean` starts from nothing, as a release must.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { argv, execPath, exit } from 'node:process';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);

function run(...args) {
  const { error, status } = spawnSync(execPath, args, { cwd: root, stdio: 'inherit' });
  if (error) console.error(error.message);
  if (status !== 0) exit(status ?? 1);
}

if (argv.includes('--clean')) rmSync(join(root, 'dist'), { recursive: true, force: true });
run(join(root, 'scripts', 'build-addon.js'));
run(join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc'), '-p', 'tsconfig.build.json');

const command = join(root, 'dist', 'cli', 'main.js');
if (existsSync(command)) chmodSync(command, 0o755);
