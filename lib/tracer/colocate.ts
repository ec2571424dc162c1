/**
 * Tracer and tracee on one CPU.
 *
 * Every stop is two switches between tracer and tracee. On one CPU a switch is a scheduling decision; across CPUs it is an interrupt, which
 * in a virtual machine costs a multiple of the whole stop. So a tracer of one busy thread gains by sharing its CPU; a tracee with many
 * threads loses its parallelism, and every tracee can see it in sched_getaffinity(2). Hence a choice, undone when the tracee is detached.
 */
import { binding } from '../binding.js';
import { procStatus } from '../proc.js';
import type { Tracee } from './tracee.js';

/** 'auto' colocates while stops come fast from few threads. */
export type ColocateMode = 'off' | 'on' | 'auto';

/** Stops a second from which on sharing a CPU pays, and below which it does not. */
const FAST = 5000;
const SLOW = 500;
/** The rate is looked at every so many stops. */
const STOPS_PER_LOOK = 256;
/** More threads than this have work of their own to do in parallel. */
const FEW_THREADS = 2;
const MASK_BYTES = 1024;

function affinityOf(tid: number): Uint8Array | undefined {
  const mask = new Uint8Array(MASK_BYTES);
  const length = binding().schedGetaffinity(tid, mask);
  return length < 0 ? undefined : mask.slice(0, length);
}

export class Colocation {
  readonly #mode: 'on' | 'auto';
  readonly #tracees = new Set<Tracee>();
  readonly #former = new Map<Tracee, Uint8Array>();
  #ownFormer: Uint8Array | undefined;
  #mask: Uint8Array | undefined;
  #stops = 0;
  #since = 0;

  constructor(mode: 'on' | 'auto') {
    this.#mode = mode;
  }

  /** Whether tracer and tracees share a CPU now. */
  get active(): boolean {
    return this.#mask !== undefined;
  }

  added(tracee: Tracee): void {
    this.#tracees.add(tracee);
    if (this.active) this.#move(tracee);
    else if (this.#mode === 'on') this.#begin();
  }

  /** Gone, or let go: what a detached tracee had is given back to it. */
  removed(tracee: Tracee): void {
    this.#tracees.delete(tracee);
    this.#restore(tracee);
    if (this.#tracees.size === 0) this.undo();
  }

  /** A stop came in. */
  stopped(): void {
    if (this.#mode !== 'auto' || ++this.#stops < STOPS_PER_LOOK) return;
    const now = performance.now();
    const rate = (this.#stops / (now - this.#since)) * 1000;
    this.#stops = 0;
    this.#since = now;
    if (!this.active && rate > FAST && this.#tracees.size <= FEW_THREADS) this.#begin();
    else if (this.active && (rate < SLOW || this.#tracees.size > FEW_THREADS)) this.undo();
  }

  /** Gives every thread back the CPUs it had. */
  undo(): void {
    for (const tracee of this.#former.keys()) this.#restore(tracee);
    if (this.#ownFormer !== undefined && this.#isShared(affinityOf(0))) binding().schedSetaffinity(0, this.#ownFormer);
    this.#ownFormer = undefined;
    this.#mask = undefined;
  }

  #begin(): void {
    const own = affinityOf(0);
    const cpu = binding().getcpu();
    if (own === undefined || cpu < 0) return;
    const mask = new Uint8Array(own.length);
    mask[cpu >> 3] = 1 << (cpu & 7);
    if (binding().schedSetaffinity(0, mask) < 0) return;
    this.#ownFormer = own;
    this.#mask = mask;
    for (const tracee of this.#tracees) this.#move(tracee);
  }

  #move(tracee: Tracee): void {
    const now = affinityOf(tracee.tid);
    if (now === undefined || this.#mask === undefined) return;
    const former = this.#isShared(now) ? (this.#inherited(tracee) ?? now) : now;
    if (binding().schedSetaffinity(tracee.tid, this.#mask) >= 0) this.#former.set(tracee, former);
  }

  /** What a thread would have inherited that has the shared CPU from its creator: that one's own. Undefined if it was not created since. */
  #inherited(tracee: Tracee): Uint8Array | undefined {
    if (tracee.isOwnChild) return this.#ownFormer;
    if (tracee.state !== 'starting') return undefined;
    const parent = procStatus(tracee.tid)?.ppid;
    const moved = [...this.#former];
    const [, former] = moved.find(([{ pid }]) => pid === tracee.pid) ?? moved.find(([{ pid }]) => pid === parent) ?? [];
    return former ?? this.#ownFormer;
  }

  #isShared(affinity: Uint8Array | undefined): boolean {
    return affinity?.every((byte, index) => byte === (this.#mask?.[index] ?? 0)) ?? false;
  }

  #restore(tracee: Tracee): void {
    const former = this.#former.get(tracee);
    this.#former.delete(tracee);
    if (former === undefined || tracee.state === 'ended') return;
    // If it is another by now, the tracee or somebody else has chosen it meanwhile.
    if (this.#isShared(affinityOf(tracee.tid))) binding().schedSetaffinity(tracee.tid, former);
  }
}
