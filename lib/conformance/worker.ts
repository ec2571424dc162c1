/**
 * A process that plays scenarios, one at a time: the main of a child process of the runner. Whatever happens to it fails one scenario.
 */
import { binding } from '../binding.js';
import { withKernelLayer } from '../raw/kernel-layer.js';
import { playOn } from './backend/index.js';
import { catalogue } from './catalogue.js';
import { type Fault, faultById, lyingKernel } from './faults/index.js';
import { loadScenarios } from './load.js';
import type { FromWorker, Setup, ToWorker } from './messages.js';
import { play } from './play.js';
import type { Scenario } from './scenario.js';

let setup: Setup = { missing: {} };
const loaded = new Map<string, Scenario>();

function say(message: FromWorker): void {
  process.send?.(message);
}

function knownFault(id: string): Fault {
  const fault = faultById(id);
  if (fault === undefined) throw new Error(`there is no fault ${id}`);
  return fault;
}

function playOne(id: string): void {
  const scenario = loaded.get(id) ?? catalogue().byId.get(id);
  if (scenario === undefined) throw new Error(`there is no scenario ${id}`);
  const { fault, backend = 'kernel' } = setup;
  const outcome =
    fault === undefined
      ? playOn(backend, scenario, setup)
      : withKernelLayer(lyingKernel(knownFault(fault)), () => play(scenario, setup));
  // On a kernel that lies failures are what is to be seen: the worker is as good as before.
  const clean = fault === undefined ? outcome.verdict !== 'fail' : outcome.left === undefined;
  say({ kind: 'played', outcome, clean });
}

async function setUp(given: Setup): Promise<void> {
  setup = given;
  try {
    binding();
    catalogue();
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
      playOne(message.id);
      break;
  }
});
// Without the runner there is nobody to play for.
process.on('disconnect', () => process.exit());
