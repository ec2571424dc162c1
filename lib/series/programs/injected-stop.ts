/**
 * A tracer that answers the report of SIGCONT with SIGSTOP stops its tracee. Before, the stop signal was forgotten, and the last wait hung.
 */
import { SIG } from '../../kernel/signals.js';
import { attach, cont, kill, wait4 } from '../../raw/index.js';
import { program } from '../program.js';
import { assert, fork, say } from '../stage.js';

const stopped = (signal: number): number => (signal << 8) | 0x7f;

export const injectedStop = program(import.meta.url, {
  group: 'jobctl',
  name: 'injected-stop',
  commit: '8a35241803ee',
  title: 'ptrace: fix ptrace_signal() && STOP_DEQUEUED interaction',
  source: 'shown',
  duration: 0,
  expected: '',

  main() {
    const pid = fork((child) => {
      child.pause();
      say(child, 'tracee: assertion failed: 0\n');
    });

    attach(pid);
    assert(wait4(-1)?.status === stopped(SIG.SIGSTOP), 'WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP');

    kill(pid, SIG.SIGCONT); // <--- also clears STOP_DEQUEUED

    cont(pid);
    assert(wait4(-1)?.status === stopped(SIG.SIGCONT), 'WIFSTOPPED(status) && WSTOPSIG(status) == SIGCONT');

    cont(pid, SIG.SIGSTOP);
    assert(wait4(-1)?.status === stopped(SIG.SIGSTOP), 'WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP');

    kill(pid, SIG.SIGKILL);
  },
});
