/** What the probe does differently on each architecture. */
import type { Abi } from '../kernel/arch/host.js';
import type { RegsetName } from '../kernel/regsets.js';
import type { ChildScript } from '../raw/child.js';
import type { RequestName } from './catalogue.js';
import type { Specimen } from './lab.js';
import type { Section } from './section.js';

/**
 * Requests that leave a stopped tracee as it was: each is tried on a specimen; see `attempt` for what a trial answers
 * with.
 */
export type RequestTrials = { readonly [name in RequestName]?: (specimen: Specimen) => unknown };

export interface HardwareWatch {
  readonly address: bigint;
  readonly length: number;
  readonly access: string;
}

/** Hardware breakpoints and watchpoints. Every setter replaces all there were. */
export interface DebugUnit {
  /** No CPU has more. */
  readonly mostSlots: number;
  /** Breakpoints and watchpoints use the same slots. */
  readonly shared: boolean;
  /** What a watchpoint may be; whether it is taken is tried. */
  readonly lengths: readonly number[];
  readonly accesses: readonly string[];
  setBreakpoints(tid: number, addresses: readonly bigint[]): void;
  setWatchpoints(tid: number, watches: readonly HardwareWatch[]): void;
}

/** A tracee seen as one of another ABI, without a program of that ABI. */
export interface AbiView {
  readonly abi: Abi;
  readonly regsets: readonly RegsetName[];
  /** Makes it one, looks, and makes it what it was. */
  during(specimen: Specimen, look: () => void): void;
}

export interface ArchProbe {
  readonly requests: RequestTrials;
  /** What the specimen of the requests does first. */
  prepareRequests(script: ChildScript): void;
  /** What the specimen of the register sets does first, so that there is something in them. */
  prepareRegsets(script: ChildScript): void;
  readonly views: readonly AbiView[];
  readonly debug: DebugUnit;
  /** Tracees of other ABIs. */
  readonly abis: Section;
}
