/** Requests that another architecture has: their numbers may mean something else here, so they must not reach the kernel. */
import { refused } from '../errors.js';
import { type HostArch, hostArch } from '../kernel/arch/host.js';

/** The architecture of this machine; undefined where the addon does not load anyway. */
export const HOST = hostArch(process.arch);

/**
 * Refuses a request that this machine does not have.
 *
 * @throws PtraceError 'not-supported', without a system call
 */
export function onlyOn(arch: HostArch, request: string, tid: number, instead?: string): void {
  if (HOST === arch) return;
  const hint = instead === undefined ? '' : `, use ${instead}`;
  throw refused('not-supported', request, tid, `only ${arch} has this request, this is ${process.arch}${hint}`);
}
