/**
 * A group stop stops every thread once, whatever a tracer does to one of them meanwhile. Before, a traced thread that was resumed and stopped
 * again counted again, and others of its group went on running.
 */
import { SIG } from '../../kernel/signals.js';
import { P_PID, W } from '../../kernel/wait-flags.js';
import { procStatus, procTasks } from '../../proc.js';
import { attach, kill, singlestep } from '../../raw/index.js';
import { program } from '../program.js';
import { fork, ts1s, until, waitid } from '../stage.js';
import type { Terminal } from '../terminal.js';

const THREADS = 5;

/** How many threads of the tracee that nobody traces are T (stopped). */
function stopped(tracee: number): number {
  const threads = (procTasks(tracee) ?? []).map((tid) => procStatus(tid));
  return threads.filter((thread) => thread?.tracerPid === 0 && thread.state === 'T').length;
}

export const groupStopCompletion = program(import.meta.url, {
  group: 'jobctl',
  name: 'group-stop-completion',
  commit: 'e5c1902e9260',
  title: 'signal: Fix premature completion of group stop when interfered by ptrace',
  source: 'described',
  duration: 2000,
  expected: `\
# SIGSTOP from outside
# 5 of 5 untraced threads are T (stopped)
# a second later: 5
`,

  main() {
    const pid = fork((child) => {
      for (let i = 0; i < THREADS; i++) child.thread((worker) => worker.spin());
      child.spin();
    });
    until(() => procTasks(pid)?.length === THREADS + 1);

    attach(pid);
    for (;;) {
      waitid(P_PID, pid, W.WSTOPPED);
      singlestep(pid, SIG.SIGSTOP);
    }
  },

  async terminal(terminal: Terminal) {
    const pid = await terminal.tracee();
    await terminal.until(() => procStatus(pid)?.tracerPid !== 0);
    await terminal.nanosleep(ts1s);
    terminal.printf('# SIGSTOP from outside\n');
    kill(pid, SIG.SIGSTOP);
    await terminal.until(() => stopped(pid) === THREADS);
    terminal.printf(`# ${stopped(pid)} of ${THREADS} untraced threads are T (stopped)\n`);
    await terminal.nanosleep(ts1s);
    terminal.printf(`# a second later: ${stopped(pid)}\n`);
  },
});
