/**
 * A tracer that watches a group stop without running its tracee: PTRACE_LISTEN. The same as the program of TRAP_NOTIFY (notify.ts) but for
 * one request.
 */
import { SIG } from '../../kernel/signals.js';
import { P_PID, W } from '../../kernel/wait-flags.js';
import { cont, getSiginfo, interrupt, kill, listen, seize } from '../../raw/index.js';
import { program } from '../program.js';
import { fork, forkTracer, nanosleep, printf, ts1s, waitid } from '../stage.js';

export const listening = program(import.meta.url, {
  group: 'listen',
  name: 'listen',
  commit: '544b2c91a9f1',
  title: 'ptrace: implement PTRACE_LISTEN',
  source: 'shown',
  duration: 7000,
  expected: `\
tracer: stopped=0 signo=5
mother: SIGSTOP
tracer: SIG 19
tracer: stopped=1 signo=19
mother: SIGCONT
tracer: stopped=0 signo=5
tracer: SIG 18
mother: SIGSTOP
tracer: SIG 19
tracer: stopped=1 signo=19
mother: SIGCONT
tracer: stopped=0 signo=5
tracer: SIG 18
mother: SIGSTOP
tracer: SIG 19
tracer: stopped=1 signo=19
mother: SIGCONT
tracer: stopped=0 signo=5
tracer: SIG 18
`,

  main() {
    const tracee = fork((child) => child.loop((c) => c.pause()));
    const tracer = forkTracer(tracee);

    for (let i = 0; i < 3; i++) {
      nanosleep(ts1s);
      printf('mother: SIGSTOP\n');
      kill(tracee, SIG.SIGSTOP);
      nanosleep(ts1s);
      printf('mother: SIGCONT\n');
      kill(tracee, SIG.SIGCONT);
    }
    nanosleep(ts1s);

    kill(tracer, SIG.SIGKILL);
    kill(tracee, SIG.SIGKILL);
  },

  tracer(tracee) {
    seize(tracee);
    interrupt(tracee);
    for (;;) {
      waitid(P_PID, tracee, W.WSTOPPED);

      const si = getSiginfo(tracee).decoded;
      if (si.code === 0) {
        printf(`tracer: SIG ${si.signal}\n`);
        cont(tracee, si.signal);
        continue;
      }
      printf(`tracer: stopped=${Number(si.signal !== SIG.SIGTRAP)} signo=${si.signal}\n`);
      if (si.signal !== SIG.SIGTRAP) listen(tracee);
      else cont(tracee);
    }
  },
});
