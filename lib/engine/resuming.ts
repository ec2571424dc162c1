/**
 * How a thread goes on: the request that a verdict comes to, and the requests that make a running thread stop or let it go for good.
 *
 * - PTRACE_SYSCALL is used while any engine wants system calls, or a report is pending inside one, PTRACE_CONT otherwise. A step asked for in front of a
 *   system call instruction goes by PTRACE_SYSCALL then, since PTRACE_SINGLESTEP would pass the entry without a word; its trap is made up at the exit.
 * - In a group stop the thread listens (PTRACE_LISTEN) whatever is voted: job control is not overridden.
 * - Without engines it is detached.
 */
import { isGone } from '../errors.js';
import { ERRNO } from '../kernel/errno.js';
import { PTRACE_EVENT } from '../kernel/events.js';
import { PTRACE_O } from '../kernel/options.js';
import { PTRACE } from '../kernel/requests.js';
import { SIG, signalSetHas } from '../kernel/signals.js';
import { procStatus } from '../proc.js';
import type { KernelLayer } from '../raw/kernel-layer.js';
import { UTRACE } from './actions.js';
import type { Arbitration, BorderVerdict } from './arbitration.js';
import type { EngineOps } from './callbacks.js';
import { EVENT, EVENT_SYSCALL } from './events.js';
import { nap } from './nap.js';
import { BLOCKSTEP, isSyscallInstruction } from './stepping.js';
import { SYSCALL_STOP, type Course, type TakenStop, type ThreadCore } from './thread-core.js';

/** The options of every thread. What nobody wants costs a stop, but a clone, an exec or a death that is missed cannot be made up for. */
export const BASE_OPTIONS =
  PTRACE_O.TRACESYSGOOD |
  PTRACE_O.TRACEFORK |
  PTRACE_O.TRACEVFORK |
  PTRACE_O.TRACECLONE |
  PTRACE_O.TRACEEXEC |
  PTRACE_O.TRACEEXIT;

/** The wait status of a stop at a system call. */
const SYSCALL_STATUS = (SYSCALL_STOP << 8) | 0x7f;
const EXECS: ReadonlySet<string> = new Set(['execve', 'execveat']);
const NAP_MILLIS = 0.05;
const WORD_MASK = 7n;
const BITS = 8n;
const word = new BigUint64Array(1);

export class Resuming {
  readonly #core: ThreadCore;
  readonly #layer: KernelLayer;
  readonly #arbitration: Arbitration<EngineOps>;
  readonly #stop: TakenStop;
  readonly #course: Course;
  #options: number;
  /** PTRACE_INTERRUPT was sent, and no stop has followed. */
  #interrupted = false;
  /** A stop was wanted while it stood: it is interrupted as soon as it runs. */
  #kickOnResume = false;

  /** @param options the PTRACE_O bits that it was seized with */
  constructor(core: ThreadCore, options: number) {
    this.#core = core;
    this.#layer = core.session.layer;
    this.#arbitration = core.arbitration;
    this.#stop = core.stop;
    this.#course = core.course;
    this.#options = options;
  }

  /** The PTRACE_O bits that it has. */
  get options(): number {
    return this.#options;
  }

  // --- making it stop

  /** A stop is wanted of a thread that runs: an engine has asked for a report or a step, or was told to detach. */
  kick(): void {
    const { resume, phase } = this.#arbitration;
    if (resume >= UTRACE.RESUME || phase !== 'running') return;
    if (this.#stop.stands || this.#core.arrivals.waitsForParent) this.#kickOnResume = true;
    else if (!this.#interrupted) this.#interrupt();
  }

  /** Nobody needs it traced: it is detached as soon as it stands. */
  letGo(): void {
    if (this.#arbitration.isEmpty && !this.#stop.stands && !this.#interrupted) this.#interrupt();
  }

  #interrupt(): void {
    const core = this.#core;
    this.#interrupted = this.#layer.ptrace(PTRACE.INTERRUPT, core.tid, 0, 0) === 0;
    if (!this.#interrupted && core.isLeader) core.session.leaves(core.thread);
  }

  /** A stop or an end is taken: it answers what was asked before. */
  stopped(): void {
    this.#interrupted = false;
    this.#kickOnResume = false;
    this.#core.session.executing.delete(this.#core.thread);
  }

  // --- letting it go on

  /** The request that a verdict comes to. */
  request(verdict: BorderVerdict): number {
    const arbitration = this.#arbitration;
    const course = this.#course;
    if (course.jobStopped && this.#stop.inSignals) {
      // The step is for when it runs again.
      if (verdict === 'step') arbitration.resume = Math.min(arbitration.resume, UTRACE.SINGLESTEP);
      if (verdict === 'block-step') arbitration.resume = Math.min(arbitration.resume, UTRACE.BLOCKSTEP);
      return PTRACE.LISTEN;
    }
    const wantsCalls = (arbitration.wanted & EVENT_SYSCALL) !== 0;
    if (verdict === 'step' || verdict === 'block-step') {
      if (wantsCalls && this.#isAtSyscall()) {
        course.across = true;
        return PTRACE.SYSCALL;
      }
      return verdict === 'step' ? PTRACE.SINGLESTEP : BLOCKSTEP;
    }
    if (arbitration.handler && this.#stop.inject !== 0) {
      course.expectsHandler = true;
      return PTRACE.SINGLESTEP;
    }
    return wantsCalls || (course.inCall && (arbitration.isPending || course.across)) ? PTRACE.SYSCALL : PTRACE.CONT;
  }

  #isAtSyscall(): boolean {
    const { tid, view } = this.#core;
    let pc: bigint;
    try {
      ({ pc } = view.registers);
    } catch (error) {
      // SIGKILL has taken it out of its stop.
      if (isGone(error)) return false;
      throw error;
    }
    if (this.#layer.ptraceBuffer(PTRACE.PEEKDATA, tid, pc, word) >= 0) return isSyscallInstruction(word[0] ?? 0n);
    // A peek fails where the mapping ends within its word, even if the instruction does not: then that lies in the aligned word, which no mapping divides.
    const offset = pc & WORD_MASK;
    if (offset === 0n || this.#layer.ptraceBuffer(PTRACE.PEEKDATA, tid, pc - offset, word) < 0) return false;
    return isSyscallInstruction((word[0] ?? 0n) >> (offset * BITS));
  }

  /** Whether it is let into a system call that kills the other threads of its process. */
  executes(): boolean {
    if (this.#stop.status !== SYSCALL_STATUS) return false;
    const { session, pid, view } = this.#core;
    return view.isEntry && EXECS.has(view.name) && session.threadsOf(pid).length > 1;
  }

  /** Whether an execve of another thread has killed it out of its stop. One that may do so is waited for, for a moment. */
  #isKilled(): boolean {
    const { session, thread, tid } = this.#core;
    while (session.executing.endangers(thread)) {
      if (session.hasReport(tid)) return true;
      // Whoever executes may need this CPU.
      nap(NAP_MILLIS);
    }
    return false;
  }

  /** The thread leaves its stop, by the request that {@link Resuming.request} gave; without engines it is detached. */
  leave(request: number): void {
    const core = this.#core;
    const arbitration = this.#arbitration;
    const stop = this.#stop;
    const course = this.#course;
    if (course.abort && course.inCall) {
      course.abort = false;
      core.attempt(() => core.view.abort());
    }
    core.writeBack();
    const exits = stop.status >>> 16 === PTRACE_EVENT.EXIT;
    // Untraced, the trap of its last step would kill it: it is let run into that first, out of a group stop too, which takes it back when it is detached.
    const mayOwe = course.stepped && (arbitration.isEmpty || stop.status >>> 16 === PTRACE_EVENT.STOP);
    const owesTrap = mayOwe && signalSetHas(procStatus(core.tid)?.sigPnd ?? 0n, SIG.SIGTRAP);
    if (arbitration.isEmpty && !exits) {
      if (!owesTrap && this.#detach()) return;
      if (owesTrap && request === PTRACE.LISTEN) request = PTRACE.CONT;
    }
    this.#setOptions();
    if (exits) {
      core.session.expectEnd(core.tid);
      if (core.isLeader) core.session.leaves(core.thread);
    }
    // A signal goes with a signal stop only; at a system call it would be sent.
    const injects = request !== PTRACE.LISTEN && (stop.inSignals || stop.inject !== 0);
    if (arbitration.resume === UTRACE.INTERRUPT && course.inCall) this.#interrupt();
    if (this.executes()) core.session.executing.add(core.thread);
    const killed = !exits && this.#isKilled();
    let result = killed ? -ERRNO.ESRCH : this.#layer.ptrace(request, core.tid, 0, injects ? stop.inject : 0);
    if (result === -ERRNO.EIO && request === BLOCKSTEP) {
      result = this.#layer.ptrace(PTRACE.SINGLESTEP, core.tid, 0, injects ? stop.inject : 0);
    }
    if (request !== PTRACE.LISTEN) course.stepped = owesTrap || request === PTRACE.SINGLESTEP || request === BLOCKSTEP;
    // ESRCH: SIGKILL has taken it away, and what follows is the exit or the end.
    stop.stands = false;
    if (core.arrivals.endSeen) {
      core.arrivals.endSeen = false;
      core.session.lookAgain();
    }
    core.beginWaiting();
    const kicks = this.#kickOnResume;
    this.#kickOnResume = false;
    if (result >= 0 && !exits && this.#isDue(request, kicks)) this.#interrupt();
  }

  /** Whether what is pending is had only if the thread, which has gone on by `request`, is made to stop. */
  #isDue(request: number, kicks: boolean): boolean {
    const { resume, handler } = this.#arbitration;
    const { inCall, stepped } = this.#course;
    if (resume <= UTRACE.REPORT) return kicks || (!inCall && !handler);
    // A step, asked for in a pass behind which no border was: the exit of a call, the end of a group stop and the trap of another step have one.
    return kicks && resume < UTRACE.RESUME && !inCall && request !== PTRACE.LISTEN && !stepped;
  }

  #setOptions(): void {
    const { session, tid } = this.#core;
    const { wanted } = this.#arbitration;
    let options = session.baseOptions;
    if ((wanted & EVENT.SECCOMP) !== 0) options |= PTRACE_O.TRACESECCOMP;
    if ((wanted & EVENT.VFORK_DONE) !== 0) options |= PTRACE_O.TRACEVFORKDONE;
    if (options === this.#options) return;
    if (this.#layer.ptrace(PTRACE.SETOPTIONS, tid, 0, options) >= 0) this.#options = options;
  }

  // --- letting it go for good

  /** The last engine is gone: so is the tracing. Whether it is; not if SIGKILL was quicker. */
  #detach(): boolean {
    const { tid } = this.#core;
    const { inSignals, inject } = this.#stop;
    const signal = inSignals || inject !== 0 ? inject : 0;
    if (this.#layer.ptrace(PTRACE.DETACH, tid, 0, signal) < 0) return false;
    this.giveUp(false);
    return true;
  }

  /** It is traced no more, or nobody here cares. With `isZombie` it could not be detached, and is only reaped. */
  giveUp(isZombie: boolean): void {
    const core = this.#core;
    this.#stop.stands = false;
    core.arbitration.reap();
    core.barriers.settleAll();
    core.session.detached(core.thread, isZombie);
  }
}
