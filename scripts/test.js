#!/usr/bin/env node
// The test command: every check runs, even after one has failed; a table at the end; the exit code says whether all passed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { env, execPath, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { countVitest, record } from './results.js';
import { testPrebuilt } from './test-prebuilt.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const scratch = mkdtempSync(join(tmpdir(), 'linux-ptrace-test-'));
const rows = [];

/** The JavaScript file behind a package's command: no shell needed, and the node that runs this runs it. */
function bin(name, command = name) {
  const folder = join(root, 'node_modules', name);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[command]);
}

function run(command, args, options = {}) {
  const { error, status, signal } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error) console.error(error.message);
  return signal ? 128 : (status ?? 1);
}

async function check(name, action) {
  console.log(`\n== ${name}`);
  const code = await action();
  const result = typeof code === 'number' ? { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 } : code;
  record(name, result.passed, result.failed, result.skipped, result.failures);
  rows.push({ name, skipped: 0, note: '', ...result });
}

const node = (...args) => run(execPath, args);

try {
  await check('format', () => node(bin('prettier'), '--check', '--log-level=warn', '.'));
  await check('build', () => node('scripts/build.js'));
  await check('prebuilds', () => node('scripts/prebuild.js', '--available', '--stale'));
  await check('types', () => {
    const types = (...args) => node(bin('typescript', 'tsc'), '--noEmit', ...args);
    return types() || types('-p', 'lib/conformance/report/page/client');
  });
  await check('lint', () => node(bin('eslint'), '--max-warnings=0', '.'));
  await check('tests', () => {
    const report = join(scratch, 'vitest.json');
    const args = [
      'run',
      '--reporter=default',
      '--reporter=./test/helpers/skips.ts',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ];
    return countVitest(report, node(bin('vitest'), ...args));
  });
  // All look at the package as npm would publish it; packed once, without running the build again.
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', scratch]);
  const tarball = join(scratch, readdirSync(scratch).find((name) => name.endsWith('.tgz')) ?? 'nothing-was-packed.tgz');
  await check('publint', () => node(bin('publint'), 'run', tarball, '--strict'));
  await check('attw', () => node(bin('@arethetypeswrong/cli', 'attw'), tarball, '--profile', 'esm-only'));
  await check('prebuilt', () => testPrebuilt(tarball));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

const width = Math.max(...rows.map(({ name }) => name.length));
console.log('');
for (const { name, passed, failed, skipped, note } of rows) {
  const skips = skipped > 0 ? `, ${skipped} skipped` : '';
  console.log(`${name.padEnd(width)}  ${passed} passed, ${failed} failed${skips}${note ? `  (${note})` : ''}`);
}
if (env.CI === undefined && rows.every(({ failed }) => failed === 0)) console.log('\nall passed');
exit(rows.some(({ failed }) => failed > 0) ? 1 : 0);
