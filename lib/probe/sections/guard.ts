/**
 * Under a seccomp filter a system call may kill the process that makes it. Then children try first what this process is
 * about to do.
 */
import { SIG } from '../../kernel/signals.js';
import { PTRACE } from '../../kernel/requests.js';
import { procStatus } from '../../proc.js';
import { script } from '../../raw/child.js';
import type { Lab } from '../lab.js';

const NOBODY_HAS_THIS = 0x7fff_ffff;

/** Each call with arguments that do nothing. */
const calls: readonly (readonly [string, ...number[]])[] = [
  ['ptrace', PTRACE.DETACH, NOBODY_HAS_THIS, 0, 0],
  ['process_vm_readv', NOBODY_HAS_THIS, 0, 0, 0, 0, 0],
  ['process_vm_writev', NOBODY_HAS_THIS, 0, 0, 0, 0, 0],
  ['pidfd_open', NOBODY_HAS_THIS, 0],
  ['pidfd_send_signal', -1, 0, 0, 0],
];

/** The system call that kills whoever makes it, or undefined when none does. */
export function deadlyCall(lab: Lab): string | undefined {
  if ((procStatus('thread-self')?.seccomp ?? 0) === 0) return undefined;
  for (const [name, ...args] of calls) {
    const { pid } = lab.start(
      script()
        .syscall(name, ...args)
        .exitGroup(0),
    );
    const end = lab.await(pid, name);
    if (end.kind === 'killed' && end.signal === SIG.SIGSYS) return name;
  }
  return undefined;
}
