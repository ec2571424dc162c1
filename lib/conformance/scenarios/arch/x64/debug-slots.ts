/** The debug registers of a tracee, by POKEUSER and PEEKUSER. */
import {
  type DebugAccess,
  type DebugLength,
  decodeDr6,
  encodeDr7,
} from '../../../../kernel/arch/x64/debug-registers.js';
import { debugRegisterOffset } from '../../../../kernel/arch/x64/user-area.js';
import * as raw from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { pokeUser } from './user-words.js';

export const DR6 = 6;
export const DR7 = 7;

export interface Watch {
  readonly address: bigint;
  readonly access: DebugAccess;
  readonly length: DebugLength;
  /** Default 0. */
  readonly slot?: number;
}

/** POKEUSER of a debug register, with a line: `POKEUSER dr7 = 0`. */
export function pokeDebug(e: Actor, index: number, value: bigint, what = `dr${index}`): void {
  pokeUser(e, what, debugRegisterOffset(index), value);
}

export const peekDebug = (e: Actor, index: number): bigint => raw.peekUser(e.tid, debugRegisterOffset(index));

/** Arms slots, all others are off. Not in the transcript. */
export function arm(e: Actor, ...watches: readonly Watch[]): void {
  raw.pokeUser(e.tid, debugRegisterOffset(DR7), 0);
  for (const { slot = 0, address } of watches) raw.pokeUser(e.tid, debugRegisterOffset(slot), address);
  const control = encodeDr7(watches.map(({ slot = 0, access, length }) => ({ slot, access, length })));
  raw.pokeUser(e.tid, debugRegisterOffset(DR7), control);
}

/** What DR6 says, then it is cleared: `DR6 = slot 0, step`. */
export function takeStatus(e: Actor): void {
  const { slots, singleStep } = decodeDr6(peekDebug(e, DR6));
  const all = [...slots.map((slot) => `slot ${slot}`), ...(singleStep ? ['step'] : [])];
  e.observe('DR6', all.length === 0 ? 'nothing' : all.join(', '));
  raw.pokeUser(e.tid, debugRegisterOffset(DR6), 0);
}
