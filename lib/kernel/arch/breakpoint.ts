/** The instruction that stops a tracee with SIGTRAP. */
export interface Breakpoint {
  /** The instruction, to be written over the program's. Not to be changed. */
  readonly bytes: Uint8Array;
  /** The program counter at the stop less the address of the breakpoint. */
  readonly pcOffset: bigint;
}
