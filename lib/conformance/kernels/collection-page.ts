/** `docs/kernels/index.html`: the page of a comparison, with the rows that are not the same everywhere. */
import { matrixOf } from '../compare/matrix.js';
import { pageText } from '../report/page/html.js';
import type { Member } from './collection.js';

/**
 * The page; the columns are called as the kernels are. A behaviour that is only skipped on one architecture and the same on all kernels of the
 * other is left out, with those that are the same on all: they would be nine tenths of the page.
 */
export function collectionPage(members: readonly Member[]): string {
  const { columns, rows } = matrixOf(members.map(({ report }) => ({ report })));
  return pageText({
    columns: columns.map((column, index) => ({ ...column, name: members[index]?.id ?? column.name })),
    rows: rows.filter(({ cells, difference }) => {
      const there = cells.filter((cell) => cell !== undefined);
      if (there.some(({ verdict }) => verdict === 'fail')) return true;
      const archs = new Set(members.map(({ report }) => report.arch));
      return (
        difference !== 'none' &&
        [...archs].some((arch) => {
          const own = cells.filter((_, index) => members[index]?.report.arch === arch);
          const [first] = own;
          return own.some(
            (cell) => cell?.verdict !== first?.verdict || cell?.observations.join() !== first?.observations.join(),
          );
        })
      );
    }),
  });
}
