/** Kernels out of the distribution's packages. */
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Apt, type Suite } from './apt.js';
import { withStaging } from './cache.js';
import { compareDebianVersions } from './debian-version.js';
import { VmError } from './failure.js';
import { FetchFailure } from './fetch-failure.js';
import type { FetchOptions } from './fetch-options.js';
import { intactKernel, keepKernel, type KernelFile } from './kernel-cache.js';
import { findSeries, type KernelSeries } from './kernel-table.js';
import { kernelCandidates, type Candidate } from './package-index.js';
import { readDeb, writeEntry, type Written } from './unpack.js';

export type { FetchOptions } from './fetch-options.js';
export type { KernelFile } from './kernel-cache.js';

/** The places of a kernel in packages: /boot until 6.18, the folder of its modules since. */
const KERNEL_PATH = /^(boot\/vmlinu[xz]-[^/]+|(usr\/)?lib\/modules\/[^/]+\/(vmlinu[xz]|Image))$/;

/** A list or package that was tried in vain. */
interface Attempt {
  readonly what: string;
  readonly failure: FetchFailure;
}

class Fetching {
  readonly #series: KernelSeries;
  readonly #apt: Apt;
  readonly #options: FetchOptions;
  readonly attempts: Attempt[] = [];

  constructor(series: KernelSeries, apt: Apt, options: FetchOptions) {
    this.#series = series;
    this.#apt = apt;
    this.#options = options;
  }

  /** Notes what cannot be fetched, and goes on without it. */
  async #attempt<T>(what: string, fetch: () => Promise<T>): Promise<T | undefined> {
    try {
      return await fetch();
    } catch (error) {
      if (!(error instanceof FetchFailure)) throw error;
      this.attempts.push({ what, failure: error });
      return undefined;
    }
  }

  async suites(newerThan = 0): Promise<Suite[]> {
    const { suites, arch } = this.#series;
    const found = await Promise.all(
      suites.map((suite) => this.#attempt(`the list of ${suite}`, () => this.#apt.suite(suite, arch, newerThan))),
    );
    return found.filter((suite) => suite !== undefined);
  }

  /** The newest kernel that can be downloaded, or the one that is here if nothing newer can. */
  async newest(suites: readonly Suite[], here: KernelFile | undefined): Promise<KernelFile | undefined> {
    const bySuite = new Map(suites.map((suite) => [suite.suite, suite]));
    for (const candidate of kernelCandidates(this.#series, suites)) {
      if (here !== undefined && compareDebianVersions(candidate.version, here.version) <= 0) return here;
      const suite = bySuite.get(candidate.suite);
      if (suite === undefined) continue;
      const kernel = await this.#attempt(candidate.name, () => this.#fetch(candidate, suite));
      if (kernel !== undefined) return kernel;
      if (this.attempts.at(-1)?.failure.kind === 'unreachable') return here;
    }
    return here;
  }

  async #fetch(candidate: Candidate, suite: Suite): Promise<KernelFile> {
    const { signal, onProgress } = this.#options;
    const megabytes = (candidate.size / 1e6).toFixed(0);
    onProgress?.(`${this.#series.id}: ${candidate.name} (${megabytes} MB)`);
    return await withStaging(async (staging) => {
      const debs = await this.#apt.download(suite, [candidate], staging);
      const made = join(staging, 'kernel');
      await mkdir(made);
      let found: (Written & { readonly name: string }) | undefined;
      for (const deb of debs) {
        await readDeb(deb, signal, async ({ path, type }, data) => {
          if (type !== 'file' || !KERNEL_PATH.test(path)) return false;
          const name = path.startsWith('boot/') ? basename(path) : `${basename(path)}-${path.split('/').at(-2) ?? ''}`;
          found = { name, ...(await writeEntry(data, join(made, name), 0o644)) };
          return true;
        });
      }
      if (found === undefined) throw new FetchFailure('refused', 'there is no kernel in the package');
      const { name: file, sha256, size } = found;
      const { version, name, suite: from } = candidate;
      return await keepKernel(this.#series, made, { version, package: name, file, sha256, size, suite: from });
    });
  }
}

/** How many of the attempts an error tells. */
const MOST_TOLD = 3;

function told(attempts: readonly Attempt[]): string {
  const shown = attempts.slice(0, MOST_TOLD).map(({ what, failure }) => `${what}: ${failure.message}`);
  const more = attempts.length - shown.length;
  return `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

function unavailable({ id, suites, arch }: KernelSeries, attempts: readonly Attempt[]): VmError {
  const tried = `the suites ${suites.join(', ')} for ${arch}`;
  const down = attempts.find(({ failure }) => failure.kind === 'unreachable');
  if (down !== undefined) {
    const cause = down.failure;
    return new VmError(
      'unavailable',
      `kernel ${id} is not to be had now: the archive cannot be reached (${cause.message}); tried ${tried}`,
      { cause },
    );
  }
  const why = attempts.length === 0 ? 'no package of it is there any more' : told(attempts);
  return new VmError('unavailable', `kernel ${id} is not to be had: tried ${tried}: ${why}`);
}

/**
 * The kernel of a series: the one in the cache; without one, or to refresh it, the newest that the distribution has.
 *
 * @param id as in `kernelTable`
 * @throws VmError `bad-input` for an unknown id, `unavailable`, `missing-tool`, `no-space`; what `options.signal` gives as reason
 */
export async function fetchKernel(id: string, options: FetchOptions = {}): Promise<KernelFile> {
  const series = findSeries(id);
  options.signal?.throwIfAborted();
  const here = await intactKernel(series, options.onProgress);
  if (here !== undefined && (options.refresh !== true || options.offline === true)) return here;
  if (options.offline === true) {
    throw new VmError('unavailable', `kernel ${id} is not in the cache; linux-ptrace vm fetch ${id} fetches it`);
  }
  const begin = Date.now();
  const fetching = new Fetching(series, await Apt.open(options), options);
  const suites = await fetching.suites();
  let found = await fetching.newest(suites, here);
  const gone = (): boolean => fetching.attempts.some(({ failure }) => failure.kind === 'gone');
  if (found === undefined && gone() && suites.some(({ fetched }) => fetched < begin)) {
    // The archive may have gone on since its lists were fetched.
    found = await fetching.newest(await fetching.suites(begin), here);
  }
  if (found === undefined) throw unavailable(series, fetching.attempts);
  return found;
}
