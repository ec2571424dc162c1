import { readdirSync, readFileSync } from 'node:fs';

/** The variable that marks every process of one test run. */
export const MARKER = 'LINUX_PTRACE_TEST_RUN';

export interface Process {
  readonly pid: number;
  readonly ppid: number;
  readonly pgrp: number;
  readonly state: string;
  readonly command: string;
}

function read(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return undefined; // gone, or not ours to read
  }
}

/** The processes of the machine, threads left out. */
export function processes(): Process[] {
  const found: Process[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    // The command's name stands in parentheses and may hold anything, parentheses included.
    const stat = read(pid, 'stat');
    if (stat === undefined) continue;
    const end = stat.lastIndexOf(')');
    const [state = '?', ppid, pgrp] = stat.slice(end + 2).split(' ');
    const line = read(pid, 'cmdline')?.split('\0').join(' ').trim();
    const command = line === undefined || line === '' ? stat.slice(stat.indexOf('('), end + 1) : line;
    found.push({ pid, ppid: Number(ppid), pgrp: Number(pgrp), state, command });
  }
  return found;
}

/**
 * What a test run has left behind: processes that carry its marker in their environment, and, because a test may start one
 * with an empty environment, those that descend from the run's main process or stand in its process group and were not there
 * before. Zombies do not count: a zombie of ours goes with its parent, an orphan's is init's affair.
 *
 * @param marker the run's value of LINUX_PTRACE_TEST_RUN
 * @param main the pid of the run's main process; its own direct worker processes are told from leftovers by `isWorker`
 */
export function leftovers(
  marker: string,
  main: number,
  before: ReadonlySet<number>,
  isWorker: (process: Process) => boolean = () => false,
): Process[] {
  const all = processes().filter(({ pid, state }) => pid !== main && state !== 'Z' && state !== 'X');
  const byPid = new Map(all.map((process) => [process.pid, process]));
  const group = processes().find(({ pid }) => pid === main)?.pgrp;
  const workers = new Set(all.filter((process) => process.ppid === main && isWorker(process)).map(({ pid }) => pid));
  const descends = (process: Process): boolean => {
    for (let up: Process | undefined = process; up !== undefined; up = byPid.get(up.ppid)) {
      if (up.ppid === main) return true;
    }
    return false;
  };
  const wanted = `${MARKER}=${marker}`;
  return all.filter((process) => {
    if (workers.has(process.pid) || before.has(process.pid)) return false;
    if (process.pgrp === group || descends(process)) return true;
    return read(process.pid, 'environ')?.split('\0').includes(wanted) ?? false;
  });
}
