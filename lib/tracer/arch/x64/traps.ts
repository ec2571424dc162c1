import { SI, TRAP } from '../../../kernel/siginfo.js';
import { SIG } from '../../../kernel/signals.js';
import type { Trap, TrapEvidence } from '../../trap.js';

/** offsetof(struct user, u_debugreg) */
const DEBUG_REGISTERS = 848;

/** The slot of DR6 that hit, or -1. */
function slotOf(dr6: bigint): number {
  for (let slot = 0; slot < 4; slot++) if ((dr6 >> BigInt(slot)) & 1n) return slot;
  return -1;
}

/**
 * int3 gives SI_KERNEL, icebp and a step over a system call instruction TRAP_BRKPT, a step TRAP_TRACE, the debug registers TRAP_HWBKPT.
 * A step into a signal handler is reported by ptrace_notify: si_code is SIGTRAP and si_pid the tracee itself.
 */
export function readTrapX64(evidence: TrapEvidence): Trap {
  const { code, stepping } = evidence;
  if (code === TRAP.HWBKPT) {
    const dr6 = evidence.peekUser(DEBUG_REGISTERS + 6 * 8);
    const slot = slotOf(dr6);
    if (slot < 0) return { kind: 'watchpoint', address: evidence.address };
    const address = evidence.peekUser(DEBUG_REGISTERS + slot * 8);
    const type = (evidence.peekUser(DEBUG_REGISTERS + 7 * 8) >> BigInt(16 + 4 * slot)) & 3n;
    return type === 0n ? { kind: 'breakpoint', address, hardware: true } : { kind: 'watchpoint', address };
  }
  if (code === SI.KERNEL) return { kind: 'breakpoint', address: evidence.programCounter() - 1n, hardware: false };
  if (stepping) {
    if (code === TRAP.TRACE || code === TRAP.BRANCH) return { kind: 'step', cause: 'instruction' };
    if (code === TRAP.BRKPT) return { kind: 'step', cause: 'syscall' };
    if (code === SIG.SIGTRAP) return { kind: 'step', cause: 'handler' };
  } else if (code === TRAP.BRKPT) {
    return { kind: 'breakpoint', address: evidence.programCounter() - 1n, hardware: false };
  }
  return { kind: 'signal' };
}
