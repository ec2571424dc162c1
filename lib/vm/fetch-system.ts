/** What a guest needs beside kernel and Node: a C library, what Node is linked with, and a shell. */
import { mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Apt, type Suite } from './apt.js';
import { cacheFolder, place, withStaging } from './cache.js';
import { isWhole, readDescription, writeDescription } from './described.js';
import { VmError } from './failure.js';
import { FetchFailure } from './fetch-failure.js';
import type { FetchOptions } from './fetch-options.js';
import type { GuestArch } from './guest-arch.js';
import { ownSystem } from './own-system.js';
import type { IndexedPackage } from './package-index.js';
import { readDeb, writeEntry } from './unpack.js';

/** A file of a guest. */
export interface GuestFile {
  /** In the guest, relative to its root: 'bin/busybox'. */
  readonly path: string;
  /** The path of the file here. */
  readonly file: string;
  readonly mode: number;
}

/** Newer suites first: what was linked on a machine of today wants a C library of today. */
const SUITES = ['trixie', 'bookworm'];

const PACKAGES = ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1', 'busybox-static'];

interface Layout {
  /** The folder of the libraries, as the C library was built to look for them. */
  readonly triplet: string;
  /** Where executables want the dynamic linker (PT_INTERP): a matter of the psABI. */
  readonly linker: string;
}

const layouts: Readonly<Record<GuestArch, Layout>> = {
  x64: { triplet: 'x86_64-linux-gnu', linker: 'lib64/ld-linux-x86-64.so.2' },
  arm64: { triplet: 'aarch64-linux-gnu', linker: 'lib/ld-linux-aarch64.so.1' },
};

const LIBRARIES = new Set([
  'libc.so.6',
  'libm.so.6',
  'libdl.so.2',
  'libpthread.so.0',
  'librt.so.1',
  'libstdc++.so.6',
  'libgcc_s.so.1',
  'libatomic.so.1',
]);

/** A path in a package as it was before packages moved, one by one since bookworm, from /lib and /bin into /usr. */
const unmerged = (path: string): string => path.replace(/^usr\//, '');

/** The path in the guest of a file in a package, if the guest needs it: a library goes by its soname, which is often a link's. */
function guestPath(path: string, { triplet, linker }: Layout): string | undefined {
  const place = unmerged(path);
  const name = basename(place);
  if (place === 'bin/busybox') return place;
  if (place !== `lib/${triplet}/${name}`) return undefined;
  if (name === basename(linker)) return linker;
  return LIBRARIES.has(name) ? place : undefined;
}

/** Whether a file in a package may be one that a soname's link leads to: 'libstdc++.so.6.0.33'. */
function linkedTo(path: string, { triplet }: Layout): boolean {
  const name = basename(path);
  return unmerged(path) === `lib/${triplet}/${name}` && [...LIBRARIES].some((soname) => name.startsWith(`${soname}.`));
}

interface Unpacked {
  readonly path: string;
  readonly name: string;
  readonly size: number;
  readonly mode: number;
}

/** The guest's files out of packages, written to a folder. */
async function unpack(
  debs: readonly string[],
  layout: Layout,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<Unpacked[]> {
  const found: Unpacked[] = [];
  for (const deb of debs) {
    // A soname's link may stand before or after its file.
    const links = new Map<string, string>();
    const files = new Map<string, { readonly name: string; readonly size: number }>();
    await readDeb(deb, signal, async ({ path, type, target, mode }, data) => {
      const direct = guestPath(path, layout);
      if (type === 'link' && direct !== undefined) links.set(direct, basename(target));
      if (type === 'file' && (direct !== undefined || linkedTo(path, layout))) {
        const name = basename(path);
        const { size } = await writeEntry(data, join(folder, name), 0o644);
        files.set(name, { name, size });
        if (direct !== undefined) found.push({ path: direct, name, size, mode: mode | 0o555 });
      }
      return false;
    });
    for (const [path, target] of links) {
      const file = files.get(target);
      if (file !== undefined) found.push({ path, ...file, mode: 0o755 });
    }
  }
  return found;
}

const DESCRIPTION = 'system.json';
const folderOf = (arch: GuestArch): string => join(cacheFolder(), 'system', arch);

function isUnpacked(value: unknown): value is Unpacked {
  if (typeof value !== 'object' || value === null) return false;
  const { path, name, size, mode } = value as Record<string, unknown>;
  return typeof path === 'string' && typeof name === 'string' && typeof size === 'number' && typeof mode === 'number';
}

/** The guest files in a folder, if all are there. */
async function readSystem(folder: string): Promise<readonly GuestFile[] | undefined> {
  const files = (await readDescription(folder, DESCRIPTION))?.['files'];
  if (!Array.isArray(files) || files.length === 0 || !files.every(isUnpacked)) return undefined;
  const whole = await Promise.all(files.map((file) => isWhole(folder, file)));
  if (whole.includes(false)) return undefined;
  return files.map(({ path, name, mode }) => ({ path, file: join(folder, name), mode }));
}

async function cachedSystem(arch: GuestArch): Promise<readonly GuestFile[] | undefined> {
  const folder = folderOf(arch);
  // Their names begin with the time.
  for (const name of (await readdir(folder).catch(() => [])).sort().reverse()) {
    const system = await readSystem(join(folder, name));
    if (system !== undefined) return system;
  }
  return undefined;
}

async function fetchFrom(apt: Apt, suite: Suite, options: FetchOptions): Promise<readonly GuestFile[]> {
  const { arch } = suite;
  const packages = PACKAGES.map((name): IndexedPackage => {
    const found = suite.packages.find((each) => each.name === name);
    if (found === undefined) throw new FetchFailure('gone', `${suite.suite} has no package ${name}`);
    return found;
  });
  options.onProgress?.(`guest files for ${arch}: ${PACKAGES.join(' ')}`);
  return await withStaging(async (staging) => {
    const debs = await apt.download(suite, packages, staging);
    const made = join(staging, 'system');
    await mkdir(made);
    const files = await unpack(debs, layouts[arch], made, options.signal);
    const wanted = [
      'bin/busybox',
      layouts[arch].linker,
      ...[...LIBRARIES].map((name) => `lib/${layouts[arch].triplet}/${name}`),
    ];
    const missing = wanted.filter((path) => !files.some((file) => file.path === path));
    if (missing.length > 0)
      throw new FetchFailure('refused', `the packages of ${suite.suite} lack ${missing.join(', ')}`);
    const versions = Object.fromEntries(packages.map(({ name, version }) => [name, version]));
    await writeDescription(made, DESCRIPTION, { arch, suite: suite.suite, packages: versions, files });
    const target = join(folderOf(arch), `${Date.now()}-${process.pid}`);
    await place(made, target, async () => (await readSystem(target)) !== undefined);
    const kept = await readSystem(target);
    if (kept === undefined) throw new Error(`${target} has gone as soon as it was there`);
    return kept;
  });
}

/** @throws FetchFailure of the last suite, VmError */
async function fetchFromAny(arch: GuestArch, options: FetchOptions): Promise<readonly GuestFile[]> {
  const apt = await Apt.open(options);
  let last: FetchFailure | undefined;
  for (const name of SUITES) {
    const begin = Date.now();
    try {
      const suite = await apt.suite(name, arch);
      try {
        return await fetchFrom(apt, suite, options);
      } catch (error) {
        if (!(error instanceof FetchFailure) || error.kind !== 'gone' || suite.fetched >= begin) throw error;
        // The archive may have gone on since its lists were fetched.
        return await fetchFrom(apt, await apt.suite(name, arch, begin), options);
      }
    } catch (error) {
      if (!(error instanceof FetchFailure)) throw error;
      last = error;
    }
  }
  throw last ?? new FetchFailure('gone', 'no suite was tried');
}

/**
 * The files for a guest's root: the C library and what Node is linked with, all under the names by which they are looked for, and a static
 * busybox. They come from the cache; without them, out of the distribution's packages; where those cannot be had, from this machine if it is of
 * that architecture.
 *
 * @throws VmError `unavailable`, `missing-tool`, `no-space`; what `options.signal` gives as reason
 */
export async function fetchSystem(arch: GuestArch, options: FetchOptions = {}): Promise<readonly GuestFile[]> {
  options.signal?.throwIfAborted();
  const here = await cachedSystem(arch);
  if (here !== undefined && (options.refresh !== true || options.offline === true)) return here;
  let why: string;
  let cause: unknown;
  try {
    if (options.offline !== true) return await fetchFromAny(arch, options);
    why = 'they are not in the cache';
  } catch (error) {
    const fallible = error instanceof FetchFailure || (error instanceof VmError && error.reason === 'missing-tool');
    if (!fallible) throw error;
    if (here !== undefined) return here;
    why = error.message;
    cause = error;
  }
  if (arch !== process.arch) {
    const reason = cause instanceof VmError ? cause.reason : 'unavailable';
    throw new VmError(reason, `the C library and busybox for ${arch} are not to be had: ${why}`, { cause });
  }
  options.onProgress?.(`guest files for ${arch}: this machine's own (${why})`);
  return await ownSystem(why, options);
}
