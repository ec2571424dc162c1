/** The page's data from reports. */
import { variantsOf, type Matrix, type MatrixRow } from '../../compare/matrix.js';
import { groupBy } from '../group.js';
import type { ScenarioReport } from '../report.js';
import { sourceGroup, sourceLink, sourceText } from '../sources.js';
import { align, type LogColumn } from './align.js';
import type { PageData, PageKind, PageRow } from './data.js';

/** Each expectation, and behind it what the kernels did for which it holds. */
function logColumns(row: MatrixRow): LogColumn[] {
  const shown = row.cells.flatMap((cell, kernel) =>
    cell === undefined || cell.verdict === 'skip' ? [] : [{ cell, kernel }],
  );
  const columns: LogColumn[] = [];
  for (const members of groupBy(shown, ({ cell }) => cell.expected?.join('\n')).values()) {
    const expected = members[0]?.cell.expected;
    const expectedBy = expected === undefined ? undefined : columns.length;
    if (expected !== undefined) {
      columns.push({ kind: 'expected', kernels: members.map(({ kernel }) => kernel), lines: expected });
    }
    for (const alike of groupBy(members, ({ cell }) => cell.observations.join('\n')).values()) {
      const lines = alike[0]?.cell.observations ?? [];
      const kernels = alike.map(({ kernel }) => kernel);
      columns.push({ kind: 'observed', kernels, lines, ...(expectedBy === undefined ? {} : { expectedBy }) });
    }
  }
  return columns;
}

function kindOf({ verdict, reason, because }: ScenarioReport, variant: number): PageKind {
  return {
    verdict,
    variant,
    ...(reason === undefined ? {} : { reason }),
    ...(because === undefined ? {} : { because }),
  };
}

function pageRow(row: MatrixRow): PageRow {
  const { id, title, source, tags, rule, history, since, arch } = row.about;
  const variants = variantsOf(row);
  const kinds: PageKind[] = [];
  const known = new Map<string, number>();
  const cells = row.cells.map((cell, index) => {
    if (cell === undefined) return -1;
    const kind = kindOf(cell, variants.findIndex(({ columns }) => columns.includes(index)) + 1);
    const key = JSON.stringify(kind);
    const at = known.get(key) ?? kinds.push(kind) - 1;
    known.set(key, at);
    return at;
  });
  const logs = logColumns(row);
  return {
    id,
    title,
    group: sourceGroup(source[0]),
    sources: source.map((each) => {
      const link = sourceLink(each);
      return { text: sourceText(each), ...(link === undefined ? {} : { link }) };
    }),
    tags,
    rule,
    ...(history === undefined ? {} : { history }),
    ...(since === undefined ? {} : { since }),
    ...(arch === undefined ? {} : { arch }),
    difference: row.difference,
    kinds,
    cells,
    logs: logs.map(({ kind, kernels }) => ({ kind, kernels })),
    lines: align(logs),
  };
}

export function pageData({ columns, rows }: Matrix): PageData {
  return {
    kernels: columns.map(({ name, report: { kernel, arch, date, interrupted, probe } }) => ({
      name,
      release: kernel.release,
      machine: kernel.machine,
      arch,
      date,
      interrupted,
      ...(probe.cpu === undefined ? {} : { cpu: probe.cpu }),
    })),
    rows: rows.map(pageRow),
  };
}
