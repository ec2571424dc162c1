/** Everything a report is about: the ids, in the order of the report. */
import type { Abi } from '../kernel/arch/host.js';
import type { Arch } from '../kernel/arch/index.js';
import { PTRACE_ARM64 } from '../kernel/arch/arm64/requests.js';
import { PTRACE_X64 } from '../kernel/arch/x64/requests.js';
import { PTRACE_EVENT, type PtraceEventName } from '../kernel/events.js';
import { PTRACE_O, type PtraceOptionName } from '../kernel/options.js';
import { NT, type RegsetName } from '../kernel/regsets.js';
import { PTRACE } from '../kernel/requests.js';
import { notHere, type Notes, type Template } from './notes.js';
import type { DebugCapability, OptionCapability, SyscallInfoCapability } from './report.js';

/** The name of any request, of whatever architecture. */
export type RequestName = keyof typeof PTRACE | keyof typeof PTRACE_X64 | keyof typeof PTRACE_ARM64;

export const requestId = (name: RequestName): string => `request.PTRACE_${name}`;
export const optionId = (name: PtraceOptionName, aspect: OptionCapability['aspect']): string =>
  `option.PTRACE_O_${name}.${aspect}`;
export const eventId = (name: PtraceEventName): string => `event.PTRACE_EVENT_${name}`;
/** Without an ABI, of the machine's own. */
export const regsetId = (name: RegsetName, abi?: Abi): string =>
  abi === undefined ? `regset.NT_${name}` : `regset.${abi}.NT_${name}`;
export const syscallInfoId = (op: SyscallInfoCapability['op']): string => `syscall-info.${op}`;
export const debugId = (kind: DebugCapability['kind']): string => `debug.${kind}s`;

export const requestNames = [...new Set([PTRACE, PTRACE_X64, PTRACE_ARM64].flatMap(Object.keys))] as RequestName[];
export const optionNames = Object.keys(PTRACE_O) as PtraceOptionName[];
export const eventNames = Object.keys(PTRACE_EVENT) as PtraceEventName[];
export const regsetNames = Object.keys(NT) as RegsetName[];
export const syscallInfoOps = ['none', 'entry', 'exit', 'seccomp'] as const;

/** ABIs whose register sets can be looked at without a program of that ABI, and the sets that they have. */
export interface OtherView {
  readonly abi: Abi;
  readonly regsets: readonly RegsetName[];
}

function regset(name: RegsetName, abi: Abi, id: string): Template {
  return { id, group: 'regset', type: NT[name], abi, readable: false, writable: false };
}

function debug(kind: DebugCapability['kind']): Template {
  return {
    id: debugId(kind),
    group: 'debug',
    kind,
    count: 0,
    stops: 'never',
    lengths: [],
    accesses: [],
    shared: false,
  };
}

/**
 * All there is to be looked at.
 *
 * @param otherAbis of tracees that this architecture may have
 */
export function catalogue(arch: Arch, views: readonly OtherView[]): Template[] {
  const templates: Template[] = [];
  for (const name of requestNames) templates.push({ id: requestId(name), group: 'request' });
  for (const name of optionNames) {
    for (const aspect of ['setoptions', 'seize', 'effect'] as const) {
      templates.push({ id: optionId(name, aspect), group: 'option', option: PTRACE_O[name], aspect });
    }
  }
  for (const name of eventNames) templates.push({ id: eventId(name), group: 'event', event: PTRACE_EVENT[name] });
  for (const name of regsetNames) templates.push(regset(name, arch.nativeAbi, regsetId(name)));
  for (const { abi, regsets } of views) {
    for (const name of regsets) templates.push(regset(name, abi, regsetId(name, abi)));
  }
  templates.push(debug('breakpoint'), debug('watchpoint'));
  for (const id of ['step.single', 'step.block', 'step.sysemu', 'step.sysemu-single']) {
    templates.push({ id, group: 'step' });
  }
  for (const op of syscallInfoOps) templates.push({ id: syscallInfoId(op), group: 'syscall-info', op });
  for (const id of ['wait.wall-assumed', 'wait.waitid-clone-flags', 'wait.pidfd']) {
    templates.push({ id, group: 'wait' });
  }
  for (const id of memoryIds) templates.push({ id, group: 'memory' });
  for (const id of ['process.pidfd_open', 'process.pidfd_send_signal']) templates.push({ id, group: 'process' });
  for (const abi of ['i386', 'x32', 'arm'] as const) templates.push({ id: `abi.${abi}`, group: 'abi', abi });
  for (const id of policyIds) templates.push({ id, group: 'policy' });
  return templates;
}

export const memoryIds = [
  'memory.process_vm_readv',
  'memory.process_vm_writev',
  'memory.proc-mem-read',
  'memory.proc-mem-write',
  'memory.proc-mem-force',
  'memory.poke-force',
] as const;

export const policyIds = [
  'policy.cap-sys-ptrace',
  'policy.cap-sys-admin',
  'policy.user-namespace',
  'policy.seccomp',
  'policy.yama',
  'policy.security-modules',
  'policy.trace-parent',
  'policy.trace-sibling',
] as const;

/** Notes what belongs to other architectures. */
export function noteForeign(arch: Arch, notes: Notes): void {
  const other = arch.name === 'x64' ? 'arm64' : 'x64';
  for (const name of requestNames) {
    if (!(name in arch.requests)) notes.set(requestId(name), notHere(`a request of ${other}`));
  }
  for (const name of regsetNames) {
    if (!arch.regsets.includes(NT[name])) notes.set(regsetId(name), notHere(`a register set of ${other}`));
  }
  for (const abi of ['i386', 'x32', 'arm'] as const) {
    if (!arch.abis.includes(abi)) notes.set(`abi.${abi}`, notHere(`an ABI of ${other}`));
  }
}
