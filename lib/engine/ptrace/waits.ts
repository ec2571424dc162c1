/**
 * wait4(2) and waitid(2) of a client: its tracees as it has them, its other children as the kernel has them.
 *
 * A blocking wait makes the engines work on this thread until there is something.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { binding } from '../../binding.js';
import { ERRNO } from '../../kernel/errno.js';
import { SIG } from '../../kernel/signals.js';
import { CLD, P_ALL, P_PGID, P_PID, P_PIDFD, W } from '../../kernel/wait-flags.js';
import { decodeWaitStatus } from '../../kernel/wait-status.js';
import { procState, procStatus } from '../../proc.js';
import type { Attachment } from './attachment.js';
import type { Client } from './client.js';
import { nap } from '../nap.js';
import type { VirtualThread } from './virtual-thread.js';

/** Whom a wait is for. */
type Whom = { readonly kind: 'all' } | { readonly kind: 'pid' | 'group'; readonly id: number };

/** What a wait has found: a tracee's stop or end, or what the kernel has said of an untraced child. */
type Found =
  | { readonly kind: 'tracee'; readonly attachment: Attachment; readonly status: number }
  | { readonly kind: 'child'; readonly pid: number }
  | { readonly kind: 'end'; readonly shared: VirtualThread; readonly status: number };

const WAIT4_FLAGS = ~(W.WNOHANG | W.WUNTRACED | W.WCONTINUED | W.__WNOTHREAD | W.__WALL | W.__WCLONE);
const OF_TRACEES = W.WEXITED | W.WSTOPPED | W.WCONTINUED;
const SHORT_NAP = 0.05;
const LONG_NAP = 1;
const SHORT_NAPS = 40;

/** The children of this process, all its threads', in the kernel's order; undefined where /proc does not tell. */
function childrenOf(): number[] | undefined {
  try {
    return readdirSync('/proc/self/task').flatMap((task) =>
      readFileSync(`/proc/self/task/${task}/children`, 'utf8')
        .split(' ')
        .filter((text) => text !== '')
        .map(Number),
    );
  } catch {
    return undefined;
  }
}

export class Waits {
  readonly #client: Client;
  readonly #siginfo = new Uint8Array(128);

  constructor(client: Client) {
    this.#client = client;
  }

  get #kernel() {
    return this.#client.host.ground.kernel;
  }

  wait4(pid: number, options: number, status: Int32Array, rusage: BigInt64Array | null): number {
    if ((options & WAIT4_FLAGS) !== 0) return -ERRNO.EINVAL;
    const whom: Whom =
      pid === -1
        ? { kind: 'all' }
        : pid > 0
          ? { kind: 'pid', id: pid }
          : { kind: 'group', id: pid === 0 ? binding().getpgid(0) : -pid };
    const found = this.#wait(whom, options | W.WEXITED, (id, flags) =>
      this.#kernel.wait4(id, flags & ~W.WEXITED, status, rusage),
    );
    if (typeof found === 'number') return found;
    if (found.kind === 'child') return found.pid;
    const { tid } = found.kind === 'end' ? found.shared : found.attachment;
    this.#usage(tid, rusage);
    status[0] = found.status;
    this.#consume(found);
    return tid;
  }

  waitid(idtype: number, id: number, options: number, siginfo: Uint8Array, rusage: BigInt64Array | null): number {
    if ((options & OF_TRACEES) === 0) return -ERRNO.EINVAL;
    const whom = this.#whom(idtype, id);
    if (typeof whom === 'number') return whom;
    const found = this.#wait(whom, options, (pid, flags) => {
      const result = this.#kernel.waitid(P_PID, pid, flags, siginfo, rusage);
      return result < 0 ? result : new DataView(siginfo.buffer, siginfo.byteOffset).getInt32(16, true);
    });
    if (typeof found === 'number') {
      if (found === 0) siginfo.fill(0);
      return found;
    }
    if (found.kind === 'child') return 0;
    const { tid } = found.kind === 'end' ? found.shared : found.attachment;
    this.#usage(tid, rusage);
    this.#tell(found.status, tid, siginfo);
    if ((options & W.WNOWAIT) === 0) this.#consume(found);
    return 0;
  }

  #consume(found: Exclude<Found, { kind: 'child' }>): void {
    if (found.kind === 'end') found.shared.heard.add(this.#client);
    else this.#client.consume(found.attachment);
  }

  /** A tracee of other clients, and perhaps this one's child: its parent hears of the end, once, while it is there to be heard of. */
  #ofOthers(shared: VirtualThread, flags: number): Found | number {
    if (procStatus(shared.tid)?.ppid !== process.pid || shared.heard.has(this.#client)) return -ERRNO.ECHILD;
    const { endStatus } = shared;
    if (endStatus === undefined || (flags & W.WEXITED) === 0) return 0;
    return { kind: 'end', shared, status: endStatus };
  }

  #whom(idtype: number, id: number): Whom | number {
    switch (idtype) {
      case P_ALL:
        return { kind: 'all' };
      case P_PID:
        return { kind: 'pid', id };
      case P_PGID:
        return { kind: 'group', id: id === 0 ? binding().getpgid(0) : id };
      case P_PIDFD: {
        const pid = pidOf(id);
        return pid === undefined ? -ERRNO.EBADF : { kind: 'pid', id: pid };
      }
      default:
        return -ERRNO.EINVAL;
    }
  }

  /** What the tracee has used, as far as the kernel tells of one that stands. */
  #usage(tid: number, rusage: BigInt64Array | null): void {
    if (rusage === null) return;
    rusage.fill(0n);
    this.#kernel.waitid(P_PID, tid, W.WEXITED | W.WSTOPPED | W.WNOHANG | W.WNOWAIT | W.__WALL, this.#siginfo, rusage);
  }

  #tell(status: number, tid: number, siginfo: Uint8Array): void {
    const view = new DataView(siginfo.buffer, siginfo.byteOffset, siginfo.byteLength);
    siginfo.fill(0);
    const decoded = decodeWaitStatus(status);
    let code: number = CLD.TRAPPED;
    let value = status >>> 8;
    if (decoded.kind === 'exited') {
      code = CLD.EXITED;
      value = decoded.code;
    } else if (decoded.kind === 'killed') {
      code = decoded.coreDumped ? CLD.DUMPED : CLD.KILLED;
      value = decoded.signal;
    }
    view.setInt32(0, SIG.SIGCHLD, true);
    view.setInt32(8, code, true);
    view.setInt32(16, tid, true);
    view.setUint32(20, procStatus(tid)?.uids[0] ?? 0, true);
    view.setInt32(24, value, true);
  }

  /** Looks until there is something. `ask` consumes what an untraced child has, by its id. */
  #wait(whom: Whom, options: number, ask: (pid: number, flags: number) => number): Found | number {
    for (let round = 0; ; round++) {
      this.#client.host.pump();
      const found = this.#look(whom, options, ask);
      if (found !== 0 || (options & W.WNOHANG) !== 0) return found;
      nap(round < SHORT_NAPS ? SHORT_NAP : LONG_NAP);
    }
  }

  #look(whom: Whom, options: number, ask: (pid: number, flags: number) => number): Found | number {
    const flags = options | W.WNOHANG;
    if (whom.kind === 'pid') return this.#lookAt(whom.id, flags, ask);
    let eligible = false;
    for (const tid of this.#candidates(whom)) {
      const found = this.#lookAt(tid, flags, ask);
      if (found !== -ERRNO.ECHILD) eligible = true;
      if (typeof found !== 'number' || found > 0) return found;
    }
    return eligible ? 0 : -ERRNO.ECHILD;
  }

  /** All whom a wait may be for, in the kernel's order: children, then the other tracees, the newest first. */
  #candidates(whom: Whom): Set<number> {
    const tids = [...(childrenOf() ?? []), ...this.#client.attachments.map(({ tid }) => tid)];
    if (whom.kind !== 'group') return new Set(tids);
    return new Set(tids.filter((tid) => this.#groupOf(tid) === whom.id));
  }

  #groupOf(tid: number): number {
    return binding().getpgid(tid);
  }

  #lookAt(tid: number, flags: number, ask: (pid: number, flags: number) => number): Found | number {
    const attachment = this.#client.attachment(tid) ?? this.#client.adopt(tid);
    if (attachment === undefined) {
      const shared = this.#client.host.find(tid);
      if (shared === undefined) {
        const found = this.#untraced(tid, flags, ask);
        return typeof found === 'number' && found > 0 ? { kind: 'child', pid: found } : found;
      }
      return this.#ofOthers(shared, flags);
    }
    const { stop } = attachment;
    if ((flags & W.WEXITED) === 0 && (stop?.kind === 'end' || procState(tid) === 'Z')) {
      // The dead stop no more; only the process of a dead leader can still be continued.
      return stop === undefined && (flags & W.WCONTINUED) !== 0 ? 0 : -ERRNO.ECHILD;
    }
    if (stop === undefined || stop.reported) return 0;
    return { kind: 'tracee', attachment, status: stop.status };
  }

  /**
   * What a child has that nobody traces here. A child that said PTRACE_TRACEME may come to its stop at any moment, and must be taken over before a wait
   * consumes that: only what a look has found is consumed.
   */
  #untraced(tid: number, flags: number, ask: (pid: number, flags: number) => number): Found | number {
    const isPassedOn = (): boolean => this.#client.passedOn.has(tid);
    if (isPassedOn()) return ask(tid, flags);
    const look = this.#kernel.waitid(P_PID, tid, flags | W.WNOHANG | W.WNOWAIT, this.#siginfo, null);
    if (look < 0) return look;
    const view = new DataView(this.#siginfo.buffer, this.#siginfo.byteOffset);
    if (view.getInt32(16, true) !== tid) return 0;
    if (view.getInt32(8, true) !== CLD.TRAPPED) return ask(tid, flags);
    if (this.#client.adopt(tid) !== undefined) return this.#lookAt(tid, flags, ask);
    return isPassedOn() ? ask(tid, flags) : 0;
  }
}

/** The process that a pidfd is of. */
function pidOf(fd: number): number | undefined {
  try {
    const pid = /^Pid:\s*(-?\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
    return pid === undefined ? undefined : Number(pid);
  } catch {
    return undefined;
  }
}
