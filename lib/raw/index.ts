/**
 * `linux-ptrace/raw`: every request of ptrace(2), the waits and what belongs to them, one function each, as the manual has them. All are
 * synchronous and work on the calling thread; a tracee belongs to the thread that attached it.
 */
export * from './arch-prctl.js';
export * from './attach.js';
export { rawAttached } from './attached.js';
export * from './child.js';
export { type Explanation, explainFailure } from './failure.js';
export * from './memory.js';
export * from './mte-tags.js';
export * from './options.js';
export * from './process.js';
export * from './registers.js';
export * from './remote-memory.js';
export * from './request.js';
export type { ResourceUsage } from './resource-usage.js';
export * from './resume.js';
export * from './rseq.js';
export { getFilter, getFilterLength, getMetadata } from './seccomp.js';
export * from './siginfo.js';
export * from './spawn.js';
export * from './syscall-info.js';
export * from './syscall-user-dispatch.js';
export * from './thread-area.js';
export { type Wait4Result, type WaitExtras, type WaitidResult, wait4, wait4Into, waitid } from './wait.js';
export { type AsyncWaitExtras, wait4Async, waitidAsync } from './wait-async.js';
export * from './child.js';
export * from './spawn.js';
