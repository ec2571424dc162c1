/** One sequence of actions, on the model and on the kernel: two transcripts that must be the same. */
import { PTRACE_O } from '../../kernel/options.js';
import { signalName } from '../../kernel/signals.js';
import { W } from '../../kernel/wait-flags.js';
import { procStatus } from '../../proc.js';
import type { Actor } from '../actor.js';
import { statusText } from '../describe.js';
import { OutOfTime, Stage } from '../stage.js';
import { type Action, actionText } from './action.js';
import { Machine, type MachineOptions } from './machine.js';

const STATES = { S: 'S (sleeping)', T: 'T (stopped)', t: 't (tracing stop)', Z: 'Z (zombie)', gone: 'gone' } as const;

const FLAGS = W.__WALL | W.WUNTRACED;

/** The transcript that the model foretells. It ends with the process. */
export function foretell(actions: readonly Action[], options: MachineOptions): string[] {
  const machine = new Machine(options);
  const lines: string[] = [];
  for (const action of actions) {
    if (machine.over) break;
    lines.push(`E: ${actionText(action)} = ${machine.do(action) ?? '0'}`);
    const status = machine.wait();
    lines.push(`E: poll = ${statusText(status)}`);
    if (machine.over) break;
    if (machine.tracing !== 'no' && status !== undefined) {
      const info = machine.siginfo();
      if (typeof info === 'string') lines.push(`E: siginfo = ${info}`);
      else {
        const code = info.code === 0 ? 'SI_USER' : info.code === 0x80 ? 'SI_KERNEL' : `0x${info.code.toString(16)}`;
        lines.push(`E: siginfo = ${signalName(info.signal)} ${code} from ${info.from}`);
      }
    }
    lines.push(`E: state = ${STATES[machine.state]}`);
  }
  return lines;
}

/** The tracee of the model: sleeps in pause(2), has a handler for SIGUSR1 and ignores SIGUSR2. */
export function modelTracee(stage: Stage): Actor {
  const e = stage.child('E', (c) =>
    c
      .handle('SIGUSR1', (h) => h.syscall('getpid'))
      .ignore('SIGUSR2')
      .store('ready', 1)
      .loop((again) => again.pause()),
  );
  e.untilWord('ready', 1n);
  e.untilAsleep();
  return e;
}

/** Whether this thread traces it now. */
const traced = (e: Actor): boolean => procStatus(e.tid)?.tracerPid === process.pid;

/** Does an action and tells what comes of it. Whether the tracee is still there. */
export function perform(e: Actor, action: Action, { traceExit }: MachineOptions): boolean {
  switch (action.kind) {
    case 'kill':
      e.kill(action.signal);
      break;
    case 'seize':
      e.seize(traceExit ? PTRACE_O.TRACEEXIT : 0);
      break;
    case 'attach':
      e.attach();
      break;
    case 'interrupt':
      e.interrupt();
      break;
    case 'listen':
      e.listen();
      break;
    case 'cont':
      e.cont(action.signal ?? 0);
      break;
    case 'detach':
      e.detach(action.signal ?? 0);
      break;
  }
  const status = e.poll(FLAGS);
  if (e.ended) return false;
  if (status !== undefined && traced(e)) e.siginfo();
  e.state();
  return true;
}

/** The transcript of the kernel in use. */
export function observe(actions: readonly Action[], options: MachineOptions): string[] {
  const stage = new Stage();
  try {
    const e = modelTracee(stage);
    for (const action of actions) if (!perform(e, action, options)) break;
  } catch (error) {
    if (!(error instanceof OutOfTime)) throw error;
  } finally {
    stage.close();
  }
  return stage.lines;
}

/** A sequence in which kernel and model disagree, as the source of a scenario. */
export function asScenario(actions: readonly Action[], options: MachineOptions): string {
  const steps = actions.map((action) => `    perform(e, ${JSON.stringify(action)}, options);`);
  const expected = foretell(actions, options).map((line) => `    ${line}`);
  return [
    'scenario({',
    `  id: 'model/${actions.map(actionText).join(', ')}',`,
    '  play(s) {',
    `    const options = ${JSON.stringify(options)};`,
    '    const e = modelTracee(s);',
    ...steps,
    '  },',
    '  expect: `',
    ...expected,
    '  `,',
    '})',
  ].join('\n');
}
