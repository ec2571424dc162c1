/** Directories for the files of scenarios. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Stage } from '../stage.js';

/** The variable that names the folder for the files of scenarios: the runner's, who removes it. */
export const FOLDER = 'LINUX_PTRACE_CONFORM_DIR';

/** A new directory that every user can reach. */
export function newDirectory(): string {
  const directory = mkdtempSync(join(process.env[FOLDER] ?? tmpdir(), 'linux-ptrace-'));
  chmodSync(directory, 0o755);
  return directory;
}

/** A new directory that is gone when the stage is closed. */
export function scratchDirectory(s: Stage): string {
  const directory = newDirectory();
  s.onClose(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

/** Writes an executable file and gives its path. */
export function executable(directory: string, name: string, content: Uint8Array | string, mode = 0o755): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}
