/**
 * `npm run mutants`: plays the suite on kernels that lie, prints which scenario notices which fault, and the scenarios that notice none.
 *
 * Arguments: `--fault ID` (several), `--filter GLOB` (several), `--jobs N`, `--json FILE`, `--noticed FILE` (for the tests: of each fault the
 * three scenarios that notice it and the fewest other ones).
 */
import { writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { parseArgs } from 'node:util';
import { probe } from '../../probe/index.js';
import { catalogue } from '../catalogue.js';
import { missingOf } from '../report/run-report.js';
import { run } from '../runner.js';
import type { Scenario } from '../scenario.js';
import { select } from '../select.js';
import { type Fault, faultById, faults } from './index.js';
import { tryFaults } from './try.js';

const { values } = parseArgs({
  options: {
    fault: { type: 'string', multiple: true },
    filter: { type: 'string', multiple: true },
    jobs: { type: 'string', default: '2' },
    json: { type: 'string' },
    noticed: { type: 'string' },
  },
});

const jobs = Number(values.jobs);
if (!Number.isInteger(jobs) || jobs < 1) throw new Error(`--jobs is ${values.jobs}, want a number of 1 or more`);

function chosenFaults(ids: readonly string[] | undefined): readonly Fault[] {
  if (ids === undefined) return faults;
  return ids.map((id) => {
    const fault = faultById(id);
    if (fault === undefined) throw new Error(`there is no fault ${id}`);
    return fault;
  });
}

const missing = missingOf(probe());

/** The scenarios that pass on the kernel as it is: the others could tell nothing. */
async function passing(): Promise<Scenario[]> {
  const { filter } = values;
  const wanted = select(catalogue().all, filter === undefined ? {} : { filters: filter });
  const passed = new Set<string>();
  await run(wanted, {
    missing,
    jobs,
    onOutcome: ({ id, verdict }) => {
      if (verdict === 'pass') passed.add(id);
    },
  });
  return wanted.filter(({ id }) => passed.has(id));
}

const begin = performance.now();
const scenarios = await passing();
const chosen = chosenFaults(values.fault);
console.log(`${scenarios.length} scenarios pass here and are played on ${chosen.length} kernels that lie\n`);

const SHOWN = 4;
const width = Math.max(...chosen.map(({ id }) => id.length));
const trials = await tryFaults(chosen, scenarios, {
  missing,
  jobs,
  onTrial: ({ fault, caughtBy }) => {
    const more = caughtBy.length > SHOWN ? ', ...' : '';
    const names = caughtBy.length === 0 ? 'NOBODY' : `${caughtBy.slice(0, SHOWN).join(', ')}${more}`;
    console.log(`${fault.id.padEnd(width)}  ${String(caughtBy.length).padStart(4)}  ${names}`);
  },
});

const missed = trials.filter(({ caughtBy }) => caughtBy.length === 0).map(({ fault }) => fault.id);
const strong = new Set(trials.flatMap(({ caughtBy }) => caughtBy));
/** Kernels of other releases are expected to do something else: the difference turns it red. */
const differs = ({ expect }: Scenario): boolean => typeof expect === 'object' && expect.length > 1;
const weak = scenarios.filter((scenario) => !strong.has(scenario.id) && !differs(scenario)).map(({ id }) => id);

console.log(`\n${trials.length - missed.length} of ${trials.length} faults are caught`);
if (missed.length > 0) console.log(`by no scenario: ${missed.join(', ')}`);
console.log(`weak scenarios, red on no fault and with no difference between kernels: ${weak.length}`);
for (const id of weak) console.log(`  ${id}`);
console.log(`(${((performance.now() - begin) / 1000).toFixed(0)} s)`);

if (values.json !== undefined) {
  const report = {
    schema: 'linux-ptrace/mutants/1',
    kernel: release(),
    arch: process.arch,
    faults: trials.map(({ fault, caughtBy }) => ({ id: fault.id, title: fault.title, caughtBy })),
    weak,
  };
  writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
}
if (values.noticed !== undefined) {
  const NAMED = 3;
  const uses = new Map<string, number>();
  for (const { caughtBy } of trials) for (const id of caughtBy) uses.set(id, (uses.get(id) ?? 0) + 1);
  const noticed = trials.map(({ fault, caughtBy }): readonly [string, readonly string[]] => [
    fault.id,
    [...caughtBy].sort((a, b) => (uses.get(a) ?? 0) - (uses.get(b) ?? 0)).slice(0, NAMED),
  ]);
  writeFileSync(values.noticed, `${JSON.stringify(Object.fromEntries(noticed), null, 2)}\n`);
}
if (missed.length > 0) process.exitCode = 1;
