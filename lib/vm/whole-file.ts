/** Texts that are there whole or not at all, on disks that may be full. */
import { closeSync, fsyncSync, openSync, writeFileSync } from 'node:fs';
import { placeWhole } from '../whole-file.js';
import { VmError } from './failure.js';
import { spaceError } from './space.js';

/**
 * Writes a text beside its place and then puts it there.
 *
 * @throws VmError `no-space` when a disk or a quota is full
 */
export function writeWhole(file: string, text: string): void {
  try {
    placeWhole(file, (beside) => {
      const fd = openSync(beside, 'w');
      try {
        writeFileSync(fd, text);
        // A rename may reach the disk before the data does.
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    });
  } catch (error) {
    if (spaceError(error) === undefined) throw error;
    throw new VmError('no-space', `${file} cannot be written, the disk is full: make room and start again`, {
      cause: error,
    });
  }
}
