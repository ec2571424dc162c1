/** Processes that die by a signal that dumps core, without a file of it and without a program that gets it. */
import type { ChildScript } from '../../../raw/child.js';

const RLIMIT_CORE = 4;

/** A limit of 1 byte is too little for a file, and the kernel's sign for pipes not to dump. Source: core(5). */
export function noCore(c: ChildScript): ChildScript {
  return c.syscall('prlimit64', 0, RLIMIT_CORE, new Uint8Array(new BigUint64Array([1n, 1n]).buffer), 0);
}
