import { expect, it } from 'vitest';
import { limit } from '../helpers/scale.js';
import { stress } from './stress/stress.js';

it.each([1, 2, 3])(
  'eight engines at random on sixteen threads: seed %i',
  async (seed) => {
    const outcome = await stress({ rounds: 300, seed, milliseconds: limit(4000) });
    expect(outcome.callbacks).toBeGreaterThan(100);
  },
  60_000,
);
