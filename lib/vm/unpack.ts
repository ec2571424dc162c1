/** Single files taken out of packages. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { FetchFailure } from './fetch-failure.js';
import { readProgram } from './program.js';
import { spaceErrorIn } from './space.js';
import { readTar, TarError, type TarData, type TarEntry } from './tar.js';

export interface Written {
  readonly size: number;
  /** In hexadecimal digits. */
  readonly sha256: string;
}

/** Writes an entry's data to a file, and to the disk. */
export async function writeEntry(data: TarData, file: string, mode: number): Promise<Written> {
  const hash = createHash('sha256');
  let size = 0;
  const handle = await open(file, 'wx', mode);
  try {
    for (let piece = await data(); piece !== undefined; piece = await data()) {
      hash.update(piece);
      size += piece.length;
      for (let at = 0; at < piece.length;) at += (await handle.write(piece, at)).bytesWritten;
    }
    // A rename may reach the disk before the data does.
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { size, sha256: hash.digest('hex') };
}

type Visit = (entry: TarEntry, data: TarData) => Promise<boolean> | boolean;

/**
 * Goes through the files of a .deb until the visitor says `true`.
 *
 * @throws FetchFailure for a package that is damaged, VmError `missing-tool`, `no-space`
 */
export async function readDeb(deb: string, signal: AbortSignal | undefined, visit: Visit): Promise<void> {
  const { value, code, stderr } = await readProgram(
    'dpkg-deb',
    ['--fsys-tarfile', deb],
    { signal },
    async (stdout: Readable) => {
      try {
        return (await readTar(stdout, visit)) ? undefined : 'all';
      } catch (error) {
        if (error instanceof TarError) return error;
        throw error;
      }
    },
  );
  if (value === undefined) return;
  if (code === 0 && value === 'all') return;
  const [said = ''] = stderr.trim().split('\n');
  const words = said !== '' ? said : value === 'all' ? `dpkg-deb ended with ${String(code)}` : value.message;
  throw spaceErrorIn(stderr) ?? new FetchFailure('refused', words);
}

/** The same for a tar archive compressed by gzip. */
export async function readTgz(file: string, signal: AbortSignal | undefined, visit: Visit): Promise<void> {
  const source = createReadStream(file, signal === undefined ? {} : { signal });
  const gunzip = createGunzip();
  source.once('error', (error) => gunzip.destroy(error));
  try {
    await readTar(source.pipe(gunzip), visit);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof TarError || (error as NodeJS.ErrnoException).code?.startsWith('Z_') === true) {
      throw new FetchFailure('refused', (error as Error).message);
    }
    throw error;
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}
