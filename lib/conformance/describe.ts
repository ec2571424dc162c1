/** The words of transcripts. */
import { errnoName } from '../kernel/errno.js';
import { PTRACE_EVENT } from '../kernel/events.js';
import type { SigInfo } from '../kernel/siginfo.js';
import { SIG, signalName, signalsInSet } from '../kernel/signals.js';
import { CLD } from '../kernel/wait-flags.js';
import type { WaitStatus } from '../kernel/wait-status.js';

const CHILD_CODES = new Map<number, string>(Object.entries(CLD).map(([name, code]) => [code, `CLD_${name}`]));

/** The time limit of a wait has passed: a kernel that is right would have reported something. */
export const NO_REPORT = 'no report in time';

/** An event without its prefix, such as `STOP`; a number that no kernel of today has as such. */
export function eventText(event: number): string {
  for (const [name, number] of Object.entries(PTRACE_EVENT)) if (number === event) return name;
  return String(event);
}

/** A wait status, the way `wait` lines have it; that of WNOHANG without news is `nothing`. */
export function statusText(status: WaitStatus | undefined): string {
  if (status === undefined) return 'nothing';
  switch (status.kind) {
    case 'exited':
      return `exited ${status.code}`;
    case 'killed':
      // Whether there was a core dump is the machine's affair (RLIMIT_CORE, core_pattern).
      return `killed by ${signalName(status.signal)}`;
    case 'continued':
      return 'continued';
    case 'stopped':
      return `stopped by ${signalName(status.signal)}`;
    case 'syscall-stop':
      return status.signal === SIG.SIGTRAP ? 'syscall-stop' : `syscall-stop ${signalName(status.signal)}`;
    case 'event': {
      const plain = status.signal === SIG.SIGTRAP && status.event !== PTRACE_EVENT.STOP;
      return plain
        ? `event ${eventText(status.event)}`
        : `event ${eventText(status.event)} ${signalName(status.signal)}`;
    }
  }
}

/** The si_code of a SIGCHLD or of waitid(2), such as `CLD_TRAPPED`. */
export function childCodeText(code: number): string {
  return CHILD_CODES.get(code) ?? String(code);
}

/** The result of a system call as the kernel gives it: an error's name, or the value. */
export function resultText(result: number | bigint): string {
  return result < 0 && result > -4096 ? errnoName(-Number(result)) : String(result);
}

/** @param nameOf the name of a process on the stage */
export function siginfoText(info: SigInfo, nameOf: (pid: number) => string): string {
  const code = info.kind === 'ptrace-event' ? `0x${info.code.toString(16)}` : info.codeName;
  const sender = 'pid' in info ? ` from ${nameOf(info.pid)}` : '';
  return `${signalName(info.signal)} ${code}${sender}`;
}

/** A set of signals, such as `SIGUSR1 SIGTERM`; `none`, and `all but SIGKILL SIGSTOP` for those that hold most. */
export function signalSetText(mask: bigint): string {
  const signals = signalsInSet(mask);
  if (signals.length === 0) return 'none';
  if (signals.length <= 32) return signals.map(signalName).join(' ');
  const others = signalsInSet(BigInt.asUintN(64, ~mask));
  return others.length === 0 ? 'all' : `all but ${others.map(signalName).join(' ')}`;
}
