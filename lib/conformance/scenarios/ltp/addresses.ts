/** Pointers that a tracer must not pass: of a script, as this process would be the one to suffer. */
import type { ChildScript } from '../../../raw/child.js';
import type { Actor } from '../../actor.js';
import { resultText } from '../../describe.js';
import { traceChild } from '../../parts/tracing.js';

/** In the first and the last page of the address space. As unsigned words. */
export const BAD_ADDRESSES: readonly bigint[] = [0n, 1n, 2n, 3n, -1n, -2n, -3n, -4n].map((value) =>
  BigInt.asUintN(64, value),
);

/** A tracer of a child of its own that makes requests with data of each of {@link BAD_ADDRESSES}. */
export const byBadAddress =
  (requests: readonly (readonly [name: string, request: number, addr: number])[]) =>
  (c: ChildScript): void => {
    traceChild(c);
    for (const [name, request, addr] of requests) {
      for (const [index, address] of BAD_ADDRESSES.entries()) {
        c.syscall('ptrace', request, c.word('E'), addr, BigInt.asIntN(64, address)).store(`${name} ${index}`);
      }
    }
    c.store('done', 1).loop((again) => again.pause());
  };

/** The set of errors that a request of {@link byBadAddress} has given. */
export function observeErrors(t: Actor, name: string): void {
  t.untilWord('done', 1n);
  const results = BAD_ADDRESSES.map((_, index) => resultText(t.word(`${name} ${index}`)));
  t.observe(`${name} with data 0 to 3 and -1 to -4`, [...new Set(results)].join(' '));
}
