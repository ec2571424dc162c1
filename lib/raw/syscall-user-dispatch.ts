/** Syscall user dispatch: GET_ and SET_SYSCALL_USER_DISPATCH_CONFIG. */
import { checkAddress, checkBag } from '../arguments.js';
import { badInput, fromErrno, isPtraceError } from '../errors.js';
import { ERRNO } from '../kernel/errno.js';
import { PTRACE, STRUCT_SIZE } from '../kernel/requests.js';
import {
  type SyscallUserDispatchConfig,
  decodeSyscallUserDispatchConfig,
  encodeSyscallUserDispatchConfig,
} from '../kernel/structs.js';
import { invokeBuffer, tidOf } from './invoke.js';

const SIZE = STRUCT_SIZE.SYSCALL_USER_DISPATCH_CONFIG;
const { GET_SYSCALL_USER_DISPATCH_CONFIG: GET, SET_SYSCALL_USER_DISPATCH_CONFIG: SET } = PTRACE;

/**
 * Makes a request. An architecture without the generic system call entry answers EINVAL to both, as if the structure's size were wrong; only
 * there GET fails with that.
 */
function invoke(request: typeof GET | typeof SET, tid: number, bytes: Uint8Array): void {
  try {
    invokeBuffer(request, tid, SIZE, bytes);
  } catch (error) {
    if (!isPtraceError(error) || error.errno !== ERRNO.EINVAL) throw error;
    if (request === SET) invoke(GET, tid, new Uint8Array(SIZE));
    else {
      const detail = 'this kernel has no system call user dispatch on this architecture';
      throw fromErrno('PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG', tid, ERRNO.EINVAL, 'not-supported', detail);
    }
    throw error;
  }
}

/**
 * PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG: whether and how system calls of the tracee are turned into SIGSYS (prctl(2),
 * PR_SET_SYSCALL_USER_DISPATCH).
 *
 * @param tid the tracee, in a ptrace-stop
 * @throws PtraceError 'not-supported' (EIO before Linux 6.4, EINVAL on an architecture without it); 'running', 'listening', 'gone', 'not-tracee',
 * 'wrong-thread' (ESRCH)
 *
 * Since Linux 6.4. Source: uapi/linux/ptrace.h; kernel commit 3f67987cdc09.
 */
export function getSyscallUserDispatch(tid: number): SyscallUserDispatchConfig {
  const bytes = new Uint8Array(SIZE);
  invoke(GET, tidOf(GET, tid), bytes);
  return decodeSyscallUserDispatchConfig(bytes);
}

/**
 * PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG: sets it.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param config mode (PR_SYS_DISPATCH), the selector's address, and the range of code that is exempt
 * @throws PtraceError 'kernel' (EINVAL) for a mode that is not known, or fields that its mode does not take; 'not-supported' (EIO before
 * Linux 6.4, EINVAL on an architecture without it); 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH); 'bad-input'
 *
 * Since Linux 6.4. Source: uapi/linux/ptrace.h; kernel commit 3f67987cdc09.
 */
export function setSyscallUserDispatch(tid: number, config: SyscallUserDispatchConfig): void {
  const name = 'PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG';
  const checkedTid = tidOf(SET, tid);
  if (config === undefined) throw badInput(name, 'config is undefined, want mode, selector, offset and length');
  const bag = checkBag(name, config, ['mode', 'selector', 'offset', 'length'], 'config');
  const bytes = encodeSyscallUserDispatchConfig({
    mode: checkAddress(name, bag.mode, 'mode'),
    selector: checkAddress(name, bag.selector, 'selector'),
    offset: checkAddress(name, bag.offset, 'offset'),
    length: checkAddress(name, bag.length, 'length'),
  });
  invoke(SET, checkedTid, bytes);
}
