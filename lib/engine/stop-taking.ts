/**
 * Taking a stop: from a wait status to what has happened to the thread, the pass that tells of it, and the stage that follows.
 *
 * Every safe point of utrace is a ptrace-stop. Where utrace would go on to the border with a report pending, inside a system call, the exit of the call is the
 * border; elsewhere the stop itself is.
 */
import { PTRACE_EVENT } from '../kernel/events.js';
import { SIG } from '../kernel/signals.js';
import { TRAP } from '../kernel/siginfo.js';
import { syscallName } from '../kernel/syscalls.js';
import { CLD } from '../kernel/wait-flags.js';
import { OP } from '../tracer/syscall-words.js';
import { SIGNAL_ACTION, UTRACE } from './actions.js';
import type { CloneReport } from './callbacks.js';
import { EVENT } from './events.js';
import type { Details, ReportingPass } from './reporting-pass.js';
import { STAGE, type Stage } from './stages.js';
import { SYSCALL_STEP_CODE } from './stepping.js';
import { isEnd, SYSCALL_STOP, type Course, type TakenStop, type ThreadCore } from './thread-core.js';

const SI_CODE = 8;

/** The system calls that make threads and processes. */
const CLONES: ReadonlySet<string> = new Set(['clone', 'clone3', 'fork', 'vfork']);

export class StopTaking {
  readonly #core: ThreadCore;
  readonly #stop: TakenStop;
  readonly #course: Course;
  readonly #pass: ReportingPass;
  #exitSeen = false;
  /** Clones that SIGKILL kept from being reported, to be told of before the exit. */
  #orphans: CloneReport['child'][] = [];

  constructor(core: ThreadCore, pass: ReportingPass) {
    this.#core = core;
    this.#stop = core.stop;
    this.#course = core.course;
    this.#pass = pass;
  }

  /** Begins with what has happened; the stage machine does the rest. */
  take(status: number): void {
    this.#core.session.taken++;
    this.#stop.renew(status);
    this.#pass.renew();
    this.#core.view.renew();
    if (isEnd(status)) {
      this.#takeEnd(status);
      return;
    }
    const signal = (status >>> 8) & 0xff;
    const event = status >>> 16;
    if (event === 0) {
      if (signal === SYSCALL_STOP) this.#takeSyscall();
      else this.#takeSignal(signal);
    } else this.#takeEvent(event, signal);
  }

  #begin(event: number, stage: Stage, details?: Details): void {
    this.#stop.stage = stage;
    this.#pass.begin(event, details);
  }

  // --- ends

  #takeEnd(status: number): void {
    if (this.#core.arbitration.phase === 'dead') {
      // Its death was told when the end was looked at; now that is consumed.
      this.#stop.stage = STAGE.DEATH;
      this.#pass.skip();
    } else if (this.#exitSeen) this.beginDeath();
    else this.#begin(EVENT.EXIT, STAGE.LATE_EXIT, { kind: 'exit', code: status });
  }

  /** Its exit was told: so is its death. */
  beginDeath(): void {
    this.#stop.stage = STAGE.DEATH;
    this.#pass.beginDeath();
  }

  /** At the exit: the next of the clones that were not told of, then the exit itself. */
  beginExit(): void {
    const orphan = this.#orphans.pop();
    if (orphan !== undefined) this.#cloned(orphan.pid === this.#core.pid ? 'clone' : 'fork', orphan, STAGE.ORPHAN);
    else this.#begin(EVENT.EXIT, STAGE.EXIT, { kind: 'exit', code: this.#core.eventMessage() });
  }

  // --- stops of system calls

  #takeSyscall(): void {
    const course = this.#course;
    const op = this.#core.view.readSyscall();
    const entry = op === OP.ENTRY || (op < 0 && !course.inCall);
    if (entry) {
      course.inCall = true;
      course.abort = false;
      this.#begin(EVENT.SYSCALL_ENTRY, STAGE.ENTRY);
      return;
    }
    course.inCall = false;
    const { arbitration } = this.#core;
    if (arbitration.resume === UTRACE.SINGLESTEP || arbitration.resume === UTRACE.BLOCKSTEP) {
      // The step was asked for inside the call, and is over with it.
      arbitration.resume = UTRACE.RESUME;
      course.across = true;
    }
    this.#begin(EVENT.SYSCALL_EXIT, STAGE.SYSCALL_EXIT);
  }

  // --- event stops

  #takeEvent(event: number, signal: number): void {
    const core = this.#core;
    const course = this.#course;
    switch (event) {
      case PTRACE_EVENT.CLONE:
      case PTRACE_EVENT.FORK:
      case PTRACE_EVENT.VFORK: {
        course.inCall = true;
        const tid = core.eventMessage();
        const kind = event === PTRACE_EVENT.CLONE ? 'clone' : event === PTRACE_EVENT.FORK ? 'fork' : 'vfork';
        const child = tid === 0 ? undefined : core.session.childOf(tid);
        if (child === undefined) {
          // SIGKILL was quicker. The child is told of before the exit.
          this.#stop.stage = STAGE.GO;
          return;
        }
        this.#cloned(kind, child, STAGE.CLONE);
        return;
      }
      case PTRACE_EVENT.EXEC:
        course.inCall = true;
        course.jobStopped = false;
        course.across = false;
        core.session.executedProgram(core.thread);
        this.#begin(EVENT.EXEC, STAGE.INSIDE, { kind: 'exec', formerTid: core.eventMessage() || core.tid });
        return;
      case PTRACE_EVENT.VFORK_DONE:
        course.inCall = true;
        this.#begin(EVENT.VFORK_DONE, STAGE.INSIDE, { kind: 'vfork-done', childPid: core.eventMessage() });
        return;
      case PTRACE_EVENT.SECCOMP:
        core.view.readSyscall();
        course.inCall = true;
        this.#begin(EVENT.SECCOMP, STAGE.SECCOMP);
        return;
      case PTRACE_EVENT.EXIT:
        this.#exitSeen = true;
        this.#orphans = this.#isInClone() ? core.session.orphansOf(core.thread) : [];
        this.#stop.stage = STAGE.ORPHANS;
        return;
      case PTRACE_EVENT.STOP:
        this.#takeEventStop(signal);
        return;
      default:
        this.#stop.stage = STAGE.GO;
    }
  }

  /** Whether SIGKILL has found it in a call that makes a thread or process, so that the event of that may be missing. */
  #isInClone(): boolean {
    try {
      const { abi, syscallNumber } = this.#core.view.registers;
      return CLONES.has(syscallName(abi, syscallNumber) ?? '');
    } catch {
      return true;
    }
  }

  #cloned(kind: CloneReport['kind'], child: CloneReport['child'], stage: Stage): void {
    this.#begin(EVENT.CLONE, stage, { kind: 'clone', report: { kind, child } });
  }

  /** Group stop, its end, an interrupt, the first stop of a new thread. */
  #takeEventStop(signal: number): void {
    const course = this.#course;
    this.#stop.inSignals = true;
    course.inCall = false;
    const stopping = signal !== SIG.SIGTRAP;
    if (stopping === course.jobStopped) {
      this.#stop.stage = STAGE.BORDER;
      return;
    }
    course.jobStopped = stopping;
    const type = stopping ? CLD.STOPPED : CLD.CONTINUED;
    const last = this.#core.session.threadsOf(this.#core.pid).every((thread) => thread.isJobStopped === stopping);
    this.#begin(EVENT.JCTL, STAGE.JCTL, { kind: 'jctl', type, notify: last ? type : 0 });
  }

  // --- signal-delivery-stops

  #takeSignal(signal: number): void {
    const stop = this.#stop;
    const course = this.#course;
    stop.inSignals = true;
    course.inCall = false;
    stop.signalResult = SIGNAL_ACTION.DELIVER;
    stop.stage = STAGE.BORDER;
    if (signal === SIG.SIGTRAP && course.stepped) {
      const code = new DataView(this.#core.view.siginfo().buffer).getInt32(SI_CODE, true);
      if (course.expectsHandler && code === SIG.SIGTRAP) {
        // ptrace_notify() at the first instruction of the handler: no signal at all.
        course.expectsHandler = false;
        return;
      }
      // The program has not caused the trap of a step, and it would kill.
      if (code === TRAP.TRACE || code === TRAP.BRANCH || code === SYSCALL_STEP_CODE) {
        stop.signalResult = SIGNAL_ACTION.IGN;
      }
    }
    if (course.expectsHandler) {
      // It was blocked meanwhile, and no handler was set up.
      course.expectsHandler = false;
      this.#core.arbitration.handler = false;
    }
    stop.signalDue = signal;
  }
}
