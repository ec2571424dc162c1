/** Reports side by side: a row for each behaviour, a column for each kernel. */
import { basename } from 'node:path';
import type { Verdict } from '../play.js';
import { countVerdicts, type Counts, type Report, type ScenarioReport } from '../report/report.js';

/** A report, and the file that it came from if it came from one. */
export interface Named {
  readonly report: Report;
  readonly file?: string;
}

export interface Column {
  /** Release and machine, and what tells it from its namesakes. */
  readonly name: string;
  readonly file?: string;
  readonly report: Report;
  readonly counts: Counts;
}

/**
 * - `verdict`: not all verdicts are the same.
 * - `observation`: the verdicts are, but not all kernels did the same.
 * - `missing`: it is not in all reports; those that have it agree.
 */
export type Difference = 'none' | 'verdict' | 'observation' | 'missing';

export interface MatrixRow {
  readonly id: string;
  /** What the first report that has it says of it. */
  readonly about: ScenarioReport;
  /** One for each column; undefined where the report does not have it. */
  readonly cells: readonly (ScenarioReport | undefined)[];
  readonly difference: Difference;
}

export interface Matrix {
  readonly columns: readonly Column[];
  readonly rows: readonly MatrixRow[];
}

export const observationKey = ({ observations }: Pick<ScenarioReport, 'observations'>): string =>
  observations.join('\n');

/** All observations of a scenario that was repeated: where two kernels share one, they do not differ. */
function observationsOf(scenario: ScenarioReport): ReadonlySet<string> {
  const others = scenario.runs?.others ?? [];
  return new Set([observationKey(scenario), ...others.map((lines) => lines.join('\n'))]);
}

function sameObservations(cells: readonly ScenarioReport[]): boolean {
  if (new Set(cells.map(observationKey)).size <= 1) return true;
  const sets = cells.map(observationsOf);
  const shareOne = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => [...a].some((key) => b.has(key));
  return sets.every((set, index) => sets.slice(index + 1).every((other) => shareOne(set, other)));
}

/** What differs between the kernels that are given. */
export function differenceOf(cells: readonly (ScenarioReport | undefined)[]): Difference {
  const there = cells.filter((cell) => cell !== undefined);
  if (new Set<Verdict>(there.map(({ verdict }) => verdict)).size > 1) return 'verdict';
  if (!sameObservations(there)) return 'observation';
  return there.length < cells.length ? 'missing' : 'none';
}

/** The ids of all reports; one that the first has not stands behind the one that it stands behind in its own. */
function orderOf(reports: readonly Report[]): string[] {
  const order: string[] = [];
  const known = new Set<string>();
  for (const { scenarios } of reports) {
    let at = -1;
    for (const { id } of scenarios) {
      if (known.has(id)) at = order.indexOf(id, at + 1) >= 0 ? order.indexOf(id, at + 1) : order.indexOf(id);
      else {
        known.add(id);
        order.splice(++at, 0, id);
      }
    }
  }
  return order;
}

/** Names that tell the reports apart. */
function namesOf(reports: readonly Named[]): string[] {
  const plain = reports.map(({ report: { kernel } }) => `${kernel.release} ${kernel.machine}`);
  const unique = (names: readonly string[], name: string): boolean => names.indexOf(name) === names.lastIndexOf(name);
  const withFiles = reports.map(({ file }, index) => {
    const name = plain[index] ?? '';
    return file === undefined || unique(plain, name) ? name : `${name} (${basename(file)})`;
  });
  return withFiles.map((name, index) => (unique(withFiles, name) ? name : `${name} #${index + 1}`));
}

export function matrixOf(reports: readonly Named[]): Matrix {
  const names = namesOf(reports);
  const columns = reports.map(({ report, file }, index): Column => ({
    name: names[index] ?? '',
    report,
    counts: countVerdicts(report.scenarios),
    ...(file === undefined ? {} : { file }),
  }));
  const byId = reports.map(({ report }) => new Map(report.scenarios.map((each) => [each.id, each])));
  const rows = orderOf(reports.map(({ report }) => report)).flatMap((id): MatrixRow[] => {
    const cells = byId.map((scenarios) => scenarios.get(id));
    const about = cells.find((cell) => cell !== undefined);
    return about === undefined ? [] : [{ id, about, cells, difference: differenceOf(cells) }];
  });
  return { columns, rows };
}

/** The observations of a row, each with the columns that have it, in the order in which they first come. */
export function variantsOf({ cells }: MatrixRow): { readonly lines: readonly string[]; readonly columns: number[] }[] {
  const variants = new Map<string, { lines: readonly string[]; columns: number[] }>();
  for (const [index, cell] of cells.entries()) {
    if (cell === undefined || cell.verdict === 'skip') continue;
    const key = observationKey(cell);
    const variant = variants.get(key);
    if (variant === undefined) variants.set(key, { lines: cell.observations, columns: [index] });
    else variant.columns.push(index);
  }
  return [...variants.values()];
}
