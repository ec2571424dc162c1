/** What a SIGTRAP stands for that is not a plain signal. */
export type Trap =
  | { readonly kind: 'step'; readonly cause: 'instruction' | 'syscall' | 'handler' }
  | { readonly kind: 'breakpoint'; readonly address: bigint; readonly hardware: boolean }
  | { readonly kind: 'watchpoint'; readonly address: bigint }
  | { readonly kind: 'signal' };

/** What a trap is decided from. */
export interface TrapEvidence {
  readonly tid: number;
  /** si_code, si_pid and si_addr of the SIGTRAP. */
  readonly code: number;
  readonly pid: number;
  readonly address: bigint;
  /** Whether the tracee was resumed by a step or block-step. */
  readonly stepping: boolean;
  programCounter(): bigint;
  /** A word of the user area, 0 where there is none. */
  peekUser(offset: number): bigint;
}

/** How an architecture reports traps. */
export type TrapReader = (evidence: TrapEvidence) => Trap;
