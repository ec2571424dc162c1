import { STRUCT_SIZE } from './requests.js';

/*
 * The small structures of single requests. Source: uapi/linux/ptrace.h.
 */

function viewOf(bytes: Uint8Array, size: number, what: string): DataView {
  if (bytes.byteLength < size) throw new RangeError(`${what} has ${size} bytes, not ${bytes.byteLength}`);
  return new DataView(bytes.buffer, bytes.byteOffset, size);
}

/**
 * What PTRACE_GET_RSEQ_CONFIGURATION tells: where the tracee has registered its restartable sequences area. All zero
 * when it has not.
 */
export interface RseqConfiguration {
  readonly rseqAbiPointer: bigint;
  readonly rseqAbiSize: number;
  readonly signature: number;
  readonly flags: number;
}

/** @throws RangeError when there are fewer than 24 bytes */
export function decodeRseqConfiguration(bytes: Uint8Array): RseqConfiguration {
  const view = viewOf(bytes, STRUCT_SIZE.RSEQ_CONFIGURATION, 'an rseq configuration');
  return {
    rseqAbiPointer: view.getBigUint64(0, true),
    rseqAbiSize: view.getUint32(8, true),
    signature: view.getUint32(12, true),
    flags: view.getUint32(16, true),
  };
}

/** The modes of syscall user dispatch. Source: uapi/linux/prctl.h. */
export const PR_SYS_DISPATCH = { OFF: 0, EXCLUSIVE_ON: 1, INCLUSIVE_ON: 2 } as const;

/** What PTRACE_GET_ and SET_SYSCALL_USER_DISPATCH_CONFIG pass. */
export interface SyscallUserDispatchConfig {
  /** One of PR_SYS_DISPATCH. */
  readonly mode: bigint;
  /** Address of the byte by which the tracee itself switches dispatch; 0n for none. */
  readonly selector: bigint;
  /** The code range whose calls are not dispatched. */
  readonly offset: bigint;
  readonly length: bigint;
}

/** @throws RangeError when there are fewer than 32 bytes */
export function decodeSyscallUserDispatchConfig(bytes: Uint8Array): SyscallUserDispatchConfig {
  const view = viewOf(bytes, STRUCT_SIZE.SYSCALL_USER_DISPATCH_CONFIG, 'a syscall user dispatch configuration');
  return {
    mode: view.getBigUint64(0, true),
    selector: view.getBigUint64(8, true),
    offset: view.getBigUint64(16, true),
    length: view.getBigUint64(24, true),
  };
}

export function encodeSyscallUserDispatchConfig(config: SyscallUserDispatchConfig): Uint8Array {
  const bytes = new Uint8Array(STRUCT_SIZE.SYSCALL_USER_DISPATCH_CONFIG);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, config.mode, true);
  view.setBigUint64(8, config.selector, true);
  view.setBigUint64(16, config.offset, true);
  view.setBigUint64(24, config.length, true);
  return bytes;
}

/**
 * What PTRACE_SECCOMP_GET_METADATA passes: the filter's number goes in (0 is the one installed first), its flags come
 * out.
 */
export interface SeccompMetadata {
  readonly filterOffset: bigint;
  /** SECCOMP_FILTER_FLAG_LOG (2) or 0. */
  readonly flags: bigint;
}

/** @throws RangeError when there are fewer than 16 bytes */
export function decodeSeccompMetadata(bytes: Uint8Array): SeccompMetadata {
  const view = viewOf(bytes, STRUCT_SIZE.SECCOMP_METADATA, 'seccomp metadata');
  return { filterOffset: view.getBigUint64(0, true), flags: view.getBigUint64(8, true) };
}

export function encodeSeccompMetadata(filterOffset: bigint): Uint8Array {
  const bytes = new Uint8Array(STRUCT_SIZE.SECCOMP_METADATA);
  new DataView(bytes.buffer).setBigUint64(0, filterOffset, true);
  return bytes;
}

/** What PTRACE_PEEKSIGINFO is asked for. */
export interface PeeksiginfoArgs {
  /** How many pending signals to pass over. */
  readonly offset: bigint;
  /** PTRACE_PEEKSIGINFO_SHARED or 0. */
  readonly flags: number;
  /** How many signals to read at most. */
  readonly count: number;
}

/** @throws RangeError when there are fewer than 16 bytes */
export function decodePeeksiginfoArgs(bytes: Uint8Array): PeeksiginfoArgs {
  const view = viewOf(bytes, STRUCT_SIZE.PEEKSIGINFO_ARGS, 'the arguments of PEEKSIGINFO');
  return { offset: view.getBigUint64(0, true), flags: view.getUint32(8, true), count: view.getInt32(12, true) };
}

export function encodePeeksiginfoArgs(args: PeeksiginfoArgs): Uint8Array {
  const bytes = new Uint8Array(STRUCT_SIZE.PEEKSIGINFO_ARGS);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, args.offset, true);
  view.setUint32(8, args.flags, true);
  view.setInt32(12, args.count, true);
  return bytes;
}
