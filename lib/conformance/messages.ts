/** What the runner and its workers say to each other, over Node's IPC channel. */
import type { Backend } from './backend/index.js';
import type { Missing } from './needs.js';
import type { Outcome } from './play.js';

/** What a worker is told at its start. */
export interface Setup {
  readonly missing: Missing;
  readonly patience?: number | undefined;
  /** The fault of the kernel layer to play on: see faults/. */
  readonly fault?: string | undefined;
  /** What the scenarios are played on. Default: the kernel. */
  readonly backend?: Backend | undefined;
  /** Modules with more scenarios, by their paths: each exports an array `scenarios`. */
  readonly load?: readonly string[] | undefined;
}

export type ToWorker =
  | { readonly kind: 'setup'; readonly setup: Setup }
  | { readonly kind: 'play'; readonly id: string; readonly part?: string | undefined };

export type FromWorker =
  | { readonly kind: 'ready' }
  /** It cannot play: why. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** `clean` is false when the worker is not to be used again. */
  | { readonly kind: 'played'; readonly outcome: Outcome; readonly clean: boolean };
