/** The matrix of every situation and every signal. */
import { defaultAction, SIG, SIGRTMAX, signalName } from '../../kernel/signals.js';
import { W } from '../../kernel/wait-flags.js';
import { manual, scenario, type Scenario, type Variant } from '../scenario.js';
import { type Situation, situations } from './situations.js';

const FLAGS = W.__WALL | W.WUNTRACED;
const NOTHING = 'nothing';

/** Report, result of the CONT that follows, report after that. A missing one: the tracee has ended. */
type Course = readonly [look: string, cont?: string, next?: string];

/** What a signal does to a process that nobody traces. */
function untraced(signal: number): Course {
  switch (defaultAction(signal)) {
    case 'stop':
      return [`stopped by ${signalName(signal)}`, 'ESRCH'];
    case 'ignore':
    case 'continue':
      return [NOTHING, 'ESRCH'];
    default:
      return [`killed by ${signalName(signal)}`];
  }
}

/** What is right: the rules of ptrace(2) and signal(7). */
function courseOf({ special, tracing }: Situation, signal: number): Course {
  const delivered = `stopped by ${signalName(signal)}`;
  switch (special) {
    case 'zombie':
      return ['exited 9'];
    case 'exit':
      // It takes no signals any more, and SIGKILL does not take it out of this stop.
      return [NOTHING, '0', 'exited 9'];
    case 'foreign':
      // What becomes of it is its tracer's to know, its end too.
      return [NOTHING, 'ESRCH'];
    case 'untraced':
      return untraced(signal);
    default:
  }
  if (signal === SIG.SIGKILL) return ['killed by SIGKILL'];
  if (special === 'listening') {
    return signal === SIG.SIGCONT ? ['event STOP SIGTRAP', '0', delivered] : [NOTHING, 'ESRCH'];
  }
  // A seized tracee is told of every SIGCONT before it is delivered.
  const first = signal === SIG.SIGCONT && tracing === 'seized' ? 'event STOP SIGTRAP' : delivered;
  if (special === 'running') return [first, '0', first === delivered ? NOTHING : delivered];
  return [NOTHING, '0', first];
}

function transcriptOf(situation: Situation, signal: number): string {
  const [look, cont, next] = courseOf(situation, signal);
  const lines = [`E: kill ${signalName(signal)} = 0`, `E: poll = ${look}`];
  if (cont !== undefined) lines.push(`E: CONT = ${cont}`);
  if (next !== undefined) lines.push(`E: poll = ${next}`);
  return lines.join('\n');
}

function expectationOf(situation: Situation, signal: number): string | readonly Variant[] {
  const transcript = transcriptOf(situation, signal);
  if (situation.special !== 'exit' || signal !== SIG.SIGKILL) return transcript;
  return [
    { since: '6.1', because: 'no signal reaches a process that exits, since 9a95f78eab70', transcript },
    {
      before: '5.16',
      because: 'SIGKILL took a tracee out of PTRACE_EVENT_EXIT, and a process of one thread had died of it then',
      transcript: `
        E: kill SIGKILL = 0
        E: poll = killed by SIGKILL
      `,
    },
  ];
}

function cell(situation: Situation, signal: number): Scenario {
  const name = signalName(signal);
  return scenario({
    id: `matrix/${situation.id}/${name}`,
    title: `${name} to a tracee ${situation.title}`,
    source: [manual('ptrace(2)', 'Signal injection and suppression')],
    tags: ['matrix', 'matrix-signals', situation.id],
    rule:
      'A signal that comes while a tracee stands in a ptrace-stop stays pending and is reported when it goes on, whatever its disposition. Only SIGKILL breaks a stop, except that of ' +
      'PTRACE_EVENT_EXIT. SIGCONT makes a seized tracee trap with PTRACE_EVENT_STOP, at once where it listens.',
    since: '3.4',
    ...(situation.needs === undefined ? {} : { needs: situation.needs }),
    play(s) {
      const e = situation.enter(s);
      e.kill(signal);
      e.poll(FLAGS);
      if (!e.ended && e.cont() === '0') e.poll(FLAGS);
    },
    expect: expectationOf(situation, signal),
  });
}

const signals = Array.from({ length: SIGRTMAX }, (_, index) => index + 1);

/** One scenario a cell. No signal is sent to an id that may belong to somebody else by now. */
export const signalCells: readonly Scenario[] = situations
  .filter(({ special }) => special !== 'dead')
  .flatMap((situation) => signals.map((signal) => cell(situation, signal)));
