/**
 * A child that is traced by a thread of its own parent has one end, and the parent hears of it once. Before, wait reported SIGKILL twice: to
 * the parent, and to the tracer of the same process.
 */
import { Worker } from 'node:worker_threads';
import { isPtraceError } from '../../errors.js';
import { SIG } from '../../kernel/signals.js';
import { kill, wait4 } from '../../raw/index.js';
import { program } from '../program.js';
import { assert, fork, printf, say } from '../stage.js';

export const sameThreadGroup = program(import.meta.url, {
  group: 'jobctl',
  name: 'same-thread-group',
  commit: '0347e1773909',
  title: 'ptrace: ptrace_reparented() should check same_thread_group()',
  source: 'shown',
  duration: 0,
  expected: '',

  main() {
    const pid = fork((child) => {
      child.pause();
      say(child, 'child: assertion failed: 0\n');
    });

    // pthread_create: the thread attaches and pauses.
    new Worker(new URL('./same-thread-group-thread.js', import.meta.url), { workerData: pid });

    const stop = wait4(-1);
    assert(stop?.pid === pid && stop.decoded.kind === 'stopped', 'WIFSTOPPED(stat)');

    kill(pid, SIG.SIGKILL);

    const end = wait4(-1);
    assert(end?.pid === pid && end.status === SIG.SIGKILL, 'WIFSIGNALED(stat) && WTERMSIG(stat) == SIGKILL');

    try {
      const again = wait4(pid);
      printf(`WTF? it is dead, but: wait stat=${again?.status.toString(16) ?? ''}\n`);
    } catch (error) {
      assert(isPtraceError(error) && error.code === 'ECHILD', 'no child is left');
    }
  },
});
