/** The part of the one child that most sections work on: a fork of a large process takes its time, and its end as well. */
import type { ChildScript } from '../raw/child.js';
import type { ArchProbe } from './arch-probe.js';

const AREA_BYTES = 128;

/**
 * It blocks SIGUSR1, has 42 in `data` and 0 in `text` and `more`, and marks that. Then for ever: getppid(2), whose
 * result goes to `answer`, one more in `watched`, and instructions that do nothing.
 */
export function subject(arch: ArchProbe): (part: ChildScript) => void {
  return (part) => {
    arch.prepareRequests(part);
    arch.prepareRegsets(part);
    part
      .block('SIGUSR1')
      .store('data', 42)
      .store('text', 0)
      .store('more', 0)
      .store('watched', 0)
      .buffer('area', AREA_BYTES)
      .tgkillSelf('SIGUSR2')
      .loop((s) => s.syscall('getppid').store('answer').increment('watched').nops());
  };
}
