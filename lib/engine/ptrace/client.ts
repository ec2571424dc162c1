/**
 * One client of a virtual ptrace: a {@link KernelLayer} that behaves as if its user were the only tracer there is.
 *
 * `useKernelLayer(virtual.client())`, and raw/, the tracer and the conformance suite work on it. What the client has not attached (its other children) is the
 * real kernel's business, and passed on.
 *
 * Clients of one JavaScript thread take turns: a wait that blocks for a tracee which another client of the same thread holds in a stop blocks for ever, since nobody
 * is left who could let it go.
 */
import type { Bytes, Word } from '../../binding.js';
import { binding } from '../../binding.js';
import { PTRACE } from '../../kernel/requests.js';
import { SIG } from '../../kernel/signals.js';
import { W } from '../../kernel/wait-flags.js';
import type { KernelLayer } from '../../raw/kernel-layer.js';
import { adopt } from './adopt.js';
import type { Attachment } from './attachment.js';
import { Requests } from './requests.js';
import { nap } from '../nap.js';
import type { VirtualPtrace } from './virtual-ptrace.js';
import { Waits } from './waits.js';

const KILL_AT_END = 1;

export class Client implements KernelLayer {
  readonly host: VirtualPtrace;
  readonly #attachments = new Map<number, Attachment>();
  readonly #passedOn = new Set<number>();
  readonly #requests: Requests;
  readonly #waits: Waits;
  readonly #tracked = new Map<number, { readonly pid: number; readonly flags: number }>();
  #ring: (() => void) | undefined;
  #armed = false;
  #ringing: NodeJS.Immediate | undefined;
  #referenced = false;

  constructor(host: VirtualPtrace) {
    this.host = host;
    this.#requests = new Requests(this);
    this.#waits = new Waits(this);
  }

  // --- attachments

  /** What it traces, the newest first: the order in which the kernel looks. */
  get attachments(): Attachment[] {
    return [...this.#attachments.values()].reverse();
  }

  attachment(tid: number): Attachment | undefined {
    return this.#attachments.get(tid);
  }

  /** @internal */
  add(attachment: Attachment): void {
    this.#attachments.set(attachment.tid, attachment);
  }

  /** @internal It is traced no more. */
  drop(attachment: Attachment): void {
    for (const [tid, each] of this.#attachments) if (each === attachment) this.#attachments.delete(tid);
  }

  /** @internal An execve has given a thread the id of its leader. */
  renamed(attachment: Attachment, formerTid: number): void {
    if (formerTid === attachment.tid || this.#attachments.get(formerTid) !== attachment) return;
    this.#attachments.delete(formerTid);
    this.#attachments.set(attachment.tid, attachment);
  }

  /** A child that said PTRACE_TRACEME, once it stands: taken over. */
  adopt(tid: number): Attachment | undefined {
    if (this.#passedOn.has(tid)) return undefined;
    const adopted = adopt(this, tid);
    if (adopted === 'never') this.#passedOn.add(tid);
    return adopted === 'never' ? undefined : adopted;
  }

  /** Children that cannot be taken over, and are the kernel's own tracees. */
  get passedOn(): ReadonlySet<number> {
    return this.#passedOn;
  }

  // --- requests

  /** How many requests were made. */
  requests = 0;

  readonly ptrace = (request: number, tid: number, addr: Word, data: Word): number => {
    this.requests++;
    return this.#requests.words(request, tid, addr, data);
  };
  readonly ptraceBuffer = (request: number, tid: number, addr: Word, data: Bytes): number => {
    this.requests++;
    return this.#requests.buffer(request, tid, addr, data);
  };
  readonly ptraceIovec = (request: number, tid: number, addr: Word, data: Bytes): number => {
    this.requests++;
    return this.#requests.standing(tid, request, () => this.host.ground.kernel.ptraceIovec(request, tid, addr, data));
  };
  readonly ptraceTwoBuffers = (request: number, tid: number, addr: Bytes, data: Bytes | Word): number => {
    this.requests++;
    return this.#requests.standing(tid, request, () =>
      this.host.ground.kernel.ptraceTwoBuffers(request, tid, addr, data),
    );
  };

  // --- waits

  readonly wait4 = (pid: number, options: number, status: Int32Array, rusage: BigInt64Array | null): number =>
    this.#waits.wait4(pid, options, status, rusage);
  readonly waitid = (
    idtype: number,
    id: number,
    options: number,
    siginfo: Uint8Array,
    rusage: BigInt64Array | null,
  ): number => this.#waits.waitid(idtype, id, options, siginfo, rusage);

  /** Lets the engines work while the client waits for something else. */
  readonly idle = (): void => {
    this.host.pump();
  };

  readonly pollTracee = (tid: number, micros: number, out: Int32Array): number => {
    const begin = performance.now();
    for (;;) {
      const found = this.wait4(tid, W.WNOHANG | W.__WALL, out, null);
      if (found !== 0) return Math.max(0, found);
      if ((performance.now() - begin) * 1000 >= micros) return 0;
      nap(0.01);
    }
  };

  readonly drain = (micros: number, out: Int32Array): number => {
    const begin = performance.now();
    for (;;) {
      const count = this.#drainOnce(out, true);
      if (count > 0 || (performance.now() - begin) * 1000 >= micros) return count;
      nap(0.01);
    }
  };
  readonly drainById = (out: Int32Array): number => this.#drainOnce(out, false);

  #drainOnce(out: Int32Array, strangers: boolean): number {
    this.host.pump();
    const most = Math.floor(out.length / 2);
    let count = 0;
    for (const { tid, stop } of this.attachments) {
      if (count === most) break;
      if (stop === undefined || stop.reported) continue;
      if (!this.#tracked.has(tid)) {
        if (!strangers) continue;
        out[2 * count] = -tid;
        out[2 * count + 1] = stop.status;
        return count + 1;
      }
      const attachment = this.#attachments.get(tid);
      if (attachment === undefined) continue;
      out[2 * count] = tid;
      out[2 * count + 1] = stop.status;
      this.consume(attachment);
      count++;
    }
    return count;
  }

  /** @internal A wait has consumed what it stands in. */
  consume(attachment: Attachment): void {
    const { stop } = attachment;
    if (stop === undefined) return;
    stop.reported = true;
    if (stop.kind === 'end') this.host.consumedEnd(attachment);
  }

  // --- what the addon keeps for the tracer

  readonly track = (tid: number, pid: number, flags: number): void => {
    this.#tracked.set(tid, { pid, flags });
  };
  readonly untrack = (tid: number): void => {
    this.#tracked.delete(tid);
  };
  readonly endTracees = (_millis: number): void => {
    for (const [tid, { pid, flags }] of this.#tracked) {
      if ((flags & KILL_AT_END) !== 0) binding().kill(pid, SIG.SIGKILL);
      else this.#attachments.get(tid)?.resume(PTRACE.DETACH, 0);
    }
  };

  // --- the doorbell

  readonly bellOpen = (ring: () => void): number => {
    this.#ring = ring;
    return 0;
  };
  readonly bellArm = (): void => {
    this.#armed = true;
    if (this.attachments.some(({ stop }) => stop?.reported === false)) this.#schedule();
  };
  readonly bellDisarm = (): void => {
    this.#armed = false;
  };
  readonly bellReference = (on: boolean): void => {
    this.#referenced = on;
    if (on) this.#ringing?.ref();
    else this.#ringing?.unref();
  };
  readonly bellClose = (): void => {
    this.#ring = undefined;
    this.#armed = false;
    clearImmediate(this.#ringing);
    this.#ringing = undefined;
  };

  /** @internal It has something to report. */
  told(attachment: Attachment): void {
    if (this.#armed || attachment.stop?.kind === 'end') this.#schedule();
  }

  #schedule(): void {
    if (this.#ring === undefined || this.#ringing !== undefined) return;
    this.#ringing = setImmediate(() => {
      this.#ringing = undefined;
      this.#ring?.();
    });
    if (!this.#referenced) this.#ringing.unref();
  }
}
