/** The kernels that were fetched: a folder for each version, with the kernel and what is known of it. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { cacheFolder, place } from './cache.js';
import { compareDebianVersions } from './debian-version.js';
import { isWhole, readDescription, writeDescription } from './described.js';
import type { GuestArch } from './guest-arch.js';
import type { KernelSeries } from './kernel-table.js';

/** A kernel that is here. */
export interface KernelFile {
  /** '6.12-x64', as in the table. */
  readonly id: string;
  readonly arch: GuestArch;
  /** The version of the package: '6.12.117-1'. */
  readonly version: string;
  readonly package: string;
  /** The path of the kernel: vmlinuz for x64, Image for arm64. */
  readonly file: string;
  /** In hexadecimal digits. */
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
  /** Where the package was found: 'trixie-security'. */
  readonly suite: string;
}

const DESCRIPTION = 'kernel.json';

const folderOf = (id: string): string => join(cacheFolder(), 'kernels', id);

/** The kernel of a folder, if it is there whole. */
async function readKernel({ id, arch }: KernelSeries, folder: string): Promise<KernelFile | undefined> {
  const known = await readDescription(folder, DESCRIPTION);
  if (known === undefined) return undefined;
  const { version, package: name, suite, file, sha256, size } = known;
  if (typeof version !== 'string' || typeof name !== 'string' || typeof suite !== 'string') return undefined;
  if (typeof file !== 'string' || typeof sha256 !== 'string' || typeof size !== 'number') return undefined;
  if (!(await isWhole(folder, { name: file, size }))) return undefined;
  return { id, arch, version, package: name, file: join(folder, file), sha256, size, suite };
}

/** The newest version of a series that is here. */
export async function cachedKernel(series: KernelSeries): Promise<KernelFile | undefined> {
  const folder = folderOf(series.id);
  const names = await readdir(folder).catch(() => []);
  for (const name of names.sort((a, b) => compareDebianVersions(b, a))) {
    const kernel = await readKernel(series, join(folder, name));
    if (kernel !== undefined) return kernel;
  }
  return undefined;
}

/**
 * The newest version of a series that is here and is what was fetched: one that is damaged is thrown away.
 *
 * @param tell hears of those
 */
export async function intactKernel(
  series: KernelSeries,
  tell: ((words: string) => void) | undefined,
): Promise<KernelFile | undefined> {
  for (;;) {
    const kernel = await cachedKernel(series);
    if (kernel === undefined) return undefined;
    const hash = createHash('sha256');
    await pipeline(createReadStream(kernel.file), hash);
    if (hash.digest('hex') === kernel.sha256) return kernel;
    tell?.(`${kernel.file} is not what was fetched: it is thrown away`);
    await rm(dirname(kernel.file), { recursive: true, force: true });
  }
}

/**
 * Takes a kernel into the cache.
 *
 * @param made a folder on the cache's file system that holds nothing but the kernel; it is moved
 * @param kernel what is known of it; `file` is the name in the folder
 */
export async function keepKernel(
  series: KernelSeries,
  made: string,
  kernel: Omit<KernelFile, 'id' | 'arch'>,
): Promise<KernelFile> {
  const { id, arch } = series;
  await writeDescription(made, DESCRIPTION, { id, arch, ...kernel, fetched: new Date().toISOString() });
  const target = join(folderOf(id), kernel.version);
  await place(made, target, async () => (await readKernel(series, target)) !== undefined);
  const kept = await readKernel(series, target);
  if (kept === undefined) throw new Error(`the kernel ${target} has gone as soon as it was there`);
  return kept;
}
