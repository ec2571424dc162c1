#!/usr/bin/env node
// The package as a user of another architecture gets it: packed, installed without its scripts, tried in a guest with every Node line that it
// serves: test-prebuilt-guest.js [KERNEL] [LINE...]. Needs QEMU, and prebuilds/ of that architecture.
import { lstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve, dirname } from 'node:path';
import { argv, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { complaints } from './prebuilds.js';
import { record } from './results.js';
import { install, LAST_LINE, LINES, pack } from './test-prebuilt.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const [kernel = '6.12-arm64', ...given] = argv.slice(2);
const lines = given.length > 0 ? given : LINES;
const PLACE = 'installed';
const NAME = `installed package on ${kernel}`;

/** What lies in a folder, for the guest's file system. */
function entriesOf(folder) {
  return readdirSync(folder, { recursive: true }).flatMap((name) => {
    const file = join(folder, name);
    const path = join(PLACE, name);
    if (lstatSync(file).isSymbolicLink()) return [{ kind: 'link', path, target: readlinkSync(file) }];
    const status = statSync(file);
    return status.isFile() ? [{ kind: 'copy', path, file, mode: status.mode & 0o777 }] : [];
  });
}

const { fetchKernel } = await import('../dist/vm/fetch-kernel.js');
const { runInGuest } = await import('../dist/vm/run.js');
const scratch = mkdtempSync(join(tmpdir(), 'linux-ptrace-installed-'));
const counts = { passed: 0, failed: 0, skipped: 0 };
try {
  const { arch, file } = await fetchKernel(kernel, { onProgress: (words) => console.log(words) });
  const wrong = complaints(root, [arch]);
  if (wrong.length > 0) throw new Error(`${wrong.join('\n')}\nrun npm run prebuild first`);
  const folder = join(scratch, PLACE);
  install(pack(scratch), folder, arch);
  for (const line of lines) {
    console.log(`\nNode ${line} on ${kernel}`);
    const { code, stdout, stderr } = await runInGuest({
      kernel: file,
      node: line,
      args: [],
      command: ['/bin/node', `/${PLACE}/installed-check.js`, `/${PLACE}`],
      entries: entriesOf(folder),
      onPhase: (words) => console.log(words),
      // The programs of the series keep their pace: only their limits have to be longer.
      timeScale: 3,
    });
    process.stdout.write(`${stdout}${stderr}`);
    const [, passed = 0, failed = 1, skipped = 0] = LAST_LINE.exec(stdout) ?? [];
    counts.passed += +passed;
    counts.failed += code === 0 ? +failed : Math.max(1, +failed);
    counts.skipped += +skipped;
  }
} catch (error) {
  // What cannot be had could not be tried; anything else is a failure.
  counts[error.reason === 'unavailable' ? 'skipped' : 'failed']++;
  console.log(error.message);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
const { passed, failed, skipped } = counts;
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
record(NAME, passed, failed, skipped);
exit(failed === 0 ? 0 : 1);
