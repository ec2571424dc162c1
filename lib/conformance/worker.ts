/**
 * A process that plays scenarios, one at a time: the main of a child process of the runner. Whatever happens to it fails one scenario.
 */
import { binding } from '../binding.js';
import { withKernelLayer } from '../raw/kernel-layer.js';
import { loadScenarios } from './load.js';
import type { FromWorker, Setup, ToWorker } from './messages.js';
import { type Outcome, play } from './play.js';
import type { Scenario } from './scenario.js';
import { scenarioById } from './sets.js';

let setup: Setup = { missing: {} };
const loaded = new Map<string, Scenario>();

function say(message: FromWorker): void {
  process.send?.(message);
}

/** What only some runs are played on is loaded by them. */
async function playAsSetUp(scenario: Scenario): Promise<Outcome> {
  const { fault, backend = 'kernel' } = setup;
  if (fault !== undefined) {
    const { faultById, lyingKernel } = await import('./faults/index.js');
    const lie = faultById(fault);
    if (lie === undefined) throw new Error(`there is no fault ${fault}`);
    return withKernelLayer(lyingKernel(lie), () => play(scenario, setup));
  }
  if (backend === 'kernel') return play(scenario, setup);
  const { playOn } = await import('./backend/index.js');
  return playOn(backend, scenario, setup);
}

async function playOne(id: string, part: string | undefined): Promise<void> {
  const scenario = loaded.get(id) ?? (await scenarioById(id, part));
  if (scenario === undefined) throw new Error(`there is no scenario ${id}`);
  const outcome = await playAsSetUp(scenario);
  const { fault } = setup;
  // On a kernel that lies failures are what is to be seen: the worker is as good as before.
  const clean = fault === undefined ? outcome.verdict !== 'fail' : outcome.left === undefined;
  say({ kind: 'played', outcome, clean });
}

async function setUp(given: Setup): Promise<void> {
  setup = given;
  try {
    binding();
    for (const path of setup.load ?? []) {
      for (const scenario of await loadScenarios(path)) loaded.set(scenario.id, scenario);
    }
    say({ kind: 'ready' });
  } catch (error) {
    say({ kind: 'refused', reason: error instanceof Error ? error.message : String(error) });
  }
}

process.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'setup':
      void setUp(message.setup);
      break;
    case 'play':
      void playOne(message.id, message.part);
      break;
  }
});
// Without the runner there is nobody to play for.
process.on('disconnect', () => process.exit());
