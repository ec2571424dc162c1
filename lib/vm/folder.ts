/** Folders that somebody has named: made where they are missing, and tried before there is work to lose. */
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { errnoMessage } from '../kernel/errno.js';
import { VmError } from './failure.js';
import { spaceError } from './space.js';

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/**
 * Makes a folder and what is missing above it.
 *
 * Not by the `recursive` of node:fs: it goes round for ever where a folder that is there answers ENOENT, as /proc does.
 *
 * @throws what node:fs throws
 */
export function makeFolder(folder: string): void {
  const path = resolve(folder);
  try {
    mkdirSync(path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && statSync(path).isDirectory()) return;
    if (codeOf(error) !== 'ENOENT' || existsSync(dirname(path))) throw error;
    makeFolder(dirname(path));
    // Another process may make it meanwhile.
    if (!existsSync(path)) makeFolder(path);
  }
}

/**
 * The error to throw in place of what a folder answers, or a file that cannot be written.
 *
 * @param what with its place: "the cache's folder /var/cache/ptrace"
 * @param remedy in brackets at the end
 */
export function placeError(what: string, error: unknown, remedy?: string): VmError {
  if (error instanceof VmError) return error;
  const { errno, message } = error as NodeJS.ErrnoException;
  const why = errno === undefined ? message : errnoMessage(Math.abs(errno));
  const words = `${what} cannot be written to: ${why}${remedy === undefined ? '' : ` (${remedy})`}`;
  const reason = spaceError(error)?.reason ?? 'bad-input';
  return new VmError(reason, words, { cause: error });
}

/**
 * Makes sure of a folder for results: it is there, and takes files.
 *
 * @throws VmError `bad-input`, `no-space`
 */
export function needFolder(folder: string): void {
  try {
    makeFolder(folder);
    // Neither modes nor access(2) tell of a file system that takes nothing.
    rmdirSync(mkdtempSync(join(folder, '.linux-ptrace-')));
  } catch (error) {
    throw placeError(`the folder ${folder}`, error);
  }
}
