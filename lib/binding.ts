/**
 * The addon's face, typed by hand, and its loading.
 *
 * Every function gives a number: a result >= 0, or a negative errno. None throws for what the kernel says; turning an errno into a
 * PtraceError is the business of the floors above. `Word` arguments are machine words: a bigint, or a safe integer whose negative values
 * stand for their two's complement.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { refused, type PtraceError } from './errors.js';

/** A machine word: bigint, or a safe integer (negative: two's complement). */
export type Word = bigint | number;
/** Bytes that the kernel reads or writes in place. */
export type Bytes = NodeJS.TypedArray | DataView;

/** What a child is to be before it executes its program. All of it is copied before the clone. */
export interface SpawnPlan {
  /** Path of the program; no search is made. */
  file: string;
  argv: string[];
  env: string[];
  cwd: string | null;
  /** Child's descriptor i is the parent's descriptor `fds[i]`; -1 leaves it closed. */
  fds: Int32Array;
  /** Index of the descriptor that becomes the controlling terminal, or -1. */
  ttyFd: number;
  session: boolean;
  /** -1: the parent's group; 0: one of its own; n: joins group n. */
  pgid: number;
  /** -1 keeps the parent's. */
  umask: number;
  /** CPU mask, least significant byte first, or null for the parent's. */
  affinity: Uint8Array | null;
  /** Triples of resource, soft limit, hard limit. */
  rlimits: BigUint64Array;
  /** -1 keeps the parent's. */
  personality: number;
  /** -1 keeps the parent's. */
  uid: number;
  gid: number;
  groups: Uint32Array | null;
  noNewPrivs: boolean;
  /** Array of struct sock_filter (8 bytes each), or null. */
  seccomp: Uint8Array | null;
  seccompFlags: number;
  /** Bit n-1 blocks signal n. */
  signalMask: bigint;
  /** Signals that the parent ignores become default too; otherwise they stay ignored, as execve(2) has it. */
  resetIgnored: boolean;
  /** The child keeps dying with its parent thread after the exec. */
  keepDeathSignal: boolean;
}

export interface Binding {
  /** ptrace(2) with words. */
  ptrace(request: number, tid: number, addr: Word, data: Word): number;
  /** ptrace(2) whose `data` points to a buffer. The caller answers for its length. */
  ptraceBuffer(request: number, tid: number, addr: Word, data: Bytes): number;
  /** ptrace(2) whose `data` is an iovec over the buffer; gives the length that the kernel left in it. */
  ptraceIovec(request: number, tid: number, addr: Word, data: Bytes): number;
  /** ptrace(2) whose `addr` points to a buffer, and `data` to another one unless it is a word. */
  ptraceTwoBuffers(request: number, tid: number, addr: Bytes, data: Bytes | Word): number;

  /** wait4(2): pid, 0 with WNOHANG when nothing is there. `rusage` takes 18 words. */
  wait4(pid: number, options: number, status: Int32Array, rusage: BigInt64Array | null): number;
  /** waitid(2): 0; si_pid in `siginfo` (128 bytes) is 0 when nothing was there. */
  waitid(idtype: number, id: number, options: number, siginfo: Uint8Array, rusage: BigInt64Array | null): number;
  /** Consumes what one tid has to report, looking for at most `micros`: the tid with the status in `out[0]`, or 0. */
  pollTracee(tid: number, micros: number, out: Int32Array): number;
  /**
   * Consumes all that tracked tids of this thread have to report, looking for at most `micros` for the first: the number of tid, status
   * pairs in `out`. A tid that is not tracked ends the list: negative, with its status, not consumed.
   */
  drain(micros: number, out: Int32Array): number;
  /** As drain, asking each tracked tid by id. */
  drainById(out: Int32Array): number;

  /** Tells the addon that this environment traces `tid` of process `pid`. flags: 1 kill at the end, 2 our own child. */
  track(tid: number, pid: number, flags: number): void;
  untrack(tid: number): void;
  /** Kills or detaches all that is tracked, blocking for at most `millis`. */
  endTracees(millis: number): void;

  /** Starts listening to SIGCHLD, unreferenced and disarmed. 0 or a libuv error. */
  bellOpen(ring: () => void): number;
  /** Stops ring, as deaths always do. */
  bellArm(): void;
  bellDisarm(): void;
  /** Whether the doorbell keeps the event loop alive. */
  bellReference(on: boolean): void;
  bellClose(): void;

  processVmRead(pid: number, address: Word, buffer: Bytes, offset: number, length: number): number;
  processVmWrite(pid: number, address: Word, buffer: Bytes, offset: number, length: number): number;
  /** `remote` holds address, length pairs. At most 1024 segments on either side. */
  processVmReadv(pid: number, local: Bytes[], remote: BigUint64Array): number;
  processVmWritev(pid: number, local: Bytes[], remote: BigUint64Array): number;
  /** pread64/pwrite64 at a 64-bit offset. */
  readAt(fd: number, address: Word, buffer: Bytes, offset: number, length: number): number;
  writeAt(fd: number, address: Word, buffer: Bytes, offset: number, length: number): number;

  kill(pid: number, signal: number): number;
  tgkill(tgid: number, tid: number, signal: number): number;
  rtSigqueueinfo(tgid: number, signal: number, siginfo: Uint8Array): number;
  rtTgsigqueueinfo(tgid: number, tid: number, signal: number, siginfo: Uint8Array): number;
  pidfdOpen(pid: number, flags: number): number;
  pidfdSendSignal(pidfd: number, signal: number, siginfo: Uint8Array | null, flags: number): number;
  closeFd(fd: number): number;
  personality(persona: number): number;
  schedGetaffinity(tid: number, mask: Uint8Array): number;
  schedSetaffinity(tid: number, mask: Uint8Array): number;
  getcpu(): number;
  setpgid(pid: number, pgid: number): number;
  getpgid(pid: number): number;
  gettid(): number;
  /** The children of this process that this package made, in whichever thread. */
  registerChild(pid: number): void;
  forgetChild(pid: number): void;
  isRegisteredChild(pid: number): boolean;

  /** Read and write end of a new pipe in `out`. */
  pipe(out: Int32Array): number;
  /** Master and slave of a new pseudo-terminal in `out`. */
  openPty(rows: number, columns: number, out: Int32Array): number;
  setWindowSize(fd: number, rows: number, columns: number): number;

  /** Clones a child that shares this memory until it executes; it waits for spawnRelease. Its pid. */
  spawn(plan: SpawnPlan): number;
  spawnRelease(pid: number): number;
  /** The child exits 127 without executing. */
  spawnCancel(pid: number): number;
  /** After the child's death: the step that failed, or null. */
  spawnOutcome(pid: number): { stage: string; errno: number } | null;
  /** Frees the child's stack, after its exec or its death: -EBUSY while the child still stands on it. */
  spawnFree(pid: number): number;
  /**
   * Forks a child that interprets `code`: its pid. `stacks` threads at once find their stack ready made. `addresses` (4 words or null)
   * receives where in the child the data, the nops, the breakpoint instruction and the undefined instruction are.
   */
  runScript(code: BigInt64Array, data: Uint8Array, stacks: number, addresses: BigUint64Array | null): number;
}

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('..', import.meta.url));

/** Where a copy of this package in this thread leaves its mark: two copies would consume each other's stops. */
const COPY = Symbol.for('linux-ptrace.copy');

interface Marked {
  [COPY]?: string;
}

let loaded: Binding | undefined;

function unavailable(why: string, cause?: unknown): PtraceError {
  return refused('unavailable', 'load the addon', 0, why, { cause });
}

function load(): Binding {
  if (process.platform !== 'linux') {
    throw unavailable(`ptrace with SEIZE exists on Linux only, this is ${process.platform}. run it on a Linux machine`);
  }
  if (process.arch !== 'x64' && process.arch !== 'arm64') {
    throw unavailable(`no code for ${process.arch}; x64 and arm64 are supported`);
  }
  const marked = globalThis as Marked;
  const other = marked[COPY];
  if (other !== undefined) {
    throw refused(
      'second-copy',
      'load the addon',
      0,
      `two copies of linux-ptrace in one thread would consume each other's stops: ${other} is in use, ${root} was asked for too. ` +
        'Deduplicate the dependency (npm dedupe), or use one of them in a Worker',
    );
  }
  let addon: Binding;
  try {
    const find = require('node-gyp-build') as (directory: string) => Binding;
    addon = find(root);
  } catch (error) {
    throw unavailable(
      'the native addon was not found or did not load. Install a C++17 compiler, make and python3, then run ' +
        `"npm rebuild linux-ptrace" (${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)})`,
      error,
    );
  }
  Object.defineProperty(globalThis, COPY, { value: root, configurable: true });
  return addon;
}

/**
 * The addon, loaded at the first call.
 *
 * @throws PtraceError 'unavailable' where there is no Linux, no supported processor or no built addon; 'second-copy' when another copy of
 * the package is already in use in this thread.
 */
export function binding(): Binding {
  return (loaded ??= load());
}
