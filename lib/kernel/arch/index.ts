import { AUDIT_ARCH } from '../audit-arch.js';
import { type Registers, registersFrom } from '../registers.js';
import { NT } from '../regsets.js';
import { PTRACE } from '../requests.js';
import { PTRACE_ARM64 } from './arm64/requests.js';
import { type Abi, type HostArch, hostArch } from './host.js';
import { PTRACE_X64 } from './x64/requests.js';

/** What differs between the architectures a tracer can run on. */
export interface Arch {
  readonly name: HostArch;
  /** The ABI of the tracer's own programs. */
  readonly nativeAbi: Abi;
  /** The ABIs a tracee can have here. */
  readonly abis: readonly Abi[];
  /** The AUDIT_ARCH of each ABI. */
  readonly auditArchs: Readonly<Partial<Record<Abi, number>>>;
  /** Every ptrace request of this architecture by name. */
  readonly requests: Readonly<Record<string, number>>;
  /** The register sets a tracee can have here. */
  readonly regsets: readonly number[];
  /**
   * The register set that holds the number of the system call being entered, where the general registers do not decide
   * it: change the number there. Undefined where `syscallNumber` of the registers does it.
   */
  readonly syscallNumberRegset: number | undefined;
  /** The register set over the bytes of NT_PRSTATUS. See {@link registersFrom}. */
  registersFrom(bytes: Uint8Array): Registers;
}

const x64: Arch = {
  name: 'x64',
  nativeAbi: 'x86_64',
  abis: ['x86_64', 'x32', 'i386'],
  auditArchs: { x86_64: AUDIT_ARCH.X86_64, x32: AUDIT_ARCH.X86_64, i386: AUDIT_ARCH.I386 },
  requests: { ...PTRACE, ...PTRACE_X64 },
  regsets: [NT.PRSTATUS, NT.PRFPREG, NT.PRXFPREG, NT.X86_XSTATE, NT.X86_SHSTK, NT['386_TLS'], NT['386_IOPERM']],
  syscallNumberRegset: undefined,
  registersFrom: (bytes) => registersFrom('x64', bytes),
};

const arm64: Arch = {
  name: 'arm64',
  nativeAbi: 'aarch64',
  abis: ['aarch64', 'arm'],
  auditArchs: { aarch64: AUDIT_ARCH.AARCH64, arm: AUDIT_ARCH.ARM },
  requests: { ...PTRACE, ...PTRACE_ARM64 },
  regsets: [
    NT.PRSTATUS,
    NT.PRFPREG,
    ...Object.entries(NT).flatMap(([name, type]) => (name.startsWith('ARM_') ? [type] : [])),
  ],
  syscallNumberRegset: NT.ARM_SYSTEM_CALL,
  registersFrom: (bytes) => registersFrom('arm64', bytes),
};

const archs: Readonly<Record<HostArch, Arch>> = { x64, arm64 };

/** The facts of an architecture. */
export function archOf(name: HostArch): Arch {
  return archs[name];
}

/**
 * The facts of the architecture that a `process.arch` names, or undefined where this package has no knowledge of the
 * machine.
 */
export function archFor(processArch: string): Arch | undefined {
  const name = hostArch(processArch);
  return name === undefined ? undefined : archs[name];
}

export type { Breakpoint } from './breakpoint.js';
export { type Abi, type HostArch, hostArch } from './host.js';
