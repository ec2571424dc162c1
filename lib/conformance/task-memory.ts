/**
 * The memory of a process that takes part, whether it stands or runs. process_vm_readv(2) and process_vm_writev(2) where the kernel has them
 * (CONFIG_CROSS_MEMORY_ATTACH), else /proc/PID/mem; both ask for the right to trace. Works below the kernel layer: what a lying kernel says of
 * requests has no part in it.
 */
import { closeSync, openSync } from 'node:fs';
import { type Bytes, binding } from '../binding.js';
import { ERRNO } from '../kernel/errno.js';

function throughProc(tid: number, flags: 'r' | 'r+', transfer: (fd: number) => number): number {
  let fd: number;
  try {
    fd = openSync(`/proc/${tid}/mem`, flags);
  } catch (error) {
    // The number of a failed open is negative already.
    return (error as NodeJS.ErrnoException).errno ?? -ERRNO.EIO;
  }
  try {
    return transfer(fd);
  } finally {
    closeSync(fd);
  }
}

/** Fills a buffer. How many bytes were there, or a negative error number. */
export function readTask(tid: number, address: bigint, bytes: Bytes): number {
  const length = bytes.byteLength;
  const done = binding().processVmRead(tid, address, bytes, 0, length);
  if (done !== -ERRNO.ENOSYS) return done;
  return throughProc(tid, 'r', (fd) => binding().readAt(fd, address, bytes, 0, length));
}

/** Writes a buffer to memory that the process itself could write. How many bytes were written, or a negative error number. */
export function writeTask(tid: number, address: bigint, bytes: Bytes): number {
  const length = bytes.byteLength;
  const done = binding().processVmWrite(tid, address, bytes, 0, length);
  if (done !== -ERRNO.ENOSYS) return done;
  return throughProc(tid, 'r+', (fd) => binding().writeAt(fd, address, bytes, 0, length));
}
