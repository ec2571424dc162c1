/**
 * A traced process that forks and waits, again and again, always finds its child: not even for a moment may a zombie that its tracer reaps be
 * invisible to its real parent. Before, wait(2) failed with ECHILD now and then.
 */
import { PTRACE_O } from '../../kernel/options.js';
import { result } from '../../raw/child.js';
import { attach, cont, setOptions, wait4 } from '../../raw/index.js';
import { program } from '../program.js';
import { assert, fork, say, ts1s } from '../stage.js';
import type { Terminal } from '../terminal.js';

export const forkerWait = program(import.meta.url, {
  group: 'jobctl',
  name: 'forker-wait',
  commit: '50b8d257486a',
  title: 'ptrace: partially fix the do_wait(WEXITED) vs EXIT_DEAD->EXIT_ZOMBIE race',
  source: 'described',
  duration: 1000,
  expected: '',

  main() {
    const forker = fork((child) => {
      child.loop((c) => {
        c.fork((grandchild) => grandchild.exitGroup(0));
        c.wait4().when(result, '<', 0, (s) => say(s, 'ERR!! wait failed\n').exitGroup(1));
      });
    });

    attach(forker);
    assert(wait4(forker)?.pid === forker, 'waitpid(forker) == forker');
    setOptions(forker, PTRACE_O.TRACEFORK);

    let pid = forker;
    do {
      cont(pid);
      do pid = nextStop();
      while (pid === 0);
    } while (pid > 0);
  },

  async terminal(terminal: Terminal) {
    await terminal.tracee();
    await terminal.nanosleep(ts1s);
    // The original goes on until ^C.
  },
});

/** The tracee that has stopped, or 0 when one has died. */
function nextStop(): number {
  const next = wait4(-1);
  return next !== null && next.decoded.kind !== 'exited' && next.decoded.kind !== 'killed' ? next.pid : 0;
}
