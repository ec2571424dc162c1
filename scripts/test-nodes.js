#!/usr/bin/env node
// Runs the core tests on every Node line that the package serves, all with the same build: one addon, one dist/.
// Arguments choose the lines: 20 24
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { argv, env, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { isOffline, nodeOf, reason } from './nodes.js';
import { countVitest, record } from './results.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const lines = argv.length > 2 ? argv.slice(2) : ['20', '22', '24', '26'];
const reports = join(root, 'node_modules', '.cache', 'nodes');
/** What depends on the Node version: the addon, the waits, the ways Node can end. The rest is arithmetic. */
const core = ['test/native', 'test/binding', 'test/raw', 'test/tracer', 'test/package'];

async function test(line) {
  let found;
  try {
    found = await nodeOf(line);
  } catch (error) {
    // Without a network the line could not be tried. What the registry does not have is a failure.
    const failed = isOffline(error) ? 0 : 1;
    return { line, version: '-', passed: 0, failed, skipped: 1 - failed, note: `not available: ${reason(error)}` };
  }
  console.log(`\n== Node ${found.version}`);
  const report = join(reports, `report-${line}-${process.pid}.json`);
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const args = [
    vitest,
    'run',
    '--reporter=default',
    '--reporter=./test/helpers/skips.ts',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...core,
  ];
  try {
    const { status } = spawnSync(found.node, args, {
      cwd: root,
      stdio: 'inherit',
      // A test that looks node up in PATH must find the same one.
      env: { ...env, PATH: `${dirname(found.node)}:${env.PATH ?? ''}` },
    });
    return { line, version: found.version, ...countVitest(report, status ?? 1) };
  } finally {
    rmSync(report, { force: true });
  }
}

if (spawnSync(process.execPath, ['scripts/build.js'], { cwd: root, stdio: 'inherit' }).status !== 0) {
  console.log('the build failed: nothing to test');
  record('nodes', 0, 1);
  exit(1);
}
mkdirSync(reports, { recursive: true });
const rows = [];
for (const line of lines) {
  const row = await test(line);
  if (row.note) console.log(`\nNode ${line}: ${row.note}`);
  record(`node ${line}`, row.passed, row.failed, row.skipped, row.failures ?? (row.failed > 0 ? [row.note] : []));
  rows.push(row);
}
console.log('\nline  version    passed  failed  skipped');
for (const { line, version, passed, failed, skipped, note } of rows) {
  const cells = [line.padEnd(5), version.padEnd(10), ...[passed, failed, skipped].map((n) => String(n).padEnd(7))];
  console.log(`${cells.join(' ')} ${note ?? ''}`.trimEnd());
}
exit(rows.some(({ failed }) => failed > 0) || rows.every(({ passed }) => passed === 0) ? 1 : 0);
