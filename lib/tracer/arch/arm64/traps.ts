import { SI, TRAP } from '../../../kernel/siginfo.js';
import { SIG } from '../../../kernel/signals.js';
import type { Trap, TrapEvidence } from '../../trap.js';

/**
 * brk gives TRAP_BRKPT with the program counter still on it; breakpoint and watchpoint registers both give TRAP_HWBKPT, a breakpoint with its
 * own address, a watchpoint with that of the access. A step over svc gives two stops: first si_code 0, then TRAP_TRACE.
 */
export function readTrapArm64(evidence: TrapEvidence): Trap {
  const { code, stepping, address } = evidence;
  if (code === TRAP.HWBKPT) {
    const pc = evidence.programCounter();
    return address === pc ? { kind: 'breakpoint', address, hardware: true } : { kind: 'watchpoint', address };
  }
  if (code === TRAP.BRKPT) return { kind: 'breakpoint', address: evidence.programCounter(), hardware: false };
  if (stepping) {
    if (code === TRAP.TRACE || code === TRAP.BRANCH) return { kind: 'step', cause: 'instruction' };
    if (code === SIG.SIGTRAP) return { kind: 'step', cause: 'handler' };
    if (code === SI.USER && (evidence.pid === evidence.tid || evidence.pid === 0)) {
      return { kind: 'step', cause: 'syscall' };
    }
  }
  return { kind: 'signal' };
}
