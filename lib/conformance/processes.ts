/** What a worker left behind. */
import { readdirSync, readFileSync } from 'node:fs';
import { SIG } from '../kernel/signals.js';
import { isPtraceError } from '../errors.js';
import { kill } from '../raw/index.js';

/** The variable that marks the processes of a worker: its children inherit the environment. */
export const MARK = 'LINUX_PTRACE_CONFORM';

function read(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return undefined; // gone
  }
}

function statOf(pid: number): { readonly state: string; readonly session: number } | undefined {
  const stat = read(pid, 'stat');
  if (stat === undefined) return undefined;
  // The name may hold blanks and parentheses: the fields go on behind the last one.
  const [state = '', , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state, session: Number(session) };
}

/** The living processes of a worker's session, and those with its mark, but not the worker itself. */
export function leftoversOf(worker: number, mark: string): number[] {
  const wanted = `${MARK}=${mark}`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      if (pid === worker) return false;
      const stat = statOf(pid);
      if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return false;
      return stat.session === worker || (read(pid, 'environ')?.split('\0').includes(wanted) ?? false);
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
