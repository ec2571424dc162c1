/**
 * A child that said PTRACE_TRACEME has the kernel's own, old attachment, on which no engine can stand. At its first stop it is taken over: detached into a
 * group-stop, seized in that, and woken by SIGCONT. It does not come back to user mode meanwhile, and in the end stands in a signal-delivery-stop again, in that of
 * the SIGCONT, which gets the signal and the siginfo of the first.
 */
import { binding } from '../../binding.js';
import { PTRACE } from '../../kernel/requests.js';
import { SIG, signalSetHas } from '../../kernel/signals.js';
import { P_PID, W } from '../../kernel/wait-flags.js';
import { procStatus } from '../../proc.js';
import type { KernelLayer } from '../../raw/kernel-layer.js';
import { scaledMillis } from '../../time-scale.js';
import { nap } from '../nap.js';
import type { VirtualThread } from './virtual-thread.js';

const PATIENCE_MILLIS = 2000;
const CLD_STOPPED = 5;

export class Adoption {
  /** The signal of the stop. */
  readonly signal: number;
  readonly #siginfo: Uint8Array;
  #woken = false;

  private constructor(signal: number, siginfo: Uint8Array) {
    this.signal = signal;
    this.#siginfo = siginfo;
  }

  /** Whether the SIGCONT that is expected is the one that was sent here. */
  get isWaiting(): boolean {
    return this.#woken;
  }

  /**
   * Detaches a child that stands in the signal-delivery-stop `signal` of the kernel's own attachment, into a group-stop. Undefined where that cannot be done
   * (it stands elsewhere, or blocks SIGCONT): nothing has changed then.
   */
  static detach(kernel: KernelLayer, tid: number, signal: number): Adoption | undefined {
    const siginfo = new Uint8Array(128);
    if (kernel.ptraceBuffer(PTRACE.GETSIGINFO, tid, 0, siginfo) < 0) return undefined;
    const status = procStatus(tid);
    if (status === undefined || signalSetHas(status.sigBlk, SIG.SIGCONT)) return undefined;
    const addon = binding();
    // Its report is taken.
    kernel.waitid(P_PID, tid, W.WSTOPPED | W.WNOHANG | W.__WALL, new Uint8Array(128), null);
    if (addon.tgkill(status.tgid, tid, SIG.SIGSTOP) < 0) return undefined;
    if (kernel.ptrace(PTRACE.DETACH, tid, 0, 0) < 0) return undefined;
    const found = new Uint8Array(128);
    const view = new DataView(found.buffer);
    const begin = performance.now();
    const limit = scaledMillis(PATIENCE_MILLIS);
    while (performance.now() - begin < limit) {
      const result = kernel.waitid(P_PID, tid, W.WSTOPPED | W.WEXITED | W.WNOHANG | W.WNOWAIT, found, null);
      if (result < 0) return undefined;
      if (view.getInt32(16, true) === tid) {
        if (view.getInt32(8, true) !== CLD_STOPPED) return undefined;
        kernel.waitid(P_PID, tid, W.WSTOPPED | W.WNOHANG, found, null);
        return new Adoption(signal, siginfo);
      }
      nap(0.05);
    }
    return undefined;
  }

  /** An event-stop on the way: the first is the group-stop. */
  eventStop(at: VirtualThread): void {
    if (this.#woken) return;
    this.#woken = true;
    binding().tgkill(at.thread.pid, at.tid, SIG.SIGCONT);
  }

  /** The SIGCONT is about to be delivered: it becomes what the child stood in. */
  arrive(siginfo: Uint8Array): void {
    siginfo.set(this.#siginfo);
  }
}
