// dist/ -> bundle/: the entries of the package, its command and the suite's workers, each in few files. Reading hundreds of modules one by one
// would be most of what a start costs, on an emulated machine many seconds. Programs that are rarely started run from dist/.
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

/** What a module says to find files beside itself. */
const OWN_PLACE = 'import.meta.url';

/** The runner starts the worker that lies beside it: here the bundled one. */
const BESIDE = 'conformance/runner.js';

/** Modules find files from where they are in dist/, wherever their code goes. @param {string} root */
const places = (root) => ({
  name: 'places',
  setup(building) {
    const dist = join(root, 'dist');
    building.onLoad({ filter: /\.js$/ }, ({ path }) => {
      const name = relative(dist, path);
      if (name.startsWith('..') || name === BESIDE) return undefined;
      const text = readFileSync(path, 'utf8');
      if (!text.includes(OWN_PLACE)) return undefined;
      return { contents: text.replaceAll(OWN_PLACE, `new URL('../dist/${name}', ${OWN_PLACE}).href`), loader: 'js' };
    });
  },
});

/** The suite is loaded by workers, and by the command where its index does not do: from the one bundle. */
const suite = {
  name: 'suite',
  setup(building) {
    building.onResolve({ filter: /\/parts-of-suite\.js$/ }, () => ({ path: './suite.js', external: true }));
  },
};

/** @param {string} root the package's folder */
export async function bundle(root) {
  const folder = join(root, 'bundle');
  rmSync(folder, { recursive: true, force: true });
  const common = {
    absWorkingDir: root,
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    legalComments: 'none',
    logLevel: 'warning',
  };
  await build({
    ...common,
    // Modules of users share what they import with the worker that plays them.
    entryPoints: {
      index: 'dist/index.js',
      raw: 'dist/raw/index.js',
      kernel: 'dist/kernel/index.js',
      engine: 'dist/engine/index.js',
      conformance: 'dist/conformance/index.js',
      worker: 'dist/conformance/worker.js',
      suite: 'dist/conformance/parts-of-suite.js',
    },
    plugins: [places(root)],
  });
  // The command by itself: what it shared with the others would come in many small pieces.
  await build({ ...common, entryPoints: { cli: 'dist/cli/main.js' }, plugins: [places(root), suite] });
  chmodSync(join(folder, 'cli.js'), 0o755);
  // What the suite's scenarios say of themselves, so that a run need not load all of them to find some.
  const { indexText } = await import('../dist/conformance/sets.js');
  writeFileSync(join(folder, 'scenarios.json'), await indexText());
}
