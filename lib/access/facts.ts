/**
 * What decides whether this thread may trace a process, read from /proc and /sys. Nothing is attached, nothing is
 * changed, and nothing is sent but the signal 0.
 */
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { binding } from '../binding.js';
import { ERRNO } from '../kernel/errno.js';
import {
  FIRST_NAMESPACE,
  type ProcStatus,
  procIsKernelThread,
  procNamespace,
  procState,
  procStatus,
  procTasks,
} from '../proc.js';

export const INITIAL_USER_NAMESPACE = FIRST_NAMESPACE.user;

/** What the kernel itself says to a question. */
export type Answer = 'granted' | 'refused' | 'unknown';

/** The ids and rights of a thread. Ids: real, effective, saved, file system. */
export interface Credentials {
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  readonly permitted: bigint;
  /** As `user:[4026531837]`; undefined when the kernel does not let us read it. */
  readonly userNamespace: string | undefined;
}

/** The thread that asks. */
export interface CallerFacts extends Credentials {
  readonly tid: number;
  readonly pid: number;
  readonly effective: bigint;
  /** 0 none, 1 strict, 2 filter. */
  readonly seccomp: number;
  /** Label of the security module, such as `docker-default (enforce)`; undefined where there is none. */
  readonly label: string | undefined;
  /** Processes that trace this thread, or trace its tracer, and so on. */
  readonly tracedBy: readonly number[];
  /** What shows that this process is in a container; undefined when nothing does. */
  readonly container: string | undefined;
}

/** The thread that is asked about. */
export interface TargetFacts extends Credentials {
  readonly name: string;
  readonly pid: number;
  readonly parent: number;
  /** The letter of /proc/TID/stat. */
  readonly state: string;
  readonly kernelThread: boolean;
  /** Threads of its process that are alive. */
  readonly livingThreads: readonly number[];
  /** The thread that traces it; undefined without one. pid and name are missing where /proc does not show it. */
  readonly tracer: { readonly tid: number; readonly pid?: number; readonly name?: string } | undefined;
  /** The dumpable attribute of prctl(2) as the owner of its files in /proc shows it: not where its ids are root's. */
  readonly dumpable: 'yes' | 'no' | 'unknown';
  /** Whether it descends from the process that asks. */
  readonly descendant: boolean;
  readonly label: string | undefined;
  /** A child of this process that Node started. */
  readonly nodesChild: boolean;
}

/** Everything that {@link decideAccess} looks at. */
export interface AccessFacts {
  readonly tid: number;
  /** Whether /proc shows the pid namespace that this process is in; if not, its numbers mean other processes. */
  readonly procIsOurs: boolean;
  readonly caller: CallerFacts;
  /** 'hidden': the process is there, but /proc does not show it. */
  readonly target: TargetFacts | 'none' | 'hidden';
  /** The ids that stand for those which have no name in the own user namespace. */
  readonly overflowUid: number;
  readonly overflowGid: number;
  /** kernel.yama.ptrace_scope; undefined without Yama. */
  readonly yamaScope: number | undefined;
  /** The active security modules; undefined where that cannot be read. */
  readonly securityModules: readonly string[] | undefined;
  readonly selinux: { readonly enforcing: boolean; readonly denyPtrace: boolean } | undefined;
  /**
   * What the kernel said when asked by reading. It checks the same rules with the file system ids and the effective
   * capabilities, where an attach takes the real ids and the permitted ones.
   */
  readonly kernelSays: {
    /** PTRACE_MODE_READ_FSCREDS, by the link of a namespace. Leaves Yama out. */
    readonly read: Answer;
    /** PTRACE_MODE_ATTACH_FSCREDS, by /proc/TID/syscall. */
    readonly attach: Answer;
  };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function readNumber(path: string): number | undefined {
  const text = readText(path);
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

function codeOf(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

function tracersOf(tid: number | 'thread-self' | 'self', found: Set<number>): void {
  const met = new Set<number>();
  let tracer = procStatus(tid)?.tracerPid ?? 0;
  while (tracer !== 0 && !met.has(tracer)) {
    met.add(tracer);
    const status = procStatus(tracer);
    if (status === undefined) return;
    found.add(status.tgid);
    tracer = status.tracerPid;
  }
}

function containerSign(userNamespace: string | undefined): string | undefined {
  if (existsSync('/.dockerenv')) return '/.dockerenv is there';
  if (existsSync('/run/.containerenv')) return '/run/.containerenv is there';
  for (const pid of ['self', '1']) {
    const found = /docker|kubepods|containerd|libpod|lxc|garden/.exec(readText(`/proc/${pid}/cgroup`) ?? '');
    if (found !== null) return `the control group names ${found[0]}`;
  }
  const pidNamespace = procNamespace('thread-self', 'pid');
  if (pidNamespace !== undefined && pidNamespace !== FIRST_NAMESPACE.pid) return 'the pid namespace is not the first';
  if (userNamespace !== undefined && userNamespace !== INITIAL_USER_NAMESPACE)
    return 'the user namespace is not the first';
  return undefined;
}

function labelOf(tid: number | 'thread-self'): string | undefined {
  const text = readText(`/proc/${tid}/attr/apparmor/current`) ?? readText(`/proc/${tid}/attr/current`);
  const label = text?.replaceAll('\0', '');
  return label === '' ? undefined : label;
}

function readCaller(): CallerFacts {
  const status = procStatus('thread-self');
  const userNamespace = procNamespace('thread-self', 'user');
  const tracedBy = new Set<number>();
  tracersOf('thread-self', tracedBy);
  tracersOf('self', tracedBy);
  return {
    tid: binding().gettid(),
    pid: process.pid,
    uids: status?.uids ?? [],
    gids: status?.gids ?? [],
    permitted: status?.capPrm ?? 0n,
    effective: status?.capEff ?? 0n,
    userNamespace,
    seccomp: status?.seccomp ?? 0,
    label: labelOf('thread-self'),
    tracedBy: [...tracedBy],
    container: containerSign(userNamespace),
  };
}

/**
 * A process that is not dumpable has files that belong to root, whoever it is; the directory itself does not tell.
 * Source: proc(5); task_dump_owner in fs/proc/base.c.
 */
function dumpableOf(tid: number, status: ProcStatus): 'yes' | 'no' | 'unknown' {
  try {
    const { uid, gid } = statSync(`/proc/${tid}/status`);
    const [uidNow, gidNow] = [status.uids[1], status.gids[1]];
    if (uid !== uidNow || gid !== gidNow) return 'no';
    return uid === 0 && gid === 0 ? 'unknown' : 'yes';
  } catch {
    return 'unknown';
  }
}

function descendsFrom(ancestor: number, pid: number): boolean {
  const met = new Set<number>();
  for (let walker = pid; walker > 0 && !met.has(walker);) {
    if (walker === ancestor) return true;
    met.add(walker);
    walker = procStatus(walker)?.ppid ?? 0;
  }
  return false;
}

function tracerOf(status: ProcStatus): TargetFacts['tracer'] {
  if (status.tracerPid === 0) {
    // A tracing stop without a tracer: it is in a pid namespace above, where its number means nothing to us.
    return status.state === 't' ? { tid: 0 } : undefined;
  }
  const tracer = procStatus(status.tracerPid);
  return tracer === undefined
    ? { tid: status.tracerPid }
    : { tid: status.tracerPid, pid: tracer.tgid, name: tracer.name };
}

function readTarget(tid: number): TargetFacts | 'none' | 'hidden' {
  const status = procStatus(tid);
  const kernelThread = procIsKernelThread(tid);
  if (status === undefined || kernelThread === undefined) {
    return binding().kill(tid, 0) === -ERRNO.ESRCH ? 'none' : 'hidden';
  }
  return {
    name: status.name,
    pid: status.tgid,
    parent: status.ppid,
    state: status.state,
    kernelThread,
    livingThreads: (procTasks(status.tgid) ?? []).filter((task) => !'ZXx'.includes(procState(task) ?? 'X')),
    tracer: tracerOf(status),
    uids: status.uids,
    gids: status.gids,
    permitted: status.capPrm,
    userNamespace: procNamespace(tid, 'user'),
    dumpable: dumpableOf(tid, status),
    descendant: descendsFrom(process.pid, status.tgid),
    label: labelOf(tid),
    nodesChild: status.ppid === process.pid && !binding().isRegisteredChild(status.tgid),
  };
}

function answerOf(code: string | undefined, refusal: string): Answer {
  if (code === undefined) return 'granted';
  return code === refusal ? 'refused' : 'unknown';
}

function readSelinux(): AccessFacts['selinux'] {
  const enforcing = readNumber('/sys/fs/selinux/enforce');
  if (enforcing === undefined) return undefined;
  const denyPtrace = readText('/sys/fs/selinux/booleans/deny_ptrace')?.startsWith('1') ?? false;
  return { enforcing: enforcing === 1, denyPtrace };
}

function procShowsUs(): boolean {
  try {
    return readlinkSync('/proc/self') === String(process.pid);
  } catch {
    return false;
  }
}

/**
 * Reads what decides whether the calling thread may trace a task. What it says is as of now: credentials, tracers and
 * stops change.
 *
 * @param tid the task, checked
 */
export function readAccessFacts(tid: number): AccessFacts {
  return {
    tid,
    procIsOurs: procShowsUs(),
    caller: readCaller(),
    target: readTarget(tid),
    overflowUid: readNumber('/proc/sys/kernel/overflowuid') ?? 65534,
    overflowGid: readNumber('/proc/sys/kernel/overflowgid') ?? 65534,
    yamaScope: readNumber('/proc/sys/kernel/yama/ptrace_scope'),
    securityModules: readText('/sys/kernel/security/lsm')?.split(','),
    selinux: readSelinux(),
    kernelSays: {
      // The link says EACCES when the right is missing. The file says EPERM then, and EACCES when it cannot be opened,
      // which is no answer.
      read: answerOf(
        codeOf(() => readlinkSync(`/proc/${tid}/ns/user`)),
        'EACCES',
      ),
      attach: answerOf(
        codeOf(() => readFileSync(`/proc/${tid}/syscall`)),
        'EPERM',
      ),
    },
  };
}
