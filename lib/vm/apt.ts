/**
 * apt beside the machine's own: a root of its own for every suite and architecture, below the cache's folder. Nothing of the system's lists or
 * packages is touched, and root is not needed.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { archiveKind, findArchive, type Archive } from './apt-sources.js';
import { readAptSettings, type AptSettings } from './apt-settings.js';
import { cacheFolder, withStaging } from './cache.js';
import { VmError } from './failure.js';
import { FetchFailure, fetchFailure, persist } from './fetch-failure.js';
import type { FetchOptions } from './fetch-options.js';
import { network } from './gate.js';
import { debianArch, type GuestArch } from './guest-arch.js';
import { filterIndex, parseIndex, type IndexedPackage } from './package-index.js';
import { runProgram } from './program.js';
import { spaceErrorIn } from './space.js';

/** A suite's list of packages for one architecture, as far as its packages are of use here. */
export interface Suite {
  readonly suite: string;
  readonly arch: GuestArch;
  /** The folder with the lists of apt. */
  readonly folder: string;
  /** When they were fetched, in milliseconds since the epoch. */
  readonly fetched: number;
  readonly packages: readonly IndexedPackage[];
}

/** How old lists may be. */
const GOOD_MILLIS = 3_600_000;
/** ... when something newer is looked for. */
const GOOD_MILLIS_REFRESHING = 60_000;
/** When old lists are removed: nobody reads them any more. */
const OLD_MILLIS = 2 * GOOD_MILLIS;

/** Packages that something here asks for. The lists keep no others: that of a whole suite takes 50 MB. */
const USED =
  /^(linux-(image|binary)-[0-9].*-(cloud-(amd64|arm64)|rt-(amd64|arm64)|arm64-16k)(-unsigned)?|linux-source-[0-9.]+|libc6|libstdc\+\+6|libgcc-s1|libatomic1|busybox-static)$/;

const KEYRINGS = ['gpg', 'pgp'].map((end) => `/usr/share/keyrings/debian-archive-keyring.${end}`);
/** Keyrings that know one release only. */
const NARROW = /debian-archive-\w+-(stable|automatic|security-automatic)\.\w+$/;

/** The archive of another release may be signed by keys that the machine's entry for its own release does not name. */
function keyringFor({ options }: Archive): string | undefined {
  const named = options.get('signed-by');
  if (named !== undefined && named !== '' && !NARROW.test(named)) return named;
  return KEYRINGS.find((file) => existsSync(file)) ?? named;
}

function sourceText(archive: Archive, suite: string): string {
  const keyring = keyringFor(archive);
  const carried = ['trusted', 'check-valid-until', 'check-date'].flatMap((name) => {
    const value = archive.options.get(name);
    return value === undefined ? [] : [`${name}: ${value}`];
  });
  return [
    'Types: deb',
    `URIs: ${archive.uri}`,
    `Suites: ${suite}`,
    'Components: main',
    'Targets: Packages',
    ...(keyring === undefined ? [] : [`Signed-By: ${keyring}`]),
    ...carried,
    '',
  ].join('\n');
}

export class Apt {
  readonly #settings: AptSettings;
  readonly #options: FetchOptions;

  private constructor(settings: AptSettings, options: FetchOptions) {
    this.#settings = settings;
    this.#options = options;
  }

  /** @throws VmError `missing-tool` without apt */
  static async open(options: FetchOptions): Promise<Apt> {
    return new Apt(await readAptSettings({ signal: options.signal }), options);
  }

  /**
   * The packages of a suite, fetched unless lists less than an hour old are there.
   *
   * @param newerThan lists fetched before that time do not count
   * @throws FetchFailure, VmError
   */
  async suite(suite: string, arch: GuestArch, newerThan = 0): Promise<Suite> {
    const kind = archiveKind(suite);
    const archive = findArchive(this.#settings.entries, kind);
    if (archive === undefined) {
      const which = kind === 'main' ? "Debian's archive" : "the archive of Debian's security team";
      throw new FetchFailure(
        'gone',
        `the machine's apt sources do not name ${which} (add it, or give a kernel file of your own)`,
      );
    }
    const text = sourceText(archive, suite);
    const key = `${suite}-${arch}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
    const place = join(cacheFolder(), 'lists', key);
    const age = this.#options.refresh === true ? GOOD_MILLIS_REFRESHING : GOOD_MILLIS;
    const since = Math.max(Date.now() - age, newerThan + 1);
    // In one process the same lists are fetched once, by whoever asks first.
    for (let running = under.get(place); running !== undefined; running = under.get(place)) {
      try {
        const suite = await running;
        if (suite.fetched >= since) return suite;
      } catch (error) {
        // What ended somebody else's fetching is no reason to end this one.
        if (error instanceof FetchFailure || error instanceof VmError) throw error;
        this.#options.signal?.throwIfAborted();
      }
    }
    const found = this.#suite(place, { suite, arch, text, uri: archive.uri, since }).finally(() => {
      under.delete(place);
    });
    under.set(place, found);
    return await found;
  }

  async #suite(
    place: string,
    { suite, arch, text, uri, since }: { suite: string; arch: GuestArch; text: string; uri: string; since: number },
  ): Promise<Suite> {
    const there = await this.#newest(place, suite, arch, since);
    if (there !== undefined) return there;
    await network.through(async () => {
      this.#options.onProgress?.(`list of ${suite} for ${arch}`);
      await withStaging(async (staging) => {
        await writeFile(join(staging, 'source'), text);
        await this.#reach(uri, () => this.#update(staging, arch));
        const target = join(place, `${Date.now()}-${process.pid}`);
        await mkdir(place, { recursive: true });
        const root = join(staging, 'root');
        await writeFile(join(root, 'debian.sources'), text);
        await rename(root, target);
      });
    });
    await this.#removeOld(place);
    const fetched = await this.#newest(place, suite, arch, 0);
    if (fetched === undefined) throw new FetchFailure('other', `the lists of ${suite} have gone from ${place}`);
    return fetched;
  }

  /** The newest lists there, if they are not too old and can be read. */
  async #newest(place: string, suite: string, arch: GuestArch, since: number): Promise<Suite | undefined> {
    const names = await readdir(place).catch(() => []);
    const byAge = names
      .map((name) => ({ name, fetched: Number.parseInt(name, 10) }))
      .sort((a, b) => b.fetched - a.fetched);
    for (const { name, fetched } of byAge) {
      if (fetched < since || fetched > Date.now()) continue;
      const folder = join(place, name);
      try {
        const file = await packagesFile(join(folder, 'lists'));
        if (file === undefined) continue;
        return { suite, arch, folder, fetched, packages: parseIndex(await readFile(file, 'utf8')) };
      } catch {
        // Removed meanwhile, or not ours to read.
      }
    }
    return undefined;
  }

  async #removeOld(place: string): Promise<void> {
    for (const name of await readdir(place)) {
      const fetched = Number.parseInt(name, 10);
      if (Date.now() - fetched > OLD_MILLIS) await rm(join(place, name), { recursive: true, force: true });
    }
  }

  /** apt.conf(5) for one call: whatever apt writes stays in the call's own folder. */
  async #configure(staging: string, root: string, arch: GuestArch): Promise<Record<string, string>> {
    const debian = debianArch[arch];
    const call = join(staging, 'apt');
    await mkdir(join(call, 'cache', 'archives', 'partial'), { recursive: true });
    await mkdir(join(call, 'preferences'), { recursive: true });
    await mkdir(join(root, 'lists', 'partial'), { recursive: true });
    await writeFile(join(call, 'status'), '');
    const settings: Record<string, string> = {
      'APT::Architecture': debian,
      'APT::Architectures': debian,
      // apt's own user cannot write into a folder of ours.
      'APT::Sandbox::User': 'root',
      'APT::Get::List-Cleanup': 'false',
      'Dir::Etc::main': '/dev/null',
      'Dir::Etc::parts': '/dev/null',
      'Dir::Etc::preferences': '/dev/null',
      'Dir::Etc::preferencesparts': join(call, 'preferences'),
      'Dir::Etc::sourcelist': join(root, 'debian.sources'),
      'Dir::Etc::sourceparts': '/dev/null',
      'Dir::State::status': join(call, 'status'),
      'Dir::State::extended_states': join(call, 'extended_states'),
      'Dir::State::lists': join(root, 'lists'),
      'Dir::Cache': join(call, 'cache'),
      'Dir::Cache::pkgcache': '',
      'Dir::Cache::srcpkgcache': '',
      'Acquire::Languages': 'none',
      'Acquire::GzipIndexes': 'false',
      'Acquire::PDiffs': 'false',
      'Acquire::Retries': '0',
    };
    const lines = [
      'Acquire::http::Timeout "20";',
      'Acquire::https::Timeout "20";',
      ...this.#settings.network,
      ...Object.entries(settings).map(([name, value]) =>
        name === 'APT::Architectures' ? `${name} {"${value}";};` : `${name} "${value}";`,
      ),
    ];
    const file = join(call, 'apt.conf');
    await writeFile(file, `${lines.join('\n')}\n`);
    return { APT_CONFIG: file };
  }

  /** Fetches lists into `root` below the staging folder. */
  async #update(staging: string, arch: GuestArch): Promise<void> {
    const root = join(staging, 'root');
    await rm(root, { recursive: true, force: true });
    await mkdir(root, { recursive: true });
    await writeFile(join(root, 'debian.sources'), await readFile(join(staging, 'source')));
    const env = await this.#configure(staging, root, arch);
    const args = ['update', '-q', '-o', 'pkgCacheFile::Generate=false'];
    const { stdout, stderr } = await runProgram('apt-get', args, { env, signal: this.#options.signal });
    const said = `${stderr}\n${stdout}`;
    // apt-get forgives lists that it could not fetch.
    const file = await packagesFile(join(root, 'lists'));
    if (file === undefined) throw spaceErrorIn(said) ?? fetchFailure(said);
    await writeFile(file, filterIndex(await readFile(file, 'utf8'), USED));
  }

  /**
   * Fetches packages into a folder; apt checks their checksums.
   *
   * @param folder on the cache's file system, best that of `withStaging`
   * @returns their files, in no order
   * @throws FetchFailure, VmError
   */
  async download(suite: Suite, packages: readonly IndexedPackage[], folder: string): Promise<string[]> {
    const archive = findArchive(this.#settings.entries, archiveKind(suite.suite));
    return await network.through(() =>
      this.#reach(archive?.uri ?? suite.suite, async () => {
        const target = join(folder, 'debs');
        await rm(target, { recursive: true, force: true });
        await mkdir(target, { recursive: true });
        const env = await this.#configure(folder, suite.folder, suite.arch);
        const names = packages.map(({ name, version }) => `${name}=${version}`);
        const run = await runProgram('apt-get', ['download', '-q', ...names], {
          env,
          cwd: target,
          signal: this.#options.signal,
        });
        const said = `${run.stderr}\n${run.stdout}`;
        const files = (await readdir(target)).filter((name) => name.endsWith('.deb'));
        if (run.code !== 0 || files.length < packages.length) throw spaceErrorIn(said) ?? fetchFailure(said);
        return files.map((name) => join(target, name));
      }),
    );
  }

  /** Persists, unless the archive was found unreachable a moment ago. */
  async #reach<T>(uri: string, fetch: () => Promise<T>): Promise<T> {
    const down = unreachable.get(uri);
    if (down !== undefined && Date.now() - down.since < DOWN_MILLIS) throw new FetchFailure('unreachable', down.words);
    try {
      const value = await persist(fetch, this.#options.signal);
      unreachable.delete(uri);
      return value;
    } catch (error) {
      if (error instanceof FetchFailure && error.kind === 'unreachable') {
        unreachable.set(uri, { since: Date.now(), words: error.message });
      }
      throw error;
    }
  }
}

/** Lists that are being fetched, by their place. */
const under = new Map<string, Promise<Suite>>();

const DOWN_MILLIS = 10_000;
const unreachable = new Map<string, { readonly since: number; readonly words: string }>();

async function packagesFile(lists: string): Promise<string | undefined> {
  const names = await readdir(lists).catch(() => []);
  const name = names.find((each) => each.endsWith('_Packages'));
  return name === undefined ? undefined : join(lists, name);
}
