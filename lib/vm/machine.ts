/** One machine: QEMU from its start to its end, its console read, its time limited. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { ConsoleReader, type Said } from './console.js';
import type { MachineEnd } from './diagnose.js';
import { inPath } from './qemu.js';

/** How long QEMU gets to end by itself. */
export const FAREWELL_MILLIS = 5000;

export interface MachineRun {
  readonly program: string;
  readonly args: readonly string[];
  /** Until the guest's init speaks; milliseconds. */
  readonly bootMillis: number;
  /** Until the end; milliseconds. */
  readonly limitMillis: number;
  /** Where all that the console says is written. */
  readonly log: string;
  /** Every piece of text of the console, at once. */
  readonly onText?: ((text: string) => void) | undefined;
  /** Each line of the command's standard error. */
  readonly onLine?: ((line: string) => void) | undefined;
  readonly onUp?: ((seconds: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface MachineResult {
  readonly end: MachineEnd;
  /** What the guest's init said, in order. */
  readonly said: readonly Said[];
  readonly lines: readonly string[];
  /** The result, where it came over the console. */
  readonly data: Buffer;
  /** Seconds until the init spoke, if it did. */
  readonly boot: number | undefined;
}

/** A machine does not outlive this process, whatever this process dies of. */
export function start(program: string, args: readonly string[], stdio: 'pipe' | 'inherit'): ChildProcess {
  const setpriv = inPath('setpriv');
  const [file, words] =
    setpriv === undefined ? [program, args] : [setpriv, ['--pdeathsig', 'KILL', '--', program, ...args]];
  // A group of its own: a terminal's ^C is for this process, which ends the machine in order.
  return spawn(file, words, {
    stdio: stdio === 'inherit' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    detached: stdio === 'pipe',
  });
}

/** Whatever is left of a machine; nothing, when it has ended by itself. */
function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It is gone.
  }
}

/** Runs a machine until the result is on the console, until its end, or until its time is over. It is gone afterwards. */
export async function runMachine(run: MachineRun): Promise<MachineResult> {
  const { program, args, bootMillis, limitMillis, log, onText, onLine, onUp, signal } = run;
  signal?.throwIfAborted();
  const begin = performance.now();
  const elapsed = (): number => (performance.now() - begin) / 1000;
  const fd = openSync(log, 'w');
  const child = start(program, args, 'pipe');
  const said: Said[] = [];
  let boot: number | undefined;
  let limitEnd: MachineEnd | undefined;
  let stderr = '';
  const timers: NodeJS.Timeout[] = [];
  const stop = (): void => {
    killGroup(child, 'SIGTERM');
    timers.push(setTimeout(killGroup, FAREWELL_MILLIS, child, 'SIGKILL'));
  };
  const limit = (millis: number, end: MachineEnd): NodeJS.Timeout =>
    setTimeout(() => {
      limitEnd = end;
      killGroup(child, 'SIGKILL');
    }, millis);
  const bootTimer = limit(bootMillis, { how: 'boot-limit', seconds: bootMillis / 1000 });
  timers.push(bootTimer, limit(limitMillis, { how: 'limit', seconds: limitMillis / 1000 }));
  const reader = new ConsoleReader((words) => {
    said.push(words);
    if (words.what === 'up') {
      boot = elapsed();
      clearTimeout(bootTimer);
      onUp?.(boot);
    }
    // Nothing of the machine is needed any more.
    if (words.what === 'result') stop();
  }, onLine);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    child.stdout?.setEncoding('latin1').on('data', (text: string) => {
      try {
        writeSync(fd, text, null, 'latin1');
      } catch {
        // A full disk costs the log, not the run.
      }
      onText?.(text);
      reader.feed(text);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = `${stderr}${text}`.slice(-8000);
    });
    const ended = await new Promise<MachineEnd>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, name) => {
        resolve(name === null ? { how: 'exited', code: code ?? 0, stderr } : { how: 'killed', signal: name });
      });
    });
    signal?.throwIfAborted();
    reader.close();
    return {
      end: limitEnd ?? ended,
      said,
      lines: reader.lines,
      data: Buffer.from(reader.data.join(''), 'base64'),
      boot,
    };
  } finally {
    signal?.removeEventListener('abort', stop);
    for (const timer of timers) clearTimeout(timer);
    killGroup(child, 'SIGKILL');
    closeSync(fd);
  }
}
