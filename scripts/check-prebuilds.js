#!/usr/bin/env node
// Before a release: the package is not published without the binaries of both architectures, of these sources.
import { dirname, resolve } from 'node:path';
import { exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { complaints } from './prebuilds.js';

const found = complaints(resolve(dirname(fileURLToPath(import.meta.url)), '..'));
for (const complaint of found) console.error(`linux-ptrace: ${complaint}`);
if (found.length > 0) {
  console.error('linux-ptrace: not to be published like this. Build what it carries with: npm run prebuild');
  exit(1);
}
