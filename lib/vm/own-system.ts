/** A guest's files from the machine itself, where no package can be had: for guests of its own architecture. */
import { open, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { findProgram } from '../raw/find-program.js';
import { VmError } from './failure.js';
import type { FetchOptions } from './fetch-options.js';
import type { GuestFile } from './fetch-system.js';
import { runProgram } from './program.js';

/** The files of ldd's words: 'libm.so.6 => /lib/libm.so.6 (0x7f...)', and the dynamic linker, which has no arrow. */
export function lddPaths(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s+(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/.exec(line);
    return match?.[1] === undefined ? [] : [match[1]];
  });
}

const PT_INTERP = 3;

/** Whether a file is a 64-bit ELF executable that needs no dynamic linker (elf(5)). */
export async function isStaticExecutable(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const header = Buffer.alloc(64);
    await handle.read(header, 0, 64, 0);
    if (header.toString('latin1', 0, 4) !== '\x7fELF' || header[4] !== 2) return false;
    const size = header.readUInt16LE(54);
    const count = header.readUInt16LE(56);
    const table = Buffer.alloc(size * count);
    await handle.read(table, 0, table.length, Number(header.readBigUInt64LE(32)));
    for (let at = 0; at < table.length; at += size) if (table.readUInt32LE(at) === PT_INTERP) return false;
    return true;
  } finally {
    await handle.close();
  }
}

async function libraries(options: FetchOptions): Promise<string[]> {
  const run = await runProgram('ldd', [process.execPath], { signal: options.signal });
  const paths = run.code === 0 ? lddPaths(run.stdout) : [];
  const linker = paths.find((path) => basename(path).startsWith('ld-linux'));
  if (linker === undefined || !paths.some((path) => basename(path) === 'libc.so.6')) {
    throw new VmError(
      'unavailable',
      `${process.execPath} is not linked with the GNU C library, which Node in a guest needs`,
    );
  }
  // Node 26 wants it, and the Node that runs here may be older.
  const atomic = paths.map((path) => join(dirname(path), 'libatomic.so.1'));
  for (const path of new Set(atomic)) {
    if (!paths.includes(path) && (await stat(path).catch(() => undefined))?.isFile() === true) return [...paths, path];
  }
  return paths;
}

async function busybox(): Promise<string> {
  const found = findProgram('busybox', process.env['PATH'], process.cwd());
  const remedy = 'install busybox-static';
  if (!('path' in found)) throw new VmError('missing-tool', `there is no busybox in PATH; ${remedy}`);
  if (!(await isStaticExecutable(found.path))) {
    throw new VmError('missing-tool', `${found.path} needs libraries, and a guest has none of them; ${remedy}`);
  }
  return found.path;
}

/**
 * The libraries of the Node that runs this, where they are, and the static busybox of PATH.
 *
 * @param why why the packages could not be had
 * @throws VmError `missing-tool`, `unavailable`
 */
export async function ownSystem(why: string, options: FetchOptions): Promise<readonly GuestFile[]> {
  try {
    const files = (await libraries(options)).map((path) => ({ path: path.replace(/^\/+/, ''), file: path }));
    const all = [...files, { path: 'bin/busybox', file: await busybox() }];
    return await Promise.all(all.map(async ({ path, file }) => ({ path, file: await realpath(file), mode: 0o755 })));
  } catch (error) {
    if (!(error instanceof VmError)) throw error;
    throw new VmError(error.reason, `guest files are not to be had: ${why}; nor from this machine: ${error.message}`, {
      cause: error,
    });
  }
}
