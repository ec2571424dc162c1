/** The kernels that were fetched: a folder for each version, with the kernel and what is known of it. */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, place } from './cache.js';
import { compareDebianVersions } from './debian-version.js';
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

/** A version of a folder, if it is there whole. */
async function readKernel(series: KernelSeries, folder: string): Promise<KernelFile | undefined> {
  try {
    const known = JSON.parse(await readFile(join(folder, DESCRIPTION), 'utf8')) as Record<string, unknown>;
    const { version, package: name, suite, file, sha256, size } = known;
    if (typeof version !== 'string' || typeof name !== 'string' || typeof suite !== 'string') return undefined;
    if (typeof file !== 'string' || typeof sha256 !== 'string' || typeof size !== 'number') return undefined;
    const path = join(folder, file);
    const found = await stat(path);
    if (!found.isFile() || found.size !== size || size === 0) return undefined;
    return { id: series.id, arch: series.arch, version, package: name, file: path, sha256, size, suite };
  } catch {
    return undefined;
  }
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
  await writeFile(
    join(made, DESCRIPTION),
    `${JSON.stringify({ id: series.id, arch: series.arch, ...kernel, fetched: new Date().toISOString() }, null, 2)}\n`,
    { flush: true },
  );
  const target = join(folderOf(series.id), kernel.version);
  await place(made, target, async () => (await readKernel(series, target)) !== undefined);
  const kept = await readKernel(series, target);
  if (kept === undefined) throw new Error(`the kernel ${target} has gone as soon as it was there`);
  return kept;
}
