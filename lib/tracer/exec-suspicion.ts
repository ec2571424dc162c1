/**
 * Whether a thread that has just exited with 0 was ended by another thread's exec.
 *
 * An exec in a process with threads kills all others; the kernel reports them as exited with 0, like threads that returned, and only later
 * comes the EVENT_EXEC. In between there is exactly one thread that is not dying, and it is inside execve.
 */
import { readFileSync } from 'node:fs';
import { SIG, signalSetHas } from '../kernel/signals.js';
import { syscallNumber } from '../kernel/syscalls.js';
import { procStatus, procSyscall } from '../proc.js';
import type { Tracee } from './tracee.js';

/** PF_EXITING of include/linux/sched.h, in the flags of /proc/TID/stat. */
const PF_EXITING = 4;

const EXECS: ReadonlySet<number> = new Set(
  (['x86_64', 'i386', 'aarch64', 'arm'] as const).flatMap((abi) =>
    ['execve', 'execveat'].map((name) => syscallNumber(abi, name) ?? -1),
  ),
);

function isDying(tid: number): boolean {
  const status = procStatus(tid);
  if (status === undefined || 'ZX'.includes(status.state)) return true;
  if (signalSetHas(status.sigPnd, SIG.SIGKILL)) return true;
  try {
    const stat = readFileSync(`/proc/${tid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[6]) & PF_EXITING) !== 0;
  } catch {
    return true;
  }
}

/** 'no' is certain; 'maybe' is to be asked again until the exec comes or it is 'no'. */
export function suspectExec(survivors: Iterable<Tracee>): 'no' | 'maybe' {
  let alive: Tracee | undefined;
  for (const survivor of survivors) {
    // A thread inside execve stops for nobody.
    if (survivor.state === 'stopped' && survivor.stop?.kind !== 'exit') return 'no';
    if (isDying(survivor.tid)) continue;
    if (alive !== undefined) return 'no';
    alive = survivor;
  }
  if (alive === undefined) return 'no';
  const call = procSyscall(alive.tid);
  return call === 'running' || call === undefined || EXECS.has(call) ? 'maybe' : 'no';
}
