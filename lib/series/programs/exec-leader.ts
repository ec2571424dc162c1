/**
 * A tracer that traces only the leader of a process, and waits for it while another thread executes a program, gets ECHILD: the leader is
 * gone, and who has its pid now is not traced. Before, the wait blocked for ever.
 */
import { P_PID, W } from '../../kernel/wait-flags.js';
import { attach, cont, wait4 } from '../../raw/index.js';
import { program } from '../program.js';
import { fork, forkTracer, nanosleep, napToBeat, perror, printf, ts1s, waitid } from '../stage.js';

export const execLeader = program(import.meta.url, {
  group: 'jobctl',
  name: 'exec-leader',
  commit: 'eac1b5e57d7',
  title: 'ptrace: do_wait(traced_leader_killed_by_mt_exec) can block forever',
  source: 'described',
  duration: 1000,
  expected: `\
tracer: stopped by 19
wait: No child processes
`,

  main() {
    const tracee = fork(
      (child) => {
        child.thread((thread) => {
          napToBeat(thread);
          thread.exec('/bin/sh', ['sh', '-c', 'exit 0']);
        });
        child.loop((c) => c.pause());
      },
      { naps: ts1s },
    );

    const tracer = forkTracer(tracee);
    nanosleep(ts1s);
    waitid(P_PID, tracer, W.WEXITED);
  },

  tracer(tracee) {
    attach(tracee);
    const si = waitid(P_PID, tracee, W.WSTOPPED);
    printf(`tracer: stopped by ${si.status}\n`);
    cont(tracee);
    try {
      const end = wait4(-1);
      printf(`tracer: wait returned ${end?.status.toString(16) ?? ''}\n`);
    } catch (error) {
      perror('wait', error);
    }
  },
});
