#!/usr/bin/env node
// Builds a kernel that lacks what no distribution leaves out: from the distribution's own source, `make tinyconfig` and the fragments in
// scripts/kernel-tiny/. The source is fetched once, the kernel is built again when the fragments or the source have changed.
//
//   npm run kernel:tiny [-- --source linux-source-6.12] [--arch x64|arm64] [--out FOLDER] [--jobs N] [--refresh]
//
// Prints the path of the kernel last. docs/tiny-kernel.md tells what it lacks.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { arch as machine, env, execPath, exit } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { deviations, fragmentNames, layered, releaseOf } from './kernel-tiny/config.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const fragments = join(root, 'scripts', 'kernel-tiny');

const targets = {
  x64: {
    arch: 'x86_64',
    image: 'bzImage',
    path: 'arch/x86/boot/bzImage',
    cross: 'x86_64-linux-gnu-',
    compiler: 'gcc-x86-64-linux-gnu',
  },
  arm64: {
    arch: 'arm64',
    image: 'Image',
    path: 'arch/arm64/boot/Image',
    cross: 'aarch64-linux-gnu-',
    compiler: 'gcc-aarch64-linux-gnu',
  },
};

class Trouble extends Error {}

const say = (words) => console.error(`kernel-tiny: ${words}`);

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

const works = (program, args, input = '') =>
  spawnSync(program, args, { input, stdio: ['pipe', 'ignore', 'ignore'] }).status === 0;

/** Debian's packages that a build needs and that are not there. */
function missingPackages(target, cross) {
  const programs = [
    ['make', 'make'],
    ['flex', 'flex'],
    ['bison', 'bison'],
    ['bc', 'bc'],
    ['perl', 'perl'],
    ['xz', 'xz-utils'],
    ['tar', 'tar'],
    ['gcc', 'gcc'],
    ...(cross === '' ? [] : [[`${cross}gcc`, target.compiler]]),
  ];
  // objtool of x86 reads ELF files.
  const headers = target.arch === 'x86_64' ? [['gelf.h', 'libelf-dev']] : [];
  return [
    ...programs.filter(([program]) => !works(program, ['--version'])),
    ...headers.filter(([header]) => !works('gcc', ['-E', '-'], `#include <${header}>\n`)),
  ].map(([, name]) => name);
}

/** A module of the package as it is built: what the command fetches by serves here, too. */
async function built(name) {
  const file = join(root, 'dist', 'vm', `${name}.js`);
  if (!existsSync(file)) {
    const { status } = spawnSync(execPath, [join(root, 'scripts', 'build.js')], { cwd: root, stdio: ['ignore', 2, 2] });
    if (status !== 0) throw new Trouble('the package cannot be built, and its fetching is needed');
  }
  return await import(pathToFileURL(file).href);
}

const ARCHIVE = /^(.+)_([^_]+)\.tar\.xz$/;

/** The archive of a source that was fetched before, and its version. */
function keptSource(folder, name) {
  const found = (existsSync(folder) ? readdirSync(folder) : [])
    .map((file) => ARCHIVE.exec(file))
    .find((parts) => parts?.[1] === name);
  return found == null ? undefined : { file: join(folder, found[0]), version: found[2] };
}

/** The packages of a source in the suites that have kernels of its release, the newest first. */
async function findPackages(apt, name, number) {
  const [{ kernelTable }, { compareDebianVersions }] = [await built('kernel-table'), await built('debian-version')];
  const suites = kernelTable.find(({ release }) => release === number)?.suites;
  if (suites === undefined) {
    const known = [...new Set(kernelTable.map(({ release }) => release))];
    throw new Trouble(`nothing is known of ${name}: the releases are ${known.join(', ')}`);
  }
  const failures = [];
  const look = async (newerThan) => {
    const found = [];
    for (const suite of suites) {
      try {
        const list = await apt.suite(suite, 'x64', newerThan);
        found.push(...list.packages.filter((each) => each.name === name).map((entry) => ({ list, entry })));
      } catch (error) {
        if (error.name === 'VmError') throw error;
        failures.push(`${suite}: ${error.message}`);
      }
    }
    return found;
  };
  let found = await look(0);
  // Lists that are kept may be of before sources were asked for.
  if (found.length === 0) found = await look(Date.now());
  if (found.length > 0)
    return found.sort((one, other) => compareDebianVersions(other.entry.version, one.entry.version));
  throw new Trouble(
    `there is no package ${name} in ${suites.join(', ')}${failures.length === 0 ? '' : ` (${failures[0]})`}`,
  );
}

/** Fetches a source's package, and keeps the archive that is in it. */
async function fetchSource(folder, name, number, kept) {
  const [{ Apt }, { withStaging }] = [await built('apt'), await built('cache')];
  const apt = await Apt.open({ onProgress: say });
  const failures = [];
  for (const { list, entry } of await findPackages(apt, name, number)) {
    if (kept?.version === entry.version) return kept;
    try {
      return await withStaging(async (staging) => {
        say(`fetching ${name} ${entry.version} (${(entry.size / 1e6).toFixed(0)} MB)`);
        const [deb] = await apt.download(list, [entry], staging);
        const unpacked = join(staging, 'unpacked');
        execFileSync('dpkg-deb', ['-x', deb, unpacked], { stdio: ['ignore', 2, 2] });
        mkdirSync(folder, { recursive: true });
        const file = join(folder, `${name}_${entry.version}.tar.xz`);
        renameSync(join(unpacked, 'usr', 'src', `${name}.tar.xz`), file);
        if (kept !== undefined) rmSync(kept.file, { force: true });
        return { file, version: entry.version };
      });
    } catch (error) {
      if (error.name === 'VmError') throw error;
      failures.push(error.message);
    }
  }
  throw new Trouble(`${name} cannot be fetched: ${failures[0]}`);
}

/** What was told to this process ends the build, too; what is not whole is taken away then. */
const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => ending.abort(new Trouble(`ended by ${signal}`)));
}

async function make(folder, words, target, cross, jobs) {
  const args = ['-s', '-C', join(folder, 'source'), `O=${join(folder, 'build')}`, `ARCH=${target.arch}`, `-j${jobs}`];
  if (cross !== '') args.push(`CROSS_COMPILE=${cross}`);
  ending.signal.throwIfAborted();
  // make ends its own children when it is told to end.
  const child = spawn('nice', ['make', ...args, ...words], {
    stdio: ['ignore', 2, 2],
    // The same source gives the same kernel.
    env: {
      ...env,
      LC_ALL: 'C',
      KBUILD_BUILD_TIMESTAMP: '2000-01-01',
      KBUILD_BUILD_USER: 'linux-ptrace',
      KBUILD_BUILD_HOST: 'linux-ptrace',
    },
  });
  const end = () => child.kill('SIGTERM');
  ending.signal.addEventListener('abort', end);
  const [status, signal] = await once(child, 'close');
  ending.signal.removeEventListener('abort', end);
  ending.signal.throwIfAborted();
  if (status === 0) return;
  throw new Trouble(`make ${words.join(' ')} ${signal === null ? `failed with ${status}` : `was ended by ${signal}`}`);
}

/** Lays the fragments over tinyconfig. Options that come back silently are an error. */
async function configure(folder, fragment, target, cross) {
  await make(folder, ['tinyconfig'], target, cross, 1);
  const config = join(folder, 'build', '.config');
  writeFileSync(config, layered(readFileSync(config, 'utf8'), fragment));
  await make(folder, ['olddefconfig'], target, cross, 1);
  const wrong = deviations(readFileSync(config, 'utf8'), fragment);
  if (wrong.length > 0) throw new Trouble(`the configuration is not what was asked for: ${wrong.join('; ')}`);
}

const fragmentOf = (names) => names.map((name) => readFileSync(join(fragments, name), 'utf8')).join('\n');

/** What a kernel in a folder was built from, if it is there whole. */
function knownKernel(folder, image) {
  try {
    const known = JSON.parse(readFileSync(join(folder, 'kernel.json'), 'utf8'));
    return sha256(readFileSync(join(folder, image))) === known.sha256 ? known : undefined;
  } catch {
    return undefined;
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      source: { type: 'string', default: 'linux-source-6.12' },
      arch: { type: 'string', default: machine },
      out: { type: 'string' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      refresh: { type: 'boolean', default: false },
    },
  });
  const { source: name, arch, refresh } = values;
  const target = targets[arch];
  if (target === undefined)
    throw new Trouble(`there is no tiny kernel for ${arch}: want ${Object.keys(targets).join(' or ')}`);
  const [, number] = /^linux-source-(\d+\.\d+)$/.exec(name) ?? [];
  if (number === undefined)
    throw new Trouble(`${name} is no package of a kernel's source: want linux-source-6.12, say`);
  const jobs = Number(values.jobs);
  if (!Number.isInteger(jobs) || jobs < 1) throw new Trouble(`${values.jobs} is no number of jobs`);

  const { cacheFolder, withStaging } = await built('cache');
  const out = resolve(values.out ?? join(cacheFolder(), 'tiny', `${number}-${arch}`));
  const sources = join(cacheFolder(), 'sources');
  const kernel = join(out, target.image);
  const fragment = fragmentOf(fragmentNames(readdirSync(fragments), arch, number.split('.').map(Number)));
  const isOf = (known, version) =>
    known?.fragment === sha256(fragment) && (version === undefined || known.version === version);

  const known = knownKernel(out, target.image);
  if (!refresh && isOf(known, keptSource(sources, name)?.version)) {
    say(`${name} ${known.version} for ${arch} is built`);
    console.log(kernel);
    return;
  }
  const cross = arch === machine ? '' : target.cross;
  const packages = missingPackages(target, cross);
  if (packages.length > 0)
    throw new Trouble(`a build needs packages that are missing: apt-get install ${packages.join(' ')}`);
  const kept = keptSource(sources, name);
  const { file, version } = kept === undefined || refresh ? await fetchSource(sources, name, number, kept) : kept;
  if (isOf(known, version)) {
    say(`${name} ${version} for ${arch} is built`);
    console.log(kernel);
    return;
  }
  await withStaging(async (folder) => {
    const begin = performance.now();
    say(`unpacking ${name} ${version}`);
    for (const each of ['source', 'build']) mkdirSync(join(folder, each));
    execFileSync('tar', ['-xf', file, '-C', join(folder, 'source'), '--strip-components=1'], {
      stdio: ['ignore', 2, 2],
    });
    const told = releaseOf(readFileSync(join(folder, 'source', 'Makefile'), 'utf8')).join('.');
    if (told !== number) throw new Trouble(`the source of ${name} says that it is ${told}`);
    say('configuring');
    await configure(folder, fragment, target, cross);
    say(`building with ${jobs} jobs: some minutes`);
    await make(folder, [target.image], target, cross, jobs);
    const image = readFileSync(join(folder, 'build', target.path));
    mkdirSync(out, { recursive: true });
    // Without its description a kernel does not count.
    rmSync(join(out, 'kernel.json'), { force: true });
    writeFileSync(kernel, image);
    copyFileSync(join(folder, 'build', '.config'), join(out, 'config'));
    const description = {
      package: name,
      version,
      arch,
      fragment: sha256(fragment),
      sha256: sha256(image),
      size: image.length,
    };
    writeFileSync(join(out, 'kernel.json'), `${JSON.stringify(description, null, 2)}\n`);
    const seconds = ((performance.now() - begin) / 1000).toFixed(0);
    say(`${name} ${version} for ${arch}: ${(image.length / 1e6).toFixed(1)} MB, built in ${seconds} s`);
  });
  console.log(kernel);
}

try {
  await main();
} catch (error) {
  say(error.message);
  if (!(error instanceof Trouble) && error.name !== 'VmError' && !String(error.code).startsWith('ERR_PARSE_ARGS'))
    console.error(error);
  exit(1);
}
