/** What a scenario may need of the machine, found by trying. */
import { existsSync } from 'node:fs';
import { binding } from '../binding.js';
import { X32_SYSCALL_BIT } from '../kernel/audit-arch.js';
import { ERRNO } from '../kernel/errno.js';
import { syscallNumber } from '../kernel/syscalls.js';
import { W } from '../kernel/wait-flags.js';
import { type ChildScript, CLONE, result, run, script } from '../raw/child.js';
import { schedGetaffinity } from '../raw/index.js';
import { procStatus } from '../proc.js';
import type { CapabilityGroup } from '../probe/index.js';
import { arm32Program, i386Program, type Program } from './fixtures.js';
import { YAMA, yamaScope } from './parts/yama.js';

/** Something that `linux-ptrace probe` reports on, by its id: `request.PTRACE_SET_SYSCALL_INFO`, `step.block`. */
export type ProbedNeed = `${CapabilityGroup}.${string}`;

const CAP_SYS_PTRACE = 19n;
const CAP_SYS_ADMIN = 21n;

const hasCapability = (bit: bigint): boolean => (((procStatus('thread-self')?.capEff ?? 0n) >> bit) & 1n) === 1n;

/** The exit code of a child that does nothing else. */
function exitCodeOf(part: ChildScript): number {
  const pid = run(part);
  const status = new Int32Array(1);
  binding().wait4(pid, W.__WALL, status, null);
  binding().forgetChild(pid);
  const word = status[0] ?? 0;
  return (word & 0x7f) === 0 ? (word >> 8) & 0xff : 128 + (word & 0x7f);
}

/** Whether the last system call of a part succeeds. */
const succeeds = (part: ChildScript): boolean =>
  exitCodeOf(part.when(result, '<', 0, (failed) => failed.exitGroup(1)).exitGroup(0)) === 0;

/** Why a program of fixtures/ cannot be traced here: it is not there, or it does not run. */
function unrunnable(program: Program, refused: string): string | undefined {
  if ('missing' in program) return program.missing;
  const code = exitCodeOf(script().exec(program.path, [program.path, 'exit', '0']).exitGroup(127));
  return code === 0 ? undefined : refused;
}

/** A seccomp filter that returns SECCOMP_RET_ALLOW. */
const ALLOW_ALL = new Uint8Array([0x06, 0, 0, 0, 0, 0, 0xff, 0x7f]);

const YAMA_CAPABILITY = 2;
const YAMA_NO_ATTACH = 3;

/** Each tells why it is not there, or nothing. */
const named = {
  root: () => (process.geteuid?.() === 0 ? undefined : 'it needs root'),
  'cap-sys-ptrace': () => (hasCapability(CAP_SYS_PTRACE) ? undefined : 'it needs CAP_SYS_PTRACE'),
  'cap-sys-admin': () => (hasCapability(CAP_SYS_ADMIN) ? undefined : 'it needs CAP_SYS_ADMIN'),
  yama: () => (existsSync(YAMA) ? undefined : 'this kernel has no Yama'),
  'free-attach': () =>
    yamaScope() === 0 || (hasCapability(CAP_SYS_PTRACE) && yamaScope() < YAMA_NO_ATTACH)
      ? undefined
      : `Yama's ptrace_scope is ${yamaScope()}: not everybody may attach`,
  'unprivileged-tracers': () =>
    yamaScope() < YAMA_CAPABILITY
      ? undefined
      : `Yama's ptrace_scope is ${yamaScope()}: it needs CAP_SYS_PTRACE to trace`,
  'no-tracing': () =>
    yamaScope() === YAMA_NO_ATTACH ? undefined : `Yama's ptrace_scope is ${yamaScope()}, it needs ${YAMA_NO_ATTACH}`,
  'two-cpus': () => (schedGetaffinity().length >= 2 ? undefined : 'it needs two CPUs'),
  'user-namespaces': () =>
    succeeds(script().syscall('unshare', CLONE.NEWUSER)) ? undefined : 'user namespaces cannot be made here',
  'pid-namespaces': () =>
    succeeds(script().syscall('unshare', CLONE.NEWPID)) ? undefined : 'pid namespaces cannot be made here',
  'seccomp-filters': () =>
    succeeds(script().seccompFilter(ALLOW_ALL)) ? undefined : 'seccomp filters cannot be installed here',
  terminals: () => {
    const ends = new Int32Array(2);
    const error = binding().openPty(24, 80, ends);
    if (error < 0) return 'there are no pseudo-terminals here';
    for (const fd of ends) binding().closeFd(fd);
    return undefined;
  },
  'i386-calls': () => {
    if (process.arch !== 'x64') return 'only x86-64 has them';
    const getpid = syscallNumber('i386', 'getpid') ?? -1;
    // Without these calls int 0x80 fails or faults, or the number means a call of the machine's own.
    const asked = script().syscall32(getpid).store('answer').syscall('getpid');
    const same = asked
      .compute(result, 'subtract', asked.word('answer'))
      .when(result, '!=', 0, (s) => s.exitGroup(1))
      .exitGroup(0);
    return exitCodeOf(same) === 0 ? undefined : 'this kernel has no system calls by int 0x80';
  },
  'x32-calls': () => {
    if (process.arch !== 'x64') return 'only x86-64 has them';
    const there = exitCodeOf(
      script()
        .syscall(X32_SYSCALL_BIT | (syscallNumber('x86_64', 'getpid') ?? -1))
        .when(result, '==', -ERRNO.ENOSYS, (s) => s.exitGroup(1))
        .exitGroup(0),
    );
    return there === 0 ? undefined : 'this kernel has no calls of x32';
  },
  'i386-programs': () => unrunnable(i386Program(), 'this kernel runs no i386 programs'),
  'arm32-programs': () => unrunnable(arm32Program(), 'this kernel or CPU runs no AArch32 programs'),
} satisfies Record<string, () => string | undefined>;

export type NamedNeed = keyof typeof named;

export type Need = NamedNeed | ProbedNeed;

/** What was probed: why a capability is missing, by its id. Those that are there are not listed. */
export type Missing = Readonly<Record<string, string>>;

const tried = new Map<NamedNeed, string | undefined>();

const isNamed = (need: Need): need is NamedNeed => need in named;

/** Why no tracer can do anything here: all but the scenarios that are about that, by their need 'no-tracing', are skipped. */
export function tracingForbidden(): string | undefined {
  return yamaScope() === YAMA_NO_ATTACH
    ? `Yama's ptrace_scope is ${YAMA_NO_ATTACH}: nobody may trace or look into another process's memory, until the next boot`
    : undefined;
}

/** Why something that a scenario needs is not there, or undefined when it is. Each named need is tried once. */
export function unmet(need: Need, missing: Missing): string | undefined {
  if (!isNamed(need)) return missing[need];
  if (!tried.has(need)) tried.set(need, named[need]());
  return tried.get(need);
}
