/** What a worker left behind. */
import { readFileSync } from 'node:fs';
import { SIG } from '../kernel/signals.js';
import { isPtraceError } from '../errors.js';
import { procPids, procStat } from '../proc.js';
import { kill } from '../raw/index.js';

/** The variable that marks the processes of a worker: its children inherit the environment. */
export const MARK = 'LINUX_PTRACE_CONFORM';

function environmentOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return undefined; // gone
  }
}

/** The living processes of a worker's session, and those with its mark, but not the worker itself. */
export function leftoversOf(worker: number, mark: string): number[] {
  const wanted = `${MARK}=${mark}`;
  return procPids().filter((pid) => {
    if (pid === worker) return false;
    const stat = procStat(pid);
    if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return false;
    return stat.sid === worker || (environmentOf(pid)?.split('\0').includes(wanted) ?? false);
  });
}

/** Kills processes; what is gone meanwhile is no matter. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      kill(pid, SIG.SIGKILL);
    } catch (error) {
      if (!isPtraceError(error)) throw error;
    }
  }
}
