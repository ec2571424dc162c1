/**
 * What the C programs take from libc, for the mother and the tracer: fork, printf, nanosleep, waitid, assert. They block, as in C. All
 * belong to the one program that this process plays a part in.
 */
import { closeSync, readSync, writeSync } from 'node:fs';
import { binding } from '../binding.js';
import { isPtraceError } from '../errors.js';
import { ERRNO, errnoMessage } from '../kernel/errno.js';
import { type IdType } from '../kernel/wait-flags.js';
import { type ChildScript, result, script, start } from '../raw/child.js';
import * as raw from '../raw/index.js';
import { scaledMillis } from '../time-scale.js';
import { becomeNode, type Cues, descriptorsOf } from './cues.js';
import { beat, pausesOf } from './nap.js';
import { processGroup, Rest } from './rest.js';
import { printf as scriptPrintf } from './script-printf.js';

export { ts100ms, ts1s, ts3s } from './nap.js';

let cues: Cues | undefined;
let period: number | undefined;
/** The tracer, and whether it has its tracee: before, it waits for us. */
let standBy: { readonly pid: number; readonly orders: number; ordered: boolean } | undefined;

function here(): Cues {
  if (cues === undefined) throw new Error('this process plays no part in a program');
  return cues;
}

/** Begins to play a part. */
export function enter(given: Cues): void {
  cues = given;
}

// ---- stdio ----

/** One write(2). */
export function printf(text: string): void {
  writeSync(here().transcript, text);
}

/** The words of strerror(3) where they are in a transcript. */
const strerror = new Map<number, string>([[ERRNO.ECHILD, 'No child processes']]);

/** Prints as perror(3) does. Rethrows what is no failed system call. */
export function perror(what: string, error: unknown): void {
  if (!isPtraceError(error) || error.errno === 0) throw error;
  printf(`${what}: ${strerror.get(error.errno) ?? errnoMessage(error.errno)}\n`);
}

/** In a script: prints a line by one write(2). Format and limits: see script-printf.ts. */
export function say(child: ChildScript, format: string, ...values: Parameters<typeof scriptPrintf>[3][]): ChildScript {
  return scriptPrintf(child, here().transcript, format, ...values);
}

/** assert(3): the failure goes into the transcript, and the process ends. */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${what}`);
}

// ---- time ----

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/**
 * nanosleep(2) of the mother, and of a tracer: the time, and then until all others have come to rest. The mother's naps beat the time of a
 * tracee that naps.
 */
export function nanosleep(milliseconds: number): void {
  const { role, pace, beatWrite } = here();
  if (role === 'tracer') {
    pause(milliseconds * pace);
    return;
  }
  for (const each of pausesOf(milliseconds, period)) {
    pause(each.milliseconds * pace);
    settle();
    if (each.beatAfter) beat(beatWrite);
  }
}

/** Lets the tracee's nap end at once. */
export function tick(): void {
  beat(here().beatWrite);
}

/** Waits until the other processes of the program have nothing to do but wait for somebody. */
export function settle(): void {
  const rest = new Rest();
  const idle = [process.pid, ...(standBy?.ordered === false ? [standBy.pid] : [])];
  until(() => {
    const others = processGroup(process.pid).filter((pid) => !idle.includes(pid));
    return rest.look(others, standBy?.pid);
  });
}

/** Waits until something is so, for 5 seconds. Whether it is. */
export function until(check: () => boolean): boolean {
  const end = performance.now() + scaledMillis(5000);
  while (!check()) {
    if (performance.now() > end) return false;
    pause(1);
  }
  return true;
}

/** In a script: the tracee's nap, up to the next beat. It ends when nobody is left who could beat. */
export function napToBeat(child: ChildScript): ChildScript {
  return child.syscall('read', here().beatRead, child.address('beat'), 1).when(result, '==', 0, (s) => s.exitGroup(0));
}

// ---- processes ----

export interface ForkOptions {
  /** How long the naps of the tracee are ({@link napToBeat}): the mother's clock beats for it. */
  readonly naps?: number;
  /** It lives on when the mother ends. */
  readonly outlives?: boolean;
}

/**
 * fork(2): a child that plays a script; its pid. It may be traced by any process even where Yama restricts it.
 *
 * Like the children of the C programs it stays in the process group of its mother, which is not an orphaned one. And like theirs it has
 * nothing to do before its part: fork returns when it is past putting its signals in order, which would discard a pending SIGCONT.
 */
export function fork(part: (child: ChildScript) => unknown, options: ForkOptions = {}): number {
  const { transcript, control, beatRead } = here();
  const [bornIn, born] = pipe();
  const child = script().setPtracerAny().write(born, '.').close(born);
  part(child);
  const { pid } = start(child, {
    keepFds: [transcript, beatRead, born],
    ownGroup: false,
    deathSignal: options.outlives !== true,
  });
  hear(bornIn, born, 'the child');
  period ??= options.naps;
  writeSync(control, `tracee ${pid} ${options.naps ?? 0}\n`);
  return pid;
}

/**
 * Starts the Node process that will be the tracer and waits until it is ready, so that its start does not race with the mother's naps.
 * @internal
 */
export function prepareTracer(): void {
  const [orders, ordersOut] = pipe();
  const [readyIn, ready] = pipe();
  const tracer: Cues = { ...here(), role: 'tracer', orders, ready };
  const { pid } = start(becomeNode(script(), tracer), { keepFds: descriptorsOf(tracer), ownGroup: false });
  closeSync(orders);
  hear(readyIn, ready, 'the tracer');
  standBy = { pid, orders: ordersOut, ordered: false };
}

/** Waits for the sign of life of a child that has the other end of a pipe, and closes both ends here. */
function hear(read: number, write: number, who: string): void {
  closeSync(write);
  const length = readSync(read, Buffer.alloc(1));
  closeSync(read);
  if (length !== 1) throw new Error(`${who} did not start`);
}

function pipe(): [number, number] {
  const ends = new Int32Array(2);
  const error = binding().pipe(ends);
  if (error < 0) throw new Error(`pipe: ${errnoMessage(-error)}`);
  return [ends[0] ?? -1, ends[1] ?? -1];
}

/** The second fork(2): the tracer, ready and waiting, gets its tracee. Its pid. */
export function forkTracer(tracee: number): number {
  if (standBy === undefined) throw new Error('the program has no tracer');
  writeSync(standBy.orders, `${tracee}\n`);
  standBy.ordered = true;
  return standBy.pid;
}

/**
 * A tracer in waiting: says that it is ready, and waits for its tracee. Undefined when there will be none.
 * @internal
 */
export function awaitOrders(): number | undefined {
  const { ready, orders } = here();
  writeSync(ready, '.');
  closeSync(ready);
  const text = Buffer.alloc(32);
  const length = readSync(orders, text);
  return length > 0 ? Number(text.toString('latin1', 0, length)) : undefined;
}

/** The fields of siginfo_t that waitid(2) fills in. */
export interface WaitSiginfo {
  /** 0 when WNOHANG was given and nothing was there. */
  readonly pid: number;
  readonly code: number;
  readonly status: number;
}

/** waitid(2) as C has it. */
export function waitid(idtype: IdType, id: number, options: number): WaitSiginfo {
  return raw.waitid(idtype, id, options) ?? { pid: 0, code: 0, status: 0 };
}
