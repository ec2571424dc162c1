#!/usr/bin/env node
// The suite on kernels of several releases and both architectures, in QEMU, and each against what docs/kernels says that it does: a difference
// that nothing explains is a failure (lib/conformance/kernels/check.ts tells what explains one). A kernel that cannot be downloaded is said and
// left out, but not too many of them. Arguments choose other kernels: 6.12-x64 '*-arm64'; KERNELS_SET=all plays the generated matrix, too.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { argv, env, execPath, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { record } from './results.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(root, 'node_modules', '.cache', 'kernels');
const set = env.KERNELS_SET ?? 'scenarios';
const FIXED = ['5.10-x64', '6.1-x64', '6.12-x64', '5.10-arm64'];
const LEAST = { x64: 3, arm64: 1 };

function give(up) {
  console.log(up);
  record('kernels', 0, 1);
  exit(1);
}

/** What the guests run: the package as it is now, for both architectures. */
function build() {
  for (const args of [['scripts/build.js'], ['scripts/prebuild.js', '--arch=arm64', '--stale']]) {
    const { status } = spawnSync(execPath, args, { cwd: root, stdio: 'inherit' });
    if (status !== 0) give(`${args.join(' ')} failed: nothing to play`);
  }
}

build();
const load = async (module) => await import(new URL(`../dist/${module}`, import.meta.url).href);
const { kernelTable } = await load('vm/kernel-table.js');
const { fetchKernel } = await load('vm/fetch-kernel.js');
const { selectKernels } = await load('vm/select-kernels.js');
const { runInGuest } = await load('vm/run.js');
const { runMatrix } = await load('vm/matrix.js');
const { checkOutcome, tooFew } = await load('vm/matrix-check.js');
const { OWN_COLLECTION, readAnyReport } = await load('conformance/kernels/files.js');
const { racesOf } = await load('conformance/kernels/check.js');
const { entriesOf } = await load('conformance/sets.js');
const { MatrixProgress } = await load('cli/vm/matrix-progress.js');

/** The newest series that can be had; the very newest comes and goes with the distribution's experiments. */
async function newest(arch) {
  const series = kernelTable.filter((each) => each.arch === arch && each.flavour === 'cloud').reverse();
  for (const { id } of series) {
    try {
      await fetchKernel(id, { onProgress: (words) => console.log(words) });
      return id;
    } catch (error) {
      if (error.reason !== 'unavailable') throw error;
      console.log(`${id} is unavailable: ${error.message}`);
    }
  }
  return undefined;
}

async function chosen() {
  if (argv.length > 2) return selectKernels(argv.slice(2)).map(({ series }) => series);
  const ids = [...FIXED, await newest('x64'), await newest('arm64')].filter((id) => id !== undefined);
  return kernelTable.filter(({ id }) => ids.includes(id));
}

const known = async (id) => {
  const file = fileURLToPath(new URL(`${id}.json`, OWN_COLLECTION));
  return existsSync(file) ? await readAnyReport(file) : undefined;
};

/** The end of a console's log, for a machine that failed. */
function tail(file, lines = 40) {
  if (file === undefined || !existsSync(file)) return [];
  return readFileSync(file, 'utf8').split('\n').slice(-lines);
}

const controller = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => controller.abort(new Error(`interrupted by ${signal}`)));
}

/** All of them together. What is not over by then is told as interrupted, and fails. */
const LIMIT_MINUTES = 40;
const limit = setTimeout(
  () => controller.abort(new Error(`not over after ${LIMIT_MINUTES} minutes`)),
  LIMIT_MINUTES * 60_000,
);
limit.unref();

let kernels;
let outcomes;
try {
  kernels = await chosen();
  mkdirSync(out, { recursive: true });
  console.log(`\n== the suite on ${kernels.map(({ id }) => id).join(', ')}`);
  const progress = new MatrixProgress(
    kernels.map(({ id }) => id),
    process.stdout,
  );
  outcomes = await runMatrix(
    {
      kernels,
      set,
      out,
      jobs: Math.min(2, availableParallelism()),
      fresh: true,
      signal: controller.signal,
      onEvent: (event) => progress.tell(event),
    },
    { fetch: fetchKernel, run: runInGuest },
  );
  progress.end();
} catch (error) {
  give(error.message);
}

const races = racesOf(await entriesOf(set));
const checks = [];
for (const outcome of outcomes) {
  const check = checkOutcome(outcome, await known(outcome.id), races);
  console.log(`\n== ${check.id}\n${[...check.lines, ...tail(outcome.log)].join('\n')}`);
  record(`kernel ${check.id}`, check.passed, check.failed, check.skipped, check.failed > 0 ? check.lines : []);
  checks.push(check);
}
const complaints = argv.length > 2 ? [] : tooFew(checks, kernels, LEAST);
for (const complaint of complaints) console.log(complaint);
if (complaints.length > 0) record('kernels', 0, complaints.length);

console.log('\nkernel        as known  unexplained  skipped');
for (const { id, passed, failed, skipped } of checks) {
  console.log(
    `${id.padEnd(12)}  ${[passed, failed].map((n) => String(n).padStart(8)).join('     ')}  ${String(skipped).padStart(7)}`,
  );
}
exit(complaints.length > 0 || checks.some(({ failed }) => failed > 0) ? 1 : 0);
