/**
 * In a group stop a tracee is traced like in any other stop: SIGCONT does not wake it, its tracer does. Before, it stood in T (stopped) and
 * ran away with the first SIGCONT.
 */
import { isPtraceError } from '../../errors.js';
import { SIG } from '../../kernel/signals.js';
import { W } from '../../kernel/wait-flags.js';
import { attach, cont, getSiginfo, kill, wait4 } from '../../raw/index.js';
import { program } from '../program.js';
import { fork, nanosleep, printf, ts1s } from '../stage.js';
import { stateOf } from '../terminal.js';

/** The word of the next status, or 0 when there is none. */
function status(tracee: number, options = 0): string {
  return (wait4(tracee, options)?.status ?? 0).toString(16);
}

/** What GETSIGINFO says: EINVAL in a group stop, which under ATTACH is the only way to know one. */
function siginfo(tracee: number): string {
  try {
    return String(getSiginfo(tracee).decoded.signal);
  } catch (error) {
    if (isPtraceError(error)) return error.code;
    throw error;
  }
}

export const tracedGroupStop = program(import.meta.url, {
  group: 'jobctl',
  name: 'traced-group-stop',
  commit: '5224fa3660ad',
  title: 'ptrace: Make do_signal_stop() use ptrace_stop() if the task is being ptraced',
  source: 'described',
  duration: 1000,
  expected: `\
ATTACH: wait=137f siginfo=19
CONT SIGSTOP: wait=137f siginfo=EINVAL
# the tracee is t (tracing stop)
SIGCONT: wait=0
# the tracee is t (tracing stop)
CONT: wait=127f siginfo=18
`,

  main() {
    const tracee = fork((child) => child.loop((c) => c.pause()));

    attach(tracee);
    printf(`ATTACH: wait=${status(tracee)} siginfo=${siginfo(tracee)}\n`);

    cont(tracee, SIG.SIGSTOP);
    printf(`CONT SIGSTOP: wait=${status(tracee)} siginfo=${siginfo(tracee)}\n`);
    printf(`# the tracee is ${stateOf(tracee)}\n`);

    kill(tracee, SIG.SIGCONT);
    nanosleep(ts1s);
    printf(`SIGCONT: wait=${status(tracee, W.WNOHANG)}\n`);
    printf(`# the tracee is ${stateOf(tracee)}\n`);

    cont(tracee);
    printf(`CONT: wait=${status(tracee)} siginfo=${siginfo(tracee)}\n`);
    kill(tracee, SIG.SIGKILL);
  },
});
