/** Folders of the cache with a description of what they hold, which tells whether they are whole. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A file of such a folder. */
export interface DescribedFile {
  /** Relative to the folder. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
}

/** Whether a file is there with its whole length. */
export async function isWhole(folder: string, { name, size }: DescribedFile): Promise<boolean> {
  try {
    const found = await stat(join(folder, name));
    return found.isFile() && found.size === size && size > 0;
  } catch {
    return false;
  }
}

/** The description in a folder; undefined if it is missing or no JSON object. */
export async function readDescription(folder: string, name: string): Promise<Record<string, unknown> | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(join(folder, name), 'utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the description, after all files it tells of. */
export async function writeDescription(folder: string, name: string, value: object): Promise<void> {
  await writeFile(join(folder, name), `${JSON.stringify(value, null, 2)}\n`, { flush: true });
}
