/** Archives in the form that the kernel unpacks at boot: cpio, "newc" (Documentation/driver-api/early-userspace/buffer-format.rst). */
import { readFileSync, writeSync } from 'node:fs';

const TYPE = { file: 0o100000, folder: 0o040000, link: 0o120000, device: 0o020000 } as const;
const TRAILER = 'TRAILER!!!';
const ALIGNMENT = 4;

/** What is at a path of the guest. Paths are relative to its root, without a leading slash. */
export type Entry =
  | { readonly kind: 'folder'; readonly path: string; readonly mode?: number }
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly content: string | Uint8Array }
  /** A copy of a file of this machine. */
  | { readonly kind: 'copy'; readonly path: string; readonly mode: number; readonly file: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  /** A character device: only the archive holds it, so no right to make one is needed here. */
  | {
      readonly kind: 'device';
      readonly path: string;
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
    };

interface Head {
  readonly path: string;
  readonly mode: number;
  readonly size: number;
  readonly major?: number;
  readonly minor?: number;
}

const padding = (length: number): Buffer => Buffer.alloc((ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT);

/** Writes an archive to an open file, entry by entry. Folders on the way to an entry are made. */
export class CpioWriter {
  readonly #fd: number;
  readonly #folders = new Set<string>();
  #inode = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** @throws what node:fs throws when a file cannot be read or the archive not be written (ENOSPC) */
  add(entry: Entry): void {
    this.#foldersOf(entry.path);
    switch (entry.kind) {
      case 'folder':
        this.#folder(entry.path, entry.mode ?? 0o755);
        return;
      case 'file':
        this.#data(entry.path, TYPE.file | entry.mode, Buffer.from(entry.content));
        return;
      case 'copy':
        this.#data(entry.path, TYPE.file | entry.mode, readFileSync(entry.file));
        return;
      case 'link':
        this.#data(entry.path, TYPE.link | 0o777, Buffer.from(entry.target));
        return;
      case 'device':
        this.#head({ ...entry, mode: TYPE.device | entry.mode, size: 0 });
        return;
    }
  }

  /** The archive's last entry. Another archive may follow in the same file. */
  end(): void {
    this.#head({ path: TRAILER, mode: 0, size: 0 });
  }

  #foldersOf(path: string): void {
    const parts = path.split('/').slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth++) this.#folder(parts.slice(0, depth).join('/'), 0o755);
  }

  #folder(path: string, mode: number): void {
    if (this.#folders.has(path)) return;
    this.#folders.add(path);
    this.#head({ path, mode: TYPE.folder | mode, size: 0 });
  }

  #data(path: string, mode: number, content: Buffer): void {
    this.#head({ path, mode, size: content.length });
    this.#write(content);
    this.#write(padding(content.length));
  }

  #head({ path, mode, size, major = 0, minor = 0 }: Head): void {
    const name = Buffer.from(`${path}\0`);
    const links = 1;
    const fields = [++this.#inode, mode, 0, 0, links, 0, size, 0, 0, major, minor, name.length, 0];
    const head = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
    this.#write(Buffer.concat([head, name, padding(head.length + name.length)]));
  }

  #write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at);
  }
}
