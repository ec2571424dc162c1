/** An engine as the arbitration knows it: its mask, and whether it holds its thread. */
export class Seat<O> {
  /** The callbacks, which the arbitration never calls: it compares them. */
  readonly ops: O;
  /** The engine's own data: compared, too. */
  readonly data: unknown;
  /** Bits of EVENT. */
  events = 0;
  /** ENGINE_STOP: this engine wants its thread stopped. */
  wantsStop = false;
  /** It was told to detach, and is still on the list of its thread. */
  detached = false;
  /** It is on no list any more. */
  gone = false;
  /** Whose it is, for the driver. */
  owner: object | undefined;

  constructor(ops: O, data: unknown) {
    this.ops = ops;
    this.data = data;
  }
}

/** Bits that choose what an attach does. */
export const ATTACH = {
  /** The match must have these callbacks. */
  MATCH_OPS: 0x01,
  /** The match must have this data. */
  MATCH_DATA: 0x02,
  /** Make a new engine; without it an attach is a look-up. */
  CREATE: 0x10,
  /** Fail when an engine matches; with neither MATCH bit every engine does. */
  EXCLUSIVE: 0x20,
} as const;

export const ATTACH_ALL: number = Object.values(ATTACH).reduce((mask, bit) => mask | bit, 0);

/** Whether an engine is one that the flags look for. One that was told to detach is none. */
export function matches<O>(seat: Seat<O>, flags: number, ops: O | undefined, data: unknown): boolean {
  if ((flags & ATTACH.MATCH_OPS) !== 0 && seat.ops !== ops) return false;
  if ((flags & ATTACH.MATCH_DATA) !== 0 && seat.data !== data) return false;
  return !seat.detached && !seat.gone;
}
