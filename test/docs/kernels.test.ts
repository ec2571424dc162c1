/** docs/kernels: its pages are those of its reports, and its reports are those of the suite. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { catalogue } from '../../lib/conformance/catalogue.js';
import { collectionPage } from '../../lib/conformance/kernels/collection-page.js';
import type { Collection, Member } from '../../lib/conformance/kernels/collection.js';
import { OWN_COLLECTION, readAnyReport, readCollectionOf } from '../../lib/conformance/kernels/files.js';
import { historyParts, withParts } from '../../lib/conformance/kernels/history.js';
import { kernelsPage } from '../../lib/conformance/kernels/page.js';
import { ordered } from '../../lib/conformance/kernels/steps.js';
import { kernelTable } from '../../lib/vm/kernel-table.js';
import { requireBuild } from '../helpers/dist.js';

const folder = fileURLToPath(OWN_COLLECTION);
const text = (name: string): string => readFileSync(new URL(name, OWN_COLLECTION), 'utf8');
const { all, matrix, byId } = catalogue();
const cells = new Set(matrix.map(({ id }) => id));

/** What the page's script is given; the script itself is as the build makes it. */
const dataOf = (html: string): string =>
  /<script type="application\/json" id="data">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? 'no data';

describe('docs/kernels', () => {
  let members: Member[];
  beforeAll(async () => {
    requireBuild();
    members = await readCollectionOf(folder);
  });

  it('has kernels of the table, in order', () => {
    expect(members.length).toBeGreaterThan(0);
    expect(members.map(({ id }) => id)).toEqual(ordered(members).map(({ id }) => id));
    const known = new Set(kernelTable.map(({ id }) => id));
    expect(members.filter(({ id }) => !known.has(id)).map(({ id }) => id)).toEqual([]);
  });

  it('knows no behaviour that the suite does not have', () => {
    const { behaviours } = JSON.parse(text('behaviours.json')) as Collection;
    expect(behaviours.map(({ id }) => id).filter((id) => !byId.has(id))).toEqual([]);
  });

  it('has whole reports', async () => {
    for (const { id, report } of members) expect(await readAnyReport(`${folder}${id}.json`)).toEqual(report);
  });

  it('has pages that are made of its reports (npm run kernels makes them anew)', () => {
    expect(text('README.md')).toBe(kernelsPage(members, (id) => cells.has(id)));
    expect(dataOf(text('index.html'))).toBe(dataOf(collectionPage(members)));
    expect(text('history.md')).toBe(withParts(text('history.md'), historyParts(members, all)));
  });
});
