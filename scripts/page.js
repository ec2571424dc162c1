// The script of the conformance report's page, one file that the report takes in. It is for browsers: a project of its own.
import { join } from 'node:path';
import { build } from 'esbuild';

const CLIENT = 'lib/conformance/report/page/client';

/** @param {string} root the package's folder */
export async function page(root) {
  await build({
    absWorkingDir: root,
    entryPoints: [`${CLIENT}/main.ts`],
    outfile: join(root, 'dist/conformance/report/page/client.js'),
    tsconfig: `${CLIENT}/tsconfig.json`,
    bundle: true,
    format: 'iife',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
  });
}
