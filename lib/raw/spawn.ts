/**
 * A child between its birth and its program: it waits until it is released, so that a tracer can seize it first, and then executes.
 *
 * The child shares this process's memory until the exec (native/spawn.cc): it costs the same in a big process as in a small one, and the
 * first thing a tracer with PTRACE_O_TRACEEXEC sees of it is EVENT_EXEC, with no SIGSTOP before. The kernel kills it when the thread that spawned
 * it ends while it still waits.
 */
import { binding } from '../binding.js';
import { fromErrno, refused } from '../errors.js';
import { ERRNO } from '../kernel/errno.js';
import { spawnPlan, type SpawnOptions } from './spawn-plan.js';

export { PERSONALITY, RLIMIT, RLIM_INFINITY, type ResourceLimit, type SpawnOptions } from './spawn-plan.js';

const REQUEST = 'spawn';

/**
 * The steps of a child on its way to its program, by the system call or the option that they stand for. 'parent': the parent died first;
 * 'cancel': the child was cancelled.
 */
export type SpawnStage =
  | 'parent'
  | 'cancel'
  | 'setsid'
  | 'setpgid'
  | 'descriptors'
  | 'controlling-terminal'
  | 'chdir'
  | 'prlimit'
  | 'sched_setaffinity'
  | 'personality'
  | 'setgroups'
  | 'setresgid'
  | 'setresuid'
  | 'no_new_privs'
  | 'death-signal'
  | 'seccomp'
  | 'execve';

/** Why a child exited with 127 without executing its program. */
export interface SpawnFailure {
  readonly stage: SpawnStage;
  readonly errno: number;
}

/** A child made by {@link spawnHeld}. Its exit status is this process's to reap, as with every child. */
export interface HeldChild {
  readonly pid: number;
  /** The path that it executes. */
  readonly file: string;
  /**
   * Lets it go on to its exec.
   *
   * @throws PtraceError 'used-up' if it was released or cancelled before
   */
  release(): void;
  /**
   * Makes it exit with 127 instead.
   *
   * @throws PtraceError 'used-up' if it was released or cancelled before
   */
  cancel(): void;
  /** The step that failed, to be asked after its death; null if none did: it has executed its program, or was killed before. */
  outcome(): SpawnFailure | null;
  /**
   * Frees the memory that the child needed until its exec. At EVENT_EXEC, or when its end was told; a second call does nothing.
   *
   * @throws PtraceError 'running' while the child still stands on that memory
   */
  free(): void;
}

/**
 * Makes a child that waits before it executes its program. Whoever wants to trace it seizes it now, then releases it.
 *
 * @throws PtraceError 'bad-input'; 'exec-failed' (ENOENT, EACCES) when a name without a slash is not found along PATH; with the errno of mmap(2) or
 * clone(2) when there is no room for the child. What fails later, the exec above all, is the {@link HeldChild.outcome}.
 */
export function spawnHeld(options: SpawnOptions): HeldChild {
  const plan = spawnPlan(options);
  const addon = binding();
  const pid = addon.spawn(plan);
  if (pid < 0) throw fromErrno(REQUEST, 0, -pid);
  addon.registerChild(pid);

  let freed = false;
  let last: SpawnFailure | null = null;
  const moved = (result: number): void => {
    if (freed || result < 0) throw refused('used-up', REQUEST, pid, 'the child was released or cancelled before');
  };
  return {
    pid,
    file: plan.file,
    release() {
      moved(freed ? 0 : addon.spawnRelease(pid));
    },
    cancel() {
      moved(freed ? 0 : addon.spawnCancel(pid));
    },
    outcome() {
      return freed ? last : (addon.spawnOutcome(pid) as SpawnFailure | null);
    },
    free() {
      if (freed) return;
      last = addon.spawnOutcome(pid) as SpawnFailure | null;
      const error = -addon.spawnFree(pid);
      if (error === ERRNO.EBUSY) throw fromErrno(REQUEST, pid, error, 'running', 'the child has not executed yet');
      freed = true;
    },
  };
}
