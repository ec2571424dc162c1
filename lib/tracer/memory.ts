/**
 * The memory of a traced process.
 *
 * Three ways lead there, each with its own permissions: process_vm_readv(2) is quick and obeys page protections; /proc/PID/mem reads and writes
 * what ptrace may, protected pages included; PEEK and POKE do the same a word at a time and need a stopped tracee. They are tried in this
 * order, and the result tells which was used and how many bytes were done: a hole gives a partial result, not an error. A kernel may be built
 * without the first (CONFIG_CROSS_MEMORY_ATTACH), and since 6.12 with a second that keeps to page protections (CONFIG_PROC_MEM_NO_FORCE).
 */
import { closeSync, constants, openSync } from 'node:fs';
import { binding } from '../binding.js';
import { badInput, fromErrno, refused } from '../errors.js';
import { checkAddress, checkBag, checkBuffer, checkLength } from '../arguments.js';
import { ERRNO } from '../kernel/errno.js';
import { PTRACE } from '../kernel/requests.js';
import type { KernelLayer } from '../raw/kernel-layer.js';
import { lengthOf, prefixOf } from '../raw/views.js';

/** process_vm_readv/writev, /proc/PID/mem, or PTRACE_PEEKDATA/POKEDATA. */
export type MemoryPath = 'process-vm' | 'proc-mem' | 'ptrace';

/** What a read gave. */
export interface MemoryRead {
  /** The bytes that were there: fewer than asked for when there is a hole. */
  readonly bytes: Uint8Array;
  /** Whether all that was asked for was there. */
  readonly complete: boolean;
  /** The way that brought the last of them. */
  readonly path: MemoryPath;
}

/** What a write did. */
export interface MemoryWrite {
  readonly bytesWritten: number;
  readonly complete: boolean;
  readonly path: MemoryPath;
}

/** Whose memory it is. */
export interface MemoryOwner {
  readonly tid: number;
  readonly state: string;
  /** Throws unless the thread is in a ptrace-stop. */
  requireStop(request: string): unknown;
}

const MAX_READ = 1 << 30;
const MAX_STRING = 1 << 20;
const WORD = 8n;
const PAGE = 4096n;

const word = new BigUint64Array(1);
const wordBytes = new Uint8Array(word.buffer);

export class TraceeMemory {
  readonly #tracee: MemoryOwner;
  readonly #layer: KernelLayer;
  readonly #binding = binding();
  #file: number | undefined;

  /** @internal */
  constructor(tracee: MemoryOwner, layer: KernelLayer) {
    this.#tracee = tracee;
    this.#layer = layer;
  }

  /**
   * Reads `length` bytes at `address`.
   *
   * @returns the bytes that were there
   * @throws PtraceError 'bad-input'; 'kernel' with EFAULT when not even the first byte can be read; 'gone'; 'denied'
   */
  read(address: bigint | number, length: number): MemoryRead {
    const from = checkAddress('read memory', address);
    checkLength('read memory', length, 'length', MAX_READ);
    this.#requireTracee('read memory');
    // Pooled below 4 KiB: an own allocation for 64 bytes would cost more than the read.
    const bytes = Buffer.allocUnsafe(length);
    const done = this.#binding.processVmRead(this.#tracee.tid, from, bytes, 0, length);
    if (done === length) return { bytes, complete: true, path: 'process-vm' };
    const result = this.#transferSlowly(false, from, bytes, Math.max(done, 0), done < 0 ? -done : 0);
    return {
      bytes: result.done === length ? bytes : bytes.subarray(0, result.done),
      complete: result.done === length,
      path: result.path,
    };
  }

  /**
   * Reads into a buffer of the caller's: as {@link read}, without allocating.
   *
   * @returns the number of bytes that were there
   */
  readInto(address: bigint | number, buffer: Uint8Array): number {
    const from = checkAddress('read memory', address);
    const bytes = checkBuffer('read memory', buffer);
    this.#requireTracee('read memory');
    const length = lengthOf(bytes);
    const done = this.#binding.processVmRead(this.#tracee.tid, from, bytes, 0, length);
    if (done === length) return done;
    return this.#transferSlowly(false, from, bytes, Math.max(done, 0), done < 0 ? -done : 0).done;
  }

  /**
   * Writes bytes at `address`. Read-only private pages (program text) are written too, as a copy of this process.
   *
   * @throws PtraceError 'bad-input'; 'kernel' when not even the first byte can be written; 'gone'; 'denied'
   */
  write(address: bigint | number, data: Uint8Array): MemoryWrite {
    const to = checkAddress('write memory', address);
    const bytes = checkBuffer('write memory', data, 0, 'data');
    this.#requireTracee('write memory');
    const length = lengthOf(bytes);
    const done = this.#binding.processVmWrite(this.#tracee.tid, to, bytes, 0, length);
    if (done === length) return { bytesWritten: done, complete: true, path: 'process-vm' };
    const result = this.#transferSlowly(true, to, bytes, Math.max(done, 0), done < 0 ? -done : 0);
    return { bytesWritten: result.done, complete: result.done === length, path: result.path };
  }

  /**
   * Reads a string up to its NUL.
   *
   * @param options.maxLength bytes to read at most: 4096 unless told, and not more than 1 MiB
   * @returns the text as UTF-8, and whether its NUL was found
   */
  readCString(
    address: bigint | number,
    options?: { readonly maxLength?: number },
  ): { readonly text: string; readonly bytes: Uint8Array; readonly complete: boolean } {
    let at = checkAddress('read a string', address);
    const bag = checkBag('read a string', options, ['maxLength']);
    const maxLength = checkLength('read a string', bag.maxLength ?? 4096, 'maxLength', MAX_STRING);
    this.#requireTracee('read a string');
    const parts: Uint8Array[] = [];
    let length = 0;
    // Never across a page in one go: the string may end right before a hole.
    while (length < maxLength) {
      const toPageEnd = Number(PAGE - (at % PAGE));
      const wanted = Math.min(toPageEnd, maxLength - length, parts.length === 0 ? 256 : 4096);
      let read: MemoryRead;
      try {
        read = this.read(at, wanted);
      } catch (error) {
        if (parts.length === 0) throw error;
        break;
      }
      const end = read.bytes.indexOf(0);
      if (end >= 0) {
        parts.push(read.bytes.subarray(0, end));
        const bytes = Buffer.concat(parts);
        return { text: bytes.toString('utf8'), bytes, complete: true };
      }
      parts.push(read.bytes);
      length += read.bytes.length;
      if (!read.complete) break;
      at += BigInt(wanted);
    }
    const bytes = Buffer.concat(parts);
    return { text: bytes.toString('utf8'), bytes, complete: false };
  }

  /** Closes /proc/PID/mem: an exec gives the process another memory. @internal */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** What process_vm could not do, from byte `start` on. */
  #transferSlowly(
    writing: boolean,
    address: bigint,
    bytes: Uint8Array,
    start: number,
    errno: number,
  ): { readonly done: number; readonly path: MemoryPath } {
    const name = writing ? 'write memory' : 'read memory';
    const length = lengthOf(bytes);
    if (errno === ERRNO.ESRCH) throw fromErrno(name, this.#tracee.tid, errno, 'gone');
    if (address + BigInt(length) > 1n << 64n) {
      throw badInput(name, `${length} bytes do not fit above 0x${address.toString(16)}`, this.#tracee.tid);
    }
    let done = start;
    let path: MemoryPath = 'process-vm';
    let lastErrno = errno;
    const file = this.#open();
    if (file !== undefined) {
      while (done < length) {
        const at = address + BigInt(done);
        const left = length - done;
        const result = writing
          ? this.#binding.writeAt(file, at, bytes, done, left)
          : this.#binding.readAt(file, at, bytes, done, left);
        if (result <= 0) {
          if (result < 0) lastErrno = -result;
          break;
        }
        done += result;
        path = 'proc-mem';
      }
    } else if (done === 0 && length > 0) {
      // What was done before by process_vm is a result also of a tracee that runs.
      this.#tracee.requireStop(name);
    }
    // The file may obey page protections, too: CONFIG_PROC_MEM_NO_FORCE. PEEK and POKE never do.
    if (done < length && this.#tracee.state === 'stopped') {
      const before = done;
      done = this.#byWords(writing, address, bytes, done);
      if (done > before) path = 'ptrace';
      // Of a tracee they are always allowed: what is missing is the memory.
      lastErrno = ERRNO.EFAULT;
    }
    if (done === 0 && length > 0) {
      // /proc/PID/mem says EIO for what is not there; the other two say EFAULT and EIO.
      const at = `0x${address.toString(16)}`;
      if (lastErrno === ERRNO.EPERM || lastErrno === ERRNO.EACCES) {
        throw fromErrno(name, this.#tracee.tid, lastErrno, 'denied');
      }
      throw fromErrno(
        name,
        this.#tracee.tid,
        ERRNO.EFAULT,
        'kernel',
        `nothing is mapped at ${at} that could be ${writing ? 'written' : 'read'}`,
      );
    }
    return { done, path };
  }

  /** PTRACE_PEEKDATA and POKEDATA; whole words, so that a write reads the edges first. */
  #byWords(writing: boolean, address: bigint, bytes: Uint8Array, start: number): number {
    // What the caller gave may have methods of its own.
    const length = lengthOf(bytes);
    const plain = prefixOf(bytes, length);
    let done = start;
    while (done < length) {
      const at = address + BigInt(done);
      const base = at - (at % WORD);
      const offset = Number(at - base);
      const count = Math.min(8 - offset, length - done);
      if (this.#layer.ptraceBuffer(PTRACE.PEEKDATA, this.#tracee.tid, base, word) < 0) break;
      if (writing) {
        wordBytes.set(plain.subarray(done, done + count), offset);
        if (this.#layer.ptrace(PTRACE.POKEDATA, this.#tracee.tid, base, word[0] ?? 0n) < 0) break;
      } else {
        plain.set(wordBytes.subarray(offset, offset + count), done);
      }
      done += count;
    }
    return done;
  }

  /** What was traced once may be another process by now, under the same id. */
  #requireTracee(name: string): void {
    const { state, tid } = this.#tracee;
    if (state === 'ended') throw refused('gone', name, tid);
    if (state === 'detached') throw refused('not-tracee', name, tid, 'the tracee was detached');
  }

  #open(): number | undefined {
    if (this.#file !== undefined) return this.#file;
    try {
      this.#file = openSync(`/proc/${this.#tracee.tid}/mem`, constants.O_RDWR);
    } catch {
      return undefined;
    }
    return this.#file;
  }
}
