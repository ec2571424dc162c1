// What the fake programs share: the folder of their world (FAKE_WORLD), with `archive.json` that says what there is, and `log`.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env.FAKE_WORLD;
if (folder === undefined) throw new Error('FAKE_WORLD is not set');

export const world = folder;
export const archive = JSON.parse(readFileSync(join(folder, 'archive.json'), 'utf8'));

export function log(line) {
  appendFileSync(join(folder, 'log'), `${line}\n`);
}

/** Ends with what a real program would say. */
export function fail(text, code = 100) {
  process.stderr.write(`${text}\n`);
  process.exit(code);
}

/** How often something was logged, this time included. */
export function times(line) {
  return readFileSync(join(folder, 'log'), 'utf8')
    .split('\n')
    .filter((each) => each === line).length;
}

/** Goes on for ever, and lets the test know. */
export function hang() {
  writeFileSync(join(folder, 'hanging'), String(process.pid));
  setInterval(() => undefined, 1 << 30);
  return new Promise(() => undefined);
}

export const words = {
  unreachable: "Failed to fetch http://mirror.invalid/  Could not resolve 'mirror.invalid'",
  gone: 'Failed to fetch http://mirror.invalid/a  404  Not Found [IP: 192.0.2.1 80]',
  flaky: 'Failed to fetch http://mirror.invalid/a  500  Internal Server Error',
  full: 'Write error - write (28: No space left on device)',
  refused: 'Failed to fetch http://mirror.invalid/a  Hash Sum mismatch',
};
