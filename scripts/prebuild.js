#!/usr/bin/env node
// The binaries that the published package carries: prebuilds/linux-<arch>/, by prebuildify, stripped, tagged with their libc. Those of the other
// architecture are cross-built.
//   --arch=x64,arm64  these architectures; both when nothing is said
//   --only-host       this machine's alone
//   --available       those that there are compilers for; tells which it leaves out
//   --stale           only what is missing, or older than what it is made from
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { arch as host, argv, env, execPath, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { headers } from './build-addon.js';
import { buildProgram, programOf, PROGRAMS } from './build-programs.js';
import { ARCHS, complaints } from './prebuilds.js';

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

function parsed() {
  try {
    return parseArgs({
      args: argv.slice(2),
      options: {
        arch: { type: 'string' },
        'only-host': { type: 'boolean' },
        available: { type: 'boolean' },
        stale: { type: 'boolean' },
      },
    });
  } catch (error) {
    return fail(error.message);
  }
}

function options() {
  const { values } = parsed();
  const archs = values['only-host'] ? [host] : (values.arch?.split(',') ?? ARCHS);
  const unknown = archs.find((arch) => !ARCHS.includes(arch));
  if (unknown !== undefined) fail(`there is no code for ${unknown}: give --arch one or more of ${ARCHS.join(',')}`);
  return { archs, available: values.available === true, stale: values.stale === true };
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

/** The packages whose compilers an architecture lacks here. */
function lacking(arch) {
  const { compiler, install } = PROGRAMS[programOf(arch)];
  return [
    ...(arch === host || Object.values(tools(arch)).every(runs) ? [] : [CROSS[arch].install]),
    ...(runs(compiler[0]) ? [] : [install]),
  ];
}

function buildAddon(arch) {
  // prebuildify empties build/, which holds this machine's own addon.
  const copy = join(root, 'node_modules', '.cache', 'prebuild', arch);
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  for (const name of ['package.json', 'binding.gyp', 'native']) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
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
    env: { ...env, npm_config_loglevel: 'warn', ...tools(arch), ...(nodedir ? { npm_config_nodedir: nodedir } : {}) },
  });
  if (status !== 0) fail(`the addon for ${arch} was not built`);
}

function build(arch) {
  const folder = join(root, 'prebuilds', `linux-${arch}`);
  rmSync(folder, { recursive: true, force: true });
  buildAddon(arch);
  // The program of the 32-bit ABI lies beside it, one for every libc.
  const name = programOf(arch);
  const missing = buildProgram(name, folder);
  if (missing !== undefined) fail(`the ${name} program is not built: ${missing}`);
}

const { archs, available, stale } = options();
const wanted = archs.filter((arch) => !stale || complaints(root, [arch]).length > 0);
const built = wanted.filter((arch) => {
  const packages = lacking(arch);
  if (packages.length === 0) return true;
  const what = `there is no compiler for what linux-${arch} needs (Debian: apt-get install ${packages.join(' ')})`;
  if (!available) fail(arch === host ? what : `${what}; --only-host builds for this machine alone`);
  console.log(`linux-ptrace: prebuilds/linux-${arch} is left out: ${what}`);
  return false;
});
for (const arch of built) build(arch);
const wrong = complaints(root, built);
if (wrong.length > 0) fail(`what was built cannot be shipped:\n  ${wrong.join('\n  ')}`);
