/** Files that are there whole or not at all: whoever is killed while one is made, or meets a full disk, leaves what was there before. */
import { randomBytes } from 'node:crypto';
import { renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A name under which a file may be made, in the folder of its place: nobody else's, containers that share the folder and have the same pids included. */
export function besideOf(file: string): string {
  return join(dirname(file), `.${basename(file)}.${process.pid}-${randomBytes(4).toString('hex')}`);
}

/**
 * Has a file made beside its place and then puts it there. What `make` throws is passed on, and nothing of the new file is left.
 *
 * @param make writes the file that it is given the name of
 */
export function placeWhole(file: string, make: (beside: string) => void): void {
  const beside = besideOf(file);
  try {
    make(beside);
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}
