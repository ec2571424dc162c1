/** The search for a program along PATH, as execvp(3) makes it. */
import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { ERRNO } from '../kernel/errno.js';

const DEFAULT_PATH = '/bin:/usr/bin';

/** Where a program was found, or why not: EACCES if a file of that name was there but could not be executed, else ENOENT. */
export type Found = { readonly path: string } | { readonly errno: number };

function errnoOfExecuting(path: string): number {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile() ? 0 : ERRNO.EACCES;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? ERRNO.EACCES : ERRNO.ENOENT;
  }
}

/**
 * A name with a slash is taken as it is; the kernel will say what is wrong with it. Others are looked for in the directories of `searchPath`, where
 * an empty entry means the working directory.
 *
 * @param cwd the working directory the program will have: relative entries count from there
 */
export function findProgram(name: string, searchPath: string | undefined, cwd: string): Found {
  if (name.includes('/')) return { path: name };
  if (name === '') return { errno: ERRNO.ENOENT };
  let errno: number = ERRNO.ENOENT;
  for (const directory of (searchPath ?? DEFAULT_PATH).split(':')) {
    const path = directory === '' ? `./${name}` : `${directory}/${name}`;
    const why = errnoOfExecuting(path.startsWith('/') ? path : join(cwd, path));
    if (why === 0) return { path };
    if (why === ERRNO.EACCES) errno = why;
  }
  return { errno };
}
