/**
 * `npm run flake`: plays the suite again and again, in another order each time, and prints how often each scenario had which verdict and how many
 * different observations. Exit code 1 when a scenario was not the same every time, or failed.
 *
 * Arguments: `--repeat N` (20), `--set scenarios|matrix|all`, `--jobs N`, `--seed N`.
 */
import { parseArgs } from 'node:util';
import { runReport } from './report/run-report.js';
import { scenariosOf, SETS } from './sets.js';

const { values } = parseArgs({
  options: {
    repeat: { type: 'string', default: '20' },
    set: { type: 'string', default: 'scenarios' },
    jobs: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
  },
});

function whole(name: 'repeat' | 'jobs' | 'seed'): number {
  const number = Number(values[name]);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new Error(`--${name} is ${values[name]}, want a number of 1 or more`);
}

const set = SETS.find((name) => name === values.set);
if (set === undefined) throw new Error(`--set is ${values.set}, want one of ${SETS.join(', ')}`);

const repeat = whole('repeat');
const scenarios = await scenariosOf(set);
const report = await runReport({ scenarios, repeat, jobs: whole('jobs'), shuffle: whole('seed') });

const width = Math.max(...scenarios.map(({ id }) => id.length));
console.log(`${'scenario'.padEnd(width)}  verdicts             observations`);
const unstable: string[] = [];
for (const { id, verdict, runs, reason } of report.scenarios) {
  const counts = Object.entries(runs?.verdicts ?? { [verdict]: 1 }).filter(([, count]) => count > 0);
  const text = counts.map(([name, count]) => `${count} ${name}`).join(', ');
  console.log(`${id.padEnd(width)}  ${text.padEnd(20)} ${runs?.observations ?? 1}`);
  if (counts.length > 1 || verdict === 'fail') unstable.push(reason === undefined ? id : `${id}: ${reason}`);
}
console.log('');
console.log(
  `${scenarios.length} scenarios, ${repeat} times each: ${unstable.length} without the same verdict every time (${(report.durationMs / 1000).toFixed(1)} s)`,
);
for (const line of unstable) console.log(`  ${line}`);
if (unstable.length > 0) process.exitCode = 1;
