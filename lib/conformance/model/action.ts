/** What can be done to the tracee of the model: signals from anybody, requests of its tracer. */
import { signalName, type SignalName } from '../../kernel/signals.js';

/** The signals of the model, and what the tracee does with them: see {@link disposition}. */
export const SIGNALS = [
  'SIGUSR1',
  'SIGUSR2',
  'SIGTERM',
  'SIGCHLD',
  'SIGCONT',
  'SIGSTOP',
  'SIGTSTP',
  'SIGTTIN',
  'SIGKILL',
] as const satisfies readonly SignalName[];

export type ModelSignal = (typeof SIGNALS)[number];

/** A signal to resume or detach with; null for none. */
export type Injected = ModelSignal | null;

export type Action =
  /** kill(2). */
  | { readonly kind: 'kill'; readonly signal: ModelSignal }
  | { readonly kind: 'attach' }
  | { readonly kind: 'seize' }
  | { readonly kind: 'interrupt' }
  | { readonly kind: 'listen' }
  | { readonly kind: 'cont'; readonly signal: Injected }
  | { readonly kind: 'detach'; readonly signal: Injected };

/** What a signal does to the tracee where nobody traces it: it has a handler for SIGUSR1 and ignores SIGUSR2. */
export function disposition(signal: number): 'handle' | 'ignore' | 'stop' | 'continue' | 'terminate' {
  switch (signalName(signal)) {
    case 'SIGUSR1':
      return 'handle';
    case 'SIGUSR2':
    case 'SIGCHLD':
      return 'ignore';
    case 'SIGCONT':
      return 'continue';
    case 'SIGSTOP':
    case 'SIGTSTP':
    case 'SIGTTIN':
    case 'SIGTTOU':
      return 'stop';
    default:
      return 'terminate';
  }
}

/** An action in short: `kill SIGSTOP`, `CONT SIGUSR1`, `LISTEN`. */
export function actionText(action: Action): string {
  switch (action.kind) {
    case 'kill':
      return `kill ${action.signal}`;
    case 'cont':
    case 'detach':
      return action.signal === null ? action.kind.toUpperCase() : `${action.kind.toUpperCase()} ${action.signal}`;
    default:
      return action.kind.toUpperCase();
  }
}
