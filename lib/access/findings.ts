/** What {@link explainAccess} answers with. */

/**
 * Whether something stands in the way: 'maybe' where /proc does not tell. When the kernel was heard to refuse, 'yes'
 * for what can be its reason.
 */
export type Blocks = 'yes' | 'no' | 'maybe';

interface FindingBase {
  readonly blocks: Blocks;
  /**
   * Who refuses: the kernel, or this package (`tracer.attach`) for something that the kernel would do and nobody wants.
   * The functions of raw/ ask the kernel alone.
   */
  readonly by: 'kernel' | 'linux-ptrace';
  readonly sentence: string;
  /** What can be done; absent where there is nothing to do. */
  readonly remedy?: string;
}

/** One thing that stands against an attach, or that was looked at because it often does. */
export type AccessFinding = FindingBase &
  (
    | { readonly kind: 'no-such-process' }
    /** The process is there, but /proc is mounted so that it hides what may not be traced. */
    | { readonly kind: 'hidden' }
    /** /proc belongs to another pid namespace: what it says is about other processes. */
    | { readonly kind: 'foreign-proc' }
    /** A zombie, or a thread on its way out. `livingThreads` are those of its process that could be traced instead. */
    | { readonly kind: 'dead'; readonly state: string; readonly livingThreads: readonly number[] }
    | { readonly kind: 'kernel-thread' }
    /** A thread of this process. */
    | { readonly kind: 'own-thread-group' }
    /**
     * `tracer` is the thread that traces it, `pid` and `name` its process; `tracer` is 0 where it is outside of our pid
     * namespace.
     */
    | {
        readonly kind: 'already-traced';
        readonly tracer: number;
        readonly pid?: number;
        readonly name?: string;
        readonly by: 'kernel';
      }
    /** Real user and group id of this thread against real, effective and saved ones of the target. */
    | {
        readonly kind: 'ids-differ';
        readonly uid: number;
        readonly gid: number;
        readonly targetUids: readonly number[];
        readonly targetGids: readonly number[];
      }
    /** The target is not dumpable (prctl(2) PR_SET_DUMPABLE, a set-uid program, a program that may not be read). */
    | { readonly kind: 'not-dumpable'; readonly dumpable: 'no' | 'unknown' }
    /** The target is permitted capabilities that this thread is not. */
    | { readonly kind: 'capabilities-exceed'; readonly missing: readonly string[] }
    /** The target is in another user namespace; null where its own does not show. */
    | { readonly kind: 'user-namespace'; readonly own: string; readonly target: string | null }
    /** kernel.yama.ptrace_scope; null on a kernel without Yama. */
    | { readonly kind: 'yama'; readonly scope: number | null; readonly descendant: boolean }
    /** A seccomp filter is on this thread: it may refuse ptrace(2), whatever the rest says. */
    | { readonly kind: 'seccomp'; readonly mode: number }
    /** The kernel refuses, and no rule that can be seen explains it. `modules` are those that may. */
    | { readonly kind: 'security-module'; readonly modules: readonly string[] }
    /** This process is in a container and has no CAP_SYS_PTRACE. */
    | { readonly kind: 'container'; readonly sign: string }
    /** The target traces this process, directly or through others. */
    | { readonly kind: 'traces-caller' }
    /** A child that Node started (`child_process`): Node takes its first stop for its death. */
    | { readonly kind: 'own-child' }
  );

/** The name of a finding. */
export type AccessFindingKind = AccessFinding['kind'];

/** Whether this thread may attach to a task, and why not. */
export interface AccessReport {
  /** The task asked about. */
  readonly pid: number;
  /** Of `tracer.attach`. 'unknown' when nothing blocks for certain and something may. */
  readonly allowed: 'yes' | 'no' | 'unknown';
  /** What blocks first, then what may, then what does not. */
  readonly findings: readonly AccessFinding[];
  /** The answer in a sentence, with its reason and the remedy. */
  readonly summary: string;
}
