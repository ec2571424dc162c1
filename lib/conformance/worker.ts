/**
 * A process that plays scenarios, one at a time: the main of a child process of the runner. Whatever happens to it fails one scenario.
 */
import { binding } from '../binding.js';
import { withKernelLayer } from '../raw/kernel-layer.js';
import { catalogue } from './catalogue.js';
import { type Fault, faultById, lyingKernel } from './faults/index.js';
import type { FromWorker, Setup, ToWorker } from './messages.js';
import { play } from './play.js';

let setup: Setup = { missing: {} };

function say(message: FromWorker): void {
  process.send?.(message);
}

function knownFault(id: string): Fault {
  const fault = faultById(id);
  if (fault === undefined) throw new Error(`there is no fault ${id}`);
  return fault;
}

function playOne(id: string): void {
  const scenario = catalogue().byId.get(id);
  if (scenario === undefined) throw new Error(`there is no scenario ${id}`);
  const { fault } = setup;
  const outcome =
    fault === undefined
      ? play(scenario, setup)
      : withKernelLayer(lyingKernel(knownFault(fault)), () => play(scenario, setup));
  // On a kernel that lies failures are what is to be seen: the worker is as good as before.
  const clean = fault === undefined ? outcome.verdict !== 'fail' : outcome.left === undefined;
  say({ kind: 'played', outcome, clean });
}

process.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'setup':
      setup = message.setup;
      binding();
      catalogue();
      say({ kind: 'ready' });
      break;
    case 'play':
      playOne(message.id);
      break;
  }
});
// Without the runner there is nobody to play for.
process.on('disconnect', () => process.exit());
