// Nodes of other lines for the tests, and why one is not to be had.
import { arch, execPath, version } from 'node:process';

/**
 * A node of a line: the one that runs this where it is of that line, or else npm's newest, kept where guests' nodes are kept. A download that
 * fails is tried again. Wants dist/ built.
 *
 * @param {string} line '20'
 * @returns {Promise<{node: string, version: string}>} its path, and its version with a v
 */
export async function nodeOf(line) {
  if (version.startsWith(`v${line}.`)) return { node: execPath, version };
  const { fetchNode } = await import('../dist/vm/fetch-node.js');
  const found = await fetchNode(arch, line);
  return { node: found.file, version: `v${found.version}` };
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
 * Whether something could not be fetched because no registry could be reached, not because of what was asked for.
 *
 * @param {Error & {stderr?: unknown}} error
 */
export const isOffline = (error) =>
  error.cause?.kind === 'unreachable' ||
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED)\b/.test(
    `${error.stderr ?? ''} ${error.message}`,
  );
