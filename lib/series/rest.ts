/**
 * Whether processes have come to rest. Where the C programs nap for a second and trust that everybody gets his turn meanwhile, a nap here
 * lasts until its time is over *and* nobody has anything left to do: so the transcripts are the same on a machine that is busy with
 * something else.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { procState, procSyscall, procTasks } from '../proc.js';
import { hostSyscallNumber } from '../raw/host-syscalls.js';

const WAITS = ['waitid', 'wait4'].map(hostSyscallNumber);

/** Sleeping, stopped, traced, dead: a signal, a resume or a byte in a pipe makes a task R before kill(2), ptrace(2) or write(2) return. */
const RESTING = new Set<string | undefined>(['S', 'T', 't', 'Z', 'X', undefined]);

/** Whether all threads of a process rest. What sleeps by a timer rests, too. */
export function rests(pid: number): boolean {
  return (procTasks(pid) ?? []).every((tid) => RESTING.has(procState(tid)));
}

/** Whether a tracer, a Node process, waits for its tracee, or is gone. Node itself sleeps in many places on its way there. */
export function waits(pid: number): boolean {
  const state = procState(pid);
  if (state === undefined || state === 'Z' || state === 'X') return true;
  if (state !== 'S') return false;
  const syscall = procSyscall(pid);
  return syscall === undefined || (typeof syscall === 'number' && WAITS.includes(syscall));
}

/** The processes of a process group. */
export function processGroup(pgid: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && groupOf(pid) === pgid);
}

function groupOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
  } catch {
    return undefined; // gone
  }
}
