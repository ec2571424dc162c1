/**
 * From checked arguments to the kernel: the four forms of ptrace(2), and an error where it refuses. This is the hot path; nothing here
 * allocates.
 */
import { checkSignal, checkTid } from '../arguments.js';
import type { Bytes, Word } from '../binding.js';
import { nameOfRequest, requestFailed } from './failure.js';
import { kernelLayer } from './kernel-layer.js';

/** The tid, checked; `request` is for the error. */
export function tidOf(request: number, tid: unknown): number {
  if (typeof tid === 'number' && (tid | 0) === tid && tid > 0) return tid;
  return checkTid(nameOfRequest(request), tid);
}

/** The signal of a resuming request, checked: 0 for none. */
export function signalOf(request: number, signal: unknown): number {
  if (signal === 0) return 0;
  return checkSignal(nameOfRequest(request), signal, { allowZero: true });
}

/** A request with words. */
export function invoke(request: number, tid: number, addr: Word, data: Word): number {
  const result = kernelLayer().ptrace(request, tid, addr, data);
  if (result < 0) throw requestFailed(request, tid, -result);
  return result;
}

/** A request whose data is a pointer. The buffer must be long enough for what the kernel reads or writes. */
export function invokeBuffer(request: number, tid: number, addr: Word, data: Bytes): number {
  const result = kernelLayer().ptraceBuffer(request, tid, addr, data);
  if (result < 0) throw requestFailed(request, tid, -result);
  return result;
}

/** A request whose data is a pointer to an iovec. The answer is the length that the kernel left there. */
export function invokeIovec(request: number, tid: number, addr: Word, data: Bytes): number {
  const result = kernelLayer().ptraceIovec(request, tid, addr, data);
  if (result < 0) throw requestFailed(request, tid, -result);
  return result;
}

/** A request whose addr is a pointer. */
export function invokeTwoBuffers(request: number, tid: number, addr: Bytes, data: Bytes | Word): number {
  const result = kernelLayer().ptraceTwoBuffers(request, tid, addr, data);
  if (result < 0) throw requestFailed(request, tid, -result);
  return result;
}
