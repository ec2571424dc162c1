/** Full disks, told from everything else. */
import { VmError } from './failure.js';

const CODES = new Set(['ENOSPC', 'EDQUOT']);
const WORDS = /no space left on device|disk quota exceeded|enough free space|\bENOSPC\b|\bEDQUOT\b/i;

const fullDisk = (cause?: unknown): VmError =>
  new VmError(
    'no-space',
    'a disk is full; make room, or have LINUX_PTRACE_CACHE name a folder on another disk',
    cause === undefined ? {} : { cause },
  );

/** The error to throw if a program's words say that a disk is full. */
export function spaceErrorIn(words: string): VmError | undefined {
  return WORDS.test(words) ? fullDisk() : undefined;
}

/** The error to throw in place of one that says that a disk is full. */
export function spaceError(error: unknown): VmError | undefined {
  if (error instanceof VmError || !(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && CODES.has(code) ? fullDisk(error) : undefined;
}
