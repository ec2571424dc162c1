/**
 * Scenarios that say nothing of a virtual ptrace, since all that trace in them are other processes, and those use the kernel's own.
 *
 * The rule is that no request was made of the virtual ptrace; a test holds this list against it. All other scenarios apply.
 */
export const NOT_APPLICABLE: Readonly<Record<string, readonly string[]>> = {
  'its tracer ends, and a virtual one lives in the process that looks': [
    'seize-running-no-stop',
    'seize-stopped-then-tracer-exit',
    'exitkill',
    'detach-reaps-ignored-zombie-wakes-waiters',
    'tracer-lockup-on-sighandler-kill',
    'reparent-zombie',
    'reparent-zombie-clone',
    'filter_seccomp-exitkill',
    'tracer-death-while-stepping',
    'tracer-death',
    'tracer-death-implicit-detach-delivers',
  ],
  'its tracers have other rights than this process': [
    'event-exit-proc-maps',
    'event-exit-proc-environ',
    'get-filter-privilege',
    'suspend-seccomp-privilege',
    'ptrace02',
    'TraceNonDescendantWithCapabilityAllowed',
    'TraceDescendantsAllowed',
    'access-ids',
    'access-dumpable',
    'access-capabilities',
    'access-traceme',
    'access-realcreds-fscreds',
    'access-user-namespace',
  ],
  'it is about several threads of the tracer’s process': [
    'attach-while-rp-waits-no-oops',
    'attach-thread-in-same-group-as-rp',
    'mt-exec-old-leader-gone-wakes-tracer',
    'resume-vs-wait-race',
    'AttachSelf',
    'AttachSameThreadGroup',
    'tracer-thread-binding',
  ],
  'it is about the tracer’s own signals or memory': [
    'no-duplicate-sigchld-stop',
    'peeksiginfo-partial',
    'ptrace_attach_null_status',
    'ptrace_sigchld',
    'sigchld_blocked',
  ],
  'its tracers are processes of which it needs several, or the tracee’s own children': [
    'clone-get-signal',
    'AttachParent_PeekData_PokeData_SignalSuppression',
    'ExecvePtraceLockStress',
  ],
  'nobody traces in it': ['clone-ptrace-by-untraced-is-noop', 'PrctlSetPtracerInvalidPID'],
};

/** Why a scenario does not apply to a virtual ptrace; undefined when it does. */
export function notApplicable(id: string): string | undefined {
  return Object.entries(NOT_APPLICABLE).find(([, ids]) => ids.includes(id))?.[0];
}
