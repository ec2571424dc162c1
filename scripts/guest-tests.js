// The tests as a guest gets them. Emulation makes everything that vitest does to a TypeScript file ten to twenty times slower, so each test file comes as
// one plain module with its helpers, and the guest's vitest lets Node import it as it is. The library is the built one.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { build } from 'esbuild';

const PLACE = '/opt/linux-ptrace';
/** vitest's own worker, and what runs in it, has to be the same copy that the tests import. */
const EXTERNAL = ['vitest', 'vitest/*', 'typescript'];
const SETUPS = [
  'test/helpers/file-setup',
  'test/helpers/global-setup',
  'test/helpers/skips',
  'test/helpers/failures',
  'vitest.config',
];
/** ESM has no `require`, which packages in CommonJS call. */
const BANNER = `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire('file://${PLACE}/package.json');`;

const inGuest = (path) => `${PLACE}/${path}`.slice(1);

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile());
}

/** Each of the files in one module with what it imports of test/ and of packages, as entries of the guest. */
async function bundles(root, files) {
  const places = {
    name: 'places',
    setup({ onLoad, onResolve }) {
      const lib = join(root, 'lib') + sep;
      onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
        const target = join(resolveDir, path);
        return target.startsWith(lib) ? { path: `${PLACE}/dist/${relative(lib, target)}`, external: true } : undefined;
      });
      onLoad({ filter: /\.ts$/, namespace: 'file' }, ({ path }) => ({
        contents: readFileSync(path, 'utf8').replaceAll(
          'import.meta.url',
          JSON.stringify(`file://${PLACE}/${relative(root, path)}`),
        ),
        loader: 'ts',
      }));
    },
  };
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: files,
    outdir: root,
    outbase: root,
    outExtension: { '.js': '.mjs' },
    write: false,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: EXTERNAL,
    banner: { js: BANNER },
    legalComments: 'none',
    plugins: [places],
    logLevel: 'warning',
  });
  return outputFiles.map(({ path, contents }) => ({
    kind: 'file',
    path: inGuest(relative(root, path)),
    mode: 0o644,
    content: contents,
  }));
}

/** vitest and all that it depends on: names of packages. Packages with binaries for a machine are optional ones. */
function vitestPackages(root, arch) {
  const found = new Set();
  const native = new Map();
  const visit = (name) => {
    if (found.has(name)) return;
    found.add(name);
    const manifest = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'));
    for (const each of Object.keys(manifest.dependencies ?? {})) visit(each);
    for (const [each, version] of Object.entries(manifest.optionalDependencies ?? {})) {
      if (each.endsWith(`-linux-${arch}-gnu`)) native.set(each, version);
    }
  };
  visit('vitest');
  return { names: [...found], native };
}

/** The folder of a package with binaries: this machine's, or fetched for another one. */
function nativePackage(root, name, version) {
  const installed = join(root, 'node_modules', name);
  if (existsSync(installed)) return installed;
  const cache = join(root, 'node_modules', '.cache', 'guest');
  const folder = join(cache, `${name.replaceAll('/', '-')}-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const staging = mkdtempSync(join(cache, 'fetch-'));
  try {
    const options = { cwd: staging, stdio: ['ignore', 'ignore', 'inherit'] };
    execFileSync('npm', ['pack', '--silent', '--pack-destination', staging, `${name}@${version}`], options);
    const tarball = readdirSync(staging).find((file) => file.endsWith('.tgz'));
    if (tarball === undefined) throw new Error(`npm pack ${name}@${version} gave no archive`);
    execFileSync('tar', ['-xzf', tarball, 'package'], options);
    renameSync(join(staging, 'package'), folder);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  return folder;
}

const copiesOf = (folder, to) =>
  filesBelow(folder)
    .filter((file) => /\.(c?js|mjs|json|node)$/.test(file))
    .map((file) => ({ kind: 'copy', path: inGuest(join(to, relative(folder, file))), mode: 0o644, file }));

function vitestEntries(root, arch) {
  const { names, native } = vitestPackages(root, arch);
  // vite asks for its CSS compiler only when there is CSS.
  const wanted = [...native].filter(([name]) => !name.startsWith('lightningcss'));
  return [
    ...names.flatMap((name) => copiesOf(join(root, 'node_modules', name), join('node_modules', name))),
    ...wanted.flatMap(([name, version]) => copiesOf(nativePackage(root, name, version), join('node_modules', name))),
  ];
}

/** One process for all files, if wanted: to start one for each takes longer than most files' tests. */
const config = (isolate) => `
import base from './vitest.config.mjs';
export default { test: {
  ...base.test,
  include: ['test/**/*.test.mjs'],
  maxWorkers: 1,
  isolate: ${String(isolate)},
  setupFiles: ['test/helpers/file-setup.mjs'],
  globalSetup: ['test/helpers/global-setup.mjs'],
  experimental: { viteModuleRunner: false, nodeLoader: false },
} };
`;

/** The test files below the given ones (files, folders), relative to the root. */
export function testFiles(root, given) {
  return given.flatMap((path) => {
    const place = join(root, path);
    if (!existsSync(place)) throw new Error(`there is no ${path}`);
    const files = statSync(place).isFile() ? [place] : filesBelow(place).sort();
    return files.filter((file) => file.endsWith('.test.ts')).map((file) => relative(root, file));
  });
}

/**
 * What a guest needs beside the package for its tests.
 *
 * @param root the package's folder
 * @param arch the guest's architecture
 * @param files test files, relative to the root
 * @param isolate whether each file has a process of its own
 * @returns entries of the guest's file system
 */
export async function testEntries(root, arch, files, isolate) {
  const others = filesBelow(join(root, 'test')).filter((file) => !file.endsWith('.test.ts'));
  const sources = [...filesBelow(join(root, 'lib')), ...others];
  return [
    ...(await bundles(root, [...files, ...SETUPS.map((name) => `${name}.ts`)])),
    ...vitestEntries(root, arch),
    // Some tests read the sources.
    ...sources.map((file) => ({ kind: 'copy', path: inGuest(relative(root, file)), mode: 0o644, file })),
    { kind: 'file', path: inGuest('guest.config.mjs'), mode: 0o644, content: config(isolate) },
  ];
}

/** How vitest is run in the guest. What it prints goes to standard error, which is heard as it comes. */
export function testCommand(report) {
  const vitest = [
    `/bin/node ${PLACE}/node_modules/vitest/vitest.mjs run --root ${PLACE} --config ${PLACE}/guest.config.mjs --configLoader native`,
    `--reporter=default --reporter=${PLACE}/test/helpers/failures.mjs --reporter=${PLACE}/test/helpers/skips.mjs --reporter=json --outputFile.json=/out/${report}`,
  ].join(' ');
  // What the kernel starts first is in no session and no process group that others could name.
  return ['/bin/sh', '-c', `exec setsid ${vitest} >&2`];
}
