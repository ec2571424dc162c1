/** `docs/kernels/index.html`: the page of a comparison, with the rows that are not the same everywhere. */
import { matrixOf, type Matrix } from '../compare/matrix.js';
import { pageText } from '../report/page/html.js';
import type { Member } from './collection.js';

/** Reports side by side; the columns are called as the kernels are. */
export function membersMatrix(members: readonly Member[]): Matrix {
  const { columns, rows } = matrixOf(members.map(({ report }) => ({ report })));
  return { columns: columns.map((column, index) => ({ ...column, name: members[index]?.id ?? column.name })), rows };
}

/**
 * The page. A behaviour that is only skipped on one architecture and the same on all kernels of the
 * other is left out, with those that are the same on all: they would be nine tenths of the page.
 */
export function collectionPage(members: readonly Member[]): string {
  const { columns, rows } = membersMatrix(members);
  return pageText({
    columns,
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
