/** How the command ends. */
import { setMaxListeners } from 'node:events';
import { isPtraceError } from '../errors.js';
import { isVmError } from '../vm/failure.js';

/** Exit code of a command line that is not understood. */
export const USAGE = 2;

const FAILURE = 1;
const SIGPIPE = 13;

/** A message for the user, no stack: that is for LINUX_PTRACE_DEBUG. */
export function fail(error: unknown): void {
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`linux-ptrace: ${text}\n`);
  if ((process.env['LINUX_PTRACE_DEBUG'] ?? '') !== '') {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? '') : ''}\n`);
  } else if (!isPtraceError(error) && !isVmError(error)) {
    process.stderr.write('LINUX_PTRACE_DEBUG=1 shows where it comes from.\n');
  }
  process.exitCode = FAILURE;
}

/**
 * When whoever reads the output has gone (`| head`), there is nothing left to do. The exit code is that of a program killed by SIGPIPE. Where
 * the output goes to a full disk, nothing can be done either, but the user is told.
 */
export function endQuietlyWithoutReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(128 + SIGPIPE);
    process.stderr.write(`linux-ptrace: cannot write the output: ${error.message}\n`);
    process.exit(FAILURE);
  });
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Does some work that has processes to end before this one ends. A signal aborts it; when it has cleaned up, the process dies of that signal,
 * as whoever started it expects.
 */
export async function untilSignalled<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  // Each of many downloads listens, and all of them may be waiting: that is no leak.
  setMaxListeners(0, controller.signal);
  let received: NodeJS.Signals | undefined;
  const receive = (signal: NodeJS.Signals): void => {
    received = signal;
    controller.abort(new Error(`interrupted by ${signal}`));
  };
  for (const signal of SIGNALS) process.once(signal, receive);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (received === undefined) throw error;
    for (const signal of SIGNALS) process.off(signal, receive);
    process.kill(process.pid, received);
    // The signal is on its way.
    return await new Promise<never>(() => undefined);
  } finally {
    for (const signal of SIGNALS) process.off(signal, receive);
  }
}
