/** Why an attach would be refused. */
import { checkTid } from '../arguments.js';
import { decideAccess } from './decide.js';
import { readAccessFacts } from './facts.js';
import type { AccessReport } from './findings.js';

export { decideAccess } from './decide.js';
export { readAccessFacts, type AccessFacts, type CallerFacts, type TargetFacts } from './facts.js';
export type { AccessFinding, AccessFindingKind, AccessReport, Blocks } from './findings.js';

/**
 * Tells why the calling thread could not attach to a process, or that nothing stands against it. It reads /proc and
 * /sys only, and never attaches.
 *
 * It looks for: no such process, a zombie, a kernel thread, a thread of this process, a tracer there is already; user
 * and group ids; whether the target is dumpable; its capabilities; its user namespace; Yama; a seccomp filter on this
 * thread; other security modules, by what the kernel says when asked for something that wants the same right; the
 * container this process is in; and what `tracer.attach` itself refuses: a process that traces this one, and a child
 * that Node started.
 *
 * The answer is as of now. It is 'unknown' when nothing blocks for certain but something may: a seccomp filter, whose
 * verdict cannot be read, or a right that the kernel does not show. ptrace_attach goes by the *real* ids of the caller.
 *
 * @param pid a process, or one thread
 * @throws PtraceError 'bad-input' when it is no pid; 'unavailable' without the addon
 *
 * Every kernel with /proc. Source: ptrace(2), "Ptrace access mode checking"; ptrace_attach and __ptrace_may_access in
 * kernel/ptrace.c, cap_ptrace_access_check in security/commoncap.c, yama_ptrace_access_check in
 * security/yama/yama_lsm.c.
 */
export function explainAccess(pid: number): AccessReport {
  return decideAccess(readAccessFacts(checkTid('explainAccess', pid, 'pid')));
}
