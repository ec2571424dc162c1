#!/usr/bin/env node
// Writes the table of docs/jobctl-cont.md: the same programs on both designs. `npx prettier --write docs/jobctl-cont.md` lines it up.
import { readFileSync, writeFileSync } from 'node:fs';
import { exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { comparison } from '../dist/conformance/backend/jobctl-designs.js';

const page = fileURLToPath(new URL('../docs/jobctl-cont.md', import.meta.url));
const text = readFileSync(page, 'utf8');
writeFileSync(
  page,
  text.replace(/^\| Program [^]*?\n(?=\n<!-- end)/m, () => `${comparison()}\n`),
);
exit(0);
