/**
 * The general registers of a tracee: NT_PRSTATUS by GETREGSET and SETREGSET, or, on a kernel without register sets (User-mode Linux), what is
 * the same there by GETREGS and SETREGS.
 */
import { archFor } from '../kernel/arch/index.js';
import { ERRNO } from '../kernel/errno.js';
import { MAX_REGISTERS_SIZE } from '../kernel/registers.js';
import { NT } from '../kernel/regsets.js';
import { PTRACE } from '../kernel/requests.js';
import { requestFailed } from './failure.js';
import { type KernelLayer, kernelLayer } from './kernel-layer.js';
import { USER_REGS_SIZE } from './registers.js';

/** The requests of before there were register sets, where this architecture ever had them. */
const { GETREGS, SETREGS } = archFor(process.arch)?.requests ?? {};

const bytes = new Uint8Array(MAX_REGISTERS_SIZE);

/**
 * Reads them.
 *
 * @param buffer room for MAX_REGISTERS_SIZE bytes
 * @returns how many bytes they are, or a negative error number: that of GETREGSET
 */
export function readGeneral(layer: KernelLayer, tid: number, buffer: Uint8Array): number {
  const length = layer.ptraceIovec(PTRACE.GETREGSET, tid, NT.PRSTATUS, buffer);
  if (length !== -ERRNO.EIO || GETREGS === undefined) return length;
  return layer.ptraceBuffer(GETREGS, tid, 0, buffer) < 0 ? length : USER_REGS_SIZE;
}

/**
 * Writes them.
 *
 * @returns a negative error number when the kernel refuses
 */
export function writeGeneral(layer: KernelLayer, tid: number, registers: Uint8Array): number {
  const done = layer.ptraceIovec(PTRACE.SETREGSET, tid, NT.PRSTATUS, registers);
  if (done !== -ERRNO.EIO || SETREGS === undefined) return done;
  // A value that no register can have is EIO, too: only where nothing is read either the request is what is missing.
  if (layer.ptraceIovec(PTRACE.GETREGSET, tid, NT.PRSTATUS, bytes) !== done) return done;
  return layer.ptraceBuffer(SETREGS, tid, 0, registers);
}

/**
 * The bytes of NT_PRSTATUS.
 *
 * @throws PtraceError as {@link getRegset}
 */
export function getGeneral(tid: number): Uint8Array {
  const length = readGeneral(kernelLayer(), tid, bytes);
  if (length < 0) throw requestFailed(PTRACE.GETREGSET, tid, -length);
  return bytes.slice(0, length);
}

/**
 * Writes the bytes of NT_PRSTATUS.
 *
 * @throws PtraceError as {@link setRegset}
 */
export function setGeneral(tid: number, registers: Uint8Array): void {
  const done = writeGeneral(kernelLayer(), tid, registers);
  if (done < 0) throw requestFailed(PTRACE.SETREGSET, tid, -done);
}
