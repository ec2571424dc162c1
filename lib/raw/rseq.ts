/** Restartable sequences: GET_RSEQ_CONFIGURATION. */
import { PTRACE, STRUCT_SIZE } from '../kernel/requests.js';
import { type RseqConfiguration, decodeRseqConfiguration } from '../kernel/structs.js';
import { invokeBuffer, tidOf } from './invoke.js';

/**
 * PTRACE_GET_RSEQ_CONFIGURATION: where the tracee has registered its area for restartable sequences (rseq(2)).
 *
 * @param tid the tracee, in a ptrace-stop
 * @returns all zero when the tracee has registered none
 * @throws PtraceError 'not-supported' (EIO) before Linux 5.13 or in a kernel without CONFIG_RSEQ; 'running', 'listening', 'gone',
 * 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * Since Linux 5.13. Source: uapi/linux/ptrace.h; kernel commit 90f093fa8ea4.
 */
export function getRseqConfiguration(tid: number): RseqConfiguration {
  const request = PTRACE.GET_RSEQ_CONFIGURATION;
  const bytes = new Uint8Array(STRUCT_SIZE.RSEQ_CONFIGURATION);
  invokeBuffer(request, tidOf(request, tid), STRUCT_SIZE.RSEQ_CONFIGURATION, bytes);
  return decodeRseqConfiguration(bytes);
}
