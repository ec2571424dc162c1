/**
 * The real parent of a tracee sees its job control, stop by stop, while a tracer stops and resumes it: by polling (45cb24a1da53), and woken
 * from a blocking wait (ceb6bd67f9b9). Before, it saw nothing while the tracer was there.
 *
 * The tracee raises its next signal when its nap is over; the originals count on the mother to have had her turn by then, and on the tracer
 * to say EXITING before her last line. Here the mother's clock ends the nap, and she looks when the others are at rest.
 */
import { CLD, P_PID, W } from '../../kernel/wait-flags.js';
import type { ChildScript } from '../../raw/child.js';
import { attach, cont } from '../../raw/index.js';
import { program } from '../program.js';
import {
  fork,
  forkTracer,
  nanosleep,
  napToBeat,
  printf,
  say,
  settle,
  tick,
  ts100ms,
  waitid,
  type WaitSiginfo,
} from '../stage.js';

const expected = `\
tracee: SIGSTOP
mommy : WAIT status=19 code=05
tracee: SIGCONT
mommy : WAIT status=18 code=06
tracee: SIGSTOP
mommy : WAIT status=19 code=05
tracee: SIGCONT
mommy : WAIT status=18 code=06
tracee: SIGSTOP
mommy : WAIT status=19 code=05
tracee: SIGCONT
mommy : WAIT status=18 code=06
tracee: SIGSTOP
tracer: EXITING
mommy : WAIT status=19 code=05
`;

/** What the mother has to see: three stops and continuations, and the last stop. */
const EVENTS = 7;

function traceeOf(child: ChildScript): void {
  child.loop((c) => {
    say(c, 'tracee: SIGSTOP\n');
    c.tgkillSelf('SIGSTOP');
    napToBeat(c);
    say(c, 'tracee: SIGCONT\n');
    c.tgkillSelf('SIGCONT');
    napToBeat(c);
  });
}

function tracerOf(tracee: number): void {
  nanosleep(ts100ms);
  attach(tracee);

  for (let i = 0; i < 11; i++) {
    const si = waitid(P_PID, tracee, W.WSTOPPED);
    if (si.pid !== 0 && si.code === CLD.TRAPPED) cont(tracee, si.status);
  }
  printf('tracer: EXITING\n');
}

function report(si: WaitSiginfo): void {
  const two = (value: number): string => String(value).padStart(2, '0');
  printf(`mommy : WAIT status=${two(si.status)} code=${two(si.code)}\n`);
}

export const realParentPolls = program(import.meta.url, {
  group: 'jobctl',
  name: 'real-parent-polls',
  commit: '45cb24a1da53',
  title: 'job control: Allow access to job control events through ptracees',
  source: 'shown',
  duration: 1000,
  expected,

  main() {
    const tracee = fork(traceeOf, { naps: ts100ms });
    settle(); // The tracer's first nap is there to find the tracee stopped.
    forkTracer(tracee);
    settle();

    // The original polls until ^C; here twice more than there is to see.
    for (let i = 0; i < EVENTS + 2; i++) {
      const si = waitid(P_PID, tracee, W.WSTOPPED | W.WCONTINUED | W.WEXITED | W.WNOHANG);
      if (si.pid !== 0) report(si);
      nanosleep(ts100ms);
    }
  },

  tracer: tracerOf,
});

export const realParentWaits = program(import.meta.url, {
  group: 'jobctl',
  name: 'real-parent-waits',
  commit: 'ceb6bd67f9b9',
  title: 'job control: Notify the real parent of job control events regardless of ptrace',
  source: 'shown',
  duration: 1000,
  expected,

  main() {
    const tracee = fork(traceeOf, { naps: ts100ms });
    settle();
    forkTracer(tracee);

    for (let i = 0; i < EVENTS; i++) {
      const si = waitid(P_PID, tracee, W.WSTOPPED | W.WCONTINUED | W.WEXITED);
      settle();
      report(si);
      tick();
    }
    nanosleep(ts100ms);
  },

  tracer: tracerOf,
});
