/** The seccomp filters of a tracee: SECCOMP_GET_FILTER and SECCOMP_GET_METADATA. */
import { checkLength } from '../arguments.js';
import { PTRACE, STRUCT_SIZE } from '../kernel/requests.js';
import { type SeccompMetadata, decodeSeccompMetadata, encodeSeccompMetadata } from '../kernel/structs.js';
import { invoke, invokeBuffer, tidOf } from './invoke.js';

/** BPF_MAXINSNS: no filter is longer. */
export const MOST_INSTRUCTIONS = 4096;
const MOST_FILTERS = 0x7fffffff;

let program: Uint8Array | undefined;

/** Memory that any filter fits into, good until the next call. */
export function roomForFilter(): Uint8Array {
  return (program ??= new Uint8Array(MOST_INSTRUCTIONS * STRUCT_SIZE.SOCK_FILTER));
}

/**
 * PTRACE_SECCOMP_GET_FILTER without a buffer: how many instructions a filter of the tracee has.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param index which filter: 0 is the one that was installed first (the manual has it the other way round)
 * @throws PtraceError as {@link getFilter}
 *
 * Since Linux 4.4. Source: ptrace(2), PTRACE_SECCOMP_GET_FILTER.
 */
export function getFilterLength(tid: number, index: number): number {
  const request = PTRACE.SECCOMP_GET_FILTER;
  return invoke(
    request,
    tidOf(request, tid),
    checkLength('PTRACE_SECCOMP_GET_FILTER', index, 'index', MOST_FILTERS),
    0,
  );
}

/**
 * PTRACE_SECCOMP_GET_FILTER: the program of a seccomp filter of the tracee.
 *
 * The kernel has the caller ask for the length first and then writes the whole filter whatever room there is. Another thread of the
 * tracee's process can put a longer filter in its place between the two (SECCOMP_FILTER_FLAG_TSYNC), so here there is always room for the
 * longest.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param index which filter: 0 is the one that was installed first (the manual has it the other way round)
 * @returns an array of `struct sock_filter`, 8 bytes an instruction
 * @throws PtraceError 'kernel' (EINVAL: the tracee has no filter; ENOENT: not so many); 'denied' (EACCES) without CAP_SYS_ADMIN, or when
 * this process is under seccomp itself; 'not-supported' (EIO) in a kernel without CONFIG_CHECKPOINT_RESTORE; 'running', 'listening', 'gone',
 * 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * Since Linux 4.4. Source: ptrace(2), PTRACE_SECCOMP_GET_FILTER.
 */
export function getFilter(tid: number, index: number): Uint8Array {
  const request = PTRACE.SECCOMP_GET_FILTER;
  const checkedTid = tidOf(request, tid);
  const checkedIndex = checkLength('PTRACE_SECCOMP_GET_FILTER', index, 'index', MOST_FILTERS);
  const room = roomForFilter();
  const instructions = invokeBuffer(request, checkedTid, checkedIndex, room);
  return room.slice(0, instructions * STRUCT_SIZE.SOCK_FILTER);
}

/**
 * PTRACE_SECCOMP_GET_METADATA: the flags that a seccomp filter of the tracee was installed with.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param index which filter: 0 is the one that was installed first (the manual has it the other way round)
 * @throws PtraceError 'kernel' (EINVAL: the tracee has no filter; ENOENT: not so many); 'denied' (EACCES) without CAP_SYS_ADMIN, or when
 * this process is under seccomp itself; 'not-supported' (EIO) before Linux 4.16; 'running', 'listening', 'gone', 'not-tracee',
 * 'wrong-thread' (ESRCH)
 *
 * Since Linux 4.16. Source: ptrace(2), PTRACE_SECCOMP_GET_METADATA.
 */
export function getMetadata(tid: number, index: number): SeccompMetadata {
  const request = PTRACE.SECCOMP_GET_METADATA;
  const checkedTid = tidOf(request, tid);
  const bytes = encodeSeccompMetadata(BigInt(checkLength('PTRACE_SECCOMP_GET_METADATA', index, 'index', MOST_FILTERS)));
  invokeBuffer(request, checkedTid, STRUCT_SIZE.SECCOMP_METADATA, bytes);
  return decodeSeccompMetadata(bytes);
}
