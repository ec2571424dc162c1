/**
 * `npm run kernels [-- FOLDER...]`: makes the pages of docs/kernels from the reports there. With folders of `linux-ptrace vm matrix` it first takes
 * their reports in; their scenarios come in place of those of the same kernels, and what they do not have stays. Several reports of one kernel
 * become one that knows several observations of a race.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { catalogue } from '../catalogue.js';
import { groupBy } from '../report/group.js';
import { readReport } from '../report/read-report.js';
import { collectionPage } from './collection-page.js';
import type { Member } from './collection.js';
import { OWN_COLLECTION, readCollectionOf, writeCollection } from './files.js';
import { historyParts, withParts } from './history.js';
import { mergedReport, renewedReport } from './merge.js';
import { kernelsPage } from './page.js';
import { ordered } from './steps.js';

const folder = fileURLToPath(OWN_COLLECTION);
const { all, matrix } = catalogue();
const cells = new Set(matrix.map(({ id }) => id));

const taken = argv.slice(2).flatMap((from) =>
  readdirSync(from)
    .filter((name) => /^\d+\.\d+-.*\.json$/.test(name))
    .map((name): Member => ({ id: name.replace(/\.json$/, ''), report: readReport(join(from, name)) })),
);
if (taken.length > 0) {
  const known = existsSync(join(folder, 'behaviours.json')) ? await readCollectionOf(folder) : [];
  const fresh = [...groupBy(taken, ({ id }) => id)].map(([id, members]) => ({
    id,
    report: renewedReport(
      known.find((member) => member.id === id)?.report,
      mergedReport(members.map(({ report }) => report)),
    ),
  }));
  const kept = known.filter(({ id }) => fresh.every((member) => member.id !== id));
  writeCollection(
    folder,
    ordered([...kept, ...fresh]),
    [...all, ...matrix].map(({ id }) => id),
  );
}

const members = await readCollectionOf(folder);
writeFileSync(
  join(folder, 'README.md'),
  kernelsPage(members, (id) => cells.has(id)),
);
writeFileSync(join(folder, 'index.html'), collectionPage(members));
const history = join(folder, 'history.md');
writeFileSync(history, withParts(readFileSync(history, 'utf8'), historyParts(members, all)));
console.log(`${members.length} kernels: ${members.map(({ id }) => id).join(', ')}`);
