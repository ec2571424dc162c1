/** A tracer that exits leaves its tracee stopped if the tracee's group is stopped. Before, the tracee ran on. */
import { P_PID, W } from '../../kernel/wait-flags.js';
import { attach, cont } from '../../raw/index.js';
import { program } from '../program.js';
import { fork, napToBeat, printf, say, ts1s, ts3s, waitid } from '../stage.js';
import { stateOf, type Terminal } from '../terminal.js';

export const tracerExit = program(import.meta.url, {
  group: 'jobctl',
  name: 'tracer-exit',
  commit: '0e9f0a4abfd8',
  title: 'ptrace: Always put ptracee into appropriate execution state',
  source: 'shown',
  duration: 3000,
  expected: `\
exiting
# the tracee is T (stopped)
`,

  /** The tracer is the mother. */
  main() {
    const tracee = fork(
      (child) =>
        child.loop((c) => {
          napToBeat(c);
          say(c, '.');
        }),
      { naps: ts1s, outlives: true },
    );

    attach(tracee);
    let si = waitid(P_PID, tracee, W.WSTOPPED);
    cont(tracee, si.status);
    si = waitid(P_PID, tracee, W.WSTOPPED);
    cont(tracee, si.status);
    printf('exiting');
  },

  async terminal(terminal: Terminal) {
    const tracee = await terminal.tracee();
    await terminal.motherEnds();
    await terminal.nanosleep(ts3s);
    terminal.printf(`\n# the tracee is ${stateOf(tracee)}\n`);
  },
});
