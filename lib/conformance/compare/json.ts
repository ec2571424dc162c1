/** What differs between reports, for programs. */
import type { Matrix } from './matrix.js';
import { summaryOf } from './summary.js';

export const COMPARISON_SCHEMA = 'linux-ptrace/comparison/1';

export function comparisonJson(matrix: Matrix, all: boolean): object {
  const { columns, rows } = matrix;
  return {
    schema: COMPARISON_SCHEMA,
    kernels: columns.map(({ name, file, report, counts }) => ({
      name,
      ...(file === undefined ? {} : { file }),
      kernel: report.kernel,
      arch: report.arch,
      date: report.date,
      package: report.package,
      interrupted: report.interrupted,
      counts,
    })),
    summary: summaryOf(matrix),
    rows: rows
      .filter(({ difference }) => all || difference !== 'none')
      .map(({ id, about, cells, difference }) => ({
        id,
        title: about.title,
        difference,
        cells: cells.map((cell) => {
          if (cell === undefined) return null;
          const { verdict, reason, observations, expected, because } = cell;
          return {
            verdict,
            ...(reason === undefined ? {} : { reason }),
            observations,
            ...(expected === undefined ? {} : { expected }),
            ...(because === undefined ? {} : { because }),
          };
        }),
      })),
  };
}
