import { CLD } from './wait-flags.js';

/** What a wait status word says. `signal` is a number; `event` is a PTRACE_EVENT number. */
export type WaitStatus =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: number; readonly coreDumped: boolean }
  | { readonly kind: 'continued' }
  | { readonly kind: 'stopped'; readonly signal: number }
  /** A system call stop under PTRACE_O_TRACESYSGOOD; `signal` is without bit 7, so always SIGTRAP on a real kernel. */
  | { readonly kind: 'syscall-stop'; readonly signal: number }
  | { readonly kind: 'event'; readonly event: number; readonly signal: number };

const CONTINUED = 0xffff;
const STOPPED = 0x7f;
const SYSGOOD = 0x80;

function decodeStop(exitCode: number): WaitStatus {
  const event = (exitCode >>> 8) & 0xffff;
  const signal = exitCode & 0xff;
  if (event !== 0) return { kind: 'event', event, signal };
  if ((signal & SYSGOOD) !== 0) return { kind: 'syscall-stop', signal: signal & ~SYSGOOD };
  return { kind: 'stopped', signal };
}

/**
 * Decode the status word of wait4(2). Total: any 32 bits give a value; words that no kernel makes (0x…ff other than
 * 0xffff) come out as killed.
 *
 * @param status the status word, signed or unsigned
 */
export function decodeWaitStatus(status: number): WaitStatus {
  // The continued word alone uses all 16 low bits; the kernel never sets higher ones with it.
  if (status === CONTINUED) return { kind: 'continued' };
  if ((status & 0xff) === STOPPED) return decodeStop(status >>> 8);
  const signal = status & 0x7f;
  if (signal === 0) return { kind: 'exited', code: (status >>> 8) & 0xff };
  return { kind: 'killed', signal, coreDumped: (status & 0x80) !== 0 };
}

/**
 * Decode what waitid(2) answers.
 *
 * @param cldCode `si_code`, one of CLD
 * @param siStatus `si_status`: an exit code, a signal, or for CLD.TRAPPED a signal with event bits (and bit 7 at a
 * system call stop)
 * @throws RangeError when `cldCode` is not one of CLD
 */
export function waitStatusFromSiginfo(cldCode: number, siStatus: number): WaitStatus {
  switch (cldCode) {
    case CLD.TRAPPED:
      return decodeStop(siStatus);
    case CLD.EXITED:
      return { kind: 'exited', code: siStatus & 0xff };
    case CLD.KILLED:
      return { kind: 'killed', signal: siStatus & 0x7f, coreDumped: false };
    case CLD.DUMPED:
      return { kind: 'killed', signal: siStatus & 0x7f, coreDumped: true };
    case CLD.STOPPED:
      return { kind: 'stopped', signal: siStatus & 0xff };
    case CLD.CONTINUED:
      return { kind: 'continued' };
    default:
      throw new RangeError(`si_code of a wait is one of 1 to 6, not ${cldCode}`);
  }
}

/** The status word of wait4(2) that says this: the inverse of {@link decodeWaitStatus}. */
export function encodeWaitStatus(status: WaitStatus): number {
  switch (status.kind) {
    case 'exited':
      return (status.code & 0xff) << 8;
    case 'killed':
      return (status.signal & 0x7f) | (status.coreDumped ? 0x80 : 0);
    case 'continued':
      return CONTINUED;
    case 'stopped':
      return ((status.signal & 0x7f) << 8) | STOPPED;
    case 'syscall-stop':
      return ((status.signal | SYSGOOD) << 8) | STOPPED;
    case 'event':
      return ((status.event & 0xffff) << 16) | ((status.signal & 0xff) << 8) | STOPPED;
  }
}
