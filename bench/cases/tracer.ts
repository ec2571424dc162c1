/**
 * Our tracers, one a process, so that none finds the heap and the compiled code of another.
 *
 *   tracer MODE PID ADDRESS CPU
 *
 * Seizes and stops all threads of PID, then does as bench/tracer.c does.
 */
import { spawn } from 'node:child_process';
import { Tracer, type Stop, type Tracee, type TracerOptions } from 'linux-ptrace';
import * as raw from 'linux-ptrace/raw';
import { PTRACE_O, W } from 'linux-ptrace/kernel';
import { now, pin, serve, type Answer } from './serve.js';

const [mode = '', pidText = '0', addressText = '0', cpuText = '-1'] = process.argv.slice(2);
const pid = Number(pidText);
const address = BigInt(addressText);
pin(Number(cpuText));

/** What was read is used, or the compiler might leave the reading out. */
const seen = { sum: 0n };

function look(stop: Stop): void {
  if (stop.kind === 'syscall-entry') seen.sum += BigInt(stop.number);
  else if (stop.kind === 'syscall-exit') seen.sum += stop.result;
}

async function attach(options?: TracerOptions): Promise<{ tracer: Tracer; tracee: Tracee }> {
  const tracer = new Tracer({ events: [], ...options });
  const [tracee] = await tracer.attach(pid);
  if (tracee === undefined) throw new Error(`process ${pid} has no threads`);
  return { tracer, tracee };
}

/** A loop on raw/ that blocks in wait4: what a C program would be, line by line. */
function synchronous(): (n: number) => Answer {
  const status = new Int32Array(1);
  const info = new Uint8Array(88);
  raw.seize(pid, PTRACE_O.TRACESYSGOOD);
  raw.interrupt(pid);
  raw.wait4Into(pid, W.__WALL, status);
  let entries = 0;
  return (n) => {
    const begin = now();
    for (let stop = 0; stop < n; stop++) {
      raw.syscall(pid);
      raw.wait4Into(pid, W.__WALL, status);
      raw.getSyscallInfoInto(pid, info);
      if (info[0] === 1) entries++;
    }
    return { ns: now() - begin, entries };
  };
}

async function awaiting(options?: TracerOptions): Promise<(n: number) => Promise<Answer>> {
  const { tracee } = await attach(options);
  return async (n) => {
    const begin = now();
    for (let stop = 0; stop < n; stop++) look(await tracee.resume('syscall'));
    return { ns: now() - begin };
  };
}

/** The same with a crowd in the process. The children end with this process, whose end closes their input. */
async function awaitingAmong(children: number): Promise<(n: number) => Promise<Answer>> {
  const idle = Array.from({ length: children }, () => spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] }));
  await Promise.all(idle.map((child) => new Promise((resolve) => child.once('spawn', resolve))));
  return awaiting();
}

async function iterating(): Promise<(n: number) => Promise<Answer>> {
  const { tracer } = await attach({ resume: 'syscall' });
  let last: Stop | undefined;
  return async (n) => {
    const stopsOf = new Map<number, number>(tracer.tracees.map(({ tid }) => [tid, 0]));
    const begin = now();
    // The loop before this one was left in the middle of a stop.
    if (last !== undefined) tracer.resumeUnhandled(last);
    let count = 0;
    for await (const stop of tracer) {
      look(stop);
      stopsOf.set(stop.tid, (stopsOf.get(stop.tid) ?? 0) + 1);
      last = stop;
      if (++count >= n) break;
    }
    const ns = now() - begin;
    return { ns, least: Math.min(...stopsOf.values()), most: Math.max(...stopsOf.values()) };
  };
}

/** What reading the clock costs is taken off, as in C. */
function clockCost(n: number): number {
  let sum = 0;
  for (let reading = 0; reading < n; reading++) {
    const begin = now();
    sum += now() - begin;
  }
  return sum;
}

async function readingRegisters(): Promise<(n: number) => Promise<Answer>> {
  const { tracee } = await attach();
  return async (n) => {
    let sum = 0;
    for (let stop = 0; stop < n; stop++) {
      await tracee.resume('syscall');
      const begin = now();
      const all = tracee.registers.toObject();
      sum += now() - begin;
      seen.sum += Object.keys(all).length > 0 ? 1n : 0n;
    }
    return { ns: Math.max(0, sum - clockCost(n)) };
  };
}

async function readingMemory(): Promise<(n: number) => Answer> {
  const { tracee } = await attach();
  return (n) => {
    let sum = 0;
    const begin = now();
    for (let read = 0; read < n; read++) sum += tracee.memory.read(address, 64).bytes[0] ?? 0;
    return { ns: now() - begin, sum };
  };
}

async function latency(): Promise<(n: number) => Promise<Answer>> {
  const { tracee } = await attach();
  return async (n) => {
    const samples: number[] = [];
    while (samples.length < n) {
      const stop = await tracee.resume('syscall');
      if (stop.kind === 'syscall-entry' && stop.name === 'getppid') {
        samples.push(Number(process.hrtime.bigint() - stop.arg(0)));
      }
    }
    samples.sort((a, b) => a - b);
    return { ns: (samples[n >> 1] ?? 0) * n };
  };
}

const modes: Readonly<
  Record<string, () => ((n: number) => Answer | Promise<Answer>) | Promise<(n: number) => Answer | Promise<Answer>>>
> = {
  synchronous,
  await: awaiting,
  'await-colocated': () => awaiting({ colocate: 'on' }),
  'await-among-children': () => awaitingAmong(200),
  iterate: iterating,
  registers: readingRegisters,
  memory: readingMemory,
  latency,
};
const begin = modes[mode];
if (begin === undefined) throw new Error(`there is no mode ${mode}`);
await serve(await begin());
