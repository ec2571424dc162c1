/** This package's name and version. */
import { readFileSync } from 'node:fs';

// From lib/ and from dist/ it is as far.
const FILE = new URL('../../../package.json', import.meta.url);

export function manifest(): { readonly name: string; readonly version: string } {
  const { name, version } = JSON.parse(readFileSync(FILE, 'utf8')) as { name: string; version: string };
  return { name, version };
}
