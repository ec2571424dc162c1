import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { afterEach, expect } from 'vitest';
import { binding } from '../../lib/binding.js';
import { PtraceError, type PtraceReason } from '../../lib/errors.js';
import { PTRACE_EVENT } from '../../lib/kernel/events.js';
import { PTRACE } from '../../lib/kernel/requests.js';
import { SIG } from '../../lib/kernel/signals.js';
import { W } from '../../lib/kernel/wait-flags.js';
import { procStatus } from '../../lib/proc.js';
import { type ChildScript, type ScriptChild, type ScriptOptions, script, start } from '../../lib/raw/child.js';
import { cont, interrupt, listen, seize, wait4 } from '../../lib/raw/index.js';
import { root } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';
import { nap, stateOf, until } from './ends.js';

const alive = new Set<number>();

afterEach(() => {
  // One may trace another: the death of a tracee is told only after its tracer's.
  const children = [...alive].filter((pid) => procStatus(pid)?.ppid === process.pid);
  alive.clear();
  for (const pid of children) binding().kill(pid, SIG.SIGKILL);
  for (const pid of children) finish(pid);
});

/** Kills a child, takes it out of the stop of its exit if it was asked to stop there, and reaps it. */
export function finish(pid: number): void {
  const status = new Int32Array(1);
  const limitAt = Date.now() + limit(10_000);
  binding().kill(pid, SIG.SIGKILL);
  for (;;) {
    const found = binding().wait4(pid, W.WNOHANG | W.__WALL, status, null);
    if (found < 0 || (found === pid && ((status[0] ?? 0) & 0xff) !== 0x7f)) return;
    binding().ptrace(PTRACE.CONT, pid, 0, 0);
    if (Date.now() > limitAt) throw new Error(`${pid} does not die`);
    if (found === 0) nap(0.2);
  }
}

/** A child that plays a script; it is killed and reaped after the test, whatever has become of it. */
export function child(part: ChildScript, options?: ScriptOptions): ScriptChild {
  const started = start(part, options);
  alive.add(started.pid);
  // Until its script begins, all signals are blocked and the dispositions are those of this process; to set them to the default throws
  // away a SIGCONT that waits.
  const blocked = 0xffff_ffff_fffb_feffn;
  until('the script begins', () => (procStatus(started.pid)?.sigBlk ?? 0n) !== blocked);
  return started;
}

/** The test has reaped it. */
export function reaped(pid: number): void {
  alive.delete(pid);
}

export const pauser = (): ChildScript => script().loop((s) => s.pause());
export const stopper = (): ChildScript =>
  script()
    .traceme()
    .tgkillSelf('SIGSTOP')
    .loop((s) => s.pause());

/** The next status word of a tracee or child. */
export function next(tid: number, options = 0): number {
  const until = Date.now() + limit(10_000);
  for (;;) {
    const found = wait4(tid, options | W.WNOHANG | W.__WALL);
    if (found !== null) {
      if (found.decoded.kind === 'exited' || found.decoded.kind === 'killed') reaped(tid);
      return found.status;
    }
    if (Date.now() > until) throw new Error(`no status of ${tid} in time`);
    nap(0.2);
  }
}

export const stopWord = (signal: number, event = 0): number => (event << 16) | (signal << 8) | 0x7f;
export const EVENT_STOP = stopWord(SIG.SIGTRAP, PTRACE_EVENT.STOP);
export const SYSCALL_STOP = stopWord(SIG.SIGTRAP | 0x80);

/** A child that said TRACEME, in the stop of the SIGSTOP that it sent itself. */
export function traced(part: ChildScript = stopper()): number {
  const { pid } = child(part);
  expect(next(pid)).toBe(stopWord(SIG.SIGSTOP));
  return pid;
}

/** A seized child, in the stop of PTRACE_INTERRUPT. */
export function interrupted(part: ChildScript = pauser(), options = 0): number {
  const { pid } = child(part);
  seize(pid, options);
  interrupt(pid);
  expect(next(pid)).toBe(EVENT_STOP);
  return pid;
}

/** A seized child that runs, or rather sleeps in pause(2). */
export function running(part: ChildScript = pauser(), options = 0): number {
  const pid = interrupted(part, options);
  cont(pid);
  until('the tracee runs', () => stateOf(pid) !== 't');
  return pid;
}

/** A seized child that listens in an INTERRUPT stop. */
export function listening(): number {
  const pid = interrupted();
  listen(pid);
  return pid;
}

/** A tid that there was a moment ago. */
export function dead(): number {
  const { pid } = child(script().exitGroup(0));
  expect(next(pid)).toBe(0);
  return pid;
}

/** What a call throws: a PtraceError, or nothing. */
export function failure(call: () => unknown): PtraceError | undefined {
  try {
    call();
  } catch (error) {
    if (error instanceof PtraceError) return error;
    throw error;
  }
  return undefined;
}

/** Expects a call to fail for a reason. */
export function expectReason(call: () => unknown, reason: PtraceReason, code?: string): PtraceError {
  const error = failure(call);
  expect(error?.reason).toBe(reason);
  if (code !== undefined) expect(error?.code).toBe(code);
  return error as PtraceError;
}

/**
 * Has a Worker trace a process: seize it, stop it, and hold it until `release` is called, which ends the Worker.
 */
export async function tracedByWorker(pid: number, stop = true): Promise<{ tid: number; release: () => Promise<void> }> {
  const worker = new Worker(
    `
    const { parentPort, workerData } = require('node:worker_threads');
    const addon = require(workerData.loader)(workerData.root);
    const { pid, stop } = workerData;
    const status = new Int32Array(1);
    const seized = addon.ptrace(0x4206, pid, 0, 0);
    const waited = stop ? (addon.ptrace(0x4207, pid, 0, 0), addon.wait4(pid, 0x40000000, status, null)) : pid;
    parentPort.postMessage([addon.gettid(), seized, waited]);
    setInterval(() => {}, 1000);
  `,
    { eval: true, workerData: { loader: createRequire(import.meta.url).resolve('node-gyp-build'), root, pid, stop } },
  );
  const [[tid, seized, waited]] = (await once(worker, 'message')) as [[number, number, number]];
  expect([seized, waited]).toEqual([0, pid]);
  return {
    tid,
    release: async () => {
      await worker.terminate();
    },
  };
}
