/** What a signal would do to a thread, and how to have it do something else. */
import { SIG, defaultAction, signalSetHas } from '../kernel/signals.js';
import { procStatus } from '../proc.js';
import { SIGNAL_ACTION, SIGNAL_MASK } from './actions.js';
import { EVENT } from './events.js';

/** The class of a signal (one of EVENT.SIGNAL and so on) and the action that it would have. */
export interface SignalClass {
  readonly event: number;
  readonly action: number;
}

const HANDLED: SignalClass = { event: EVENT.SIGNAL, action: SIGNAL_ACTION.DELIVER };
const IGNORED: SignalClass = { event: EVENT.SIGNAL_IGN, action: SIGNAL_ACTION.IGN };
const STOPS: SignalClass = { event: EVENT.SIGNAL_STOP, action: SIGNAL_ACTION.STOP };
const STOPS_TERMINAL: SignalClass = { event: EVENT.SIGNAL_STOP, action: SIGNAL_ACTION.TSTP };
const TERMINATES: SignalClass = { event: EVENT.SIGNAL_TERM, action: SIGNAL_ACTION.TERM };
const DUMPS: SignalClass = { event: EVENT.SIGNAL_CORE, action: SIGNAL_ACTION.CORE };

/**
 * Classifies a signal that is about to be delivered, by the disposition that /proc tells of: ptrace reports ignored signals as well. A thread that
 * is gone is taken for one without handlers.
 */
export function classOf(tid: number, signal: number): SignalClass {
  const status = procStatus(tid);
  if (status !== undefined && signalSetHas(status.sigIgn, signal)) return IGNORED;
  if (status !== undefined && signalSetHas(status.sigCgt, signal)) return HANDLED;
  if (signal === SIG.SIGSTOP) return STOPS;
  switch (defaultAction(signal)) {
    case 'ignore':
    case 'continue':
      return IGNORED;
    case 'stop':
      return STOPS_TERMINAL;
    case 'core':
      return DUMPS;
    case 'terminate':
      return TERMINATES;
  }
}

/** What is to be done with a signal. */
export interface Fate {
  /** The signal to restart the thread with; 0 for none. */
  readonly inject: number;
  /** Whether a handler of the process is to run. */
  readonly handled: boolean;
}

/** With a default action, SIGTERM and SIGQUIT stand for what an engine has forced on the process. */
const REPRESENTATIVES: ReadonlyMap<number, readonly number[]> = new Map([
  [SIGNAL_ACTION.TERM, [SIG.SIGTERM, SIG.SIGINT, SIG.SIGHUP, SIG.SIGKILL]],
  [SIGNAL_ACTION.CORE, [SIG.SIGQUIT, SIG.SIGABRT, SIG.SIGTRAP, SIG.SIGKILL]],
  [SIGNAL_ACTION.STOP, [SIG.SIGSTOP]],
  [SIGNAL_ACTION.TSTP, [SIG.SIGTSTP, SIG.SIGSTOP]],
]);

/**
 * From the signal action that the engines have come to, to the signal that ptrace restarts the thread with.
 *
 * utrace could force an action whatever the process has asked for. ptrace can only deliver a signal, and the process's disposition decides; so the
 * signal itself is taken if it does what was decided, else one that does (and the end tells of that one), and in the worst case SIGKILL or SIGSTOP,
 * which no process can turn away.
 */
export function fateOf(tid: number, signal: number, result: number): Fate {
  const action = result & SIGNAL_MASK;
  if (action === SIGNAL_ACTION.IGN || signal === 0) return { inject: 0, handled: false };
  const own = classOf(tid, signal);
  if (action === SIGNAL_ACTION.DELIVER) return { inject: signal, handled: own.event === EVENT.SIGNAL };
  if (own.action === action) return { inject: signal, handled: false };
  const inject = REPRESENTATIVES.get(action)?.find(
    (each) => each === SIG.SIGKILL || each === SIG.SIGSTOP || classOf(tid, each).action === action,
  );
  return { inject: inject ?? 0, handled: false };
}
