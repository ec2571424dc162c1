/** `npm run stress -- [--rounds N] [--seed N]`: engines at random on a process that is not spared. */
import { parseArgs } from 'node:util';
import { stress } from './stress.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
const [rounds, seed] = [Number(values.rounds), Number(values.seed)];
if (!Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seed))
  throw new Error('--rounds and --seed want integers');

console.log(`${rounds} rounds, seed ${seed}`);
const begin = performance.now();
let told = begin;
try {
  const outcome = await stress({
    rounds,
    seed,
    progress: (played) => {
      if (performance.now() - told < 10_000) return;
      told = performance.now();
      console.log(`${played} rounds`);
    },
  });
  console.log(JSON.stringify(outcome));
  console.log(`nothing hung, nobody was forgotten (${((performance.now() - begin) / 1000).toFixed(1)} s)`);
} catch (error) {
  console.log(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
