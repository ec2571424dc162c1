/**
 * Whether threads that have exited with 0 were ended by another thread's exec.
 *
 * An exec in a process with threads kills all others; the kernel reports them as exited with 0, like threads that returned, and only later
 * comes the EVENT_EXEC. In between there is exactly one thread that is not dying, and it is inside execve. What speaks against an exec is
 * therefore a thread that is neither dying nor in execve. Of a thread that runs nothing can be read: it may be on its way out, or in its
 * execve, or computing. How much it has run since tells, where the time of day would not on a busy machine.
 */
import { existsSync, readFileSync } from 'node:fs';
import { PTRACE_EVENT } from '../kernel/events.js';
import { SIG, signalSetHas } from '../kernel/signals.js';
import { syscallNumber } from '../kernel/syscalls.js';
import { procIsExiting, procStatus, procSyscall } from '../proc.js';
import type { Tracee } from './tracee.js';

/** CPU time in which a thread that was killed has certainly taken notice. */
const NOTICE_NANOS = 2_000_000;
/** CPU time in which an exec comes to its event; most of it goes into taking the old memory down. */
const EXEC_NANOS = 100_000_000;
/** Whatever the scheduler does, nobody waits longer for the end of a thread. */
const MOST_MILLIS = 2000;

let execs: ReadonlySet<number> | undefined;

/** Whether this is execve or execveat in some ABI. The set needs four of the tables, which take longer to make than the rest of an import. */
function isExecNumber(number: number): boolean {
  execs ??= new Set(
    (['x86_64', 'i386', 'aarch64', 'arm'] as const).flatMap((abi) =>
      ['execve', 'execveat'].map((name) => syscallNumber(abi, name) ?? -1),
    ),
  );
  return execs.has(number);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

/** CPU time of a thread in ns, or the time where the kernel does not tell (without CONFIG_SCHED_INFO); undefined when the thread is gone. */
function cpuTime(tid: number): number | undefined {
  const text = readText(`/proc/${tid}/schedstat`);
  if (text !== undefined) return Number.parseInt(text, 10);
  return existsSync('/proc/self/schedstat') ? undefined : performance.now() * 1e6;
}

/** Whether the stop in the kernel is the one that was told: SIGKILL may have moved the tracee on to EVENT_EXIT. */
function standsInItsStop(tracee: Tracee): boolean {
  if (tracee.stop === null) return false;
  try {
    return tracee.siginfo().code >> 8 !== PTRACE_EVENT.EXIT;
  } catch {
    return false;
  }
}

/** - `gone`: there is no such thread; `dying`, `executing` and `alive` are certain; `running` can be each of them */
type Survival = 'gone' | 'dying' | 'executing' | 'alive' | 'running';

function survivalOf(tracee: Tracee): Survival {
  // In EVENT_EXIT its SIGKILL is taken and PF_EXITING not yet set.
  if (tracee.stop?.kind === 'exit') return 'dying';
  const status = procStatus(tracee.tid);
  if (status === undefined) return 'gone';
  if ('ZX'.includes(status.state)) return 'dying';
  const exiting = procIsExiting(tracee.tid);
  if (exiting === undefined) return 'gone';
  if (exiting || signalSetHas(status.sigPnd, SIG.SIGKILL)) return 'dying';
  // A trap that has not been seen here may be EVENT_EXIT.
  if ('RD'.includes(status.state) || (status.state === 't' && !standsInItsStop(tracee))) {
    return isExecNumber(Number(procSyscall(tracee.tid))) ? 'executing' : 'running';
  }
  const call = procSyscall(tracee.tid);
  if (call === undefined || call === 'running') return 'running';
  // It sleeps or is stopped without a SIGKILL that an exec would have sent before the first of the others ended.
  return isExecNumber(call) ? 'executing' : 'alive';
}

/** The doubt about the ends of some threads of one process. */
export class ExecSuspicion {
  readonly #since = performance.now();
  readonly #ranAtFirst = new Map<number, number>();

  /**
   * 'no' is certain; 'maybe' is to be asked again, after all that is pending was consumed, until the exec comes or it is 'no'.
   *
   * @param survivors the traced threads of the process whose ends have not come
   * @param settled whether all that was consumed has been dispatched, so that no end is on its way
   */
  judge(survivors: Iterable<Tracee>, settled: boolean): 'no' | 'maybe' {
    if (performance.now() - this.#since > MOST_MILLIS) return 'no';
    let executing = false;
    const ran: number[] = [];
    for (const survivor of survivors) {
      switch (survivalOf(survivor)) {
        case 'dying':
          break;
        case 'gone':
          // A tracee that dies leaves its end behind. Gone without one, it executed and has its process's id by now.
          executing = true;
          break;
        case 'executing':
          executing = true;
          break;
        case 'alive':
          return 'no';
        case 'running': {
          const nanos = this.#runSinceFirst(survivor.tid);
          // It has gone meanwhile.
          if (nanos === undefined) executing = true;
          else ran.push(nanos);
        }
      }
    }
    if (executing || !settled) return 'maybe';
    if (ran.length === 0) return 'no';
    // Of several, at most one is in its execve; the others would have died.
    if (ran.length > 1 && ran.filter((nanos) => nanos > NOTICE_NANOS).length > 1) return 'no';
    return ran.some((nanos) => nanos > EXEC_NANOS) ? 'no' : 'maybe';
  }

  #runSinceFirst(tid: number): number | undefined {
    const now = cpuTime(tid);
    if (now === undefined) return undefined;
    const first = this.#ranAtFirst.get(tid);
    if (first !== undefined) return now - first;
    this.#ranAtFirst.set(tid, now);
    return 0;
  }
}
