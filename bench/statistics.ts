/** What many noisy measurements say. */

/** The middle value; of an even number the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** Least and greatest value. */
export interface Spread {
  readonly least: number;
  readonly greatest: number;
}

export function spread(values: readonly number[]): Spread {
  return { least: Math.min(...values), greatest: Math.max(...values) };
}

/** One side measured right after the other: what disturbs the machine then disturbs both. */
export interface Pair {
  readonly ours: number;
  readonly reference: number;
}

/** What a target is held against. */
export type Compared = 'ratio' | 'difference' | 'ours';

export interface Summary {
  readonly ours: number;
  readonly reference: number | null;
  /** Ours by reference; null without a reference. */
  readonly ratio: number | null;
  /** Median of what is compared. */
  readonly value: number;
  /** Of what is compared, one value a round. */
  readonly spread: Spread;
}

/** The number of one pair that is compared. */
export function comparedOf({ ours, reference }: Pair, compared: Compared): number {
  switch (compared) {
    case 'ratio':
      return ours / reference;
    case 'difference':
      return ours - reference;
    case 'ours':
      return ours;
  }
}

/**
 * The result of some rounds of some pairs each. Pairs are compared one by one and the median is taken of that, in a round and then of the
 * rounds: a slow moment of the machine costs one pair, a process with a bad start one round.
 */
export function summarize(rounds: readonly (readonly Pair[])[], compared: Compared, hasReference: boolean): Summary {
  const middle = (of: (pair: Pair) => number): number[] => rounds.map((pairs) => median(pairs.map(of)));
  const values = middle((pair) => comparedOf(pair, compared));
  return {
    ours: median(middle(({ ours }) => ours)),
    reference: hasReference ? median(middle(({ reference }) => reference)) : null,
    ratio: hasReference ? median(middle((pair) => comparedOf(pair, 'ratio'))) : null,
    value: median(values),
    spread: spread(values),
  };
}
