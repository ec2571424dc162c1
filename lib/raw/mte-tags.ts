/** Memory allocation tags of arm64: PEEKMTETAGS and POKEMTETAGS. One byte for each 16 bytes of memory, the tag in its low 4 bits. */
import { checkAddress, checkBuffer } from '../arguments.js';
import { PTRACE_ARM64 } from '../kernel/arch/arm64/requests.js';
import { invokeIovec, tidOf } from './invoke.js';
import { onlyOn } from './unsupported.js';

/**
 * PTRACE_PEEKMTETAGS: reads tags.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param address where the memory is; rounded down to a multiple of 16
 * @param tags where to; as many tags are read as it has bytes
 * @returns how many tags were read: fewer where the memory ends
 * @throws PtraceError 'not-supported' on any machine but arm64, (EIO) without memory tagging, (EOPNOTSUPP) where the memory was not mapped with
 * PROT_MTE; 'kernel' (EFAULT) where nothing is mapped; 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * arm64, since Linux 5.10. Source: Documentation/arch/arm64/memory-tagging-extension.rst.
 */
export function peekMteTags(tid: number, address: bigint | number, tags: NodeJS.ArrayBufferView): number {
  return transfer('PTRACE_PEEKMTETAGS', PTRACE_ARM64.PEEKMTETAGS, tid, address, tags);
}

/**
 * PTRACE_POKEMTETAGS: writes tags.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param address where the memory is; rounded down to a multiple of 16
 * @param tags the tags, one a byte
 * @returns how many tags were written: fewer where the memory ends
 * @throws PtraceError as {@link peekMteTags}
 *
 * arm64, since Linux 5.10. Source: Documentation/arch/arm64/memory-tagging-extension.rst.
 */
export function pokeMteTags(tid: number, address: bigint | number, tags: NodeJS.ArrayBufferView): number {
  return transfer('PTRACE_POKEMTETAGS', PTRACE_ARM64.POKEMTETAGS, tid, address, tags);
}

function transfer(name: string, request: number, tid: unknown, address: unknown, tags: unknown): number {
  const checkedTid = tidOf(request, tid);
  onlyOn('arm64', name, checkedTid);
  return invokeIovec(request, checkedTid, checkAddress(name, address), checkBuffer(name, tags, 0, 'tags'));
}
