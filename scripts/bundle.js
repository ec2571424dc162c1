// dist/ -> bundle/: the four entries of the package, each in few files. Reading some seventy modules one by one would be most of what an
// import of the package costs. The command and the programs that it starts as processes of their own run from dist/.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** @param {string} root the package's folder */
export async function bundle(root) {
  const folder = join(root, 'bundle');
  rmSync(folder, { recursive: true, force: true });
  await build({
    absWorkingDir: root,
    entryPoints: {
      index: 'dist/index.js',
      raw: 'dist/raw/index.js',
      kernel: 'dist/kernel/index.js',
      engine: 'dist/engine/index.js',
    },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    legalComments: 'none',
    logLevel: 'warning',
  });
}
