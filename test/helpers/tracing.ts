/**
 * What tests of the tracer need: tracers and tracees that are gone after the test whatever has become of them, and programs to
 * trace that no compiler makes.
 */
import { afterEach, expect } from 'vitest';
import { binding } from '../../lib/binding.js';
import { isPtraceError, type PtraceError, type PtraceReason } from '../../lib/errors.js';
import { type ChildScript, type ScriptChild, type ScriptOptions, script, start } from '../../lib/raw/child.js';
import {
  isEnd,
  type End,
  type PtraceStop,
  type Stop,
  type Tracee,
  Tracer,
  type TracerOptions,
} from '../../lib/tracer/index.js';
import { has, which } from './programs.js';
import { describeProcess, isGone, reapedNow, statusOf, stateOf, tasksOf, until, within } from './processes.js';

export { has, which };
export {
  describeProcess,
  isGone,
  isOver,
  send,
  stateOf,
  statusOf,
  tasksOf,
  turns,
  until,
  untilBlocking,
  within,
} from './processes.js';

const children = new Set<number>();
const tracers = new Set<Tracer>();

afterEach(async () => {
  const left = [...tracers];
  const pids = [...children];
  tracers.clear();
  children.clear();
  try {
    for (const tracer of left) await within(tracer.close(), () => `the tracer of ${tracer.tracees.join()} closes`);
  } finally {
    await reap(pids);
  }
});

async function reap(pids: readonly number[]): Promise<void> {
  for (const pid of pids) if (statusOf(pid)?.ppid === process.pid) binding().kill(pid, 9);
  for (const pid of pids) {
    await until(
      () => statusOf(pid)?.ppid !== process.pid || reapedNow(pid),
      () => `child ${pid} is reaped; threads: ${tasksOf(pid).map(describeProcess).join(', ')}`,
    );
    binding().forgetChild(pid);
  }
}

/** A tracer that is closed after the test. */
export function newTracer(options?: TracerOptions): Tracer {
  const tracer = new Tracer(options);
  tracers.add(tracer);
  return tracer;
}

/** A child that plays a script; killed and reaped after the test. */
export function child(part: ChildScript, options?: ScriptOptions): ScriptChild {
  const started = start(part, options);
  children.add(started.pid);
  return started;
}

/** A part that waits until {@link openGate}. */
export const gate = (s: ChildScript): ChildScript => s.waitUntil('gate', '!=', 0);

/** Lets a child go on that waits at its {@link gate}. */
export function openGate(started: ScriptChild): void {
  writeWord(started, 'gate', 1n);
}

/** Writes a named word of a running child. */
export function writeWord(started: ScriptChild, name: string, value: bigint): void {
  const bytes = new BigUint64Array([value]);
  const written = binding().processVmWrite(started.pid, started.address(name), bytes, 0, 8);
  if (written !== 8) throw new Error(`cannot write ${name} of ${started.pid}: errno ${-written}`);
}

/** Reads a named word of a running child. */
export function readWord(started: ScriptChild, name: string): bigint {
  const bytes = new BigUint64Array(1);
  const read = binding().processVmRead(started.pid, started.address(name), bytes, 0, 8);
  if (read !== 8) throw new Error(`cannot read ${name} of ${started.pid}: errno ${-read}`);
  return bytes[0] ?? 0n;
}

/** A child of this process to be killed and reaped after the test, however it came to be. */
export function endAfterTest(pid: number): number {
  children.add(pid);
  return pid;
}

/**
 * A program as a child of this process that Node knows nothing of, so that it may be traced. It has this process's environment and standard
 * streams, dies with this thread, and is killed and reaped after the test.
 */
export function program(file: string, args: readonly string[] = []): number {
  const env = Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ''}`);
  return child(
    script()
      .exec(which(file), [file, ...args], env)
      .exitGroup(127),
  ).pid;
}

/** Sleeps in pause(2) for ever. */
export const pauser = (): ChildScript => script().loop((s) => s.pause());
/** Makes system calls for ever. */
export const stormer = (): ChildScript => script().getppidLoop();
/** A leader and `count` more threads, each playing the part. The word `threads` counts those that have begun. */
export const threaded = (
  count: number,
  part: (s: ChildScript) => unknown,
  leader: (s: ChildScript) => unknown = part,
): ChildScript => {
  const made = script();
  made.loop((s) => {
    s.thread((t) => {
      t.increment('threads');
      part(t);
    });
  }, count);
  leader(made);
  return made;
};

/** Attaches to a process with one thread: the tracee, in its stop. */
export async function attachOne(tracer: Tracer, pid: number): Promise<Tracee> {
  const [tracee] = await within(tracer.attach(pid), `attach to ${pid}`);
  if (tracee === undefined) throw new Error(`${pid} has no thread`);
  return tracee;
}

/** Seizes a process with one thread. */
export async function seizeOne(tracer: Tracer, pid: number): Promise<Tracee> {
  const [tracee] = await tracer.seize(pid);
  if (tracee === undefined) throw new Error(`${pid} has no thread`);
  return tracee;
}

/** The stop as one of the given kind. */
export function expectKind<K extends Stop['kind']>(stop: Stop, kind: K): Extract<Stop, { kind: K }> {
  expect(stop.kind, describeStop(stop)).toBe(kind);
  return stop as Extract<Stop, { kind: K }>;
}

/** The stop, which must not be an end. */
export function expectStop(stop: Stop): PtraceStop {
  if (isEnd(stop)) throw new Error(`unexpected end: ${describeStop(stop)}`);
  return stop;
}

/** The stop, which must be an end. */
export function expectEnd(stop: Stop): End {
  if (!isEnd(stop)) throw new Error(`not an end: ${describeStop(stop)}`);
  return stop;
}

/** A stop on one line, for messages. */
export function describeStop(stop: Stop): string {
  const more =
    'signal' in stop
      ? ` ${stop.signalName}`
      : stop.kind === 'exited'
        ? ` ${stop.code} (${stop.cause})`
        : stop.kind === 'event-stop'
          ? ` ${stop.cause}`
          : '';
  return `${stop.tid}: ${stop.kind}${more}`;
}

/** The PtraceError that a promise rejects with, or a call throws. Anything else fails the test. */
export async function failureOf(action: (() => unknown) | PromiseLike<unknown>): Promise<PtraceError> {
  try {
    await (typeof action === 'function' ? action() : action);
  } catch (error) {
    if (isPtraceError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** Expects a failure for a reason. */
export async function expectReason(
  action: (() => unknown) | PromiseLike<unknown>,
  reason: PtraceReason,
): Promise<PtraceError> {
  const error = await failureOf(action);
  expect(error.reason, error.message).toBe(reason);
  return error;
}

/** Expects that nothing is left of a process: neither traced nor a zombie. */
export async function expectGone(pid: number): Promise<void> {
  await until(
    () => isGone(pid),
    () => `${pid} is gone, not in state ${stateOf(pid) ?? 'none'}`,
  );
}

/** Expects that a process lives untraced in one of these states (letters of /proc). */
export async function expectUntraced(pid: number, states: string): Promise<void> {
  await until(
    () => {
      const status = statusOf(pid);
      return status?.tracerPid === 0 && states.includes(status.state);
    },
    () =>
      `${pid} is untraced and in one of ${states}: ${JSON.stringify(statusOf(pid), (_, v: unknown) => (typeof v === 'bigint' ? v.toString(16) : v))}`,
  );
}
