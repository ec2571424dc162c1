/** A folder for what a test writes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** It is gone when the test is over. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'linux-ptrace-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
