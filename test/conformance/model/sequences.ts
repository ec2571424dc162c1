/** Random sequences of signals and requests, for the model and the kernel. */
import fc from 'fast-check';
import type { Action, Injected, ModelSignal } from '../../../lib/conformance/model/action.js';
import { asScenario, foretell, observe } from '../../../lib/conformance/model/drive.js';
import type { MachineOptions } from '../../../lib/conformance/model/machine.js';
import { beside } from '../../../lib/conformance/transcript.js';

/** Deadly ones are rare: most sequences would end with them. */
const signal: fc.Arbitrary<ModelSignal> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom<ModelSignal>('SIGSTOP', 'SIGCONT') },
  { weight: 5, arbitrary: fc.constantFrom<ModelSignal>('SIGUSR1', 'SIGUSR2', 'SIGCHLD', 'SIGTSTP', 'SIGTTIN') },
  { weight: 1, arbitrary: fc.constantFrom<ModelSignal>('SIGTERM', 'SIGKILL') },
);

const injected: fc.Arbitrary<Injected> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: signal },
);

const attaching: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Action>({ kind: 'seize' }) },
  { weight: 1, arbitrary: fc.constant<Action>({ kind: 'attach' }) },
);

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 7, arbitrary: signal.map((name): Action => ({ kind: 'kill', signal: name })) },
  { weight: 6, arbitrary: injected.map((name): Action => ({ kind: 'cont', signal: name })) },
  { weight: 2, arbitrary: fc.constant<Action>({ kind: 'interrupt' }) },
  { weight: 2, arbitrary: fc.constant<Action>({ kind: 'listen' }) },
  { weight: 1, arbitrary: injected.map((name): Action => ({ kind: 'detach', signal: name })) },
  { weight: 1, arbitrary: attaching },
);

export interface Sequence {
  readonly actions: readonly Action[];
  readonly options: MachineOptions;
}

/** What comes before the tracing, the attach, and what comes of it. */
export const sequences: fc.Arbitrary<Sequence> = fc
  .tuple(
    fc.array(
      signal.filter((name) => name !== 'SIGKILL').map((name): Action => ({ kind: 'kill', signal: name })),
      { maxLength: 2 },
    ),
    attaching,
    fc.array(action, { minLength: 1, maxLength: 16 }),
    fc.boolean(),
  )
  .map(([before, attach, after, traceExit]) => ({ actions: [...before, attach, ...after], options: { traceExit } }));

/** Plays a sequence and throws where the kernel does not do what the model foretells: both transcripts, and the sequence as a scenario. */
export function agree({ actions, options }: Sequence): string[] {
  const expected = foretell(actions, options);
  const observed = observe(actions, options);
  if (expected.join('\n') === observed.join('\n')) return observed;
  const rows = beside(expected, observed).map(
    (row) => `${row.agrees ? ' ' : '!'} ${(row.expected ?? '-').padEnd(48)}${row.agrees ? '' : (row.observed ?? '-')}`,
  );
  throw new Error(
    ['the kernel does not do what the model foretells (left):', ...rows, '', asScenario(actions, options)].join('\n'),
  );
}
