/** A tracer that stops its tracee without a signal, and detaches: the tracee goes on as it would have, running or (with an argument) stopped. */
import { SIG } from '../../kernel/signals.js';
import { P_PID, W } from '../../kernel/wait-flags.js';
import { result } from '../../raw/child.js';
import { cont, detach, interrupt as ptraceInterrupt, kill, seize } from '../../raw/index.js';
import { program } from '../program.js';
import { fork, nanosleep, napToBeat, printf, say, ts100ms, ts1s, ts3s, waitid } from '../stage.js';

/** main() of the original. The tracer is the mother. */
function main(argument: boolean): void {
  const tracee = fork(
    (child) =>
      child.loop((c) => {
        napToBeat(c).syscall('getpid');
        say(c, 'tracee: alive pid=%d\n', result);
      }),
    { naps: ts1s },
  );

  if (argument) kill(tracee, SIG.SIGSTOP);

  nanosleep(ts100ms);

  seize(tracee);
  if (argument) {
    waitid(P_PID, tracee, W.WSTOPPED);
    cont(tracee);
  }
  nanosleep(ts3s);

  printf('tracer: INTERRUPT and DETACH\n');
  ptraceInterrupt(tracee);
  waitid(P_PID, tracee, W.WSTOPPED);
  detach(tracee);
  nanosleep(ts3s);

  printf('tracer: exiting\n');
  kill(tracee, SIG.SIGKILL);
}

const commit = {
  group: 'interrupt',
  commit: 'fca26f260c52',
  title: 'ptrace: implement PTRACE_INTERRUPT',
  source: 'shown',
  duration: 6100,
  normalise: (line: string) => line.replace(/pid=\d+/, 'pid=N'),
} as const;

export const interrupt = program(import.meta.url, {
  ...commit,
  name: 'interrupt',
  expected: `\
tracee: alive pid=4546
tracee: alive pid=4546
tracee: alive pid=4546
tracer: INTERRUPT and DETACH
tracee: alive pid=4546
tracee: alive pid=4546
tracee: alive pid=4546
tracer: exiting
`,
  main() {
    main(false);
  },
});

export const interruptStopped = program(import.meta.url, {
  ...commit,
  name: 'interrupt --stopped',
  stopped: true,
  expected: `\
tracee: alive pid=4548
tracee: alive pid=4548
tracee: alive pid=4548
tracer: INTERRUPT and DETACH
tracer: exiting
`,
  main() {
    main(true);
  },
});
