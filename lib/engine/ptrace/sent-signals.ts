/**
 * Signals that a virtual ptrace sends in the kernel's place: the SIGSTOP of PTRACE_ATTACH and of a child that was attached automatically, the SIGTRAP after an
 * execve. The kernel lets nobody send them as its own; so they carry a mark, and get the siginfo that they should have when they are about to be delivered.
 */
import { binding } from '../../binding.js';
import { encodeSiginfo, SI } from '../../kernel/siginfo.js';
import { SIG } from '../../kernel/signals.js';
import { procStatus } from '../../proc.js';

export type SentKind = 'attach' | 'new-child' | 'exec';

const MARK = 0x7074_7261_6365_0000n;
const KINDS: readonly SentKind[] = ['attach', 'new-child', 'exec'];
const MOST_KINDS = 16n;

/** Sends one to a thread. Whether it was sent. */
export function sendMarked(kind: SentKind, pid: number, tid: number): boolean {
  const signal = kind === 'exec' ? SIG.SIGTRAP : SIG.SIGSTOP;
  const value = MARK | BigInt(KINDS.indexOf(kind));
  const siginfo = encodeSiginfo({ signal, code: SI.QUEUE, pid: process.pid, uid: process.getuid?.() ?? 0, value });
  return binding().rtTgsigqueueinfo(pid, tid, signal, siginfo) === 0;
}

/** The kind of a signal that carries the mark. */
export function markOf(siginfo: Uint8Array): SentKind | undefined {
  const view = new DataView(siginfo.buffer, siginfo.byteOffset, siginfo.byteLength);
  if (view.getInt32(8, true) !== SI.QUEUE) return undefined;
  const value = view.getBigUint64(24, true);
  return (value & ~(MOST_KINDS - 1n)) === MARK ? KINDS[Number(value & (MOST_KINDS - 1n))] : undefined;
}

/** What the kernel's own signal would say of itself. */
export function siginfoOf(kind: SentKind, tid: number): Uint8Array {
  switch (kind) {
    case 'attach':
      return encodeSiginfo({ signal: SIG.SIGSTOP, code: SI.KERNEL });
    case 'new-child':
      return encodeSiginfo({ signal: SIG.SIGSTOP, code: SI.USER });
    case 'exec': {
      const status = procStatus(tid);
      return encodeSiginfo({
        signal: SIG.SIGTRAP,
        code: SI.USER,
        pid: status?.tgid ?? tid,
        uid: status?.uids[0] ?? 0,
      });
    }
  }
}
