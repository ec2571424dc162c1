/**
 * A model of one process under ptrace and job control, to be held against the kernel.
 *
 * It is the state that kernel/signal.c and kernel/ptrace.c keep for a process with one thread, and their rules, since Linux 5.10: what a signal does on
 * its way in ({@link Machine.kill}), what the process does when it may run ({@link Machine.#run}), and what each request does. Its tracer and its parent are the same
 * process, so group-stops are reported as ptrace-stops only while it is traced.
 *
 * Names of flags are the kernel's: JOBCTL_TRAP_STOP is a trap that was asked for, JOBCTL_TRAP_NOTIFY one because a group-stop began or ended,
 * JOBCTL_STOP_DEQUEUED says that a stop signal was taken and no SIGCONT has come since.
 */
import { SIG, signalNumber } from '../../kernel/signals.js';
import { PTRACE_EVENT } from '../../kernel/events.js';
import type { WaitStatus } from '../../kernel/wait-status.js';
import { disposition, type Action, type Injected } from './action.js';

export type Errno = 'ESRCH' | 'EPERM' | 'EIO' | 'EINVAL';

/** Who a siginfo is from: by kill(2) from the tracer's process, from the kernel, from the tracee itself (event stops). */
export interface Info {
  readonly signal: number;
  /** `si_code`: 0 SI_USER, 0x80 SI_KERNEL, else an event stop's. */
  readonly code: number;
  readonly from: 'R' | 'the kernel' | 'E';
}

/** A ptrace-stop. */
interface Trap {
  readonly status: WaitStatus;
  /** Absent in a group-stop of a tracee that was not seized. */
  readonly info: Info | undefined;
  readonly kind: 'signal' | 'jobctl' | 'exit';
  /** The signal was in the thread's own queue. */
  readonly own: boolean;
  /** Its status was consumed by a wait. */
  told: boolean;
}

type Tracing = 'no' | 'attached' | 'seized';

interface Pending {
  readonly info: Info;
  /** In the thread's own queue: it is taken before those of the process. */
  readonly own: boolean;
}

const SI_USER = 0;
const SI_KERNEL = 0x80;

const isStop = (signal: number): boolean => disposition(signal) === 'stop';

function numberOf(signal: Injected): number {
  return signal === null ? 0 : (signalNumber(signal) ?? 0);
}

export interface MachineOptions {
  /** PTRACE_O_TRACEEXIT is set whenever it is seized. */
  readonly traceExit: boolean;
}

export class Machine {
  readonly #options: MachineOptions;
  #tracing: Tracing = 'no';
  #pending: Pending[] = [];
  #trap: Trap | undefined;
  /** It is in its handler of SIGUSR1, which blocks that signal, or about to enter it. */
  #handling = false;
  /** It stands in a group-stop, untraced: TASK_STOPPED. */
  #stopped = false;
  #listening = false;
  #end: { readonly status: WaitStatus } | undefined;
  /** What its end will be, behind PTRACE_EVENT_EXIT. */
  #ending: WaitStatus | undefined;
  #reaped = false;

  // signal_struct
  #groupStopped = false;
  #groupStopCount = 0;
  #groupExitCode = 0;

  // jobctl
  #stopPending = false;
  #stopDequeued = false;
  #stopSignal = 0;
  #trapStop = false;
  #trapNotify = false;

  constructor(options: MachineOptions) {
    this.#options = options;
  }

  /** Whether it is gone for good. */
  get over(): boolean {
    return this.#reaped;
  }

  get tracing(): Tracing {
    return this.#tracing;
  }

  /** Its state in /proc when it rests. */
  get state(): 'S' | 'T' | 't' | 'Z' | 'gone' {
    if (this.#reaped) return 'gone';
    if (this.#end !== undefined) return 'Z';
    if (this.#trap !== undefined) return 't';
    return this.#stopped ? 'T' : 'S';
  }

  /** What PTRACE_GETSIGINFO gives. */
  siginfo(): Info | Errno {
    if (!this.#answers()) return 'ESRCH';
    return this.#trap?.info ?? 'EINVAL';
  }

  /** Does an action; the error of the system call, or undefined. */
  do(action: Action): Errno | undefined {
    if (this.#reaped) return 'ESRCH';
    switch (action.kind) {
      case 'kill':
        this.#send({ signal: numberOf(action.signal), code: SI_USER, from: 'R' }, false);
        return undefined;
      case 'attach':
        return this.#attach('attached');
      case 'seize':
        return this.#attach('seized');
      case 'interrupt':
        return this.#interrupt();
      case 'listen':
        return this.#listen();
      case 'cont':
        if (!this.#answers()) return 'ESRCH';
        this.#resume(numberOf(action.signal));
        return undefined;
      case 'detach':
        if (!this.#answers()) return 'ESRCH';
        this.#detach(numberOf(action.signal));
        return undefined;
    }
  }

  /** What wait4(2) with WUNTRACED gives when it rests; undefined for nothing. */
  wait(): WaitStatus | undefined {
    if (this.#end !== undefined && !this.#reaped) {
      this.#reaped = true;
      return this.#end.status;
    }
    if (this.#tracing !== 'no') {
      if (this.#trap === undefined || this.#trap.told || this.#listening) return undefined;
      this.#trap.told = true;
      return this.#trap.status;
    }
    // The parent's view: the stop of the group, once.
    if (this.#groupStopped && this.#groupExitCode !== 0) {
      const signal = this.#groupExitCode;
      this.#groupExitCode = 0;
      return { kind: 'stopped', signal };
    }
    return undefined;
  }

  // ---- Requests ----

  /** Whether a request that needs a stop is answered: ptrace_check_attach(). */
  #answers(): boolean {
    return this.#tracing !== 'no' && this.#trap !== undefined && !this.#listening;
  }

  #attach(how: 'attached' | 'seized'): Errno | undefined {
    if (this.#tracing !== 'no' || this.#end !== undefined) return 'EPERM';
    this.#tracing = how;
    if (how === 'attached') this.#send({ signal: SIG.SIGSTOP, code: SI_KERNEL, from: 'the kernel' }, true, false);
    if (this.#stopped) {
      // From stopped to traced without running in between.
      this.#trapStop = true;
      this.#stopped = false;
    }
    this.#run();
    return undefined;
  }

  #interrupt(): Errno | undefined {
    if (this.#tracing === 'no') return 'ESRCH';
    if (this.#tracing === 'attached') return 'EIO';
    if (this.#end !== undefined) return undefined;
    this.#trapStop = true;
    this.#wakeIfListening();
    this.#run();
    return undefined;
  }

  #listen(): Errno | undefined {
    if (!this.#answers()) return 'ESRCH';
    const code = this.#trap?.info?.code ?? 0;
    if (this.#tracing !== 'seized' || code >> 8 !== PTRACE_EVENT.STOP) return 'EIO';
    this.#listening = true;
    if (this.#trapNotify) {
      this.#wakeIfListening();
      this.#run();
    }
    return undefined;
  }

  #wakeIfListening(): void {
    if (!this.#listening) return;
    this.#listening = false;
    this.#trap = undefined;
  }

  #resume(signal: number): void {
    const trap = this.#trap;
    this.#trap = undefined;
    this.#leave(trap, signal);
  }

  /** It goes on behind a trap, with the signal that it was resumed with. */
  #leave(trap: Trap | undefined, signal: number): void {
    if (trap?.kind === 'exit') {
      this.#end = { status: this.#ending ?? { kind: 'killed', signal: SIG.SIGKILL, coreDumped: false } };
      return;
    }
    // Only a signal-delivery-stop takes the signal.
    if (trap?.kind === 'signal' && signal !== 0) {
      if (this.#blocks(signal)) this.#queue({ signal, code: SI_USER, from: 'R' }, trap.own);
      else if (this.#deliver(signal)) return;
    }
    this.#run();
  }

  #detach(signal: number): void {
    const trap = this.#trap;
    this.#tracing = 'no';
    this.#trapStop = false;
    this.#trapNotify = false;
    this.#trap = undefined;
    // Its state is what that of the group is.
    if (trap?.kind !== 'exit' && (this.#groupStopped || this.#groupStopCount > 0)) {
      this.#stopPending = true;
      if (this.#stopSignal === 0) this.#stopSignal = SIG.SIGSTOP;
    }
    this.#leave(trap, signal);
  }

  // ---- Signals on their way in: prepare_signal(), complete_signal() ----

  #send(info: Info, own: boolean, run = true): void {
    // What dies takes no signals, and SIGKILL does not take it out of PTRACE_EVENT_EXIT (since Linux 6.1).
    if (this.#end !== undefined || this.#trap?.kind === 'exit') return;
    const { signal } = info;
    if (isStop(signal)) this.#flush((other) => other === SIG.SIGCONT);
    else if (signal === SIG.SIGCONT) this.#continue();
    if (signal === SIG.SIGKILL) {
      this.#kill();
      return;
    }
    if (this.#tracing === 'no' && this.#ignores(signal)) {
      if (run) this.#run();
      return;
    }
    this.#queue(info, own);
    if (run) this.#run();
  }

  /** Standard signals do not queue: one that is pending already stays as it is. */
  #queue(info: Info, own: boolean): void {
    const there = this.#pending.some((each) => each.info.signal === info.signal && each.own === own);
    if (!there) this.#pending.push({ info, own });
  }

  #blocks(signal: number): boolean {
    return this.#handling && signal === SIG.SIGUSR1;
  }

  /** Whether a signal is thrown away at once where nobody traces: SIGCONT has done its work by then. */
  #ignores(signal: number): boolean {
    const does = disposition(signal);
    return does === 'ignore' || does === 'continue';
  }

  #flush(which: (signal: number) => boolean): void {
    this.#pending = this.#pending.filter(({ info }) => !which(info.signal));
  }

  #continue(): void {
    this.#flush(isStop);
    this.#stopPending = false;
    this.#stopDequeued = false;
    if (this.#tracing === 'seized') {
      this.#trapNotify = true;
      this.#wakeIfListening();
    } else {
      this.#stopped = false;
    }
    if (this.#groupStopped || this.#groupStopCount > 0) this.#groupExitCode = 0;
    this.#groupStopped = false;
    this.#groupStopCount = 0;
  }

  #kill(): void {
    this.#trap = undefined;
    this.#listening = false;
    this.#stopped = false;
    this.#exit(SIG.SIGKILL);
  }

  // ---- What it does when it may: get_signal() ----

  #run(): void {
    for (;;) {
      if (this.#trap !== undefined || this.#end !== undefined || this.#stopped) return;
      if (this.#stopPending && this.#signalStop(0)) return;
      if (this.#trapStop || this.#trapNotify) {
        this.#jobctlTrap();
        return;
      }
      const next = this.#dequeue();
      if (next === undefined) {
        if (!this.#handling) return;
        // Nothing keeps it from running its handler, at whose end the signal is no longer blocked.
        this.#handling = false;
        continue;
      }
      const { info, own } = next;
      if (isStop(info.signal)) this.#stopDequeued = true;
      if (this.#tracing !== 'no') {
        this.#stopDequeued = true;
        this.#stop({ status: { kind: 'stopped', signal: info.signal }, info, kind: 'signal', own, told: false });
        return;
      }
      if (this.#deliver(info.signal)) return;
    }
  }

  /** The thread's own signals come first, and of each queue the one with the lowest number. */
  #dequeue(): Pending | undefined {
    const [first] = this.#pending
      .filter(({ info }) => !this.#blocks(info.signal))
      .sort((a, b) => (a.own === b.own ? a.info.signal - b.info.signal : a.own ? -1 : 1));
    this.#pending = this.#pending.filter((each) => each !== first);
    return first;
  }

  /** Acts on a signal; whether it does nothing more for now. */
  #deliver(signal: number): boolean {
    switch (disposition(signal)) {
      case 'handle':
        this.#handling = true;
        return false;
      case 'ignore':
      case 'continue':
        return false;
      case 'stop':
        return this.#signalStop(signal);
      case 'terminate':
        this.#exit(signal);
        return true;
    }
  }

  /** do_signal_stop(): whether it stands afterwards. */
  #signalStop(signal: number): boolean {
    if (!this.#stopPending) {
      // A SIGCONT has come since the stop signal was taken.
      if (!this.#stopDequeued) return false;
      if (!this.#groupStopped) this.#groupExitCode = signal;
      this.#stopSignal = signal;
      this.#stopPending = true;
      this.#groupStopCount = 1;
    }
    if (this.#tracing !== 'no') {
      this.#trapStop = true;
      return false;
    }
    this.#participate();
    this.#stopped = true;
    return true;
  }

  /** task_participate_group_stop() of the only thread. */
  #participate(): void {
    this.#stopPending = false;
    this.#stopDequeued = false;
    if (this.#groupStopCount > 0) this.#groupStopCount--;
    this.#groupStopped = true;
  }

  #jobctlTrap(): void {
    if (this.#tracing === 'seized') {
      const inGroupStop = this.#groupStopCount > 0 || this.#groupStopped;
      const signal = inGroupStop ? this.#stopSignal : SIG.SIGTRAP;
      this.#stop({
        status: { kind: 'event', event: PTRACE_EVENT.STOP, signal },
        info: { signal, code: (PTRACE_EVENT.STOP << 8) | signal, from: 'E' },
        kind: 'jobctl',
        own: false,
        told: false,
      });
    } else {
      const status: WaitStatus = { kind: 'stopped', signal: this.#stopSignal };
      this.#stop({ status, info: undefined, kind: 'jobctl', own: false, told: false });
    }
  }

  /** ptrace_stop() */
  #stop(trap: Trap): void {
    if (trap.kind === 'jobctl') {
      if (this.#stopPending) this.#participate();
      if (trap.info !== undefined) this.#trapNotify = false;
    }
    // Any trap answers an INTERRUPT.
    this.#trapStop = false;
    this.#trap = trap;
  }

  #exit(signal: number): void {
    this.#stopPending = false;
    this.#trapStop = false;
    this.#trapNotify = false;
    const status: WaitStatus = { kind: 'killed', signal, coreDumped: false };
    if (this.#tracing === 'seized' && this.#options.traceExit) {
      const { EXIT } = PTRACE_EVENT;
      this.#trap = {
        status: { kind: 'event', event: EXIT, signal: SIG.SIGTRAP },
        info: { signal: SIG.SIGTRAP, code: (EXIT << 8) | SIG.SIGTRAP, from: 'E' },
        kind: 'exit',
        own: false,
        told: false,
      };
      this.#ending = status;
      return;
    }
    this.#end = { status };
  }
}
