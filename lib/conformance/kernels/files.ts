/** The files of a collection. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoMessage } from '../../kernel/errno.js';
import { parseReport, UnreadableReport } from '../report/read-report.js';
import { SCHEMA, type Report } from '../report/report.js';
import {
  collect,
  COLLECTION_SCHEMA,
  headOf,
  KERNEL_SCHEMA,
  type Collection,
  type KernelHead,
  type Member,
} from './collection.js';

const BEHAVIOURS = 'behaviours.json';

/** The collection that comes with the package. From lib/ and from dist/ it is as far. */
export const OWN_COLLECTION = new URL('../../../docs/kernels/', import.meta.url);

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { errno = 0 } = error as NodeJS.ErrnoException;
    throw new UnreadableReport(`${file} cannot be read: ${errnoMessage(Math.abs(errno))}`);
  }
}

/** The value of a file whose schema is the one named. What it holds beyond that is what this package has written. */
function valueOf(file: string, schema: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(textOf(file));
  } catch (error) {
    if (error instanceof UnreadableReport) throw error;
    throw new UnreadableReport(`${file} is not JSON`);
  }
  if (typeof value === 'object' && value !== null && 'schema' in value && value.schema === schema) return value;
  throw new UnreadableReport(`${file} is not of the schema ${schema}`);
}

const readCollection = (folder: string): Collection =>
  valueOf(join(folder, BEHAVIOURS), COLLECTION_SCHEMA) as Collection;

/**
 * Reads a report: one of `conform`, or the file of a kernel in a collection, with the behaviours beside it.
 *
 * @throws UnreadableReport
 */
export async function readAnyReport(file: string): Promise<Report> {
  const text = textOf(file);
  if (!text.includes(`"${KERNEL_SCHEMA}"`)) return parseReport(text, file);
  const head = valueOf(file, KERNEL_SCHEMA) as KernelHead;
  // Only this needs the whole catalogue.
  const { restore } = await import('./restore.js');
  const report = restore(head, readCollection(dirname(file)));
  // What was restored has to be as sound as what was read.
  return parseReport(JSON.stringify(report), `${file} (restored as ${SCHEMA})`);
}

/**
 * All kernels of a collection, in its order.
 *
 * @throws UnreadableReport
 */
export async function readCollectionOf(folder: string): Promise<Member[]> {
  const { restore } = await import('./restore.js');
  const collection = readCollection(folder);
  return collection.kernels.map((id) => ({
    id,
    report: restore(valueOf(join(folder, `${id}.json`), KERNEL_SCHEMA) as KernelHead, collection),
  }));
}

/** Every line of a transcript is a line of the file, so that a difference of two versions shows what has changed. */
const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 1)}\n`;

/** The head of a kernel: a line for each capability. */
function headText(head: KernelHead): string {
  const { probe, ...rest } = head;
  const { capabilities, ...machine } = probe;
  const lines = capabilities.map((each) => `   ${JSON.stringify(each)}`).join(',\n');
  const before = JSON.stringify({ ...rest, probe: { ...machine, capabilities: [] } }, null, 1);
  return `${before.replace(/"capabilities": \[\]/, () => `"capabilities": [\n${lines}\n  ]`)}\n`;
}

function put(file: string, text: string): void {
  const beside = `${file}.${process.pid}`;
  writeFileSync(beside, text);
  renameSync(beside, file);
}

/**
 * Writes a collection in place of the one that is there.
 *
 * @param ids of behaviours, in their order
 */
export function writeCollection(folder: string, members: readonly Member[], ids: readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  for (const member of members) put(join(folder, `${member.id}.json`), headText(headOf(member)));
  put(join(folder, BEHAVIOURS), jsonText(collect(members, ids)));
  const wanted = new Set([BEHAVIOURS, ...members.map(({ id }) => `${id}.json`)]);
  for (const name of readdirSync(folder)) {
    if (name.endsWith('.json') && !wanted.has(name)) rmSync(join(folder, name));
  }
}
