/**
 * Another process's memory: process_vm_readv(2) and process_vm_writev(2).
 *
 * The process need not be traced; the right to trace it is what is asked for. Pages that the process itself may not read or write stay out of
 * reach; {@link peekData} and {@link pokeData} reach them. What was transferred before a page that is not there is a result, not an error.
 */
import { checkAddress, checkBag, checkBuffer, checkLength, checkTid } from '../arguments.js';
import { type Bytes, binding } from '../binding.js';
import { type PtraceError, badInput, fromErrno } from '../errors.js';
import { ERRNO } from '../kernel/errno.js';
import { copyOfArray } from './arrays.js';
import { lengthOf } from './views.js';

/** Memory of the other process. */
export interface RemoteSegment {
  readonly address: bigint | number;
  /** In bytes. */
  readonly length: number;
}

/** IOV_MAX: so many segments a call takes on either side. */
export const MOST_SEGMENTS = 1024;

const READ = 'process_vm_readv';
const WRITE = 'process_vm_writev';

function transferFailed(name: string, pid: number, errno: number): PtraceError {
  const detail =
    errno === ERRNO.EFAULT
      ? 'nothing is mapped at that address, or the mapping does not allow it'
      : errno === ERRNO.ESRCH
        ? 'there is no such process'
        : errno === ERRNO.ENOSYS
          ? 'this kernel was built without CONFIG_CROSS_MEMORY_ATTACH: read and write /proc/PID/mem'
          : undefined;
  return fromErrno(name, pid, errno, undefined, detail);
}

/** Checks a range of a buffer; the answer is its length. */
function rangeLength(name: string, buffer: Uint8Array, offset: unknown, length: unknown): number {
  const size = lengthOf(buffer);
  const start = checkLength(name, offset, 'offset', size);
  if (length === undefined) return size - start;
  return checkLength(name, length, 'length', size - start);
}

/**
 * process_vm_readv(2) with one segment on either side.
 *
 * @param pid the process, or any of its threads
 * @param address where its memory is to be read
 * @param buffer where to
 * @param offset where in the buffer; 0 without it
 * @param length how many bytes; to the end of the buffer without it
 * @returns how many bytes were read: fewer where a page is missing
 * @throws PtraceError 'kernel' (EFAULT) when not even the first byte can be read; 'gone' (ESRCH); 'denied' (EPERM); 'not-supported'
 * (ENOSYS); 'bad-input'
 *
 * Since Linux 3.2. Source: process_vm_readv(2).
 */
export function processVmRead(
  pid: number,
  address: bigint | number,
  buffer: NodeJS.ArrayBufferView,
  offset = 0,
  length?: number,
): number {
  const checkedPid = checkTid(READ, pid, 'pid');
  const where = checkAddress(READ, address);
  const bytes = checkBuffer(READ, buffer);
  const count = rangeLength(READ, bytes, offset, length);
  const done = binding().processVmRead(checkedPid, where, bytes, offset, count);
  if (done < 0) throw transferFailed(READ, checkedPid, -done);
  return done;
}

/**
 * process_vm_writev(2) with one segment on either side.
 *
 * @param pid the process, or any of its threads
 * @param address where its memory is to be written
 * @param buffer where from
 * @param offset where in the buffer; 0 without it
 * @param length how many bytes; to the end of the buffer without it
 * @returns how many bytes were written: fewer where a page is missing or read-only
 * @throws PtraceError 'kernel' (EFAULT) when not even the first byte can be written; 'gone' (ESRCH); 'denied' (EPERM); 'not-supported'
 * (ENOSYS); 'bad-input'
 *
 * Since Linux 3.2. Source: process_vm_writev(2).
 */
export function processVmWrite(
  pid: number,
  address: bigint | number,
  buffer: NodeJS.ArrayBufferView,
  offset = 0,
  length?: number,
): number {
  const checkedPid = checkTid(WRITE, pid, 'pid');
  const where = checkAddress(WRITE, address);
  const bytes = checkBuffer(WRITE, buffer);
  const count = rangeLength(WRITE, bytes, offset, length);
  const done = binding().processVmWrite(checkedPid, where, bytes, offset, count);
  if (done < 0) throw transferFailed(WRITE, checkedPid, -done);
  return done;
}

interface Vectors {
  readonly pid: number;
  readonly local: Bytes[];
  readonly remote: BigUint64Array;
}

function vectors(name: string, pid: unknown, local: unknown, remote: unknown): Vectors {
  const checkedPid = checkTid(name, pid, 'pid');
  // What runs code of the caller comes first: it could detach a buffer that was checked before.
  const segments = copyOfArray(name, remote, 'remote', MOST_SEGMENTS).map((value) =>
    value === undefined ? undefined : checkBag(name, value, ['address', 'length'], 'a remote segment'),
  );
  const buffers = copyOfArray(name, local, 'local', MOST_SEGMENTS);
  const pairs = new BigUint64Array(2 * segments.length);
  segments.forEach((segment, index) => {
    if (segment === undefined) throw badInput(name, 'a remote segment is undefined, want address and length');
    pairs[2 * index] = checkAddress(name, segment.address);
    pairs[2 * index + 1] = BigInt(checkLength(name, segment.length));
  });
  return {
    pid: checkedPid,
    local: buffers.map((buffer) => checkBuffer(name, buffer, 0, 'a local buffer')),
    remote: pairs,
  };
}

/**
 * process_vm_readv(2).
 *
 * @param pid the process, or any of its threads
 * @param local where to: at most 1024 buffers, filled one after the other
 * @param remote where from: at most 1024 segments, read one after the other
 * @returns how many bytes were read: fewer where a page is missing; a segment is not split, unless it lies on several pages
 * @throws PtraceError 'kernel' (EFAULT) when nothing can be read; 'gone' (ESRCH); 'denied' (EPERM); 'not-supported'
 * (ENOSYS); 'bad-input'
 *
 * Since Linux 3.2. Source: process_vm_readv(2).
 */
export function processVmReadv(
  pid: number,
  local: readonly NodeJS.ArrayBufferView[],
  remote: readonly RemoteSegment[],
): number {
  const checked = vectors(READ, pid, local, remote);
  const done = binding().processVmReadv(checked.pid, checked.local, checked.remote);
  if (done < 0) throw transferFailed(READ, checked.pid, -done);
  return done;
}

/**
 * process_vm_writev(2).
 *
 * @param pid the process, or any of its threads
 * @param local where from: at most 1024 buffers, taken one after the other
 * @param remote where to: at most 1024 segments, written one after the other
 * @returns how many bytes were written: fewer where a page is missing or read-only
 * @throws PtraceError 'kernel' (EFAULT) when nothing can be written; 'gone' (ESRCH); 'denied' (EPERM); 'not-supported'
 * (ENOSYS); 'bad-input'
 *
 * Since Linux 3.2. Source: process_vm_writev(2).
 */
export function processVmWritev(
  pid: number,
  local: readonly NodeJS.ArrayBufferView[],
  remote: readonly RemoteSegment[],
): number {
  const checked = vectors(WRITE, pid, local, remote);
  const done = binding().processVmWritev(checked.pid, checked.local, checked.remote);
  if (done < 0) throw transferFailed(WRITE, checked.pid, -done);
  return done;
}
