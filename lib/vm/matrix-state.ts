/** What the folder of a matrix holds: which kernels were played, which were not and why. It makes a matrix resumable. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readReport, UnreadableReport } from '../conformance/report/read-report.js';
import { described, type Report } from '../conformance/report/report.js';
import type { Scenario } from '../conformance/scenario.js';
import { scenariosOf, type SetName } from '../conformance/sets.js';
import { VmError, type VmFailure } from './failure.js';
import { writeWhole } from './whole-file.js';

export const STATE_SCHEMA = 'linux-ptrace/matrix/1';

/** What a report is of: one of the same is not made again. */
export interface Identity {
  /** This package's version. */
  readonly package: string;
  /** The version of the kernel's package. */
  readonly kernel: string;
  readonly set: SetName;
  /** {@link suiteDigest}: the same version may have other scenarios while somebody writes them. */
  readonly suite: string;
  /** The Node line or version that was asked for; '' for the machine's own choice. */
  readonly node: string;
}

/** What became of a kernel. One that was not reached, or was interrupted, has no entry. */
export type KernelState =
  | {
      readonly state: 'played';
      readonly of: Identity;
      readonly seconds: number;
      readonly boot: number;
      readonly tries: number;
    }
  | { readonly state: 'unavailable'; readonly why: string }
  | { readonly state: 'failed'; readonly reason: VmFailure; readonly why: string; readonly log?: string };

export interface MatrixState {
  readonly schema: typeof STATE_SCHEMA;
  readonly kernels: Readonly<Record<string, KernelState>>;
}

export const STATE = 'state.json';
/** The comparison of all reports. */
export const PAGES = ['index.html', 'matrix.md'] as const;

const stateFile = (folder: string): string => join(folder, STATE);

/** Where the report of a kernel stands. */
export const reportFile = (folder: string, id: string): string => join(folder, `${id}.json`);

function isState(value: unknown): value is MatrixState {
  return (
    typeof value === 'object' &&
    value !== null &&
    'schema' in value &&
    value.schema === STATE_SCHEMA &&
    'kernels' in value &&
    typeof value.kernels === 'object' &&
    value.kernels !== null
  );
}

/**
 * The state of a folder; an empty one where there is none yet.
 *
 * @throws VmError `bad-input` when the file is something else, or cannot be read
 */
export function readState(folder: string): MatrixState {
  const file = stateFile(folder);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { schema: STATE_SCHEMA, kernels: {} };
    throw new VmError('bad-input', `${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Said below.
  }
  if (isState(value)) return value;
  throw new VmError('bad-input', `${file} is not the state of a matrix: give another --out, or take it away`);
}

/** @throws VmError `no-space` */
export function writeState(folder: string, state: MatrixState): void {
  writeWhole(stateFile(folder), `${JSON.stringify(state, null, 2)}\n`);
}

/** Tells suites apart: what the scenarios of a set say, expect and do. */
export function suiteDigest(scenarios: readonly Scenario[]): string {
  const hash = createHash('sha256');
  for (const scenario of scenarios) {
    const { expect, recorded, needs } = scenario;
    hash.update(JSON.stringify([described(scenario), expect, recorded, needs, scenario.play.toString()]));
  }
  return hash.digest('hex').slice(0, 16);
}

/** What a report of a set is of, but for the kernel. */
export async function identityOf(set: SetName, version: string, node: string): Promise<Omit<Identity, 'kernel'>> {
  return { package: version, set, suite: suiteDigest(await scenariosOf(set)), node };
}

const sameIdentity = (a: Identity, b: Identity): boolean =>
  a.package === b.package && a.kernel === b.kernel && a.set === b.set && a.suite === b.suite && a.node === b.node;

/** What keeps a report from being the whole report of a set, or undefined when nothing does. */
export function incompleteness(report: Report): string | undefined {
  const { interrupted, planned, scenarios } = report;
  if (interrupted) return `it was interrupted after ${scenarios.length} of ${planned}`;
  if (scenarios.length !== planned) return `it has ${scenarios.length} of ${planned} scenarios`;
  return undefined;
}

/** The report of a kernel that stands in the folder, if it is whole and of what is asked for. */
export function keptReport(
  folder: string,
  id: string,
  state: MatrixState,
  identity: Identity,
): { readonly report: Report; readonly seconds: number } | undefined {
  const entry = state.kernels[id];
  if (entry?.state !== 'played' || !sameIdentity(entry.of, identity)) return undefined;
  try {
    const report = readReport(reportFile(folder, id));
    const same = report.package.version === identity.package && incompleteness(report) === undefined;
    return same ? { report, seconds: entry.seconds } : undefined;
  } catch (error) {
    if (error instanceof UnreadableReport) return undefined;
    throw error;
  }
}
