#!/usr/bin/env node
// Builds the addon with node-gyp, when it is missing or older than what it is made from. `--force` builds anyway. On x64 also the i386 program
// of fixtures/, where the compiler can.
// Only Node's own modules are used here: this file also runs in an installed package.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { arch, argv, env, execPath, exit, platform } from 'node:process';
import { fileURLToPath } from 'node:url';

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

const fixture = join(root, 'fixtures', 'i386.c');
// Freestanding: the compiler needs neither headers nor libraries of that ABI.
const I386_FLAGS = [
  ...['-m32', '-O2', '-Wall', '-Wextra', '-ffreestanding', '-fno-pie', '-fno-stack-protector'],
  ...['-fno-asynchronous-unwind-tables', '-nostdlib', '-static', '-no-pie', '-s'],
  ...['-Wl,--build-id=none', '-Wl,-z,noexecstack'],
];

/** Where {@link buildFixture} puts the i386 program when it is given no other place. */
export const i386Program = join(root, 'build', 'fixtures', 'i386');

/**
 * Builds the i386 program that some scenarios trace, when it is missing or older than its source. Returns why it is not there, or undefined:
 * without it these scenarios are skipped.
 */
export function buildFixture(program = i386Program) {
  if (arch !== 'x64') return `${arch} runs no i386 programs`;
  if (!existsSync(fixture)) return 'its source is missing';
  if (existsSync(program) && statSync(program).mtimeMs >= statSync(fixture).mtimeMs) return undefined;
  mkdirSync(dirname(program), { recursive: true });
  // As make has it, CC may hold options.
  const compiler = (env.CC || 'cc').trim().split(/\s+/);
  const args = [...compiler.slice(1), ...I386_FLAGS, '-o', program, fixture];
  const { error, status } = spawnSync(compiler[0], args, { cwd: root, stdio: 'ignore' });
  if (error) return error.message;
  return status === 0 ? undefined : `${compiler[0]} builds no programs with -m32`;
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
  const missing = platform === 'linux' && arch === 'x64' ? buildFixture() : undefined;
  if (missing !== undefined) {
    console.log(`linux-ptrace: the i386 program of the conformance suite is not built: ${missing}`);
  }
}
