/** What of the machine's apt set-up is needed to fetch beside it: its archives, and how it reaches the network. */
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseDeb822Sources, parseOneLineSources, type SourceEntry } from './apt-sources.js';
import { VmError } from './failure.js';
import { runProgram, type ProgramOptions } from './program.js';

export interface AptSettings {
  readonly entries: readonly SourceEntry[];
  /** Lines of apt.conf(5) to take over: proxies, certificates, limits. */
  readonly network: readonly string[];
}

const NETWORK =
  /^Acquire::(http|https|ftp|tor|socks|proxy|Check-Valid-Until|Check-Date|Max-FutureTime|ForceIPv[46]|EnableSrvRecords)\b/i;

/** The sources files that apt itself would read: others' names it ignores. */
const SOURCES_NAME = /^[A-Za-z0-9_.-]+\.(list|sources)$/;

/** What `apt-config dump` says: lines of a name and a quoted value. */
export function parseAptConfig(text: string): {
  readonly values: ReadonlyMap<string, string>;
  readonly network: string[];
} {
  const values = new Map<string, string>();
  const network: string[] = [];
  for (const line of text.split('\n')) {
    const match = /^(\S+) "(.*)";$/.exec(line);
    if (match === null) continue;
    const [, name = '', value = ''] = match;
    values.set(name.toLowerCase(), value);
    if (NETWORK.test(name)) network.push(line);
  }
  return { values, network };
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    // Neither file has to be there, and one that only root may read holds no archive that everybody may use.
    return '';
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => SOURCES_NAME.test(name)).sort();
  } catch {
    return [];
  }
}

/**
 * Asks the machine's apt.
 *
 * @throws VmError `missing-tool` without apt
 */
export async function readAptSettings(options: ProgramOptions): Promise<AptSettings> {
  const { stdout, stderr, code } = await runProgram('apt-config', ['dump'], options);
  if (code !== 0)
    throw new VmError('missing-tool', `apt's own set-up is broken: ${stderr.trim().split('\n')[0] ?? ''}`);
  const { values, network } = parseAptConfig(stdout);
  const etc = resolve(values.get('dir') ?? '/', values.get('dir::etc') ?? 'etc/apt');
  const list = resolve(etc, values.get('dir::etc::sourcelist') ?? 'sources.list');
  const parts = resolve(etc, values.get('dir::etc::sourceparts') ?? 'sources.list.d');
  const files = [list, ...(await namesIn(parts)).map((name) => join(parts, name))];
  const entries = await Promise.all(
    files.map(async (file) =>
      file.endsWith('.sources') ? parseDeb822Sources(await textOf(file)) : parseOneLineSources(await textOf(file)),
    ),
  );
  return { entries: entries.flat(), network };
}
