/**
 * Signal numbers. They are the same on x86 and arm64.
 *
 * Source: signal(7); uapi/asm-generic/signal.h.
 */
export const SIG = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
} as const;

/** Name of a standard signal, such as `SIGKILL`. */
export type SignalName = keyof typeof SIG;

/** The lowest real-time signal that programs may use: the C libraries keep 32 and 33 for themselves. */
export const SIGRTMIN = 34;

/** The highest signal number. */
export const SIGRTMAX = 64;

/** What the kernel does with a signal that has no handler. */
export type DefaultAction = 'terminate' | 'core' | 'ignore' | 'stop' | 'continue';

const aliases: Readonly<Record<string, number>> = {
  SIGIOT: SIG.SIGABRT,
  SIGPOLL: SIG.SIGIO,
  SIGCLD: SIG.SIGCHLD,
};

const numbers: ReadonlyMap<string, number> = new Map([...Object.entries(SIG), ...Object.entries(aliases)]);
const names: readonly string[] = (() => {
  const table: string[] = [];
  for (let signal = 0; signal <= SIGRTMAX; signal++) table.push(`SIG${signal}`);
  for (const [name, signal] of Object.entries(SIG)) table[signal] = name;
  for (let k = 0; SIGRTMIN + k <= SIGRTMAX; k++) table[SIGRTMIN + k] = k === 0 ? 'SIGRTMIN' : `SIGRTMIN+${k}`;
  return table;
})();

/** Whether a value is the number of a signal: an integer of 1 to 64. */
export function isSignal(signal: unknown): signal is number {
  return typeof signal === 'number' && Number.isInteger(signal) && signal >= 1 && signal <= SIGRTMAX;
}

/**
 * The name of a signal: `SIGKILL`; `SIG32` and `SIG33` for those of the C library; `SIGRTMIN` (34) and `SIGRTMIN+1` to
 * `SIGRTMIN+30`. A number that is no signal gives `SIG<number>`.
 */
export function signalName(signal: number): string {
  return names[signal] ?? `SIG${signal}`;
}

/**
 * The number of a signal given by name or number, or undefined when there is no such signal.
 *
 * @param signal a number of 1 to 64, or a name: `SIGKILL`, `SIGIOT`, `SIG33`, `SIGRTMIN+2`, `SIGRTMAX-1`. Case counts.
 */
export function signalNumber(signal: unknown): number | undefined {
  if (typeof signal === 'number') return isSignal(signal) ? signal : undefined;
  if (typeof signal !== 'string' || signal.length > 16) return undefined;
  const named = numbers.get(signal);
  if (named !== undefined) return named;
  const match = /^SIG(?:(\d{1,2})|RTMIN(?:\+(\d{1,2}))?|RTMAX(?:-(\d{1,2}))?)$/.exec(signal);
  if (match === null) return undefined;
  const [, plain, above, below] = match;
  let number: number;
  if (plain !== undefined) number = Number(plain);
  else if (signal.startsWith('SIGRTMIN')) number = SIGRTMIN + Number(above ?? 0);
  else number = SIGRTMAX - Number(below ?? 0);
  if (!isSignal(number)) return undefined;
  return plain === undefined && number < SIGRTMIN ? undefined : number;
}

/** Whether the default action of a signal is to stop the process: SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU. */
export function isStopSignal(signal: number): boolean {
  return signal === SIG.SIGSTOP || signal === SIG.SIGTSTP || signal === SIG.SIGTTIN || signal === SIG.SIGTTOU;
}

/**
 * What happens to a process that has no handler for the signal. Every real-time signal terminates. Source: signal(7).
 */
export function defaultAction(signal: number): DefaultAction {
  switch (signal) {
    case SIG.SIGQUIT:
    case SIG.SIGILL:
    case SIG.SIGTRAP:
    case SIG.SIGABRT:
    case SIG.SIGBUS:
    case SIG.SIGFPE:
    case SIG.SIGSEGV:
    case SIG.SIGXCPU:
    case SIG.SIGXFSZ:
    case SIG.SIGSYS:
      return 'core';
    case SIG.SIGCHLD:
    case SIG.SIGURG:
    case SIG.SIGWINCH:
      return 'ignore';
    case SIG.SIGCONT:
      return 'continue';
    case SIG.SIGSTOP:
    case SIG.SIGTSTP:
    case SIG.SIGTTIN:
    case SIG.SIGTTOU:
      return 'stop';
    default:
      return 'terminate';
  }
}

/**
 * The kernel's signal set (64 bits, signal n is bit n-1) that holds the given signals.
 *
 * @throws RangeError for a number that is no signal
 */
export function signalSet(signals: Iterable<number>): bigint {
  let mask = 0n;
  for (const signal of signals) {
    if (!isSignal(signal))
      throw new RangeError(`a signal set holds signals of 1 to ${SIGRTMAX}, not ${String(signal)}`);
    mask |= 1n << BigInt(signal - 1);
  }
  return mask;
}

/** The signals in a set, in rising order. Bits above 63 are ignored. */
export function signalsInSet(mask: bigint): number[] {
  const signals: number[] = [];
  for (let signal = 1; signal <= SIGRTMAX; signal++) {
    if (signalSetHas(mask, signal)) signals.push(signal);
  }
  return signals;
}

/** Whether a set holds a signal. */
export function signalSetHas(mask: bigint, signal: number): boolean {
  return isSignal(signal) && ((mask >> BigInt(signal - 1)) & 1n) === 1n;
}
