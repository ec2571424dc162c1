/**
 * Naps in time with the tracee.
 *
 * A tracee that prints something every second runs, in the original, by a clock of its own, and both clocks together decide how many lines
 * come before the tracer's next one. Here the mother's clock beats for both: the tracee's nap ends at the next beat, and there is a beat
 * in the middle of each such period of the mother's naps.
 */
import { writeSync } from 'node:fs';

/** The time of the C programs, in milliseconds. */
export const ts100ms = 100;
export const ts1s = 1000;
export const ts3s = 3000;

export interface Pause {
  readonly milliseconds: number;
  readonly beatAfter: boolean;
}

/** The parts of a nap. Without a period there is no tracee to keep time with. */
export function pausesOf(milliseconds: number, period: number | undefined): Pause[] {
  if (period === undefined || milliseconds < period) return [{ milliseconds, beatAfter: false }];
  const pauses: Pause[] = [];
  for (let left = milliseconds; left >= period; left -= period) {
    pauses.push({ milliseconds: period / 2, beatAfter: true }, { milliseconds: period / 2, beatAfter: false });
  }
  return pauses;
}

/** Lets the tracee's nap end. A stopped tracee finds the beat when it goes on. */
export function beat(fd: number): void {
  writeSync(fd, '.');
}
