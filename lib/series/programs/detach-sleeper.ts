/** A sleeping process that is attached to and detached from sleeps on: pause(2) does not return. Before, PTRACE_DETACH could wake it. */
import { SIG } from '../../kernel/signals.js';
import { P_PID, W } from '../../kernel/wait-flags.js';
import { attach, detach, kill } from '../../raw/index.js';
import { program } from '../program.js';
import { fork, printf, say, settle, waitid } from '../stage.js';
import { stateOf } from '../terminal.js';

const TIMES = 200;

export const detachSleeper = program(import.meta.url, {
  group: 'jobctl',
  name: 'detach-sleeper',
  commit: '9f2bf6513a6',
  title: 'Remove the extra wake_up_state() from ptrace_detach()',
  source: 'described',
  duration: 0,
  expected: `\
# 200 times attached and detached, the tracee is S (sleeping)
`,

  main() {
    const tracee = fork((child) => {
      child.pause();
      say(child, 'tracee: pause returned\n');
    });
    settle();

    for (let i = 0; i < TIMES; i++) {
      attach(tracee);
      waitid(P_PID, tracee, W.WSTOPPED);
      detach(tracee);
    }
    settle();
    printf(`# ${TIMES} times attached and detached, the tracee is ${stateOf(tracee)}\n`);
    kill(tracee, SIG.SIGKILL);
  },
});
