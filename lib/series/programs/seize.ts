/** A tracer that attaches without stopping its tracee, and leaves it as it found it: running, or (with an argument) stopped. */
import { SIG } from '../../kernel/signals.js';
import { P_PID, W } from '../../kernel/wait-flags.js';
import { cont, kill, seize as ptraceSeize } from '../../raw/index.js';
import { program } from '../program.js';
import { fork, nanosleep, napToBeat, printf, say, ts100ms, ts1s, ts3s, waitid } from '../stage.js';
import { stateOf, type Terminal } from '../terminal.js';

/** main() of the original. The tracer is the mother. */
function main(argument: boolean): void {
  const tracee = fork(
    (child) =>
      child.loop((c) => {
        napToBeat(c);
        say(c, 'tracee: alive\n');
      }),
    { naps: ts1s, outlives: true },
  );

  if (argument) kill(tracee, SIG.SIGSTOP);

  nanosleep(ts100ms);

  ptraceSeize(tracee);
  if (argument) {
    waitid(P_PID, tracee, W.WSTOPPED);
    cont(tracee);
  }
  nanosleep(ts3s);
  printf('tracer: exiting\n');
}

/** The transcript goes on after the prompt is back; the commit shows the state with ps(1). */
async function afterwards(terminal: Terminal): Promise<void> {
  const tracee = await terminal.tracee();
  await terminal.motherEnds();
  await terminal.nanosleep(2 * ts1s);
  terminal.printf(`# the tracee is ${stateOf(tracee)}\n`);
}

const commit = {
  group: 'seize',
  commit: '3544d72a0e10',
  title: 'ptrace: implement PTRACE_SEIZE',
  source: 'shown',
  duration: 5100,
  terminal: afterwards,
} as const;

export const seize = program(import.meta.url, {
  ...commit,
  name: 'seize',
  expected: `\
tracee: alive
tracee: alive
tracee: alive
tracer: exiting
tracee: alive
tracee: alive
# the tracee is S (sleeping)
`,
  main() {
    main(false);
  },
});

export const seizeStopped = program(import.meta.url, {
  ...commit,
  name: 'seize --stopped',
  stopped: true,
  expected: `\
tracee: alive
tracee: alive
tracee: alive
tracer: exiting
# the tracee is T (stopped)
`,
  main() {
    main(true);
  },
});
