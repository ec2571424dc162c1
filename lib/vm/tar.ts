/** Tar archives read as they come, for the files in packages. */
import type { Readable } from 'node:stream';

const BLOCK = 512;

export interface TarEntry {
  /** Without './' at its beginning and '/' at its end. */
  readonly path: string;
  readonly type: 'file' | 'folder' | 'link' | 'other';
  /** Where a symbolic link leads to, or which earlier file a hard link is. */
  readonly target: string;
  readonly mode: number;
  readonly size: number;
}

/** An archive that ends too early or is none. */
export class TarError extends Error {}

/** Bytes of a stream by the piece that is wanted. */
class Bytes {
  readonly #pieces: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: Readable) {
    this.#pieces = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** The next bytes, at most `most`; undefined at the end. */
  async some(most: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      const next = await this.#pieces.next();
      if (next.done === true) return undefined;
      this.#rest = next.value;
    }
    const piece = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  async exactly(length: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let left = length; left > 0;) {
      const piece = await this.some(left);
      if (piece === undefined) throw new TarError('the archive ends too early');
      pieces.push(piece);
      left -= piece.length;
    }
    return Buffer.concat(pieces);
  }

  async rest(): Promise<void> {
    while ((await this.some(Infinity)) !== undefined);
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0;) {
      const piece = await this.some(left);
      if (piece === undefined) throw new TarError('the archive ends too early');
      left -= piece.length;
    }
  }
}

const text = (block: Buffer, from: number, length: number): string => {
  const field = block.subarray(from, from + length);
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? length : end).toString('utf8');
};

/** Octal digits; a set first bit means a big-endian number (GNU), for sizes that octal digits have no room for. */
function number(block: Buffer, from: number, length: number): number {
  if (((block[from] ?? 0) & 0x80) !== 0) return Number(block.readBigUInt64BE(from + length - 8));
  const digits = text(block, from, length).trim();
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function checked(block: Buffer): Buffer {
  const CHECKSUM = 148;
  let sum = 8 * 0x20;
  for (const [at, byte] of block.entries()) if (at < CHECKSUM || at >= CHECKSUM + 8) sum += byte;
  if (sum !== number(block, CHECKSUM, 8)) throw new TarError('this is no tar archive, or it is damaged');
  return block;
}

/** The records of a pax header: '30 mtime=1700000000.0\n'. */
function paxRecords(data: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(0x20, at);
    const length = Number.parseInt(data.subarray(at, space).toString('latin1'), 10);
    if (space < 0 || !(length > 0)) break;
    const [name = '', value = ''] = data
      .subarray(space + 1, at + length - 1)
      .toString('utf8')
      .split(/=(.*)/s, 2);
    records.set(name, value);
    at += length;
  }
  return records;
}

const TYPES: Readonly<Record<string, TarEntry['type']>> = {
  '': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'link',
  '5': 'folder',
};

const clean = (path: string): string => path.replace(/^(\.?\/)+/, '').replace(/\/+$/, '');

/** Reads one entry's data, a piece after the other; what is left unread is passed over. */
export type TarData = () => Promise<Buffer | undefined>;

/**
 * Goes through an archive until it ends or the visitor has what it wants.
 *
 * @param visit gets every entry; the result `true` ends the reading
 * @returns whether the visitor ended it
 * @throws TarError
 */
export async function readTar(
  stream: Readable,
  visit: (entry: TarEntry, data: TarData) => Promise<boolean> | boolean,
): Promise<boolean> {
  const bytes = new Bytes(stream);
  let path: string | undefined;
  let target: string | undefined;
  for (;;) {
    const block = await bytes.exactly(BLOCK);
    if (block.every((byte) => byte === 0)) {
      // Two blocks of zeros end it, and more may fill it up. Whoever writes them is heard out, for its exit code to count.
      await bytes.rest();
      return false;
    }
    checked(block);
    const size = number(block, 124, 12);
    const padding = (BLOCK - (size % BLOCK)) % BLOCK;
    const flag = text(block, 156, 1);
    if (flag === 'L' || flag === 'K' || flag === 'x') {
      const data = await bytes.exactly(size);
      await bytes.skip(padding);
      if (flag === 'L') path = text(data, 0, size);
      else if (flag === 'K') target = text(data, 0, size);
      else {
        const records = paxRecords(data);
        path = records.get('path') ?? path;
        target = records.get('linkpath') ?? target;
      }
      continue;
    }
    const prefix = text(block, 257, 5) === 'ustar' && text(block, 257, 8) !== 'ustar  ' ? text(block, 345, 155) : '';
    const name = text(block, 0, 100);
    const entry: TarEntry = {
      path: clean(path ?? (prefix === '' ? name : `${prefix}/${name}`)),
      type: TYPES[flag] ?? 'other',
      target: target ?? text(block, 157, 100),
      mode: number(block, 100, 8) & 0o7777,
      size,
    };
    path = undefined;
    target = undefined;
    let left = entry.type === 'file' || entry.type === 'other' ? size : 0;
    const data: TarData = async () => {
      if (left === 0) return undefined;
      const piece = await bytes.some(left);
      if (piece === undefined) throw new TarError('the archive ends too early');
      left -= piece.length;
      return piece;
    };
    if (await visit(entry, data)) return true;
    await bytes.skip(left + (entry.type === 'file' || entry.type === 'other' ? padding : 0));
  }
}
