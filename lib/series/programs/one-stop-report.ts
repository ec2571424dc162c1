/**
 * A real parent sees one CLD_STOPPED for one stop, though a tracer resumed and stopped the process meanwhile. Before, the SIGSTOP of
 * PTRACE_ATTACH made a second one, `st=19 c=05`, without a SIGCONT in between.
 */
import { SIG } from '../../kernel/signals.js';
import { P_PID, W } from '../../kernel/wait-flags.js';
import { procState } from '../../proc.js';
import { attach, cont, detach, kill } from '../../raw/index.js';
import { program } from '../program.js';
import { fork, forkTracer, nanosleep, printf, ts100ms, waitid } from '../stage.js';

const two = (value: number): string => String(value).padStart(2, '0');

export const oneStopReport = program(import.meta.url, {
  group: 'jobctl',
  name: 'one-stop-report',
  commit: '408a37de6c99',
  title: "job control: Don't set group_stop exit_code if re-entering job control stop",
  source: 'shown',
  duration: 1000,
  expected: '',

  main() {
    const tracee = fork((child) => child.loop((c) => c.pause()));

    kill(tracee, SIG.SIGSTOP);
    waitid(P_PID, tracee, W.WSTOPPED);

    const tracer = forkTracer(tracee);

    // The original polls until ^C.
    for (let after = 0; after < 5;) {
      const si = waitid(P_PID, tracee, W.WSTOPPED | W.WNOHANG);
      if (si.pid !== 0) printf(`st=${two(si.status)} c=${two(si.code)}\n`);
      if (procState(tracer) !== 'Z') continue;
      nanosleep(ts100ms);
      after++;
    }
  },

  tracer(tracee) {
    attach(tracee);
    let si = waitid(P_PID, tracee, W.WSTOPPED);
    cont(tracee, si.status);
    si = waitid(P_PID, tracee, W.WSTOPPED);
    cont(tracee, si.status);
    waitid(P_PID, tracee, W.WSTOPPED);
    detach(tracee);
  },
});
