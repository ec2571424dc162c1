/**
 * `linux-ptrace/engine`: utrace in userland. Several engines on one thread, each with its own mask and callbacks, arbitrated by resume action.
 */
export { RESUME_MASK, SIGNAL_ACTION, SIGNAL_MASK, SYSCALL_ACTION, UTRACE, type ResumeAction } from './actions.js';
export type { ControlResult, ExamineResult, SetEventsResult } from './arbitration.js';
export type * from './callbacks.js';
export { Engine, type ControlOptions, type Examination } from './engine.js';
export { Engines, type AttachExtras, type EnginesOptions, type HeldProgram } from './engines.js';
export { EVENT, EVENT_ALL, EVENT_SIGNAL_ALL, EVENT_SYSCALL, eventNames } from './events.js';
export { ATTACH } from './seat.js';
export { Client, PTRACE_JOBCTL_CONT, VirtualPtrace, type VirtualPtraceOptions } from './ptrace/index.js';
export { EngineThread } from './thread.js';
export { type KernelLayer, useKernelLayer, withKernelLayer } from '../raw/kernel-layer.js';
export type { SyscallView } from './thread-view.js';
