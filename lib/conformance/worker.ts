/**
 * A process that plays scenarios, one at a time: the main of a child process of the runner. Whatever happens to it fails one scenario.
 */
import { binding } from '../binding.js';
import { catalogue } from './catalogue.js';
import type { FromWorker, Setup, ToWorker } from './messages.js';
import { play } from './play.js';

let setup: Setup = { missing: {} };

function say(message: FromWorker): void {
  process.send?.(message);
}

function playOne(id: string): void {
  const scenario = catalogue().byId.get(id);
  if (scenario === undefined) throw new Error(`there is no scenario ${id}`);
  const outcome = play(scenario, setup);
  say({ kind: 'played', outcome, clean: outcome.verdict !== 'fail' });
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
