/**
 * linux-ptrace: the real ptrace(2) and waitid(2) of Linux.
 *
 * This is the typed asynchronous layer. The requests themselves, one function each, are `linux-ptrace/raw`; constants, names and layouts
 * are `linux-ptrace/kernel`.
 */
import type { ProbeReport } from './probe/index.js';

export { isPtraceError, PtraceError, type PtraceReason } from './errors.js';
export { SIG, signalName, signalNumber } from './kernel/signals.js';
export { errnoName } from './kernel/errno.js';
export { syscallName, syscallNumber } from './kernel/syscalls.js';
export { breakpointFor } from './kernel/breakpoint.js';
export type { Registers } from './kernel/registers.js';
export type { SigInfo } from './kernel/siginfo.js';
export * from './tracer/index.js';
export { explainAccess, type AccessFinding, type AccessFindingKind, type AccessReport } from './access/index.js';
export type { Capability, CapabilityBase, CapabilityGroup, ProbeReport, ProbeStatus } from './probe/index.js';

/**
 * Tells what this kernel, policy and CPU allow: every request and option of ptrace(2), every event and register set, hardware breakpoints
 * and watchpoints, steps, waits. Everything is tried on throw-away children; nothing is concluded from a version.
 *
 * The code for it is loaded when it is first called. The trying itself is synchronous: some tens of milliseconds in which the thread does
 * nothing else, more in a process with hundreds of megabytes in use, for it forks. Nothing is left behind, whatever happens.
 *
 * @returns the report; `linux-ptrace probe --json` prints the same
 * @throws PtraceError (as rejection) 'unavailable' where there is no addon; 'kernel' when no child can be made
 */
export async function probe(): Promise<ProbeReport> {
  return (await import('./probe/index.js')).probe();
}
