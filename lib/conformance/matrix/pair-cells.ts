/** The matrix of two actions, one after the other, where their order matters: what is right is what the model foretells. */
import { type Action, actionText } from '../model/action.js';
import { foretell, modelTracee, perform } from '../model/drive.js';
import { manual, scenario, type Scenario } from '../scenario.js';

const OPTIONS = { traceExit: false } as const;

/** How each state is reached. */
const beginnings: readonly (readonly [id: string, title: string, actions: readonly Action[]])[] = [
  ['running', 'running, seized', [{ kind: 'seize' }]],
  ['interrupted', 'in the stop of an INTERRUPT', [{ kind: 'seize' }, { kind: 'interrupt' }]],
  ['delivery', 'in a signal-delivery-stop', [{ kind: 'seize' }, { kind: 'kill', signal: 'SIGUSR1' }]],
  ['stopping', 'in the signal-delivery-stop of a SIGSTOP', [{ kind: 'seize' }, { kind: 'kill', signal: 'SIGSTOP' }]],
  [
    'group-stop',
    'in a group-stop',
    [{ kind: 'seize' }, { kind: 'kill', signal: 'SIGSTOP' }, { kind: 'cont', signal: 'SIGSTOP' }],
  ],
  [
    'listening',
    'listening in a group-stop',
    [{ kind: 'seize' }, { kind: 'kill', signal: 'SIGSTOP' }, { kind: 'cont', signal: 'SIGSTOP' }, { kind: 'listen' }],
  ],
  [
    'running-stopped',
    'running in a stopped group',
    [
      { kind: 'seize' },
      { kind: 'kill', signal: 'SIGSTOP' },
      { kind: 'cont', signal: 'SIGSTOP' },
      { kind: 'cont', signal: null },
    ],
  ],
  ['attached', 'in the SIGSTOP of an ATTACH', [{ kind: 'attach' }]],
  ['attached-group-stop', 'in a group-stop, attached', [{ kind: 'attach' }, { kind: 'cont', signal: 'SIGSTOP' }]],
  ['stopped', 'stopped, traced by nobody', [{ kind: 'kill', signal: 'SIGSTOP' }]],
];

const actions: readonly Action[] = [
  { kind: 'interrupt' },
  { kind: 'listen' },
  { kind: 'cont', signal: null },
  { kind: 'cont', signal: 'SIGSTOP' },
  { kind: 'cont', signal: 'SIGUSR1' },
  { kind: 'detach', signal: null },
  { kind: 'seize' },
  { kind: 'attach' },
  { kind: 'kill', signal: 'SIGSTOP' },
  { kind: 'kill', signal: 'SIGCONT' },
  { kind: 'kill', signal: 'SIGUSR1' },
  { kind: 'kill', signal: 'SIGTERM' },
];

/** What shows the state that the two have left behind. */
const after: Action = { kind: 'cont', signal: null };

const slug = (action: Action): string => actionText(action).replaceAll(' ', '-');

function cell([id, title, beginning]: (typeof beginnings)[number], first: Action, second: Action): Scenario {
  const sequence = [...beginning, first, second, after];
  return scenario({
    id: `matrix/${id}/${slug(first)},${slug(second)}`,
    title: `${actionText(first)}, then ${actionText(second)}: a tracee ${title}`,
    source: [manual('ptrace(2)', 'Stopped states')],
    tags: ['matrix', 'matrix-pairs', id],
    rule:
      'Group-stop, INTERRUPT, LISTEN, SIGCONT and the signals that a tracee is resumed with act on one state. The transcript is that of a model of this state, which is held ' +
      'against the kernel by random sequences as well.',
    // The oldest that they were held against.
    since: '5.10',
    play(s) {
      const e = modelTracee(s);
      for (const action of sequence) if (!perform(e, action, OPTIONS)) break;
    },
    expect: foretell(sequence, OPTIONS).join('\n'),
  });
}

/** One scenario for every ordered pair of different actions. */
export const pairCells: readonly Scenario[] = beginnings.flatMap((beginning) =>
  actions.flatMap((first) =>
    actions.filter((second) => second !== first).map((second) => cell(beginning, first, second)),
  ),
);
