#!/usr/bin/env node
// The binary that the published package carries: prebuilds/linux-<arch>/, by prebuildify, stripped, tagged with its libc.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { arch, env, execPath, exit, ppid, version } from 'node:process';
import { fileURLToPath } from 'node:url';
import { headers } from './build-addon.js';

/**
 * Whether npm runs this as what it takes every `prebuild` for, the hook of `build`. Nothing in the environment tells;
 * npm's process title does ("npm run build"), with a shell between it and us or not.
 */
function isHookOfBuild() {
  let pid = ppid;
  for (let up = 0; up < 2; up++) {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split(/[\0 ]+/);
    if (words[0] === 'npm') return words.includes('build') && !words.includes('prebuild');
    pid = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '1';
  }
  return false;
}

if (isHookOfBuild()) exit(0);

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
exit(status ?? 1);
