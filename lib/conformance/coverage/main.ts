/** `npm run docs`: writes docs/coverage.md. */
import { writeFileSync } from 'node:fs';
import { catalogue } from '../catalogue.js';
import { sections } from './index.js';
import { coverageMarkdown } from './markdown.js';

const { all, matrix } = catalogue();
const page = new URL('../../../docs/coverage.md', import.meta.url);
writeFileSync(page, coverageMarkdown(sections, all.length, matrix.length));
