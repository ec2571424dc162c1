#!/usr/bin/env node
// Builds the addon with node-gyp, when it is missing or older than what it is made from. `--force` builds anyway. Also the program of the 32-bit
// ABI of fixtures/, where there is a compiler for it. For the other architecture: npm run prebuild -- --arch=...
// Only Node's own modules are used here: this file also runs in an installed package.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { arch, argv, env, execPath, exit, platform } from 'node:process';
import { fileURLToPath } from 'node:url';
import { buildProgram, programOf } from './build-programs.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const product = join(root, 'build', 'Release', 'linux_ptrace.node');

/** Whether build/Release holds an addon that is newer than every file it is built from. */
function upToDate() {
  if (!existsSync(product)) return false;
  const built = statSync(product).mtimeMs;
  const sources = readdirSync(join(root, 'native')).map((name) => join(root, 'native', name));
  return [join(root, 'binding.gyp'), ...sources].every((file) => statSync(file).mtimeMs <= built);
}

/** The node-gyp to use: the project's own, else the one npm brings, else whatever PATH has. */
function nodeGyp() {
  try {
    return [execPath, createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')];
  } catch {
    return env.npm_config_node_gyp ? [execPath, env.npm_config_node_gyp] : ['node-gyp'];
  }
}

/**
 * Where the running node keeps its headers, as the archives of nodejs.org do: then none have to be downloaded.
 * A nodedir that the user set wins.
 */
export function headers() {
  if (env.npm_config_nodedir) return env.npm_config_nodedir;
  const prefix = resolve(dirname(execPath), '..');
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? prefix : undefined;
}

/** Runs node-gyp; returns what went wrong, or undefined. */
export function buildAddon() {
  const [command, ...first] = nodeGyp();
  const nodedir = headers();
  const args = [
    ...first,
    'configure',
    'build',
    '--release',
    '--loglevel=warn',
    ...(nodedir ? [`--nodedir=${nodedir}`] : []),
  ];
  const { error, status, signal } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error) return error.message;
  return status === 0 ? undefined : `node-gyp ended with ${signal ?? `code ${status}`}`;
}

if (resolve(argv[1]) === fileURLToPath(import.meta.url)) {
  if (platform !== 'linux') {
    console.log('linux-ptrace: the addon is for Linux only, nothing to build');
  } else if (argv.includes('--force') || !upToDate()) {
    const failure = buildAddon();
    if (failure !== undefined) {
      console.error(`linux-ptrace: ${failure}`);
      exit(1);
    }
  }
  const program = platform === 'linux' ? programOf(arch) : undefined;
  const missing = program === undefined ? undefined : buildProgram(program);
  if (missing !== undefined) {
    console.log(`linux-ptrace: the ${program} program of the conformance suite is not built: ${missing}`);
  }
}
