/** The folder of a run: images of some hundred megabytes, gone afterwards. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NAME = /^linux-ptrace-vm-(\d+)-/;

/** What runs have left that were killed before they could clean up. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid] = NAME.exec(name) ?? [];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // Another user's.
    }
  }
}

/** Makes the folder, in that for temporary files. */
export function makeScratch(): string {
  sweep();
  return mkdtempSync(join(tmpdir(), `linux-ptrace-vm-${process.pid}-`));
}
