/**
 * What the kernel's tracing ABI says: numbers, names, layouts. Pure data and functions; loads anywhere, a browser
 * included.
 */
export * from './arch/arm64/breakpoint.js';
export * from './arch/arm64/debug-registers.js';
export * from './arch/arm64/registers.js';
export * from './arch/arm64/requests.js';
export * from './arch/index.js';
export * from './arch/x64/breakpoint.js';
export * from './arch/x64/debug-registers.js';
export * from './arch/x64/registers.js';
export * from './arch/x64/requests.js';
export * from './arch/x64/user-area.js';
export * from './audit-arch.js';
export * from './breakpoint.js';
export * from './errno.js';
export * from './events.js';
export * from './options.js';
export type { RegisterFile } from './register-file.js';
export * from './registers.js';
export * from './regsets.js';
export * from './requests.js';
export * from './siginfo.js';
export * from './signals.js';
export * from './structs.js';
export * from './syscall-info.js';
export * from './syscalls.js';
export * from './wait-flags.js';
export * from './wait-status.js';
