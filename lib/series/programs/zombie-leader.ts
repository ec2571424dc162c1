/**
 * A tracer that waits for stops of a thread that has died gets ECHILD, though the process lives on in its other threads: a zombie stops no
 * more. Before, it waited for ever.
 */
import { SIG } from '../../kernel/signals.js';
import { P_PID, W } from '../../kernel/wait-flags.js';
import { attach, cont, kill } from '../../raw/index.js';
import { program } from '../program.js';
import { fork, forkTracer, nanosleep, napToBeat, perror, say, ts1s, waitid } from '../stage.js';

export const zombieLeader = program(import.meta.url, {
  group: 'jobctl',
  name: 'zombie-leader',
  commit: '9b84cca2564b',
  title: 'job control: Fix ptracer wait(2) hang and explain notask_error clearing',
  source: 'shown',
  duration: 1000,
  expected: `\
tracee exiting
waitid: No child processes
`,

  main() {
    const tracee = fork(
      (child) => {
        child.thread((nooper) => nooper.loop((n) => n.pause()));
        napToBeat(child);
        say(child, 'tracee exiting\n');
        child.exit();
      },
      { naps: ts1s },
    );

    const tracer = forkTracer(tracee);
    nanosleep(ts1s);

    waitid(P_PID, tracer, W.WEXITED);
    kill(tracee, SIG.SIGKILL);
  },

  tracer(tracee) {
    attach(tracee);
    for (;;) {
      try {
        const si = waitid(P_PID, tracee, W.WSTOPPED);
        cont(tracee, si.status);
      } catch (error) {
        perror('waitid', error);
        break;
      }
    }
  },
});
