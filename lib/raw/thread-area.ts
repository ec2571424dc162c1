/** TLS descriptors of the GDT: GET_THREAD_AREA and SET_THREAD_AREA. x86. */
import { checkBuffer, checkLength } from '../arguments.js';
import { PTRACE_X64 } from '../kernel/arch/x64/requests.js';
import { invokeBuffer, tidOf } from './invoke.js';
import { onlyOn } from './unsupported.js';

/** `struct user_desc`. */
export const USER_DESC_SIZE = 16;
const MOST_ENTRIES = 0x7fffffff;

/**
 * PTRACE_GET_THREAD_AREA: a TLS descriptor of the tracee, as get_thread_area(2) gives it.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param entry the number in the GDT: 12 to 14 on x86-64
 * @returns a `struct user_desc`: entry number, base, limit, flags, 4 bytes each
 * @throws PtraceError 'kernel' (EINVAL) for any other entry; 'not-supported' on any machine but x86-64, or (EIO) in a kernel without
 * CONFIG_IA32_EMULATION; 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * x86, since Linux 2.5. Source: ptrace(2), PTRACE_GET_THREAD_AREA.
 */
export function getThreadArea(tid: number, entry: number): Uint8Array {
  const name = 'PTRACE_GET_THREAD_AREA';
  const request = PTRACE_X64.GET_THREAD_AREA;
  const checkedTid = tidOf(request, tid);
  onlyOn('x64', name, checkedTid);
  const bytes = new Uint8Array(USER_DESC_SIZE);
  invokeBuffer(request, checkedTid, checkLength(name, entry, 'entry', MOST_ENTRIES), bytes);
  return bytes;
}

/**
 * PTRACE_SET_THREAD_AREA: sets a TLS descriptor of the tracee, as set_thread_area(2) does.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param entry the number in the GDT: 12 to 14 on x86-64
 * @param descriptor a `struct user_desc`, 16 bytes
 * @throws PtraceError 'kernel' (EINVAL) for any other entry, or a descriptor that would not be safe; 'not-supported' on any machine but
 * x86-64, or (EIO) in a kernel without CONFIG_IA32_EMULATION; 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * x86, since Linux 2.5. Source: ptrace(2), PTRACE_SET_THREAD_AREA.
 */
export function setThreadArea(tid: number, entry: number, descriptor: NodeJS.ArrayBufferView): void {
  const name = 'PTRACE_SET_THREAD_AREA';
  const request = PTRACE_X64.SET_THREAD_AREA;
  const checkedTid = tidOf(request, tid);
  onlyOn('x64', name, checkedTid);
  const checkedEntry = checkLength(name, entry, 'entry', MOST_ENTRIES);
  invokeBuffer(request, checkedTid, checkedEntry, checkBuffer(name, descriptor, USER_DESC_SIZE, 'descriptor'));
}
