/** What PTRACE_GET_SYSCALL_INFO tells at a stop. */
import { STRUCT_SIZE } from '../../kernel/requests.js';
import { syscallInfoOp } from '../../kernel/syscall-info.js';
import { getSyscallInfoInto } from '../../raw/index.js';
import { syscallInfoId } from '../catalogue.js';
import { no, type Notes } from '../notes.js';
import type { SyscallInfoCapability } from '../report.js';

/** Asks, and notes whether the stop is told for what it is. The answer, if it is. */
export function noteInfo(notes: Notes, tid: number, op: SyscallInfoCapability['op']): Uint8Array | undefined {
  const info = new Uint8Array(STRUCT_SIZE.SYSCALL_INFO);
  let bytes = 0;
  const outcome = notes.try(syscallInfoId(op), () => {
    bytes = getSyscallInfoInto(tid, info);
    const told = syscallInfoOp(info);
    return told === op ? `${bytes} bytes` : no(`was told to be '${told}'`);
  });
  if (outcome.status !== 'yes') return undefined;
  notes.set(syscallInfoId(op), outcome, { bytes });
  return info;
}
