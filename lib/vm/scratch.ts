/** The folder of a run: images of some hundred megabytes, gone afterwards. */
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { placeError } from './folder.js';

const NAME = /^linux-ptrace-vm-(\d+)-(\d+)-/;

/** Longer than any machine lives. */
const STRANGE_MILLIS = 24 * 3_600_000;

/** Which pids are ours: containers may share the folder and not the pids. 0 on a kernel without namespaces. */
function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0';
  }
}

/** What runs have left that were killed before they could clean up. */
function sweep(ours: string): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid, namespace] = NAME.exec(name) ?? [];
    if (pid === undefined) continue;
    const folder = join(tmpdir(), name);
    try {
      const used =
        namespace === ours ? existsSync(`/proc/${pid}`) : Date.now() - statSync(folder).mtimeMs < STRANGE_MILLIS;
      if (!used) rmSync(folder, { recursive: true, force: true });
    } catch {
      // Another user's.
    }
  }
}

/**
 * Makes the folder, in that for temporary files.
 *
 * @throws VmError `bad-input`, `no-space`
 */
export function makeScratch(): string {
  const ours = pidNamespace();
  try {
    sweep(ours);
    return mkdtempSync(join(tmpdir(), `linux-ptrace-vm-${process.pid}-${ours}-`));
  } catch (error) {
    throw placeError(`the folder for temporary files, ${tmpdir()},`, error, 'TMPDIR names another');
  }
}
