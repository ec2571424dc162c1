/**
 * The benchmarks: npm run bench [-- --json] [--only ID[,ID...]] [--rounds N] [--quick] [--list]
 *
 * Our code and C programs (strace, python-ptrace) do the same work in turn on one CPU; the ratio of each pair counts, not the time.
 */
import { parseArgs } from 'node:util';
import { machine } from './machine.js';
import { measure, type Result } from './measure.js';
import { rows } from './rows.js';
import { format, heading } from './table.js';
import { openWorkshop } from './workshop.js';

const DEFAULT_ROUNDS = 7;

function wrong(what: string): never {
  console.error(`bench: ${what}`);
  process.exit(2);
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds ?? (values.quick ? 1 : DEFAULT_ROUNDS));
if (!Number.isInteger(rounds) || rounds < 1) wrong('--rounds wants a whole number of 1 or more');
const wanted = values.only.flatMap((ids) => ids.split(','));
for (const id of wanted) if (!rows.some((row) => row.id === id)) wrong(`there is no ${id}; --list tells what there is`);
const chosen = wanted.length === 0 ? rows : rows.filter(({ id }) => wanted.includes(id));

if (values.list) {
  for (const { id, title, against } of rows)
    console.log(`${id.padEnd(19)} ${title}${against === '-' ? '' : ` / ${against}`}`);
  process.exit(0);
}

const host = machine();
const workshop = openWorkshop();
const print = (text: string): void => {
  if (!values.json) console.log(text);
};
const stop = (): void => {
  workshop.remove();
  process.exit(130);
};
process.once('SIGINT', stop).once('SIGTERM', stop);

const results: Result[] = [];
try {
  print(`${host.cpu}, ${host.cpus} CPUs, Linux ${host.kernel}, Node ${host.node}, load ${host.load.toFixed(1)}`);
  print(
    workshop.noPrograms === undefined ? `C: ${workshop.compiler ?? ''} -O2` : `no C programs: ${workshop.noPrograms}`,
  );
  print(`\n${heading()}`);
  for (const row of chosen) {
    const result = await measure(row, workshop, { rounds, quick: values.quick });
    results.push(result);
    print(format(result));
  }
} finally {
  workshop.remove();
}
const missed = results.filter(({ ok, failed }) => ok === false || failed !== undefined).map(({ id }) => id);
if (values.json) console.log(JSON.stringify({ machine: host, quick: values.quick, results }, null, 2));
else print(missed.length === 0 ? '\nevery target is met' : `\nmissed: ${missed.join(', ')}`);
// Numbers are for a reader to judge; only what did not run is an error.
if (results.some(({ failed }) => failed !== undefined)) process.exitCode = 1;
