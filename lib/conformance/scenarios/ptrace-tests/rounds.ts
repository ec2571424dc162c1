/** Behaviours that went wrong now and then: the same round again and again. */
import type { Stage } from '../../stage.js';

/**
 * Plays a round many times. The transcript has the lines of the first one, those of each later one that differs, and how many there were.
 *
 * @param round gets its number, from 0
 */
export function rounds(s: Stage, count: number, round: (index: number) => void): void {
  let first: string | undefined;
  for (let index = 0; index < count; index++) {
    const begin = s.lines.length;
    round(index);
    const text = s.lines.slice(begin).join('\n');
    first ??= text;
    if (index > 0 && text === first) s.lines.length = begin;
  }
  s.observe('rounds', count);
}

/** What of the outcomes is none of those that may be: `none` in the transcript of a right kernel. */
export function others(outcomes: Iterable<string>, ...allowed: readonly string[]): string {
  const left = [...new Set(outcomes)].filter((outcome) => !allowed.includes(outcome)).sort();
  return left.length === 0 ? 'none' : left.join(', ');
}
