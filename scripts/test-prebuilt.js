#!/usr/bin/env node
// The package as a user without a compiler gets it: packed, installed into an empty folder without running its scripts, tried with every Node line
// that it serves. Arguments choose the lines: 20 24
//   --into=FOLDER  only installs it there, for another machine to try: node FOLDER/installed-check.js FOLDER
//   --arch=arm64   for that machine's architecture
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { arch as host, argv, env, execPath, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isOffline, nodeOf, reason } from './nodes.js';
import { ARCHS, complaints } from './prebuilds.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const LINES = ['20', '22', '24'];
export const LAST_LINE = /^(\d+) passed, (\d+) failed, (\d+) skipped$/m;

/** The JavaScript of npm, for a run that finds nothing in PATH. */
function npmScript() {
  if (basename(env.npm_execpath ?? '') === 'npm-cli.js') return env.npm_execpath;
  const npm = (env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'npm'))
    .find((file) => existsSync(file));
  if (npm === undefined) throw new Error('there is no npm in PATH');
  return realpathSync(npm);
}

/** Runs npm with nothing in PATH, free of what a surrounding npm tells its scripts. Gives what it printed. */
function npm(cwd, args) {
  const kept = Object.entries(env).filter(
    ([name]) => !/^npm_/i.test(name) || /^npm_config_(registry|cache|userconfig|globalconfig)$/i.test(name),
  );
  return execFileSync(execPath, [npmScript(), ...args, '--loglevel=error', '--ignore-scripts'], {
    cwd,
    env: { ...Object.fromEntries(kept), PATH: join(cwd, 'nothing-here') },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
}

/**
 * Packs the package as it stands.
 *
 * @param {string} folder where the archive comes to lie
 * @returns {string} its path
 */
export function pack(folder) {
  npm(root, ['pack', '--pack-destination', folder]);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack gave no archive');
  return join(folder, tarball);
}

/**
 * Installs a packed package, with what it depends on, into a folder, and puts installed-check.js beside it.
 *
 * @param {string} tarball
 * @param {string} folder
 * @param {string} arch
 */
export function install(tarball, folder, arch = host) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const quiet = ['--no-audit', '--no-fund', '--no-save', '--no-package-lock', '--prefer-offline', '--fetch-retries=1'];
  npm(folder, ['install', ...quiet, '--os=linux', `--cpu=${arch}`, tarball]);
  cpSync(join(root, 'scripts', 'installed-check.js'), join(folder, 'installed-check.js'));
}

/** Tries an installed package with one Node line. */
async function tryWith(line, folder) {
  const { node, version } = await nodeOf(line);
  console.log(`\nNode ${version}`);
  // Nothing else is in PATH: above all no compiler.
  const path = join(folder, `node-${line}`);
  mkdirSync(path);
  symlinkSync(node, join(path, 'node'));
  const { error, status, stdout, stderr } = spawnSync(node, [join(folder, 'installed-check.js'), folder], {
    cwd: folder,
    env: { PATH: path, LINUX_PTRACE_TIME_SCALE: env.LINUX_PTRACE_TIME_SCALE ?? '1' },
    encoding: 'utf8',
  });
  if (error) throw error;
  process.stdout.write(`${stdout}${stderr}`);
  const [, passed, failed, skipped] = LAST_LINE.exec(stdout) ?? [];
  if (passed === undefined) return { passed: 0, failed: 1, skipped: 0 };
  return { passed: +passed, failed: status === 0 ? +failed : Math.max(1, +failed), skipped: +skipped };
}

/**
 * Tries a packed package with Node lines. Without a network what cannot be fetched is skipped, and it says so.
 *
 * @param {string} tarball
 * @param {readonly string[]} lines
 * @returns {{passed: number, failed: number, skipped: number, note: string}}
 */
export async function testPrebuilt(tarball, lines = LINES) {
  const sum = { passed: 0, failed: 0, skipped: 0, note: '' };
  const folder = mkdtempSync(join(tmpdir(), 'linux-ptrace-prebuilt-'));
  const attempt = async (what, action) => {
    try {
      return await action();
    } catch (error) {
      sum[isOffline(error) ? 'skipped' : 'failed']++;
      sum.note = `${what}: ${reason(error)}`;
      console.log(sum.note);
      return undefined;
    }
  };
  try {
    const installed = await attempt('npm install', () => (install(tarball, folder), true));
    for (const line of installed ? lines : []) {
      const counts = await attempt(`Node ${line}`, () => tryWith(line, folder));
      for (const key of ['passed', 'failed', 'skipped']) sum[key] += counts?.[key] ?? 0;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return sum;
}

if (resolve(argv[1] ?? '') === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    args: argv.slice(2),
    options: { into: { type: 'string' }, arch: { type: 'string', default: host } },
    allowPositionals: true,
  });
  const wrong = complaints(root, [values.arch]);
  if (wrong.length > 0) {
    console.error(`linux-ptrace: ${wrong.join('\nlinux-ptrace: ')}`);
    if (ARCHS.includes(values.arch)) console.error('linux-ptrace: run npm run prebuild first');
    exit(1);
  }
  const staging = mkdtempSync(join(tmpdir(), 'linux-ptrace-packed-'));
  try {
    const tarball = pack(staging);
    if (values.into !== undefined) {
      install(tarball, resolve(values.into), values.arch);
    } else {
      const { passed, failed, skipped } = await testPrebuilt(tarball, positionals.length > 0 ? positionals : LINES);
      console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
      process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
    }
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
