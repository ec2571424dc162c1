/**
 * What a failed ptrace request means.
 *
 * The kernel says ESRCH for six different things and EIO for a dozen. Which one it was is found out here, after the failure, from
 * /proc/TID/status: the way of success pays nothing for it. What is read is the state a moment later, so a tracee that stopped in that
 * moment shows as stopped with its stop not consumed, and is reported as running at the time of the request, which it was.
 */
import { existsSync } from 'node:fs';
import { checkLength, checkTid, checkUint32 } from '../arguments.js';
import { binding } from '../binding.js';
import { type PtraceError, type PtraceReason, fromErrno, reasonOfErrno } from '../errors.js';
import { hostArch } from '../kernel/arch/host.js';
import { PTRACE_X64 } from '../kernel/arch/x64/requests.js';
import { PTRACE_ARM64 } from '../kernel/arch/arm64/requests.js';
import { ERRNO } from '../kernel/errno.js';
import { PTRACE_EVENT } from '../kernel/events.js';
import { PTRACE, requestName } from '../kernel/requests.js';
import { SIG, signalSetHas } from '../kernel/signals.js';
import { P_PID, W } from '../kernel/wait-flags.js';
import { type ProcStatus, procStatus } from '../proc.js';
import { kernelLayer } from './kernel-layer.js';

/** What went wrong: the reason, and in words why and what to do; without words those that the reason always has. */
export interface Explanation {
  readonly reason: PtraceReason;
  readonly detail?: string;
}

const HOST = hostArch(process.arch);

/** The name of a request on this machine, such as `PTRACE_SEIZE`. */
export function nameOfRequest(request: number): string {
  return requestName(request, HOST);
}

/** As /proc/PID/status has it. */
const SECCOMP_MODE_FILTER = 2;

const GONE: Explanation = { reason: 'gone' };
const KILLED: Explanation = {
  reason: 'gone',
  detail:
    'SIGKILL has taken it out of its stop; its end follows (or PTRACE_EVENT_EXIT before it, if that was asked for)',
};

/** Whether a task of this thread has something to report that nobody has consumed; only looked at. */
function pendingEvent(tid: number): { readonly event: number } | undefined {
  const siginfo = new Uint8Array(128);
  const options = W.WEXITED | W.WSTOPPED | W.WNOHANG | W.WNOWAIT | W.__WALL;
  if (kernelLayer().waitid(P_PID, tid, options, siginfo, null) !== 0) return undefined;
  const words = new Int32Array(siginfo.buffer);
  const [pid, status] = [words[4], words[6] ?? 0];
  return pid === 0 ? undefined : { event: (status >>> 8) & 0xff };
}

function stoppedYetRefused(tid: number): Explanation {
  const pending = pendingEvent(tid);
  if (pending === undefined) return { reason: 'listening' };
  if (pending.event === PTRACE_EVENT.EXEC) {
    return {
      reason: 'running',
      detail: 'it has executed a program, which may have changed its tid: consume PTRACE_EVENT_EXEC with a wait first',
    };
  }
  return { reason: 'running', detail: 'it was running and has stopped just now: consume that stop with a wait first' };
}

function isThreadOfOurs(tid: number): boolean {
  return existsSync(`/proc/self/task/${tid}`);
}

/** Which of its meanings ESRCH has for a task. */
export function explainNoSuchProcess(tid: number): Explanation {
  const status = procStatus(tid);
  if (status === undefined || isDead(status)) return GONE;
  if (status.tracerPid !== binding().gettid()) {
    if (status.tracerPid !== 0 && isThreadOfOurs(status.tracerPid)) {
      return {
        reason: 'wrong-thread',
        detail: `thread ${status.tracerPid} of this process attached it, and only that thread may trace it: call there`,
      };
    }
    const tracer = status.tracerPid === 0 ? 'nobody traces it' : `process ${status.tracerPid} traces it`;
    return { reason: 'not-tracee', detail: `it is not a tracee of this thread, ${tracer}` };
  }
  if (signalSetHas(status.sigPnd | status.shdPnd, SIG.SIGKILL)) return KILLED;
  if (status.state !== 't') return { reason: 'running' };
  return stoppedYetRefused(tid);
}

function isDead(status: ProcStatus): boolean {
  return status.state === 'Z' || status.state === 'X' || status.state === 'x';
}

function explainDeniedAttach(tid: number): Explanation {
  const status = procStatus(tid);
  if (status === undefined || isDead(status)) return { reason: 'gone', detail: 'it has ended already' };
  if (status.tracerPid !== 0) {
    return { reason: 'denied', detail: `process ${status.tracerPid} traces it already, and only one can` };
  }
  if (status.tgid === process.pid) {
    return { reason: 'denied', detail: 'a process cannot trace its own threads' };
  }
  return { reason: 'denied' };
}

const NOT_SEIZED: Explanation = {
  reason: 'not-supported',
  detail:
    'only a tracee attached with PTRACE_SEIZE takes it, this one was attached with PTRACE_ATTACH or PTRACE_TRACEME',
};
const LISTEN_ELSEWHERE: Explanation = {
  reason: 'kernel',
  detail: 'it works only on a tracee attached with PTRACE_SEIZE, and only in a stop with PTRACE_EVENT_STOP',
};
const BAD_ADDRESS: Explanation = {
  reason: 'kernel',
  detail: 'nothing is mapped at that address of the tracee, or the mapping does not allow it',
};
const OUTSIDE_USER_AREA: Explanation = {
  reason: 'kernel',
  detail: 'the offset is not a multiple of 8 inside struct user, or the value is not one that may be there',
};
const NO_USER_AREA: Explanation = {
  reason: 'not-supported',
  detail: 'this architecture has no user area for a 64-bit tracer, use PTRACE_GETREGSET',
};
const UNKNOWN_REQUEST: Explanation = { reason: 'not-supported', detail: 'this kernel does not know the request' };
const NO_SIGINFO: Explanation = {
  reason: 'kernel',
  detail: 'this stop has no siginfo: it is a group-stop of a tracee attached with PTRACE_ATTACH or PTRACE_TRACEME',
};
const NO_REGSET: Explanation = {
  reason: 'not-supported',
  detail:
    'this kernel has no register set of this type for the tracee, or the length is not a multiple of its word, or the content is refused',
};
const IDLE_REGSET: Explanation = {
  reason: 'not-supported',
  detail: 'the CPU, or the state the tracee is in, has no such register set',
};
const NO_STEP: Explanation = {
  reason: 'not-supported',
  detail: 'the CPU cannot step like this, or the signal is not a signal',
};
const BAD_REGISTER: Explanation = { reason: 'kernel', detail: 'a register cannot have that value' };
const BAD_SIGNAL: Explanation = { reason: 'kernel', detail: 'that is not the number of a signal' };
const OPTIONS_REFUSED: Explanation = {
  reason: 'not-supported',
  detail: 'this kernel does not know one of the options, or was built without support for it',
};
const SUSPEND_DENIED: Explanation = {
  reason: 'denied',
  detail: 'PTRACE_O_SUSPEND_SECCOMP needs CAP_SYS_ADMIN and a tracer that is under no seccomp filter itself',
};

const NO_FILTER_READING: Explanation = {
  reason: 'not-supported',
  detail: 'this kernel was built without CONFIG_CHECKPOINT_RESTORE, which reading filters takes',
};

const key = (request: number, errno: number): number => request * 4096 + errno;

/** What errors other than ESRCH mean where the errno alone does not tell. */
const table: ReadonlyMap<number, Explanation> = new Map([
  [key(PTRACE.INTERRUPT, ERRNO.EIO), NOT_SEIZED],
  [key(PTRACE.LISTEN, ERRNO.EIO), LISTEN_ELSEWHERE],
  [key(PTRACE.TRACEME, ERRNO.EPERM), { reason: 'denied', detail: 'somebody traces this process already' }],
  [
    key(PTRACE.SEIZE, ERRNO.EIO),
    { reason: 'kernel', detail: 'this kernel does not know one of the options, or is older than Linux 3.4' },
  ],
  [
    key(PTRACE.SEIZE, ERRNO.EINVAL),
    { reason: 'not-supported', detail: 'this kernel was built without support for one of the options' },
  ],
  ...[PTRACE.PEEKTEXT, PTRACE.PEEKDATA, PTRACE.POKETEXT, PTRACE.POKEDATA].flatMap(
    (request): [number, Explanation][] => [
      [key(request, ERRNO.EIO), BAD_ADDRESS],
      [key(request, ERRNO.EFAULT), BAD_ADDRESS],
    ],
  ),
  ...[PTRACE.PEEKUSER, PTRACE.POKEUSER].flatMap((request): [number, Explanation][] => [
    [key(request, ERRNO.EIO), HOST === 'x64' ? OUTSIDE_USER_AREA : NO_USER_AREA],
    [key(request, ERRNO.EINVAL), OUTSIDE_USER_AREA],
  ]),
  ...[PTRACE.CONT, PTRACE.SYSCALL, PTRACE.DETACH].map((request): [number, Explanation] => [
    key(request, ERRNO.EIO),
    BAD_SIGNAL,
  ]),
  [key(PTRACE_X64.SETREGS, ERRNO.EIO), BAD_REGISTER],
  [key(PTRACE_X64.SETFPREGS, ERRNO.EINVAL), BAD_REGISTER],
  [key(PTRACE.SETREGSET, ERRNO.EIO), BAD_REGISTER],
  [key(PTRACE_X64.ARCH_PRCTL, ERRNO.EPERM), BAD_REGISTER],
  [key(PTRACE.SINGLESTEP, ERRNO.EIO), NO_STEP],
  [key(PTRACE_X64.SINGLEBLOCK, ERRNO.EIO), NO_STEP],
  [key(PTRACE.SETOPTIONS, ERRNO.EINVAL), OPTIONS_REFUSED],
  [key(PTRACE.SETOPTIONS, ERRNO.EPERM), SUSPEND_DENIED],
  [key(PTRACE_X64.OLDSETOPTIONS, ERRNO.EINVAL), OPTIONS_REFUSED],
  [key(PTRACE.GETSIGINFO, ERRNO.EINVAL), NO_SIGINFO],
  [key(PTRACE.SETSIGINFO, ERRNO.EINVAL), NO_SIGINFO],
  [key(PTRACE.GETREGSET, ERRNO.EINVAL), NO_REGSET],
  [key(PTRACE.SETREGSET, ERRNO.EINVAL), NO_REGSET],
  [key(PTRACE.GETREGSET, ERRNO.ENODEV), IDLE_REGSET],
  [key(PTRACE.SETREGSET, ERRNO.ENODEV), IDLE_REGSET],
  [key(PTRACE.SETREGSET, ERRNO.EOPNOTSUPP), { reason: 'not-supported', detail: 'this register set is read-only' }],
  [
    key(PTRACE.SECCOMP_GET_FILTER, ERRNO.EINVAL),
    { reason: 'kernel', detail: 'the tracee has no seccomp filter, or it is not one that was written as a program' },
  ],
  [
    key(PTRACE.SECCOMP_GET_FILTER, ERRNO.ENOENT),
    { reason: 'kernel', detail: 'the tracee has fewer seccomp filters than that' },
  ],
  [
    key(PTRACE.SECCOMP_GET_FILTER, ERRNO.EACCES),
    { reason: 'denied', detail: 'it needs CAP_SYS_ADMIN and a tracer that is under no seccomp filter itself' },
  ],
  [key(PTRACE.SECCOMP_GET_METADATA, ERRNO.EINVAL), { reason: 'kernel', detail: 'the tracee has no seccomp filter' }],
  [
    key(PTRACE.SECCOMP_GET_METADATA, ERRNO.ENOENT),
    { reason: 'kernel', detail: 'the tracee has fewer seccomp filters than that' },
  ],
  [
    key(PTRACE.SECCOMP_GET_METADATA, ERRNO.EACCES),
    { reason: 'denied', detail: 'it needs CAP_SYS_ADMIN and a tracer that is under no seccomp filter itself' },
  ],
  [
    key(PTRACE.SET_SYSCALL_INFO, ERRNO.EINVAL),
    {
      reason: 'kernel',
      detail: 'the op or the architecture is not that of the stop the tracee is in, or a reserved field is not zero',
    },
  ],
  [
    key(PTRACE.SET_SYSCALL_INFO, ERRNO.ERANGE),
    { reason: 'kernel', detail: 'a number does not fit: the system call number is an int' },
  ],
  [
    key(PTRACE_X64.GET_THREAD_AREA, ERRNO.EINVAL),
    { reason: 'kernel', detail: 'that GDT entry is none of the three for thread-local storage (12 to 14 on x86-64)' },
  ],
  [
    key(PTRACE_X64.SET_THREAD_AREA, ERRNO.EINVAL),
    { reason: 'kernel', detail: 'that GDT entry is none for thread-local storage, or the descriptor is refused' },
  ],
]);

// 33 is SINGLEBLOCK on x86 and PEEKMTETAGS on arm64.
const mteTags: ReadonlyMap<number, Explanation> = new Map([
  [ERRNO.EOPNOTSUPP, { reason: 'not-supported', detail: 'the memory there was not mapped with PROT_MTE' }],
  [ERRNO.EFAULT, BAD_ADDRESS],
  [ERRNO.EIO, { reason: 'not-supported', detail: 'the CPU has no memory tagging' }],
]);

/**
 * What a failed request means for a task.
 *
 * @param request the request's number
 * @param tid the task it was for
 * @param errno the error number, positive
 * @throws PtraceError 'bad-input'
 */
export function explainFailure(request: number, tid: number, errno: number): Explanation {
  const name = 'explainFailure';
  return explain(checkUint32(name, request, 'request'), checkTid(name, tid), checkLength(name, errno, 'errno', 4095));
}

function explain(request: number, tid: number, errno: number): Explanation {
  const isAttach = request === PTRACE.ATTACH || request === PTRACE.SEIZE;
  if (errno === ERRNO.ESRCH) return isAttach ? GONE : explainNoSuchProcess(tid);
  if (errno === ERRNO.EPERM && isAttach) return explainDeniedAttach(tid);
  if (HOST === 'arm64' && (request === PTRACE_ARM64.PEEKMTETAGS || request === PTRACE_ARM64.POKEMTETAGS)) {
    const found = mteTags.get(errno);
    if (found !== undefined) return found;
  }
  const readsFilter = request === PTRACE.SECCOMP_GET_FILTER || request === PTRACE.SECCOMP_GET_METADATA;
  if (readsFilter && errno === ERRNO.EINVAL && procStatus(tid)?.seccomp === SECCOMP_MODE_FILTER) {
    return NO_FILTER_READING;
  }
  const known = table.get(key(request, errno));
  if (known !== undefined) return known;
  if (errno === ERRNO.EIO) return UNKNOWN_REQUEST;
  return { reason: reasonOfErrno(errno) };
}

/**
 * The error for a failed request.
 *
 * @param request the request's number
 * @param tid the task it was for
 * @param errno the error number, positive
 */
export function requestFailed(request: number, tid: number, errno: number): PtraceError {
  const { reason, detail } = explain(request, tid, errno);
  return fromErrno(nameOfRequest(request), tid, errno, reason, detail);
}

/**
 * The error for a write of all general registers that the kernel has refused. Of the set that every kernel has, in its own length, only the
 * content can be wrong; arm64 says EINVAL to that.
 */
export function registersRefused(tid: number, errno: number): PtraceError {
  if (errno !== ERRNO.EINVAL) return requestFailed(PTRACE.SETREGSET, tid, errno);
  return fromErrno(nameOfRequest(PTRACE.SETREGSET), tid, errno, BAD_REGISTER.reason, BAD_REGISTER.detail);
}
