/**
 * PTRACE_KILL of a tracee that runs, or sleeps. Before, it woke the tracee: pause(2) returned with an errno that no program should see,
 * `pause: -1 Unknown error 514`.
 */
import { SIG } from '../../kernel/signals.js';
import { W } from '../../kernel/wait-flags.js';
import { result } from '../../raw/child.js';
import { kill, ptraceKill, wait4 } from '../../raw/index.js';
import { program } from '../program.js';
import { fork, nanosleep, printf, say, ts1s } from '../stage.js';

export const killRunning = program(import.meta.url, {
  group: 'jobctl',
  name: 'kill-running',
  commit: '0666fb51b148',
  title: "ptrace: ptrace_resume() shouldn't wake up !TASK_TRACED thread",
  source: 'described',
  duration: 2000,
  expected: [
    {
      since: '3.0',
      text: `\
# a second after PTRACE_KILL the tracee lives, kill it
wait: 9
`,
      because: 'PTRACE_KILL does nothing to a tracee that is not stopped (0666fb51b148)',
    },
    {
      since: '5.19',
      text: `\
wait: 9
`,
      because: 'PTRACE_KILL sends SIGKILL, whatever the tracee does (6a2d90ba027a)',
    },
  ],

  main() {
    const child = fork((tracee) => {
      tracee.traceme().pause().compute(0, 'subtract', result, 1);
      say(tracee, 'pause: -1 errno %d\n', tracee.register(1));
      tracee.exitGroup(0x23);
    });

    nanosleep(ts1s);
    ptraceKill(child);

    // The original waits, and on a kernel where PTRACE_KILL does nothing would wait for ever.
    nanosleep(ts1s);
    let status = wait4(child, W.WNOHANG)?.status;
    if (status === undefined) {
      printf('# a second after PTRACE_KILL the tracee lives, kill it\n');
      kill(child, SIG.SIGKILL);
      status = wait4(child)?.status;
    }
    printf(`wait: ${status?.toString(16) ?? ''}\n`);
  },
});
