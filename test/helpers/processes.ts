import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { binding } from '../../lib/binding.js';
import { W } from '../../lib/kernel/wait-flags.js';
import { procState, procStatus, procTasks, type ProcStatus } from '../../lib/proc.js';
import { limit } from './scale.js';

export { procState as stateOf, procStatus as statusOf };

/**
 * Waits until something is so, and gives what the condition gave. Between looks the event loop runs.
 *
 * @param milliseconds scaled by LINUX_PTRACE_TIME_SCALE
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string | (() => string),
  milliseconds = 10_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + limit(milliseconds);
  for (;;) {
    const value = await condition();
    if (value !== false && value !== undefined && value !== null && value !== 0) return value;
    if (performance.now() > end) throw new Error(`waited in vain: ${typeof what === 'string' ? what : what()}`);
    await delay(1);
  }
}

/** Waits until something is so, without a turn of the event loop: nothing of this process hears of it meanwhile. */
export function untilBlocking(condition: () => boolean, what: string, milliseconds = 10_000): void {
  const end = performance.now() + limit(milliseconds);
  const cell = new Int32Array(new SharedArrayBuffer(4));
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    Atomics.wait(cell, 0, 0, 0.5);
  }
}

/**
 * What a promise gives, or an error that says what was waited for.
 *
 * @param milliseconds scaled by LINUX_PTRACE_TIME_SCALE
 */
export async function within<T>(
  promise: PromiseLike<T>,
  what: string | (() => string),
  milliseconds = 10_000,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`waited in vain: ${typeof what === 'string' ? what : what()}`));
    }, limit(milliseconds));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for so many turns of the event loop. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** The tids of a process, empty when it is gone. */
export function tasksOf(pid: number): number[] {
  return procTasks(pid) ?? [];
}

/** Whether there is no such process, or nothing is left of it but its zombie. */
export function isOver(pid: number): boolean {
  const state = procState(pid);
  return state === undefined || state === 'Z' || state === 'X';
}

/** Whether there is nothing at all of a process, no zombie either. */
export function isGone(pid: number): boolean {
  return procState(pid) === undefined;
}

/** The thread's CPU time in clock ticks (of 10 ms, most often). */
export function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Sends a signal; a process that is gone is no error. */
export function send(pid: number, signal: number): boolean {
  return binding().kill(pid, signal) === 0;
}

/** Kills a child of this process and reaps it, also when it is traced by somebody who does not wait. */
export async function killAndReap(pid: number): Promise<void> {
  send(pid, 9);
  await until(() => reapedNow(pid) || procStatus(pid)?.ppid !== process.pid, `${pid} is reaped`);
}

/** Reaps a dead child of this process; whether nothing is left to be reaped. */
export function reapedNow(pid: number): boolean {
  const status = new Int32Array(1);
  for (;;) {
    const found = binding().wait4(pid, W.WNOHANG | W.__WALL, status, null);
    if (found < 0) return true;
    if (found === 0) return false;
    if (((status[0] ?? 0) & 0xff) !== 0x7f) return true;
  }
}

/** All of /proc/TID/status that matters to job control and tracing, on one line: for messages. */
export function describeProcess(pid: number): string {
  const status: ProcStatus | undefined = procStatus(pid);
  if (status === undefined) return `${pid} is gone`;
  const { name, state, ppid, tracerPid, sigPnd, shdPnd } = status;
  return `${pid} ${name} is ${state}, parent ${ppid}, tracer ${tracerPid}, pending ${sigPnd.toString(16)}/${shdPnd.toString(16)}`;
}
