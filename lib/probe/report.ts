/** What {@link probe} answers with: plain data, the same in JSON. */
import type { Abi, HostArch } from '../kernel/arch/host.js';

/**
 * - `yes`: it was tried and works.
 * - `no`: it was tried and does not work, or does something else: this kernel or CPU lacks it.
 * - `denied`: a policy refuses it (EPERM, EACCES): capabilities, Yama, a seccomp filter, a security module.
 * - `not-here`: it belongs to another architecture, and was not tried.
 */
export type ProbeStatus = 'yes' | 'no' | 'denied' | 'not-here';

/** What every capability has. */
export interface CapabilityBase {
  /** The same in every report of this schema: `request.PTRACE_SEIZE`, `regset.NT_PRSTATUS`. */
  readonly id: string;
  readonly status: ProbeStatus;
  /** In words. */
  readonly detail: string;
  /** The error number of the failed system call, if one failed. */
  readonly errno?: number;
  /** Its name, such as `EIO`. */
  readonly code?: string;
}

/** A request of ptrace(2): `request.PTRACE_*`. */
export interface RequestCapability extends CapabilityBase {
  readonly group: 'request';
}

/**
 * An option: `option.PTRACE_O_*.setoptions`, `option.PTRACE_O_*.seize` tell whether it is taken,
 * `option.PTRACE_O_*.effect` whether it does what it is for.
 */
export interface OptionCapability extends CapabilityBase {
  readonly group: 'option';
  /** The option's bit. */
  readonly option: number;
  readonly aspect: 'setoptions' | 'seize' | 'effect';
}

/** A stop with an event: `event.PTRACE_EVENT_*`. */
export interface EventCapability extends CapabilityBase {
  readonly group: 'event';
  readonly event: number;
}

/**
 * A register set: `regset.NT_*` of a tracee of the machine's own ABI, `regset.i386.NT_*` of one in 32-bit code. 'yes'
 * when it can be read.
 */
export interface RegsetCapability extends CapabilityBase {
  readonly group: 'regset';
  /** The note type. */
  readonly type: number;
  readonly abi: Abi;
  /** The size of the whole set; absent when it cannot be read. */
  readonly bytes?: number;
  readonly readable: boolean;
  /** Whether the kernel took back what it gave. */
  readonly writable: boolean;
}

/** Hardware breakpoints and watchpoints: `debug.breakpoints`, `debug.watchpoints`. */
export interface DebugCapability extends CapabilityBase {
  readonly group: 'debug';
  readonly kind: 'breakpoint' | 'watchpoint';
  /** How many could be set at once. */
  readonly count: number;
  /** Whether one that was set stopped the tracee; 'before' or 'after' the access. */
  readonly stops: 'before' | 'after' | 'never';
  /** Lengths in bytes that were taken, of aligned addresses. */
  readonly lengths: readonly number[];
  readonly accesses: readonly string[];
  /** Whether breakpoints and watchpoints share the count. */
  readonly shared: boolean;
}

/** Ways of resuming for a little while: `step.single`, `step.block`, `step.sysemu`, `step.sysemu-single`. */
export interface StepCapability extends CapabilityBase {
  readonly group: 'step';
}

/** PTRACE_GET_SYSCALL_INFO at each kind of stop: `syscall-info.entry`. */
export interface SyscallInfoCapability extends CapabilityBase {
  readonly group: 'syscall-info';
  readonly op: 'none' | 'entry' | 'exit' | 'seccomp';
  /** How many bytes the kernel has. */
  readonly bytes?: number;
}

/** Waiting: `wait.pidfd`, `wait.wall-assumed`, `wait.waitid-clone-flags`. */
export interface WaitCapability extends CapabilityBase {
  readonly group: 'wait';
}

/** Memory of a tracee, and pidfds: `memory.process_vm_readv`, `process.pidfd_open`. */
export interface MemoryCapability extends CapabilityBase {
  readonly group: 'memory' | 'process';
}

/** Tracees of another ABI: `abi.i386`, `abi.x32`, `abi.arm`. */
export interface AbiCapability extends CapabilityBase {
  readonly group: 'abi';
  readonly abi: Abi;
}

/** What this process may do, and what the machine's policy is: `policy.yama`, `policy.trace-parent`. */
export interface PolicyCapability extends CapabilityBase {
  readonly group: 'policy';
  /** What was read: the scope of Yama, the mode of seccomp, the list of security modules. */
  readonly value?: string | number | boolean;
}

export type Capability =
  | RequestCapability
  | OptionCapability
  | EventCapability
  | RegsetCapability
  | DebugCapability
  | StepCapability
  | SyscallInfoCapability
  | WaitCapability
  | MemoryCapability
  | AbiCapability
  | PolicyCapability;

export type CapabilityGroup = Capability['group'];

export interface ProbeReport {
  /** Grows when a field changes its meaning or goes; new fields and ids do not make it grow. */
  readonly schema: 1;
  /** uname(2). */
  readonly kernel: { readonly release: string; readonly version: string; readonly machine: string };
  readonly arch: HostArch;
  /** The name of the CPU, where /proc/cpuinfo tells it. */
  readonly cpu?: string;
  /** Node's version. */
  readonly node: string;
  readonly durationMs: number;
  readonly capabilities: readonly Capability[];
}
