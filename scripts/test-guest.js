#!/usr/bin/env node
// Runs the live tests of the library on another kernel, in QEMU: test-guest.js [--kernel ID]... [--quick] [--node LINE] [--isolate] [FILE...]
// --quick leaves out what tests one thing in many ways, and what starts many processes of Node.
// --isolate gives each test file a process of its own, as on a machine.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { argv, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { testCommand, testEntries, testFiles } from './guest-tests.js';
import { countVitest, record } from './results.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const REPORT = 'vitest.json';
/** What depends on the kernel and the architecture. The rest is arithmetic. */
const LIVE = ['test/raw', 'test/tracer', 'test/probe', 'test/series'];
/** ... and on the architecture most of all: what a few minutes of emulation are enough for. */
const QUICK = [
  'test/tracer/arch',
  ...['memory', 'registers', 'regsets-arm64', 'remote-memory', 'resume'].map((name) => `test/raw/${name}.test.ts`),
  ...['seccomp', 'siginfo', 'small-requests', 'syscall-info'].map((name) => `test/raw/${name}.test.ts`),
  ...['compat', 'exec', 'memory', 'registers', 'seccomp'].map((name) => `test/tracer/${name}.test.ts`),
  ...['signals', 'steps', 'stop', 'syscalls', 'tracee'].map((name) => `test/tracer/${name}.test.ts`),
];

const { values, positionals } = parseArgs({
  args: argv.slice(2),
  allowPositionals: true,
  options: {
    kernel: { type: 'string', multiple: true, default: ['6.12-arm64'] },
    // The quickest to start.
    node: { type: 'string', default: '22' },
    isolate: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    timeout: { type: 'string', default: '900' },
    'no-build': { type: 'boolean', default: false },
  },
});

function tell(words) {
  console.error(`== ${words}`);
}

if (
  !values['no-build'] &&
  spawnSync(process.execPath, ['scripts/build.js'], { cwd: root, stdio: 'inherit' }).status !== 0
) {
  console.log('the build failed: nothing to test');
  record('guest', 0, 1);
  exit(1);
}
const { isVmError } = await import('../dist/vm/failure.js');
const { fetchKernel } = await import('../dist/vm/fetch-kernel.js');
const { runInGuest } = await import('../dist/vm/run.js');

/** Runs the tests on one kernel and counts. */
async function test(id, files) {
  const scratch = mkdtempSync(join(tmpdir(), 'linux-ptrace-guest-'));
  try {
    const { arch, file: kernel } = await fetchKernel(id, { onProgress: tell });
    const result = await runInGuest({
      kernel,
      args: [],
      command: testCommand(REPORT),
      entries: await testEntries(root, arch, files, values.isolate),
      memory: 2048,
      limitMs: Number(values.timeout) * 1000,
      out: scratch,
      node: values.node,
      onLine: (line) => console.log(line),
      onPhase: (words) => tell(`${id}: ${words}`),
    });
    tell(
      `${id}: Linux ${result.release}, ${result.seconds.total.toFixed(0)} s, ${result.seconds.boot.toFixed(1)} s of them boot`,
    );
    return countVitest(join(scratch, REPORT), result.code);
  } catch (error) {
    // A kernel that cannot be had is no failure of what was to be tested.
    const missing = isVmError(error) && error.reason === 'unavailable';
    return { passed: 0, failed: missing ? 0 : 1, skipped: missing ? 1 : 0, note: error.message };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

let files;
try {
  files = testFiles(root, positionals.length > 0 ? positionals : values.quick ? QUICK : LIVE);
} catch (error) {
  console.error(error.message);
  exit(2);
}
const rows = [];
for (const id of values.kernel) {
  const row = { id, ...(await test(id, files)) };
  record(`live tests on ${id}`, row.passed, row.failed, row.skipped, row.failures);
  rows.push(row);
}
console.log('');
for (const { id, passed, failed, skipped, note } of rows)
  console.log(`${id.padEnd(14)} ${passed} passed, ${failed} failed, ${skipped} skipped${note ? `  (${note})` : ''}`);
exit(rows.some(({ failed }) => failed > 0) ? 1 : 0);
