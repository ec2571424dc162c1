/** The virtual ptrace: any number of tracers on the same tracees, each as if it were alone. */
export { Client } from './client.js';
export { PTRACE_JOBCTL_CONT } from './jobctl-cont.js';
export { VirtualPtrace, type VirtualPtraceOptions } from './virtual-ptrace.js';
