/** A world with an archive of packages, a registry and the programs that fetch from them, all of the test's making. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { onTestFinished, vi } from 'vitest';
import { root } from './dist.js';
import { scratch } from './scratch.js';

/** How a suite or a package answers; `flaky` fails twice. */
export type State = 'there' | 'gone' | 'unreachable' | 'flaky' | 'full' | 'refused' | 'hang';

interface Package {
  readonly name: string;
  readonly version: string;
  readonly size: number;
  readonly state: State;
  readonly file: string;
}

export interface Content {
  /** The files in a package, or where a link leads to after '->'. */
  readonly [path: string]: string;
}

const PROGRAMS = {
  'apt-get': 'apt-get.js',
  'apt-config': 'apt-config.sh',
  'dpkg-deb': 'dpkg-deb.sh',
  npm: 'npm.js',
} as const;

export type Program = keyof typeof PROGRAMS;

/** The bytes that make up for the shortness of a test's files: as large as a package of a kernel. */
const SIZE = 20_000_000;

export class Archive {
  readonly folder = scratch();
  readonly cache = join(this.folder, 'cache');
  readonly bin = join(this.folder, 'bin');
  readonly #suites: Record<string, { state: State; packages: Package[] }> = {};
  #registry: { name: string; version: string; file: string }[] | 'unreachable' | 'full' = [];
  #files = 0;

  /** The process that runs the test fetches from this archive, until the test is over. */
  constructor(programs: readonly Program[] = Object.keys(PROGRAMS) as Program[]) {
    mkdirSync(this.bin);
    for (const name of programs) {
      symlinkSync(join(root, 'test', 'helpers', 'fakes', PROGRAMS[name]), join(this.bin, name));
    }
    symlinkSync(process.execPath, join(this.bin, 'node'));
    // Every world's archive has an address of its own: that one cannot be reached is remembered.
    const uri = `http://mirror.invalid/${basename(this.folder)}`;
    writeFileSync(
      join(this.folder, 'sources.list'),
      `deb ${uri}/debian bookworm main\ndeb ${uri}/debian-security bookworm-security main\n`,
    );
    writeFileSync(join(this.folder, 'log'), '');
    vi.stubEnv('PATH', this.bin);
    vi.stubEnv('FAKE_WORLD', this.folder);
    vi.stubEnv('LINUX_PTRACE_CACHE', this.cache);
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    this.#write();
  }

  #write(): void {
    const archive = { suites: this.#suites, registry: this.#registry };
    writeFileSync(join(this.folder, 'archive.json'), JSON.stringify(archive));
  }

  async #pack(content: Content, compress: boolean): Promise<string> {
    const name = `package-${this.#files++}`;
    const tree = join(this.folder, `${name}.d`);
    mkdirSync(tree);
    for (const [path, text] of Object.entries(content)) {
      const file = join(tree, path);
      mkdirSync(dirname(file), { recursive: true });
      if (text.startsWith('->')) symlinkSync(text.slice(2), file);
      else writeFileSync(file, text);
      if (path.includes('bin/')) chmodSync(file, 0o755);
    }
    const flags = compress ? '-czf' : '-cf';
    // Not by this world's PATH, which has none.
    await execa('tar', ['--sort=name', '-C', tree, flags, join(this.folder, name), '.'], {
      env: { PATH: '/usr/bin:/bin' },
    });
    return name;
  }

  /** A suite without packages. */
  suite(suite: string, arch: 'amd64' | 'arm64', state: State = 'there'): void {
    this.#suites[`${suite} ${arch}`] = { state, packages: this.#suites[`${suite} ${arch}`]?.packages ?? [] };
    this.#write();
  }

  /** Puts a package into a suite. */
  async add(
    [suite, arch]: readonly [suite: string, arch: 'amd64' | 'arm64'],
    [name, version]: readonly [name: string, version: string],
    content: Content | 'damaged',
    state: State = 'there',
  ): Promise<void> {
    let file: string;
    if (content === 'damaged') {
      file = `package-${this.#files++}`;
      writeFileSync(join(this.folder, file), Buffer.alloc(700, 1));
    } else file = await this.#pack(content, false);
    const found = (this.#suites[`${suite} ${arch}`] ??= { state: 'there', packages: [] });
    found.packages.push({ name, version, size: SIZE, state, file });
    this.#write();
  }

  /** Puts a kernel for x64 into a suite, in a package as Debian names them. */
  async kernel(suite: string, release: string, state: State = 'there', text = `kernel ${release}`): Promise<void> {
    const name = `linux-image-${release}-cloud-amd64`;
    await this.add(
      [suite, 'amd64'],
      [name, `${release}-1`],
      {
        [`boot/System.map-${release}`]: 'symbols',
        [`boot/vmlinuz-${release}-cloud-amd64`]: text,
        'lib/modules/a.ko': 'a',
      },
      state,
    );
  }

  /** Every package of a suite answers otherwise from now on. */
  change(suite: string, arch: 'amd64' | 'arm64', state: State, name = /^/): void {
    const found = this.#suites[`${suite} ${arch}`];
    if (found === undefined) throw new Error(`there is no suite ${suite} ${arch}`);
    found.packages = found.packages.map((each) => (name.test(each.name) ? { ...each, state } : each));
    this.#write();
  }

  /** Takes packages out of a suite's list. */
  remove(suite: string, arch: 'amd64' | 'arm64', name: RegExp): void {
    const found = this.#suites[`${suite} ${arch}`];
    if (found === undefined) throw new Error(`there is no suite ${suite} ${arch}`);
    found.packages = found.packages.filter((each) => !name.test(each.name));
    this.#write();
  }

  async publish(name: string, version: string, content: Content): Promise<void> {
    if (typeof this.#registry === 'string') throw new Error('the registry is out of order');
    this.#registry.push({ name, version, file: await this.#pack(content, true) });
    this.#write();
  }

  registry(state: 'unreachable' | 'full'): void {
    this.#registry = state;
    this.#write();
  }

  /** dpkg-deb meets a full disk from now on. */
  fillDisk(): void {
    writeFileSync(join(this.folder, 'dpkg-deb-full'), '');
  }

  /** What the programs were told to do, and forgets it. */
  log(): string[] {
    const file = join(this.folder, 'log');
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    writeFileSync(file, '');
    return lines.filter((line) => line !== '');
  }

  /** What lies in a folder of the cache, and below. */
  cached(folder = '.'): string[] {
    const top = join(this.cache, folder);
    if (!existsSync(top)) return [];
    const names = readdirSync(top, { recursive: true, withFileTypes: true });
    return names
      .filter((each) => !each.isDirectory())
      .map((each) => join(each.parentPath, each.name))
      .sort();
  }

  /** Makes the lists in the cache older than lists may be. */
  ageLists(): void {
    const folders = new Set(this.cached('lists').map((file) => /^.*\/\d+-\d+(?=\/)/.exec(file)?.[0] ?? file));
    for (const folder of folders) {
      const older = Number.parseInt(basename(folder), 10) - 4_000_000;
      renameSync(folder, join(dirname(folder), `${older}-1`));
    }
  }

  /** The pid of the program that goes on for ever, once one does. */
  get hanging(): number | undefined {
    const file = join(this.folder, 'hanging');
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    return text === '' ? undefined : Number(text);
  }
}
