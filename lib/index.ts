/**
 * linux-ptrace: the real ptrace(2) and waitid(2) of Linux.
 *
 * This is the typed asynchronous layer. The requests themselves, one function each, are `linux-ptrace/raw`; constants, names and layouts
 * are `linux-ptrace/kernel`.
 */
export { isPtraceError, PtraceError, type PtraceReason } from './errors.js';
export { SIG, signalName, signalNumber } from './kernel/signals.js';
export { errnoName } from './kernel/errno.js';
export { syscallName, syscallNumber } from './kernel/syscalls.js';
export { breakpointFor } from './kernel/breakpoint.js';
export type { Registers } from './kernel/registers.js';
export type { SigInfo } from './kernel/siginfo.js';
export * from './tracer/index.js';
export { explainAccess, type AccessFinding, type AccessFindingKind, type AccessReport } from './access/index.js';
export {
  probe,
  type Capability,
  type CapabilityBase,
  type CapabilityGroup,
  type ProbeReport,
  type ProbeStatus,
} from './probe/index.js';
