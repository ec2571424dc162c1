/**
 * What the engines of a virtual ptrace stand on: the kernel, with two seams.
 *
 * The engines decide *when* a thread goes on. *How* it does is decided here where a client has asked for something that no vote can say: PTRACE_SYSEMU, a
 * signal other than the one that was reported or at a system call, CONT out of a group-stop, LISTEN in an event-stop that is none. So a client that is
 * alone on its tracee gets exactly the request that it has made.
 */
import { PTRACE_X64 } from '../../kernel/arch/x64/requests.js';
import { ERRNO } from '../../kernel/errno.js';
import { PTRACE } from '../../kernel/requests.js';
import { P_PID, W } from '../../kernel/wait-flags.js';
import type { KernelLayer } from '../../raw/kernel-layer.js';
import { HOST } from '../../tracer/host.js';

/** A request by which a thread leaves its stop. */
export interface Resume {
  readonly request: number;
  /** The signal. */
  readonly data: number;
}

export interface GroundHooks {
  /** A status was consumed, and the engines have not seen it yet. */
  consumed(tid: number, status: number): void;
  /** The engines let a thread go on by `given`: what is done instead. */
  resuming(tid: number, given: Resume): Resume;
  /** That was done; `result` is the kernel's. */
  resumed(tid: number, done: Resume, result: number): void;
  /** PTRACE_INTERRUPT was sent. */
  interrupted(tid: number): void;
  /** The options that the engines set, with those of clients. */
  options(tid: number, options: number): number;
}

/** PTRACE_SINGLEBLOCK, where there is one. */
export const SINGLEBLOCK = HOST === 'x64' ? PTRACE_X64.SINGLEBLOCK : -1;
export const { SYSEMU, SYSEMU_SINGLESTEP } = PTRACE_X64;

const LEAVING: ReadonlySet<number> = new Set([
  PTRACE.CONT,
  PTRACE.SYSCALL,
  PTRACE.SINGLESTEP,
  PTRACE.LISTEN,
  PTRACE.DETACH,
  SINGLEBLOCK,
]);

export class Ground {
  readonly kernel: KernelLayer;
  /** For the engines. */
  readonly layer: KernelLayer;
  readonly #siginfo = new Uint8Array(128);
  readonly #words = new Int32Array(this.#siginfo.buffer);
  #closed = false;

  constructor(kernel: KernelLayer, hooks: GroundHooks) {
    this.kernel = kernel;
    const note = (count: number, out: Int32Array): number => {
      for (let index = 0; index < count; index++) {
        const tid = out[2 * index] ?? 0;
        if (tid > 0) hooks.consumed(tid, out[2 * index + 1] ?? 0);
      }
      return count;
    };
    this.layer = {
      ...kernel,
      ptrace: (request, tid, addr, data) => {
        if (request === PTRACE.SETOPTIONS) {
          return kernel.ptrace(request, tid, addr, hooks.options(tid, Number(data)));
        }
        if (request === PTRACE.INTERRUPT) {
          const result = kernel.ptrace(request, tid, addr, data);
          if (result >= 0) hooks.interrupted(tid);
          return result;
        }
        if (!LEAVING.has(request)) return kernel.ptrace(request, tid, addr, data);
        // SIGKILL may have led it into another stop, its EVENT_EXIT, which is not to be left before it was seen.
        if (this.#hasReport(tid)) return -ERRNO.ESRCH;
        const done = hooks.resuming(tid, { request, data: Number(data) });
        const result = kernel.ptrace(done.request, tid, addr, done.data);
        hooks.resumed(tid, done, result);
        return result;
      },
      wait4: (pid, options, status, rusage) => {
        if (this.#closed) return 0;
        const tid = kernel.wait4(pid, options, status, rusage);
        if (tid > 0) hooks.consumed(tid, status[0] ?? 0);
        return tid;
      },
      pollTracee: (tid, micros, out) => {
        if (this.#closed) return 0;
        const found = kernel.pollTracee(tid, micros, out);
        if (found > 0) hooks.consumed(found, out[0] ?? 0);
        return found;
      },
      drain: (micros, out) => (this.#closed ? 0 : note(kernel.drain(micros, out), out)),
      taken: (tid, status) => {
        hooks.consumed(tid, status);
      },
      drainById: (out) => (this.#closed ? 0 : note(kernel.drainById(out), out)),
    };
  }

  #hasReport(tid: number): boolean {
    const flags = W.WSTOPPED | W.WEXITED | W.WNOHANG | W.WNOWAIT | W.__WALL;
    return this.kernel.waitid(P_PID, tid, flags, this.#siginfo, null) >= 0 && this.#words[4] === tid;
  }

  /** From now on the engines find nothing: what they traced is somebody else's to reap. */
  close(): void {
    this.#closed = true;
  }
}
