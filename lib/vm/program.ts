/** The machine's own programs that do the fetching. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { VmError } from './failure.js';
import { spaceErrorIn } from './space.js';

/** What to say where one of them is missing. */
const REMEDIES = new Map([
  [
    'apt-get',
    'apt-get is not there: it fetches the packages of kernels and guest files; without it, give a kernel file of your own',
  ],
  ['apt-config', 'apt-config is not there: it comes with apt, which fetches the packages of kernels and guest files'],
  ['dpkg-deb', 'dpkg-deb is not there: it takes the packages apart; install dpkg'],
  ['npm', 'npm is not there: it fetches the builds of Node for guests; install npm'],
  ['ldd', 'ldd is not there: it tells which libraries Node needs; install the C library with its tools'],
]);

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

export interface ProgramResult {
  /** The exit code, 128 and the signal's number aside: undefined if a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that was told to end and does not is killed. */
const PATIENCE_MILLIS = 3000;

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended.
  }
}

/** Runs a program, its standard output consumed by `consume`; when that is done before the program, the program is ended. */
async function run<T>(
  name: string,
  args: readonly string[],
  { cwd, env, signal }: ProgramOptions,
  consume: (stdout: Readable) => Promise<T>,
): Promise<{ readonly value: T; readonly result: Omit<ProgramResult, 'stdout'> }> {
  signal?.throwIfAborted();
  // A group of its own: what the program starts ends with it.
  const child = spawn(name, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, LC_ALL: 'C', ...env },
  });
  let killer: NodeJS.Timeout | undefined;
  const end = (): void => {
    signalGroup(child, 'SIGTERM');
    killer ??= setTimeout(() => {
      signalGroup(child, 'SIGKILL');
    }, PATIENCE_MILLIS).unref();
  };
  signal?.addEventListener('abort', end, { once: true });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  try {
    const ended = new Promise<number | undefined>((fulfil, reject) => {
      child.once('error', (error: NodeJS.ErrnoException) => {
        const remedy = error.code === 'ENOENT' ? REMEDIES.get(name) : undefined;
        reject(remedy === undefined ? error : new VmError('missing-tool', remedy, { cause: error }));
      });
      child.once('close', (code) => {
        fulfil(code ?? undefined);
      });
    });
    const consumed = consume(child.stdout).finally(() => {
      if (!child.stdout.readableEnded) end();
      child.stdout.destroy();
    });
    const [outcome, code] = await Promise.allSettled([consumed, ended]);
    signal?.throwIfAborted();
    if (code.status === 'rejected') throw code.reason;
    if (outcome.status === 'rejected') throw spaceErrorIn(stderr) ?? outcome.reason;
    return { value: outcome.value, result: { code: code.value, stderr } };
  } finally {
    clearTimeout(killer);
    signal?.removeEventListener('abort', end);
  }
}

/** Runs a program to its end. Its failing is the caller's to judge by the exit code. */
export async function runProgram(
  name: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const { value, result } = await run(name, args, options, async (stdout) => {
    let text = '';
    for await (const piece of stdout.setEncoding('utf8')) text += piece as string;
    return text;
  });
  return { ...result, stdout: value };
}

/**
 * Reads a program's output as it comes, as far as it is wanted.
 *
 * @returns what the reader made of it, and the program's end, which says nothing when the reader did not want all
 */
export async function readProgram<T>(
  name: string,
  args: readonly string[],
  options: ProgramOptions,
  read: (stdout: Readable) => Promise<T>,
): Promise<{ readonly value: T; readonly code: number | undefined; readonly stderr: string }> {
  const { value, result } = await run(name, args, options, read);
  return { value, ...result };
}
