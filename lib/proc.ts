/** What /proc says of a process or thread. Every reader answers undefined when the process is gone: that is the one thing /proc is sure of. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The part of /proc/TID/status that tracing is about. Signal sets are masks: bit n-1 stands for signal n. */
export interface ProcStatus {
  readonly name: string;
  /** One letter: R, S, D, T (stopped), t (tracing stop), Z, X, I. */
  readonly state: string;
  readonly tgid: number;
  readonly pid: number;
  readonly ppid: number;
  /** The tracing *thread*, 0 when there is none. */
  readonly tracerPid: number;
  /** real, effective, saved, file system */
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  readonly threads: number;
  /** Pending for the thread. */
  readonly sigPnd: bigint;
  /** Pending for the process. */
  readonly shdPnd: bigint;
  readonly sigBlk: bigint;
  readonly sigIgn: bigint;
  readonly sigCgt: bigint;
  readonly capPrm: bigint;
  readonly capEff: bigint;
  readonly noNewPrivs: boolean;
  /** 0 none, 1 strict, 2 filter */
  readonly seccomp: number;
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** /proc/TID/status, or undefined when there is no such thread. */
export function procStatus(tid: number | 'self' | 'thread-self'): ProcStatus | undefined {
  const text = readProc(`/proc/${tid}/status`);
  if (text === undefined) return undefined;
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const number = (name: string): number => Number.parseInt(fields.get(name) ?? '0', 10);
  const numbers = (name: string): number[] => (fields.get(name) ?? '').split(/\s+/).map(Number);
  const mask = (name: string): bigint => BigInt(`0x${fields.get(name) ?? '0'}`);
  return {
    name: fields.get('Name') ?? '',
    state: (fields.get('State') ?? '?').slice(0, 1),
    tgid: number('Tgid'),
    pid: number('Pid'),
    ppid: number('PPid'),
    tracerPid: number('TracerPid'),
    uids: numbers('Uid'),
    gids: numbers('Gid'),
    threads: number('Threads'),
    sigPnd: mask('SigPnd'),
    shdPnd: mask('ShdPnd'),
    sigBlk: mask('SigBlk'),
    sigIgn: mask('SigIgn'),
    sigCgt: mask('SigCgt'),
    capPrm: mask('CapPrm'),
    capEff: mask('CapEff'),
    noNewPrivs: number('NoNewPrivs') !== 0,
    seccomp: number('Seccomp'),
  };
}

/** The state letter of /proc/TID/stat: cheaper than {@link procStatus} when nothing else is asked. */
export function procState(tid: number): string | undefined {
  const text = readProc(`/proc/${tid}/stat`);
  return text?.charAt(behindName(text));
}

/** The part of /proc/TID/stat that is not in /proc/TID/status. */
export interface ProcStat {
  /** One letter, as {@link ProcStatus.state}. */
  readonly state: string;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  /** PF_* of include/linux/sched.h */
  readonly flags: number;
}

/** Where the fields of /proc/TID/stat go on: the name in the second may hold blanks and parentheses, so behind the last one. */
function behindName(text: string): number {
  return text.lastIndexOf(')') + 2;
}

/** /proc/TID/stat, or undefined when there is no such thread. */
export function procStat(tid: number): ProcStat | undefined {
  const text = readProc(`/proc/${tid}/stat`);
  if (text === undefined) return undefined;
  const [state = '', ppid, pgid, sid, , , flags] = text.slice(behindName(text)).split(' ');
  return { state, ppid: Number(ppid), pgid: Number(pgid), sid: Number(sid), flags: Number(flags) };
}

/** The ids of all processes that /proc shows. */
export function procPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

const PF_EXITING = 0x4;
const PF_KTHREAD = 0x0020_0000;

const hasFlag = (tid: number, flag: number): boolean | undefined => {
  const stat = procStat(tid);
  return stat && (stat.flags & flag) !== 0;
};

/** Whether a thread is the kernel's own, by its flags in /proc/TID/stat; undefined when it is gone. */
export const procIsKernelThread = (tid: number): boolean | undefined => hasFlag(tid, PF_KTHREAD);

/** Whether a thread is on its way out, by its flags in /proc/TID/stat; undefined when it is gone. */
export const procIsExiting = (tid: number): boolean | undefined => hasFlag(tid, PF_EXITING);

/** The first namespaces have fixed numbers. Source: uapi/linux/nsfs.h, linux/proc_ns.h: PROC_USER_INIT_INO, PROC_PID_INIT_INO. */
export const FIRST_NAMESPACE = { user: 'user:[4026531837]', pid: 'pid:[4026531836]' } as const;

type NamespaceKind = keyof typeof FIRST_NAMESPACE;

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** Whether this kernel was built without namespaces of a kind: everybody has a link for each kind that there is. */
function lacksNamespaces(kind: NamespaceKind): boolean {
  try {
    readlinkSync(`/proc/thread-self/ns/${kind}`);
    return false;
  } catch (error) {
    return isMissing(error) && existsSync('/proc/thread-self');
  }
}

/**
 * A namespace of a thread, such as `user:[4026531837]`, or undefined when it is gone or the kernel refuses: it asks for the right to read
 * the thread (PTRACE_MODE_READ_FSCREDS). On a kernel without such namespaces (CONFIG_USER_NS, CONFIG_PID_NS) all are in the first.
 */
export function procNamespace(tid: number | 'thread-self', kind: NamespaceKind): string | undefined {
  try {
    return readlinkSync(`/proc/${tid}/ns/${kind}`);
  } catch (error) {
    const first = isMissing(error) && existsSync(`/proc/${tid}`) && lacksNamespaces(kind);
    return first ? FIRST_NAMESPACE[kind] : undefined;
  }
}

/** The tids of a process's threads, ascending, or undefined when the process is gone. */
export function procTasks(pid: number): number[] | undefined {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .map(Number)
      .sort((a, b) => a - b);
  } catch {
    return undefined;
  }
}

/** The pids of the children that a thread has made, or undefined when it is gone or the kernel does not tell (CONFIG_PROC_CHILDREN). Exact of one that stands. */
export function procChildren(pid: number, tid: number): number[] | undefined {
  const text = readProc(`/proc/${pid}/task/${tid}/children`);
  return text?.split(' ').filter(Boolean).map(Number);
}

/**
 * The number of the system call in which a thread is blocked, 'running' when it is not blocked, undefined when that cannot be read (gone, not
 * permitted, or a kernel without CONFIG_HAVE_ARCH_TRACEHOOK).
 */
export function procSyscall(tid: number): number | 'running' | undefined {
  const text = readProc(`/proc/${tid}/syscall`);
  if (text === undefined) return undefined;
  if (text.startsWith('running')) return 'running';
  return Number.parseInt(text, 10);
}

/** The command line of a process, its arguments; empty for kernel threads and zombies. */
export function procCommandLine(pid: number): string[] | undefined {
  const text = readProc(`/proc/${pid}/cmdline`);
  if (text === undefined) return undefined;
  if (text === '') return [];
  return text.replace(/\0$/, '').split('\0');
}
