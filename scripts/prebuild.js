#!/usr/bin/env node
// The binary that the published package carries: prebuilds/linux-<arch>/, by prebuildify, stripped, tagged with its libc.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { arch, env, execPath, exit, version } from 'node:process';
import { fileURLToPath } from 'node:url';
import { buildFixture, headers } from './build-addon.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const prebuildify = createRequire(import.meta.url).resolve('prebuildify/bin.js');
const nodedir = headers();
// One binary for every Node from 20 on: made with the headers of 20, which has no Node-API newer than the one we ask for.
const target = version.startsWith('v20.') ? version.slice(1) : '20.19.0';
const args = [
  prebuildify,
  '--napi',
  '--strip',
  '--tag-libc',
  `--arch=${arch}`,
  `--target=${target}`,
  '--cache=node_modules/.cache/prebuildify',
];
const { status } = spawnSync(execPath, args, {
  cwd: root,
  stdio: 'inherit',
  env: nodedir && version.startsWith('v20.') ? { ...env, npm_config_nodedir: nodedir } : env,
});
// The i386 program of the conformance suite lies beside it, one for every libc. A compiler without -m32 leaves it to another machine's run.
const missing = arch === 'x64' ? buildFixture(join(root, 'prebuilds', `linux-${arch}`, 'i386')) : undefined;
if (missing !== undefined) console.error(`linux-ptrace: the i386 program is not built: ${missing}`);
exit(status ?? 1);
