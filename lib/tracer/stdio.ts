/** The standard streams of a spawned tracee: inherited, null, pipes with streams on our side, or one pseudo-terminal for all three. */
import { closeSync, constants, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Net from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type * as Tty from 'node:tty';
import { binding } from '../binding.js';
import { badInput, fromErrno } from '../errors.js';
import { checkLength, describe } from '../arguments.js';
import { copyOfArray } from '../raw/arrays.js';

/** One stream: this process's own, /dev/null, a pipe, or a descriptor of this process. */
export type StdioChoice = 'inherit' | 'null' | 'pipe' | number;

/** All streams: one choice for the three, 'pty' for a terminal, or a choice each (further ones become descriptors 3, 4, ...). */
export type Stdio = Exclude<StdioChoice, number> | 'pty' | readonly StdioChoice[];

/** Our side of a tracee's terminal. */
export interface Pty {
  /** What the terminal shows; what is typed into it. */
  readonly stream: Readable & Writable;
  /** Changes its size: the foreground processes get SIGWINCH. */
  resize(rows: number, columns: number): void;
}

/** Our sides of the streams: null where the choice made none. */
export interface StdioStreams {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  readonly pty: Pty | null;
}

/** Streams that are open, and what the child is to inherit. */
export interface OpenStdio extends StdioStreams {
  readonly descriptors: readonly number[];
  readonly controllingTerminal: number;
  /** Closes the child's ends in this process, once the child has its own; all of them if it was not to be. */
  childHasThem(): void;
  discard(): void;
}

// Most tracers never ask for a pipe or a terminal: what makes them is loaded by those that do.
const require = createRequire(import.meta.url);
const net = (): typeof Net => require('node:net') as typeof Net;
const tty = (): typeof Tty => require('node:tty') as typeof Tty;

const MOST_STREAMS = 65536;
const ROWS = 24;
const COLUMNS = 80;

class Descriptors {
  readonly #childs: number[] = [];
  /** The child's end: closed here when the child has its own. */
  keep(fd: number): number {
    this.#childs.push(fd);
    return fd;
  }
  close(): void {
    for (const fd of this.#childs.splice(0)) closeSync(fd);
  }
}

function pipe(): [number, number] {
  const out = new Int32Array(2);
  const result = binding().pipe(out);
  if (result < 0) throw fromErrno('spawn', 0, -result, 'kernel', 'no pipe could be made');
  return [out[0] ?? -1, out[1] ?? -1];
}

/** When the last process has closed the terminal, reading fails with EIO: that is its end, not a fault. */
function terminalStream(master: number): Tty.ReadStream {
  const stream = new (tty().ReadStream)(master);
  const destroy = stream.destroy.bind(stream);
  stream.destroy = (error?: NodeJS.ErrnoException) => {
    if (error?.code !== 'EIO' || error.syscall !== 'read') return destroy(error);
    stream.once('end', () => destroy());
    stream.push(null);
    // What has been read already comes first.
    stream.read(0);
    return stream;
  };
  return stream;
}

function openTerminal(): OpenStdio {
  const out = new Int32Array(2);
  const result = binding().openPty(ROWS, COLUMNS, out);
  if (result < 0) throw fromErrno('spawn', 0, -result, 'kernel', 'no pseudo-terminal could be opened');
  const [master = -1, slave = -1] = out;
  const stream = terminalStream(master);
  return {
    stdin: stream,
    stdout: stream,
    stderr: null,
    pty: {
      stream,
      resize(rows, columns) {
        checkLength('resize', rows, 'rows', 0xffff);
        checkLength('resize', columns, 'columns', 0xffff);
        const failed = binding().setWindowSize(master, rows, columns);
        if (failed < 0) throw fromErrno('resize', 0, -failed);
      },
    },
    descriptors: [slave, slave, slave],
    controllingTerminal: 0,
    childHasThem: () => {
      closeSync(slave);
    },
    discard: () => {
      stream.destroy();
    },
  };
}

function choicesOf(stdio: unknown): StdioChoice[] {
  if (typeof stdio === 'object' && stdio !== null) {
    const choices = copyOfArray('spawn', stdio, 'stdio', MOST_STREAMS);
    return [0, 1, 2].map((index) => choiceOf(choices[index] ?? 'inherit')).concat(choices.slice(3).map(choiceOf));
  }
  const one = choiceOf(stdio);
  if (typeof one === 'number')
    throw badInput('spawn', `stdio is ${one}, want 'inherit', 'null', 'pipe', 'pty' or an array`);
  return [one, one, one];
}

function choiceOf(value: unknown): StdioChoice {
  if (value === 'inherit' || value === 'null' || value === 'pipe') return value;
  if (typeof value === 'number') return checkLength('spawn', value, 'stdio', 0x7fffffff);
  throw badInput('spawn', `stdio is ${describe(value)}, want 'inherit', 'null', 'pipe' or a descriptor`);
}

/**
 * Opens what the choices ask for.
 *
 * @throws PtraceError 'bad-input'; 'kernel' when there are no more descriptors or terminals
 */
export function openStdio(stdio: unknown): OpenStdio {
  if (stdio === 'pty') return openTerminal();
  const choices = choicesOf(stdio ?? 'inherit');
  const childs = new Descriptors();
  const streams: (Net.Socket | null)[] = [];
  try {
    const descriptors = choices.map((choice, index) => {
      streams[index] = null;
      if (choice === 'inherit') return index;
      if (choice === 'null') return childs.keep(openSync('/dev/null', constants.O_RDWR));
      if (choice !== 'pipe') return choice;
      const [readEnd, writeEnd] = pipe();
      const childReads = index === 0;
      childs.keep(childReads ? readEnd : writeEnd);
      streams[index] = new (net().Socket)({
        fd: childReads ? writeEnd : readEnd,
        readable: !childReads,
        writable: childReads,
      });
      return childReads ? readEnd : writeEnd;
    });
    return {
      stdin: streams[0] ?? null,
      stdout: streams[1] ?? null,
      stderr: streams[2] ?? null,
      pty: null,
      descriptors,
      controllingTerminal: -1,
      childHasThem: () => {
        childs.close();
      },
      discard: () => {
        for (const stream of streams) stream?.destroy();
      },
    };
  } catch (error) {
    childs.close();
    for (const stream of streams) stream?.destroy();
    throw error;
  }
}
