import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The repository's root folder, with a slash at its end. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Throws unless the package is built: child processes of the tests run what users run, bundle/, dist/ and the addon. */
export function requireBuild(): void {
  if (!existsSync(`${root}bundle/index.js`)) throw new Error('bundle/ is missing: run npm run compile first');
}

/** The file URL of a built module, for `import` in a child: dist('tracer/index.js'). */
export function dist(module: string): string {
  requireBuild();
  const url = new URL(`../../dist/${module}`, import.meta.url);
  if (!existsSync(url)) throw new Error(`dist/${module} is missing: run npm run compile first`);
  return url.href;
}

/** The path of the built command. */
export function command(): string {
  requireBuild();
  return `${root}bundle/cli.js`;
}
