/**
 * The system calls that a tracer needs beside ptrace and wait: signals, pidfds, affinity, personality, process groups.
 *
 * No function here can signal "everything": kill(2)'s pid of -1 cannot be said.
 */
import { checkBuffer, checkLength, checkSignal, checkTid, checkUint32, describe } from '../arguments.js';
import { binding } from '../binding.js';
import { badInput, fromErrno } from '../errors.js';
import { ERRNO } from '../kernel/errno.js';
import { STRUCT_SIZE } from '../kernel/requests.js';
import { copyOfArray } from './arrays.js';

function must(result: number, name: string, tid: number, detail?: string): number {
  if (result < 0) throw fromErrno(name, tid, -result, undefined, -result === ERRNO.ESRCH ? detail : undefined);
  return result;
}

const NO_PROCESS = 'there is no such process';
const NO_THREAD = 'there is no such thread';

/**
 * kill(2): sends a signal to one process.
 *
 * @param pid the process
 * @param signal the signal; 0 only asks whether the process is there and may be signalled
 * @throws PtraceError 'gone' (ESRCH); 'denied' (EPERM); 'bad-input', also for a pid below 1: see {@link killGroup}
 *
 * Every kernel. Source: kill(2).
 */
export function kill(pid: number, signal: number): void {
  const checkedPid = checkTid('kill', pid, 'pid');
  must(binding().kill(checkedPid, checkSignal('kill', signal, { allowZero: true })), 'kill', checkedPid, NO_PROCESS);
}

/**
 * kill(2) of a process group.
 *
 * @param pgid the group; neither 0 (the own group: say which) nor 1 (to kill(2) that would mean every process)
 * @param signal the signal; 0 only asks
 * @throws PtraceError 'gone' (ESRCH): no such group; 'denied' (EPERM); 'bad-input'
 *
 * Every kernel. Source: kill(2).
 */
export function killGroup(pgid: number, signal: number): void {
  const checkedGroup = checkTid('kill', pgid, 'pgid');
  // kill(-1) would be every process there is.
  if (checkedGroup === 1) throw badInput('kill', 'pgid is 1, want an integer of 2 to 2147483647');
  const checkedSignal = checkSignal('kill', signal, { allowZero: true });
  must(binding().kill(-checkedGroup, checkedSignal), 'kill', checkedGroup, 'there is no such process group');
}

/**
 * tgkill(2): sends a signal to one thread.
 *
 * @param tgid its process
 * @param tid the thread
 * @param signal the signal; 0 only asks
 * @throws PtraceError 'gone' (ESRCH): no such thread in that process; 'denied' (EPERM); 'kernel' (EAGAIN) when the queue for real-time signals
 * is full; 'bad-input'
 *
 * Since Linux 2.5.75. Source: tgkill(2).
 */
export function tgkill(tgid: number, tid: number, signal: number): void {
  const checkedGroup = checkTid('tgkill', tgid, 'tgid');
  const checkedTid = checkTid('tgkill', tid);
  const checkedSignal = checkSignal('tgkill', signal, { allowZero: true });
  must(binding().tgkill(checkedGroup, checkedTid, checkedSignal), 'tgkill', checkedTid, NO_THREAD);
}

/**
 * rt_sigqueueinfo(2): sends a signal with data to a process.
 *
 * @param tgid the process
 * @param signal the signal; 0 only asks
 * @param siginfo a `siginfo_t`, at least 128 bytes; `encodeSiginfo` makes one. The kernel puts the signal's number into what arrives.
 * @throws PtraceError 'gone' (ESRCH); 'denied' (EPERM), also for another process with a code that only the kernel or tgkill(2) sends (0 and
 * above, SI_TKILL); 'kernel' (EAGAIN) when the queue is full; 'bad-input'
 *
 * Since Linux 2.2. Source: rt_sigqueueinfo(2).
 */
export function rtSigqueueinfo(tgid: number, signal: number, siginfo: NodeJS.ArrayBufferView): void {
  const name = 'rt_sigqueueinfo';
  const checkedGroup = checkTid(name, tgid, 'tgid');
  const checkedSignal = checkSignal(name, signal, { allowZero: true });
  const bytes = checkBuffer(name, siginfo, STRUCT_SIZE.SIGINFO, 'siginfo');
  must(binding().rtSigqueueinfo(checkedGroup, checkedSignal, bytes), name, checkedGroup, NO_PROCESS);
}

/**
 * rt_tgsigqueueinfo(2): sends a signal with data to a thread.
 *
 * @param tgid its process
 * @param tid the thread
 * @param signal the signal; 0 only asks
 * @param siginfo a `siginfo_t`, at least 128 bytes
 * @throws PtraceError as {@link rtSigqueueinfo}
 *
 * Since Linux 2.6.31. Source: rt_tgsigqueueinfo(2).
 */
export function rtTgsigqueueinfo(tgid: number, tid: number, signal: number, siginfo: NodeJS.ArrayBufferView): void {
  const name = 'rt_tgsigqueueinfo';
  const checkedGroup = checkTid(name, tgid, 'tgid');
  const checkedTid = checkTid(name, tid);
  const checkedSignal = checkSignal(name, signal, { allowZero: true });
  const bytes = checkBuffer(name, siginfo, STRUCT_SIZE.SIGINFO, 'siginfo');
  must(binding().rtTgsigqueueinfo(checkedGroup, checkedTid, checkedSignal, bytes), name, checkedTid, NO_THREAD);
}

/** Flags of {@link pidfdOpen}. Source: pidfd_open(2). */
export const PIDFD = {
  /** Waits on it say EAGAIN where they would block. Since Linux 5.10. */
  NONBLOCK: 0x800,
  /** It stands for a thread. Since Linux 6.9. */
  THREAD: 0x80,
} as const;

// Only these can be closed here: any other descriptor belongs to Node.
const pidfds = new Set<number>();

/**
 * pidfd_open(2): a file descriptor that stands for a process, and for no other that may get its pid later.
 *
 * @param pid the process (the thread, with PIDFD.THREAD)
 * @param flags flags of PIDFD
 * @returns the descriptor, closed on exec; to be closed with {@link closePidfd}
 * @throws PtraceError 'gone' (ESRCH); 'kernel' (EINVAL: unknown flags, or a thread without PIDFD.THREAD; EMFILE); 'not-supported' (ENOSYS)
 * before Linux 5.3; 'bad-input'
 *
 * Since Linux 5.3. Source: pidfd_open(2).
 */
export function pidfdOpen(pid: number, flags = 0): number {
  const checkedPid = checkTid('pidfd_open', pid, 'pid');
  const result = binding().pidfdOpen(checkedPid, checkUint32('pidfd_open', flags, 'flags'));
  const pidfd = must(result, 'pidfd_open', checkedPid, NO_PROCESS);
  pidfds.add(pidfd);
  return pidfd;
}

/**
 * pidfd_send_signal(2): sends a signal to the process that a descriptor stands for.
 *
 * @param pidfd of {@link pidfdOpen}, or of elsewhere
 * @param signal the signal; 0 only asks
 * @param siginfo a `siginfo_t`, at least 128 bytes, as for {@link rtSigqueueinfo}; null for what kill(2) sends
 * @param flags 0, or since Linux 6.9 the scope: 1 thread, 2 process, 4 process group
 * @throws PtraceError 'gone' (ESRCH); 'denied' (EPERM); 'kernel' (EBADF: no pidfd; EINVAL: unknown flags, or a siginfo for another signal);
 * 'not-supported' (ENOSYS) before Linux 5.1; 'bad-input'
 *
 * Since Linux 5.1. Source: pidfd_send_signal(2).
 */
export function pidfdSendSignal(
  pidfd: number,
  signal: number,
  siginfo: NodeJS.ArrayBufferView | null = null,
  flags = 0,
): void {
  const name = 'pidfd_send_signal';
  const checkedFd = checkLength(name, pidfd, 'pidfd', 0x7fffffff);
  const checkedSignal = checkSignal(name, signal, { allowZero: true });
  const bytes = siginfo === null ? null : checkBuffer(name, siginfo, STRUCT_SIZE.SIGINFO, 'siginfo');
  const checkedFlags = checkUint32(name, flags, 'flags');
  must(binding().pidfdSendSignal(checkedFd, checkedSignal, bytes, checkedFlags), name, 0, NO_PROCESS);
}

/**
 * Closes a descriptor of {@link pidfdOpen}, of this thread.
 *
 * @throws PtraceError 'bad-input' for any other descriptor, or one that was closed already
 */
export function closePidfd(pidfd: number): void {
  if (!pidfds.delete(pidfd)) {
    throw badInput(
      'close',
      `pidfd is ${describe(pidfd)}, want one that pidfdOpen gave in this thread and nobody closed`,
    );
  }
  must(binding().closeFd(pidfd), 'close', 0);
}

const QUERY = 0xffffffff;

/**
 * personality(2): reads the execution domain of the **calling thread**, and sets it if asked.
 *
 * What is set holds for programs that this thread executes from now on, and for children. `0x0040000` (ADDR_NO_RANDOMIZE) turns address
 * space randomisation off.
 *
 * @param persona the new one; without it nothing is changed
 * @returns the one before
 * @throws PtraceError 'kernel' (EINVAL); 'bad-input'
 *
 * Every kernel. Source: personality(2).
 */
export function personality(persona: number = QUERY): number {
  return must(binding().personality(checkUint32('personality', persona, 'persona')), 'personality', 0);
}

// As many as Linux can be built for.
const MOST_CPUS = 8192;

function checkTidOrSelf(name: string, tid: unknown): number {
  return tid === 0 ? 0 : checkTid(name, tid);
}

/**
 * sched_getaffinity(2): the CPUs that a thread may run on.
 *
 * @param tid the thread; 0 for the calling one
 * @returns CPU numbers, rising
 * @throws PtraceError 'gone' (ESRCH); 'bad-input'
 *
 * Since Linux 2.5.8. Source: sched_getaffinity(2).
 */
export function schedGetaffinity(tid = 0): number[] {
  const checkedTid = checkTidOrSelf('sched_getaffinity', tid);
  const mask = new Uint8Array(MOST_CPUS / 8);
  const length = must(binding().schedGetaffinity(checkedTid, mask), 'sched_getaffinity', checkedTid, NO_THREAD);
  const cpus: number[] = [];
  for (let cpu = 0; cpu < length * 8; cpu++) {
    if (((mask[cpu >> 3] ?? 0) & (1 << (cpu & 7))) !== 0) cpus.push(cpu);
  }
  return cpus;
}

/**
 * sched_setaffinity(2): sets the CPUs that a thread may run on.
 *
 * @param tid the thread; 0 for the calling one
 * @param cpus CPU numbers, in any order
 * @throws PtraceError 'kernel' (EINVAL) when none of them is there or allowed; 'gone' (ESRCH); 'denied' (EPERM); 'bad-input'
 *
 * Since Linux 2.5.8. Source: sched_setaffinity(2).
 */
export function schedSetaffinity(tid: number, cpus: readonly number[]): void {
  const name = 'sched_setaffinity';
  const checkedTid = checkTidOrSelf(name, tid);
  const mask = new Uint8Array(MOST_CPUS / 8);
  for (const value of copyOfArray(name, cpus, 'cpus', MOST_CPUS)) {
    const cpu = checkLength(name, value, 'cpu', MOST_CPUS - 1);
    mask[cpu >> 3] = (mask[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  }
  must(binding().schedSetaffinity(checkedTid, mask), name, checkedTid, NO_THREAD);
}

/**
 * setpgid(2): moves a process to a process group.
 *
 * @param pid the process: this one or a child that has not executed a program yet; 0 for this one
 * @param pgid the group; 0 for one with the process's own id
 * @throws PtraceError 'gone' (ESRCH): neither this process nor a child; 'denied' (EPERM: a session leader, another session; EACCES: the
 * child has executed a program); 'bad-input'
 *
 * Every kernel. Source: setpgid(2).
 */
export function setpgid(pid: number, pgid: number): void {
  const checkedPid = checkTidOrSelf('setpgid', pid);
  const checkedGroup = checkTidOrSelf('setpgid', pgid);
  must(binding().setpgid(checkedPid, checkedGroup), 'setpgid', checkedPid, NO_PROCESS);
}

/**
 * getpgid(2): the process group of a process.
 *
 * @param pid the process; 0 for this one
 * @throws PtraceError 'gone' (ESRCH); 'bad-input'
 *
 * Every kernel. Source: getpgid(2).
 */
export function getpgid(pid = 0): number {
  const checkedPid = checkTidOrSelf('getpgid', pid);
  return must(binding().getpgid(checkedPid), 'getpgid', checkedPid, NO_PROCESS);
}

/** gettid(2): the calling thread. Source: gettid(2). */
export function gettid(): number {
  return must(binding().gettid(), 'gettid', 0);
}

/** getcpu(2): the CPU that the calling thread runs on at this moment. Source: getcpu(2). */
export function getcpu(): number {
  return must(binding().getcpu(), 'getcpu', 0);
}
