// What an installed package has to do, tried with the Node that runs this: installed-check.js FOLDER, where FOLDER is the one that the package was
// installed into. Nothing but Node is needed, so that it runs in the smallest guest. The last line counts; ends with 0 when nothing failed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { arch, argv, execPath, exit } from 'node:process';
import { pathToFileURL } from 'node:url';

const folder = realpathSync(argv[2] ?? '.');
const prebuilds = join(folder, 'node_modules', 'linux-ptrace', 'prebuilds', `linux-${arch}`);
const program = { x64: 'i386', arm64: 'arm32' }[arch];
const require = createRequire(join(folder, 'nowhere.js'));
const counts = { passed: 0, failed: 0, skipped: 0 };

/** Whoever returns a text could not be tried, for the reason that it gives. */
async function check(name, action) {
  let outcome = 'passed';
  let note;
  try {
    note = await action();
    if (note !== undefined) outcome = 'skipped';
  } catch (error) {
    outcome = 'failed';
    note = error instanceof Error ? error.message : String(error);
  }
  counts[outcome]++;
  console.log(`${outcome}: ${name}${note === undefined ? '' : `: ${note}`}`);
}

/** An entry of the package, found from the folder as a program there would find it. */
const entry = (name) => import(pathToFileURL(require.resolve(name)).href);

function ran({ error, status, signal, stdout, stderr }) {
  if (error) throw error;
  if (status !== 0) throw new Error(`ended with ${signal ?? `code ${status}`}:\n${stdout}${stderr}`);
}

const entries = ['linux-ptrace', 'linux-ptrace/raw', 'linux-ptrace/kernel', 'linux-ptrace/conformance'];
for (const name of entries) {
  await check(`import ${name}`, async () => {
    if (Object.keys(await entry(name)).length === 0) throw new Error('it exports nothing');
  });
}
await check('the prebuilt addon is what is used', async () => {
  const raw = await entry('linux-ptrace/raw');
  raw.schedGetaffinity();
  const addons = readFileSync('/proc/self/maps', 'utf8').match(/\/\S+\.node$/gm) ?? [];
  const other = addons.find((addon) => !addon.startsWith(prebuilds));
  if (addons.length === 0 || other !== undefined) throw new Error(`loaded: ${other ?? 'nothing'}`);
});
for (const args of [
  ['series', 'listen', '--fast'],
  ['probe', '--json'],
]) {
  await check(`linux-ptrace ${args.join(' ')}`, () => {
    const command = join(folder, 'node_modules', '.bin', 'linux-ptrace');
    ran(spawnSync(execPath, [command, ...args], { cwd: folder, encoding: 'utf8' }));
  });
}
await check(`the ${program} program`, () => {
  const file = join(prebuilds, program);
  if (!existsSync(file)) throw new Error(`there is no ${file}`);
  const { error, status, signal } = spawnSync(file, ['exit', '7']);
  if (error?.code === 'ENOEXEC') return `this kernel or CPU runs no ${program} programs`;
  if (error) throw error;
  if (status !== 7) throw new Error(`ended with ${signal ?? `code ${status}`}, not 7`);
  return undefined;
});

console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
exit(counts.failed === 0 ? 0 : 1);
