/** The signal of a stop, the signals that wait, and the mask: GETSIGINFO, SETSIGINFO, PEEKSIGINFO, GETSIGMASK, SETSIGMASK. */
import { checkAddress, checkBag, checkBoolean, checkBuffer, checkLength } from '../arguments.js';
import { PTRACE, PTRACE_PEEKSIGINFO_SHARED, STRUCT_SIZE } from '../kernel/requests.js';
import { type SigInfo, decodeSiginfo } from '../kernel/siginfo.js';
import { encodePeeksiginfoArgs } from '../kernel/structs.js';
import { invokeBuffer, invokeTwoBuffers, tidOf } from './invoke.js';

/** A `siginfo_t` as it came, and decoded. */
export interface RawSiginfo {
  /** 128 bytes. */
  readonly bytes: Uint8Array;
  readonly decoded: SigInfo;
}

/**
 * PTRACE_GETSIGINFO into a buffer of the caller's: the form that allocates nothing.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param buffer at least 128 bytes
 * @throws PtraceError as {@link getSiginfo}
 *
 * Since Linux 2.3.99-pre6. Source: ptrace(2), PTRACE_GETSIGINFO.
 */
export function getSiginfoInto(tid: number, buffer: NodeJS.ArrayBufferView): void {
  const checkedTid = tidOf(PTRACE.GETSIGINFO, tid);
  invokeBuffer(PTRACE.GETSIGINFO, checkedTid, 0, checkBuffer('PTRACE_GETSIGINFO', buffer, STRUCT_SIZE.SIGINFO));
}

/**
 * PTRACE_GETSIGINFO: the signal that caused the stop, or what the kernel says of a stop without one.
 *
 * @param tid the tracee, in a ptrace-stop
 * @throws PtraceError 'kernel' (EINVAL) in a group-stop of a tracee that was not seized: that is how the kernel tells it from a
 * signal-delivery-stop; 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * Since Linux 2.3.99-pre6. Source: ptrace(2), PTRACE_GETSIGINFO.
 */
export function getSiginfo(tid: number): RawSiginfo {
  const bytes = new Uint8Array(STRUCT_SIZE.SIGINFO);
  getSiginfoInto(tid, bytes);
  return { bytes, decoded: decodeSiginfo(bytes) };
}

/**
 * PTRACE_SETSIGINFO: replaces the signal of a signal-delivery-stop. The signal is delivered only if the tracee is resumed with its number.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param siginfo a `siginfo_t`, at least 128 bytes; `encodeSiginfo` makes one
 * @throws PtraceError 'kernel' (EINVAL) as {@link getSiginfo}; 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * Since Linux 2.3.99-pre6. Source: ptrace(2), PTRACE_SETSIGINFO.
 */
export function setSiginfo(tid: number, siginfo: NodeJS.ArrayBufferView): void {
  const checkedTid = tidOf(PTRACE.SETSIGINFO, tid);
  invokeBuffer(
    PTRACE.SETSIGINFO,
    checkedTid,
    0,
    checkBuffer('PTRACE_SETSIGINFO', siginfo, STRUCT_SIZE.SIGINFO, 'siginfo'),
  );
}

/** What {@link peekSiginfo} is asked for. */
export interface PeekSiginfoOptions {
  /** How many signals of the queue to pass over; 0 without it. */
  readonly offset?: bigint | number | undefined;
  /** The queue of the process; the thread's own without it. */
  readonly shared?: boolean | undefined;
  /** How many signals to give at most; 32 without it. */
  readonly count?: number | undefined;
}

// One answer must fit into memory that was not asked for in vain: a queue is limited by RLIMIT_SIGPENDING, most often some thousands.
const MOST_SIGNALS = 65536;

/**
 * PTRACE_PEEKSIGINFO: looks at pending signals without taking them.
 *
 * @param tid the tracee, in a ptrace-stop
 * @returns the signals in the order of the queue; fewer than asked for when there are no more
 * @throws PtraceError 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH); 'bad-input'
 *
 * Since Linux 3.10. Source: ptrace(2), PTRACE_PEEKSIGINFO.
 */
export function peekSiginfo(tid: number, options?: PeekSiginfoOptions): RawSiginfo[] {
  const name = 'PTRACE_PEEKSIGINFO';
  const checkedTid = tidOf(PTRACE.PEEKSIGINFO, tid);
  const bag = checkBag(name, options, ['offset', 'shared', 'count']);
  const offset = bag.offset === undefined ? 0n : checkAddress(name, bag.offset, 'offset');
  const shared = checkBoolean(name, bag.shared, 'shared', false);
  const count = bag.count === undefined ? 32 : checkLength(name, bag.count, 'count', MOST_SIGNALS);
  const args = encodePeeksiginfoArgs({ offset, flags: shared ? PTRACE_PEEKSIGINFO_SHARED : 0, count });
  const bytes = new Uint8Array(count * STRUCT_SIZE.SIGINFO);
  const found = invokeTwoBuffers(PTRACE.PEEKSIGINFO, checkedTid, args, bytes);
  return Array.from({ length: found }, (_, index) => {
    const one = bytes.slice(index * STRUCT_SIZE.SIGINFO, (index + 1) * STRUCT_SIZE.SIGINFO);
    return { bytes: one, decoded: decodeSiginfo(one) };
  });
}

const mask = new BigUint64Array(1);

/**
 * PTRACE_GETSIGMASK: the tracee's mask of blocked signals. In sigsuspend(2) and the like the mask that will be restored.
 *
 * @param tid the tracee, in a ptrace-stop
 * @returns bit n-1 stands for signal n; `signalsInSet` lists them
 * @throws PtraceError 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * Since Linux 3.11. Source: ptrace(2), PTRACE_GETSIGMASK.
 */
export function getSigmask(tid: number): bigint {
  invokeBuffer(PTRACE.GETSIGMASK, tidOf(PTRACE.GETSIGMASK, tid), STRUCT_SIZE.SIGSET, mask);
  return mask[0] ?? 0n;
}

/**
 * PTRACE_SETSIGMASK: sets the tracee's mask of blocked signals. SIGKILL and SIGSTOP stay out of it.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param value bit n-1 blocks signal n; `signalSet` makes one
 * @throws PtraceError 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH); 'bad-input' beyond 64 bits
 *
 * Since Linux 3.11. Source: ptrace(2), PTRACE_SETSIGMASK.
 */
export function setSigmask(tid: number, value: bigint | number): void {
  const checkedTid = tidOf(PTRACE.SETSIGMASK, tid);
  mask[0] = checkAddress('PTRACE_SETSIGMASK', value, 'mask');
  invokeBuffer(PTRACE.SETSIGMASK, checkedTid, STRUCT_SIZE.SIGSET, mask);
}
