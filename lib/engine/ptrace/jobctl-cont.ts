/**
 * PTRACE_JOBCTL_CONT: the request that was proposed beside what became PTRACE_LISTEN (May 2011, "ptrace: implement group stop notification for ptracer").
 *
 * "Do not continue, but report the next change of job control." As it was proposed:
 *
 * - valid only where the tracee has reported PTRACE_EVENT_STOP (EIO elsewhere);
 * - afterwards the tracee is no longer quiescent, though it does not run: requests give ESRCH, but for PTRACE_INTERRUPT and PTRACE_CONT;
 * - a change that came before the request is reported at once;
 * - PTRACE_INTERRUPT does not let the tracee trap anew: its stop is there when the request returns. After LISTEN the tracer has to wait for it;
 * - PTRACE_CONT lets it run as from the stop; after LISTEN the tracer has to interrupt it first.
 *
 * The kernel has no such request. Here it is a LISTEN beneath, whose traps the client does not see.
 */
export const PTRACE_JOBCTL_CONT = 0x42f0;
