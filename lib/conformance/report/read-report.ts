/** Reads a report that somebody has written, and says what it is if it is none. */
import { readFileSync } from 'node:fs';
import { errnoMessage } from '../../kernel/errno.js';
import { SCHEMA, type Report } from './report.js';
import { reportSchema } from './schema.js';
import { problemOf } from './validate.js';

/** A file that is no report. */
export class UnreadableReport extends Error {}

const FAMILY = SCHEMA.slice(0, SCHEMA.lastIndexOf('/') + 1);

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UnreadableReport(text.trim() === '' ? `${name} is empty` : `${name} is not JSON`);
  }
}

const schemaOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'schema' in value ? value.schema : undefined;

function assertReport(value: unknown, name: string): asserts value is Report {
  const schema = schemaOf(value);
  if (typeof schema !== 'string' || !schema.startsWith(FAMILY)) {
    throw new UnreadableReport(`${name} is no report of linux-ptrace conform (its schema is not ${SCHEMA})`);
  }
  if (schema !== SCHEMA) {
    throw new UnreadableReport(`${name} has the schema ${schema}; this version reads ${SCHEMA}`);
  }
  const problem = problemOf(value, reportSchema);
  if (problem !== undefined) throw new UnreadableReport(`${name} is not as its schema ${SCHEMA} says: ${problem}`);
}

/**
 * A report from its text.
 *
 * @param name what messages call it
 * @throws UnreadableReport
 */
export function parseReport(text: string, name: string): Report {
  const value = parse(text, name);
  assertReport(value, name);
  return value;
}

/** @throws UnreadableReport when there is no such file, or it is no report */
export function readReport(file: string): Report {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { errno = 0 } = error as NodeJS.ErrnoException;
    throw new UnreadableReport(`${file} cannot be read: ${errnoMessage(Math.abs(errno))}`);
  }
  return parseReport(text, file);
}
