/** The folder that keeps what was fetched, and how things come into it whole. */
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { VmError } from './failure.js';
import { makeFolder, placeError } from './folder.js';
import { spaceError } from './space.js';

const set = (text: string | undefined): text is string => text !== undefined && text !== '';

/** The error to throw in place of what a folder of the cache answers. */
export const cacheError = (folder: string, error: unknown): VmError =>
  placeError(`the cache's folder ${folder}`, error, 'LINUX_PTRACE_CACHE names another');

/**
 * The cache's folder, made when it is missing: LINUX_PTRACE_CACHE; without it linux-ptrace in XDG_CACHE_HOME; without that in ~/.cache. All that
 * lies in it can be deleted at any time.
 *
 * @throws VmError `no-space`, `bad-input` when the folder cannot be made
 */
export function cacheFolder(): string {
  const { LINUX_PTRACE_CACHE: own, XDG_CACHE_HOME: xdg } = process.env;
  // The specification of base directories wants a relative XDG_CACHE_HOME left unheard.
  const base = set(xdg) && xdg.startsWith('/') ? xdg : join(homedir(), '.cache');
  const folder = set(own) ? resolve(own) : join(base, 'linux-ptrace');
  try {
    makeFolder(folder);
  } catch (error) {
    throw cacheError(folder, error);
  }
  return folder;
}

/** What a killed process has left is taken away when it is this old. */
const LEFTOVER_MILLIS = 3_600_000;

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Both conditions: another container may share the folder and not the pids. */
async function removeLeftovers(staging: string): Promise<void> {
  for (const name of await readdir(staging)) {
    const folder = join(staging, name);
    try {
      const { mtimeMs } = await stat(folder);
      if (Date.now() - mtimeMs < LEFTOVER_MILLIS || alive(Number.parseInt(name, 10))) continue;
      await rm(folder, { recursive: true, force: true });
    } catch {
      // Somebody else was quicker, or it is somebody else's.
    }
  }
}

/**
 * Does some work with a folder for what is not whole yet, on the cache's file system; the folder is gone afterwards.
 *
 * @throws VmError `no-space` for what the work throws because a disk is full, else what it throws; `bad-input` when the cache takes no folder
 */
export async function withStaging<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const staging = join(cacheFolder(), 'staging');
  let folder: string;
  try {
    makeFolder(staging);
    await removeLeftovers(staging);
    folder = await mkdtemp(join(staging, `${process.pid}-`));
  } catch (error) {
    throw cacheError(staging, error);
  }
  try {
    return await work(folder);
  } catch (error) {
    throw spaceError(error) ?? error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const OCCUPIED = new Set(['ENOTEMPTY', 'EEXIST', 'ENOTDIR']);

/**
 * Puts a whole folder into its place at one stroke. What another process has put there meanwhile stays, if it is whole.
 *
 * @param made the folder, beneath that of `withStaging`
 * @param isWhole whether what occupies the place is as good as what was made
 */
export async function place(made: string, target: string, isWhole: () => Promise<boolean>): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  for (let tries = 0; ; tries++) {
    try {
      await rename(made, target);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined || !OCCUPIED.has(code) || tries === 3) throw error;
    }
    if (await isWhole()) return;
    try {
      await rename(target, `${made}.broken-${tries}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}
