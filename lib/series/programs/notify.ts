/**
 * A tracer that is told when a group stop begins and ends: TRAP_NOTIFY. It lets its tracee run (PTRACE_CONT) although the group is stopped,
 * and hears of SIGCONT all the same.
 */
import { SIG } from '../../kernel/signals.js';
import { P_PID, W } from '../../kernel/wait-flags.js';
import { cont, getSiginfo, interrupt, kill, seize } from '../../raw/index.js';
import { program } from '../program.js';
import { fork, forkTracer, nanosleep, printf, ts1s, waitid } from '../stage.js';

export const notify = program(import.meta.url, {
  group: 'notify',
  name: 'notify',
  commit: 'fb1d910c178b',
  title: 'ptrace: implement TRAP_NOTIFY and use it for group stop events',
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
      cont(tracee);
    }
  },
});
