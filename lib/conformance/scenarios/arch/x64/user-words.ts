/** Words of the user area, by POKEUSER and PEEKUSER, each with a line. */
import * as raw from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';

/** `POKEUSER gs_base = 0` */
export function pokeUser(e: Actor, what: string, offset: number, value: bigint): void {
  e.observe(
    `POKEUSER ${what}`,
    e.stage.attempt(() => raw.pokeUser(e.tid, offset, value)),
  );
}

/** `PEEKUSER gs_base = 0x1000` */
export function peekUser(e: Actor, what: string, offset: number): void {
  let value = 0n;
  const result = e.stage.attempt(() => {
    value = raw.peekUser(e.tid, offset);
  });
  e.observe(`PEEKUSER ${what}`, result === '0' ? `0x${value.toString(16)}` : result);
}
