#!/usr/bin/env node
// The binaries that the published package carries: prebuilds/linux-<arch>/, by prebuildify, stripped, tagged with their libc. The addon of the
// other architecture is cross-built. `--arch=x64,arm64` chooses, `--only-host` is this machine's alone.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { arch as host, argv, env, execPath, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { headers } from './build-addon.js';
import { buildProgram, programOf, PROGRAMS } from './build-programs.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const prebuildify = createRequire(import.meta.url).resolve('prebuildify/bin.js');

/** GNU's names of the machines, which the tools of a cross compiler begin with, and Debian's package of those tools. */
const CROSS = {
  x64: { triplet: 'x86_64-linux-gnu', install: 'g++-x86-64-linux-gnu' },
  arm64: { triplet: 'aarch64-linux-gnu', install: 'g++-aarch64-linux-gnu' },
};

function fail(message) {
  console.error(`linux-ptrace: ${message}`);
  exit(1);
}

/** The architectures to build for. */
function wanted() {
  const { values } = parseArgs({
    args: argv.slice(2),
    options: { arch: { type: 'string' }, 'only-host': { type: 'boolean' } },
  });
  const archs = values['only-host'] ? [host] : (values.arch?.split(',') ?? Object.keys(CROSS));
  const unknown = archs.find((arch) => !(arch in CROSS));
  if (unknown !== undefined) fail(`there is no code for ${unknown}; --arch takes ${Object.keys(CROSS).join(' and ')}`);
  return archs;
}

/** The environment that makes node-gyp build for an architecture. */
function tools(arch) {
  if (arch === host) return {};
  const { triplet } = CROSS[arch];
  return {
    CC: `${triplet}-gcc`,
    CXX: `${triplet}-g++`,
    AR: `${triplet}-ar`,
    LINK: `${triplet}-g++`,
    PREBUILD_STRIP_BIN: `${triplet}-strip`,
  };
}

/** Whether a program can be started at all. */
const runs = (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;

function build(arch) {
  // prebuildify empties build/, which holds this machine's own addon.
  const copy = join(root, 'node_modules', '.cache', 'prebuild', arch);
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  for (const name of ['package.json', 'binding.gyp', 'native']) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  rmSync(join(root, 'prebuilds', `linux-${arch}`), { recursive: true, force: true });
  const nodedir = headers();
  const args = [
    prebuildify,
    '--napi',
    '--strip',
    '--tag-libc',
    `--arch=${arch}`,
    // Any Node's headers will do: binding.gyp asks for a Node-API that all of them have. Without any, those of the oldest line are fetched.
    '--target=20.19.0',
    `--out=${root}`,
    `--cache=${join(root, 'node_modules', '.cache', 'prebuildify')}`,
  ];
  const { status } = spawnSync(execPath, args, {
    cwd: copy,
    stdio: 'inherit',
    env: { ...env, ...tools(arch), ...(nodedir ? { npm_config_nodedir: nodedir } : {}) },
  });
  if (status !== 0) fail(`the addon for ${arch} was not built`);
}

/** The program of the 32-bit ABI lies beside the addon, one for every libc. */
function buildBeside(arch) {
  const name = programOf(arch);
  const missing = buildProgram(name, join(root, 'prebuilds', `linux-${arch}`));
  if (missing !== undefined) fail(`the ${name} program is not built: ${missing}`);
}

const archs = wanted();
for (const arch of archs) {
  const { install } = CROSS[arch];
  if (arch !== host && ![tools(arch).CXX, tools(arch).PREBUILD_STRIP_BIN].every(runs)) {
    fail(`there is no compiler for ${arch}: apt-get install ${install}, or leave ${arch} out with --only-host`);
  }
  const program = programOf(arch);
  const { compiler, install: source } = PROGRAMS[program];
  if (!runs(compiler[0])) fail(`there is no compiler for the ${program} program: apt-get install ${source}`);
}
for (const arch of archs) {
  build(arch);
  buildBeside(arch);
}
