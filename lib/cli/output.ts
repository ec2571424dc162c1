/** Where a command writes what it has made. */
import { closeSync, existsSync, openSync, realpathSync, rmSync, statSync, writeSync } from 'node:fs';
import { errnoMessage } from '../kernel/errno.js';
import { besideOf, placeWhole } from '../whole-file.js';

/** A file that cannot be written. */
export class UnwritableFile extends Error {}

function reasonOf(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  return errno === undefined ? message : errnoMessage(Math.abs(errno));
}

/** @throws UnwritableFile instead of what the system says */
function attempt<T>(file: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new UnwritableFile(`cannot write ${file}: ${reasonOf(error)}`);
  }
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}

/**
 * A file that is there with its whole text or not at all: it is written beside its place and then put there. Devices and pipes are written to
 * as they are.
 */
export class OutputFile {
  readonly #name: string;
  /** The file itself, where the name is a link. */
  readonly #target: string;
  readonly #special: boolean;

  /**
   * Finds out whether it can be written.
   *
   * @throws UnwritableFile
   */
  constructor(name: string) {
    this.#name = name;
    const there = existsSync(name);
    this.#special = there && attempt(name, () => !statSync(name).isFile());
    if (there && attempt(name, () => statSync(name).isDirectory())) {
      throw new UnwritableFile(`cannot write ${name}: it is a folder`);
    }
    this.#target = there && !this.#special ? realpathSync(name) : name;
    if (there) attempt(name, () => closeSync(openSync(this.#target, 'a')));
    if (this.#special) return;
    attempt(name, () => {
      const beside = besideOf(this.#target);
      closeSync(openSync(beside, 'w'));
      rmSync(beside);
    });
  }

  /** @throws UnwritableFile */
  write(text: string): void {
    attempt(this.#name, () => {
      const fill = (place: string): void => {
        const fd = openSync(place, 'w');
        try {
          writeAll(fd, text);
        } finally {
          closeSync(fd);
        }
      };
      if (this.#special) fill(this.#target);
      else placeWhole(this.#target, fill);
    });
  }
}

/** Writes a file; one that cannot be written is said on the standard error, and makes the command fail. */
export function writeOrComplain(output: OutputFile, text: string): void {
  try {
    output.write(text);
  } catch (error) {
    if (!(error instanceof UnwritableFile)) throw error;
    process.stderr.write(`linux-ptrace: ${error.message}\n`);
    process.exitCode = 1;
  }
}
