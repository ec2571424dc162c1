/** From the options of a spawn to the plan that the addon executes. Everything is checked here: the child has nobody to complain to. */
import {
  checkBag,
  checkBoolean,
  checkBuffer,
  checkInt32,
  checkLength,
  checkSignal,
  checkString,
  checkUint32,
  describe,
} from '../arguments.js';
import type { SpawnPlan } from '../binding.js';
import { badInput, fromErrno } from '../errors.js';
import { signalSet } from '../kernel/signals.js';
import { findProgram } from './find-program.js';

const REQUEST = 'spawn';

/** Resources of setrlimit(2). Source: uapi/asm-generic/resource.h. */
export const RLIMIT = {
  CPU: 0,
  FSIZE: 1,
  DATA: 2,
  STACK: 3,
  CORE: 4,
  RSS: 5,
  NPROC: 6,
  NOFILE: 7,
  MEMLOCK: 8,
  AS: 9,
  LOCKS: 10,
  SIGPENDING: 11,
  MSGQUEUE: 12,
  NICE: 13,
  RTPRIO: 14,
  RTTIME: 15,
} as const;

/** No limit. */
export const RLIM_INFINITY = (1n << 64n) - 1n;

/** Personality bits. Source: personality(2). */
export const PERSONALITY = {
  UNAME26: 0x0020000,
  ADDR_NO_RANDOMIZE: 0x0040000,
  FDPIC_FUNCPTRS: 0x0080000,
  MMAP_PAGE_ZERO: 0x0100000,
  ADDR_COMPAT_LAYOUT: 0x0200000,
  READ_IMPLIES_EXEC: 0x0400000,
  ADDR_LIMIT_32BIT: 0x0800000,
  SHORT_INODE: 0x1000000,
  WHOLE_SECONDS: 0x2000000,
  STICKY_TIMEOUTS: 0x4000000,
  ADDR_LIMIT_3GB: 0x8000000,
  LINUX32: 0x8,
} as const;

/** One resource limit. */
export interface ResourceLimit {
  /** A number of {@link RLIMIT}. */
  readonly resource: number;
  readonly soft: number | bigint;
  readonly hard: number | bigint;
}

/** What the child is to be when it executes its program. What is left out is as in this process. */
export interface SpawnOptions {
  /** The program: a path if it has a slash, else looked for along PATH of `env`. */
  readonly file: string;
  /** Arguments without the program's own name. */
  readonly args?: readonly string[];
  /** What the program is told as its name. Default: `file`. */
  readonly argv0?: string;
  /** The whole environment; undefined values are left out. Default: this process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Working directory. A relative `file` counts from there. */
  readonly cwd?: string;
  /**
   * Descriptor i of the child is a copy of this process's descriptor `descriptors[i]`; null leaves it closed. Default: 0, 1, 2.
   * Descriptors beyond the list stay open only if they are not close-on-exec (Node's own are).
   */
  readonly descriptors?: readonly (number | null)[];
  /** The child's descriptor that becomes its controlling terminal; needs `session`. */
  readonly controllingTerminal?: number;
  /** Makes the child the leader of a new session (and process group). */
  readonly session?: boolean;
  /** 'own': leader of a new process group; a number: joins that group of its session. */
  readonly processGroup?: 'own' | number;
  readonly umask?: number;
  /** CPU numbers that it may run on. */
  readonly affinity?: readonly number[];
  readonly resourceLimits?: readonly ResourceLimit[];
  /** The persona word of personality(2), see {@link PERSONALITY}: ADDR_NO_RANDOMIZE switches address randomisation off. */
  readonly personality?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Supplementary groups. */
  readonly groups?: readonly number[];
  readonly noNewPrivs?: boolean;
  /** A seccomp filter: an array of struct sock_filter. Without CAP_SYS_ADMIN it needs `noNewPrivs`. The exec is the first call it sees. */
  readonly seccomp?: Uint8Array;
  /** Flags of seccomp(2) for the filter. */
  readonly seccompFlags?: number;
  /** Signals blocked in the program. Default: none. */
  readonly blockedSignals?: readonly (number | string)[];
  /**
   * Signals that this process ignores get their default action. Otherwise they stay ignored, but for SIGPIPE and SIGXFSZ, which Node ignores for
   * itself.
   */
  readonly resetIgnored?: boolean;
  /** The program is killed when the thread that spawned it ends. (Until the exec that is always so.) */
  readonly diesWithParent?: boolean;
}

/** The names of all {@link SpawnOptions}. */
export const SPAWN_OPTIONS = [
  'file',
  'args',
  'argv0',
  'env',
  'cwd',
  'descriptors',
  'controllingTerminal',
  'session',
  'processGroup',
  'umask',
  'affinity',
  'resourceLimits',
  'personality',
  'uid',
  'gid',
  'groups',
  'noNewPrivs',
  'seccomp',
  'seccompFlags',
  'blockedSignals',
  'resetIgnored',
  'diesWithParent',
] as const;

const MOST_CPUS = 8192;
const MOST_DESCRIPTORS = 65536;
const MOST_INSTRUCTIONS = 4096;

function checkArray(value: unknown, what: string): unknown[] {
  try {
    // A copy: the elements are read once.
    if (Array.isArray(value)) return Array.from(value as unknown[]);
  } catch (cause) {
    throw badInput(REQUEST, `${what} cannot be read (${cause instanceof Error ? cause.message : 'it throws'})`);
  }
  throw badInput(REQUEST, `${what} is ${describe(value)}, want an array`);
}

function environment(value: unknown): { list: string[]; path: string | undefined } {
  if (typeof value !== 'object' || value === null) throw badInput(REQUEST, `env is ${describe(value)}, want an object`);
  const list: string[] = [];
  let path: string | undefined;
  let entries: [string, unknown][];
  try {
    entries = Object.entries(value);
  } catch (cause) {
    throw badInput(REQUEST, `env cannot be read (${cause instanceof Error ? cause.message : 'it throws'})`);
  }
  for (const [name, text] of entries) {
    if (text === undefined) continue;
    checkString(REQUEST, name, 'a name in env');
    if (name === '' || name.includes('='))
      throw badInput(REQUEST, `env has the name ${describe(name)}, want one without '='`);
    list.push(`${name}=${checkString(REQUEST, text, `env.${name}`)}`);
    if (name === 'PATH') path = text as string;
  }
  return { list, path };
}

function cpuMask(value: unknown): Uint8Array {
  const cpus = checkArray(value, 'affinity').map((cpu) => checkLength(REQUEST, cpu, 'CPU', MOST_CPUS - 1));
  if (cpus.length === 0) throw badInput(REQUEST, 'affinity is empty, want at least one CPU');
  // Whole words of 8 bytes: the kernel reads nothing else.
  const mask = new Uint8Array((Math.floor(Math.max(...cpus) / 64) + 1) * 8);
  for (const cpu of cpus) mask[cpu >> 3] = (mask[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  return mask;
}

function limitValue(value: unknown, what: string): bigint {
  if (typeof value === 'bigint' && value >= 0n && value <= RLIM_INFINITY) return value;
  return BigInt(checkLength(REQUEST, value, what));
}

function limits(value: unknown): BigUint64Array {
  return BigUint64Array.from(
    checkArray(value, 'resourceLimits').flatMap((entry) => {
      const limit = checkBag(REQUEST, entry, ['resource', 'soft', 'hard'], 'a resource limit');
      return [
        BigInt(checkLength(REQUEST, limit.resource, 'resource', 0xffff)),
        limitValue(limit.soft, 'soft'),
        limitValue(limit.hard, 'hard'),
      ];
    }),
  );
}

function filterOf(value: unknown): Uint8Array {
  const filter = checkBuffer(REQUEST, value, 8, 'seccomp');
  if (filter.length % 8 !== 0 || filter.length > 8 * MOST_INSTRUCTIONS) {
    throw badInput(
      REQUEST,
      `seccomp has ${filter.length} bytes, want 1 to ${MOST_INSTRUCTIONS} instructions of 8 bytes`,
    );
  }
  return filter;
}

function groupOf(value: unknown): number {
  if (value === undefined) return -1;
  if (value === 'own') return 0;
  return checkLength(REQUEST, value, 'processGroup', 0x7fffffff);
}

/** An id that setresuid(2) takes for an id: -1 would mean none. */
function identity(value: unknown, what: string): number {
  return value === undefined ? -1 : checkLength(REQUEST, value, what, 0xfffffffe);
}

/**
 * Checks the options and finds the program.
 *
 * @throws PtraceError 'bad-input'; 'exec-failed' with ENOENT or EACCES when a name without a slash is found nowhere along PATH
 */
export function spawnPlan(options: SpawnOptions): SpawnPlan {
  if (options === undefined) throw badInput(REQUEST, 'options are undefined, want an object with a file');
  const bag = checkBag(REQUEST, options, SPAWN_OPTIONS);
  const name = checkString(REQUEST, bag.file, 'file');
  if (name === '') throw badInput(REQUEST, 'file is empty, want a path or a name');
  const cwd = bag.cwd === undefined ? null : checkString(REQUEST, bag.cwd, 'cwd');
  const { list: env, path } = environment(bag.env ?? process.env);
  const argv0 = bag.argv0 === undefined ? name : checkString(REQUEST, bag.argv0, 'argv0');
  const args = checkArray(bag.args ?? [], 'args').map((arg, index) => checkString(REQUEST, arg, `args[${index}]`));
  const descriptors = checkArray(bag.descriptors ?? [0, 1, 2], 'descriptors');
  if (descriptors.length > MOST_DESCRIPTORS)
    throw badInput(REQUEST, `${descriptors.length} descriptors, want at most ${MOST_DESCRIPTORS}`);
  const fds = Int32Array.from(descriptors, (fd) =>
    fd === null ? -1 : checkLength(REQUEST, fd, 'descriptor', 0x7fffffff),
  );
  const session = checkBoolean(REQUEST, bag.session, 'session', false);
  const pgid = groupOf(bag.processGroup);
  if (session && pgid !== -1) throw badInput(REQUEST, 'session and processGroup exclude each other, want one of them');
  const ttyFd =
    bag.controllingTerminal === undefined ? -1 : checkInt32(REQUEST, bag.controllingTerminal, 'controllingTerminal');
  if (ttyFd !== -1) {
    if (!session) throw badInput(REQUEST, 'controllingTerminal without session, want both');
    if (ttyFd < 0 || ttyFd >= fds.length || fds[ttyFd] === -1) {
      throw badInput(REQUEST, `controllingTerminal is ${ttyFd}, want a descriptor of the child's`);
    }
  }
  const blocked = checkArray(bag.blockedSignals ?? [], 'blockedSignals');
  const plan: SpawnPlan = {
    file: name,
    argv: [argv0, ...args],
    env,
    cwd,
    fds,
    ttyFd,
    session,
    pgid,
    umask: bag.umask === undefined ? -1 : checkLength(REQUEST, bag.umask, 'umask', 0o777),
    affinity: bag.affinity === undefined ? null : cpuMask(bag.affinity),
    rlimits: bag.resourceLimits === undefined ? new BigUint64Array(0) : limits(bag.resourceLimits),
    // 0xffffffff would only ask.
    personality: bag.personality === undefined ? -1 : checkLength(REQUEST, bag.personality, 'personality', 0xfffffffe),
    uid: identity(bag.uid, 'uid'),
    gid: identity(bag.gid, 'gid'),
    groups:
      bag.groups === undefined
        ? null
        : Uint32Array.from(checkArray(bag.groups, 'groups'), (group) =>
            checkLength(REQUEST, group, 'group', 0xfffffffe),
          ),
    noNewPrivs: checkBoolean(REQUEST, bag.noNewPrivs, 'noNewPrivs', false),
    seccomp: bag.seccomp === undefined ? null : filterOf(bag.seccomp),
    seccompFlags: bag.seccompFlags === undefined ? 0 : checkUint32(REQUEST, bag.seccompFlags, 'seccompFlags'),
    signalMask: signalSet(blocked.map((signal) => checkSignal(REQUEST, signal))),
    resetIgnored: checkBoolean(REQUEST, bag.resetIgnored, 'resetIgnored', false),
    keepDeathSignal: checkBoolean(REQUEST, bag.diesWithParent, 'diesWithParent', false),
  };
  const found = findProgram(name, path, cwd ?? '.');
  if ('errno' in found) {
    throw fromErrno(REQUEST, 0, found.errno, 'exec-failed', `no program ${describe(name)} along PATH can be executed`);
  }
  return { ...plan, file: found.path };
}
