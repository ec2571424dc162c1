/** Orders that look random and can be had again. */

/** Numbers of 0 up to 1 from a seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The members in an order that the seed decides. */
export function shuffled<T>(members: readonly T[], seed: number): T[] {
  const next = generator(seed);
  return members
    .map((member) => ({ member, place: next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ member }) => member);
}
