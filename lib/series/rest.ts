/**
 * Whether processes have come to rest. Where the C programs nap for a second and trust that everybody gets his turn meanwhile, a nap here
 * lasts until its time is over *and* nobody has anything left to do: so the transcripts are the same on a machine that is busy with
 * something else.
 */
import { readFileSync } from 'node:fs';
import { procPids, procStat, procSyscall, procTasks } from '../proc.js';
import { hostSyscallNumber } from '../raw/host-syscalls.js';

const WAITS = ['waitid', 'wait4'].map(hostSyscallNumber);

/** Sleeping, stopped, traced, dead: a signal, a resume or a byte in a pipe makes a task R before kill(2), ptrace(2) or write(2) return. */
const RESTING = 'STtZX';

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined; // gone
  }
}

/** State and number of context switches of a thread that rests; undefined for one that does not; '' for one that is gone. */
function restOf(tid: number): string | undefined {
  const status = read(`/proc/${tid}/status`);
  if (status === undefined) return '';
  const state = /^State:\t(.)/m.exec(status)?.[1] ?? '?';
  if (!RESTING.includes(state)) return undefined;
  return `${state} ${[...status.matchAll(/ctxt_switches:\t(\d+)/g)].map(([, count]) => count).join(' ')}`;
}

/** Whether a Node process that rests waits for its tracee, or is dead. Node itself sleeps in many places on its way there. */
function waits(tid: number, rest: string): boolean {
  if (!rest.startsWith('S')) return true;
  const syscall = procSyscall(tid);
  return syscall === undefined || (typeof syscall === 'number' && WAITS.includes(syscall));
}

/**
 * Looks again and again whether processes rest. They are looked at one after the other, so one look may find each asleep at its own moment
 * while they keep waking each other: they rest when a second look finds that none of them was on a CPU in between.
 */
export class Rest {
  #before: string | undefined;

  /**
   * @param pids processes, all threads of which count. What sleeps by a timer rests, too.
   * @param tracer one of them that is a Node process: of this only the first thread counts, and it must wait for its tracee
   * @returns whether all of them have rested since the last look
   */
  look(pids: readonly number[], tracer?: number): boolean {
    const before = this.#before;
    const now: string[] = [];
    this.#before = undefined;
    for (const pid of pids) {
      for (const tid of pid === tracer ? [pid] : (procTasks(pid) ?? [])) {
        const rest = restOf(tid);
        if (rest === undefined || (pid === tracer && !waits(tid, rest))) return false;
        now.push(`${tid} ${rest}`);
      }
    }
    this.#before = now.join('\n');
    return this.#before === before;
  }
}

/** The processes of a process group. */
export function processGroup(group: number): number[] {
  return procPids().filter((pid) => procStat(pid)?.pgid === group);
}

/** The children of a process, those that it was given included. */
export function childrenOf(parent: number): number[] {
  return procPids().filter((pid) => procStat(pid)?.ppid === parent);
}
