/**
 * `npm run model -- [--runs N] [--seed N]`: holds the model of job control under ptrace against the running kernel. A disagreement is shrunk to
 * its least sequence and printed as a scenario.
 */
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { agree, sequences } from './sequences.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
const [runs, seed] = [Number(values.runs), Number(values.seed)];
if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed)) throw new Error('--runs and --seed want integers');

const begin = performance.now();
console.log(`${runs} sequences, seed ${seed}`);
const result = fc.check(
  fc.property(sequences, (sequence) => void agree(sequence)),
  { numRuns: runs, seed },
);
if (result.failed) {
  const { errorInstance } = result;
  console.log(`disagreement at sequence ${result.numRuns}, after ${result.numShrinks} steps of shrinking:`);
  console.log(errorInstance instanceof Error ? errorInstance.message : String(errorInstance));
  process.exitCode = 1;
} else {
  console.log(`the kernel agrees with the model (${((performance.now() - begin) / 1000).toFixed(1)} s)`);
}
