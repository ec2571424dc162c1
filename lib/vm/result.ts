/** What a guest brings back: a tar whose length and hash it told on the console. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { placeWhole } from '../whole-file.js';
import { VmError } from './failure.js';
import { GUEST } from './guest-init.js';
import type { MachineResult } from './machine.js';

export interface GuestOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The folder with what the command left in its own. */
  readonly folder: string;
}

function firstBytes(file: string, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  const fd = openSync(file, 'r');
  try {
    return bytes.subarray(0, readSync(fd, bytes, 0, size, 0));
  } finally {
    closeSync(fd);
  }
}

/**
 * Takes the result of a machine apart.
 *
 * @param disk the file behind the result's disk
 * @param folder an empty folder for it
 * @returns undefined when the machine told of none
 * @throws VmError 'machine-failed' when what arrived is not what the guest sent
 */
export function takeResult(machine: MachineResult, disk: string, folder: string): GuestOutput | undefined {
  const told = machine.said.find((words) => words.what === 'result');
  if (told === undefined) return undefined;
  const bytes = told.by === 'disk' ? firstBytes(disk, told.size) : machine.data;
  if (bytes.length !== told.size || createHash('sha256').update(bytes).digest('hex') !== told.hash) {
    throw new VmError(
      'machine-failed',
      `the result of the guest did not arrive whole: ${bytes.length} of ${told.size} bytes, or others`,
    );
  }
  const archive = join(folder, 'result.tar.gz');
  writeFileSync(archive, bytes);
  const { status, error, stderr } = spawnSync('tar', ['-xzf', archive, '--no-same-owner', '-C', folder], {
    encoding: 'utf8',
  });
  if (error !== undefined) throw new VmError('missing-tool', `tar cannot be run: ${error.message}`, { cause: error });
  if (status !== 0) throw new VmError('machine-failed', `the result of the guest cannot be unpacked: ${stderr.trim()}`);
  const io = (name: string): string => readFileSync(join(folder, GUEST.io, name), 'utf8');
  // Where the guest's memory was full the file may be there and hold nothing, which is not the number 0.
  const code = /^(\d+)\n$/.exec(io('code'))?.[1];
  if (code === undefined) throw new VmError('machine-failed', 'the guest did not tell how its command ended');
  return { code: Number(code), stdout: io('stdout'), stderr: io('stderr'), folder: join(folder, GUEST.out) };
}

/** The regular files below a folder. Links of the guest's mean nothing here, or something else: none is followed. */
function regularFiles(folder: string, under = ''): string[] {
  return readdirSync(join(folder, under), { withFileTypes: true }).flatMap((entry) => {
    const name = join(under, entry.name);
    if (entry.isDirectory()) return regularFiles(folder, name);
    return entry.isFile() ? [name] : [];
  });
}

/** Puts the files of one folder into another, each whole or not at all. Gives their names, relative to it. */
export function bring(from: string, to: string, wanted: (name: string, file: string) => boolean): string[] {
  const names = regularFiles(from)
    .filter((name) => wanted(name, join(from, name)))
    .sort();
  for (const name of names) {
    const target = join(to, name);
    mkdirSync(dirname(target), { recursive: true });
    placeWhole(target, (beside) => copyFileSync(join(from, name), beside));
  }
  return names;
}
