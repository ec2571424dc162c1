/** What a tracer's waits report of its tracees, and in which form. */
import { PTRACE_O } from '../../../kernel/options.js';
import { P_ALL, W } from '../../../kernel/wait-flags.js';
import { waitid } from '../../../raw/wait.js';
import { childCodeText } from '../../describe.js';
import { toEntry } from '../../parts/system-calls.js';
import { manual, scenario, type Scenario } from '../../scenario.js';
import type { Stage } from '../../stage.js';
import { page } from './tools.js';

/** All that waitid(2) finds with these flags, without waiting: `E CLD_TRAPPED 0x13`, `nothing`, an error. */
function waitForAny(s: Stage, what: string, flags: number): void {
  let text = 'nothing';
  const result = s.attempt(() => {
    const found = waitid(P_ALL, 0, flags | W.WNOHANG);
    if (found === null) return;
    text = `${s.nameOf(found.pid)} ${childCodeText(found.code)} 0x${found.status.toString(16)}`;
  });
  s.observe(`R: ${what}`, result === '0' ? text : result);
}

export const waits: readonly Scenario[] = [
  scenario({
    id: 'wait-always-includes-stops',
    title: 'Whatever a tracer waits for, it gets the stops of its tracees',
    source: [page('Death under ptrace'), manual('wait(2)', 'DESCRIPTION')],
    tags: ['wait', 'signal-delivery-stop'],
    rule:
      'WUNTRACED and WSTOPPED are for the stops of children that are not traced. A wait that asks for exits only, or for continuing, returns a ptrace-stop ' +
      'all the same, and consumes it. So a library that waits for its children in a tracer takes stops away.',
    play(s) {
      const stop = (name: string) => {
        const e = s.pauser(name);
        s.unrecorded(() => e.attach());
        e.untilState('t');
        return e;
      };
      const exited = stop('waitid WEXITED');
      exited.waitid(W.WEXITED);
      exited.waitid(W.WEXITED | W.WNOHANG);
      const continued = stop('waitid WCONTINUED');
      continued.waitid(W.WCONTINUED);
      continued.waitid(W.WCONTINUED | W.WNOHANG);
      const plain = stop('wait4 without flags');
      plain.wait(0);
      plain.poll(0);
    },
    expect: `
      waitid WEXITED: waitid = CLD_TRAPPED 0x13
      waitid WEXITED: waitid = nothing
      waitid WCONTINUED: waitid = CLD_TRAPPED 0x13
      waitid WCONTINUED: waitid = nothing
      wait4 without flags: wait = stopped by SIGSTOP
      wait4 without flags: poll = nothing
    `,
  }),

  scenario({
    id: 'end-reported-once',
    title: 'The end of a tracee is reported once; after that there is no child to wait for',
    source: [manual('wait(2)', 'DESCRIPTION'), page('Death under ptrace')],
    tags: ['wait', 'death'],
    rule:
      'A wait for an end reaps: the id is free, and may belong to somebody else from then on. Where tracer and parent are the same process there is one report for both, and a second wait gives ' +
      'ECHILD. A tracer must never ask anything of an id whose end it has taken.',
    play(s) {
      const exits = s.tracee('exiting', (c) => c.exitGroup(3));
      exits.cont();
      exits.wait();
      exits.look();
      const dies = s.tracee('dying', (c) => c.loop((again) => again.pause()));
      dies.kill('SIGKILL');
      dies.wait();
      dies.look();
      dies.cont();
    },
    expect: `
      exiting: CONT = 0
      exiting: wait = exited 3
      exiting: poll = ECHILD
      dying: kill SIGKILL = 0
      dying: wait = killed by SIGKILL
      dying: poll = ECHILD
      dying: CONT = ESRCH
    `,
  }),

  scenario({
    id: 'waitid-fields',
    title: 'waitid tells a ptrace-stop as CLD_TRAPPED with the whole number: signal, 0x80 of system calls, and event',
    source: [manual('wait(2)', 'DESCRIPTION'), page('PTRACE_EVENT stops')],
    tags: ['wait', 'event-stop', 'syscall-stop'],
    rule:
      'si_status is not cut to the signal as in a shell’s $?: the bits above are those of the wait status shifted by 8. With WNOWAIT the stop can be looked at ' +
      'again and again; once it is consumed it is never told again, though the tracee stands still.',
    since: '3.4',
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .syscall('getppid')
            .fork((f) => f.exitGroup(0))
            .exitGroup(3),
        {
          options: PTRACE_O.TRACESYSGOOD | PTRACE_O.TRACEFORK,
        },
      );
      e.interrupt();
      e.cont();
      e.waitid(W.WSTOPPED | W.WNOWAIT);
      e.waitid(W.WSTOPPED | W.WEXITED | W.WNOWAIT);
      e.waitid(W.WSTOPPED);
      e.waitid(W.WSTOPPED | W.WNOHANG);
      e.state();
      e.tgkill('SIGSTOP');
      e.cont();
      e.waitid(W.WSTOPPED);
      e.cont('SIGSTOP');
      e.waitid(W.WSTOPPED);
      toEntry(e, 'getppid');
      e.syscall();
      e.waitid(W.WSTOPPED);
      e.cont();
      e.waitid(W.WSTOPPED);
    },
    expect: `
      E: INTERRUPT = 0
      E: CONT = 0
      E: waitid = CLD_TRAPPED 0x8005
      E: waitid = CLD_TRAPPED 0x8005
      E: waitid = CLD_TRAPPED 0x8005
      E: waitid = nothing
      E: state = t (tracing stop)
      E: tgkill SIGSTOP = 0
      E: CONT = 0
      E: waitid = CLD_TRAPPED 0x13
      E: CONT SIGSTOP = 0
      E: waitid = CLD_TRAPPED 0x8013
      E: SYSCALL = 0
      E: waitid = CLD_TRAPPED 0x85
      E: CONT = 0
      E: waitid = CLD_TRAPPED 0x105
    `,
  }),

  scenario({
    id: 'clone-wait-selects-tracees',
    title: 'A wait of the tracing thread with __WCLONE finds its tracees and none of its ordinary children',
    source: [manual('wait(2)', 'Linux notes')],
    tags: ['wait', 'children'],
    rule:
      '__WCLONE leaves children out whose exit signal is SIGCHLD. Tracees are found whatever their exit signal, so with __WNOTHREAD, which leaves out what ' +
      'belongs to other threads, a tracer can wait for all of its own without stealing from anybody.',
    since: '4.7',
    play(s) {
      const ours = W.WSTOPPED | W.WEXITED | W.WCONTINUED | W.__WCLONE | W.__WNOTHREAD;
      const zombie = s.child('zombie', (c) => c.exitGroup(7));
      const stopped = s.pauser('stopped');
      const continued = s.pauser('continued');
      zombie.untilState('Z');
      s.unrecorded(() => {
        stopped.kill('SIGSTOP');
        continued.kill('SIGSTOP');
      });
      stopped.untilState('T');
      continued.untilState('T');
      s.unrecorded(() => continued.kill('SIGCONT'));
      continued.untilAsleep();
      waitForAny(s, 'wait for tracees, of which there are none', ours);
      const e = s.pauser('E');
      s.unrecorded(() => e.attach());
      e.untilState('t');
      waitForAny(s, 'wait for tracees, without consuming', ours | W.WNOWAIT);
      waitForAny(s, 'wait for tracees', ours);
      waitForAny(s, 'wait for tracees', ours);
      s.unrecorded(() => e.kill('SIGKILL'));
      e.untilState('Z');
      waitForAny(s, 'wait for tracees, without consuming', ours | W.WNOWAIT);
      e.wait();
      waitForAny(s, 'wait for tracees, of which there are none', ours);
      zombie.wait();
      stopped.wait(W.WUNTRACED);
      continued.wait(W.WCONTINUED);
    },
    expect: `
      R: wait for tracees, of which there are none = ECHILD
      R: wait for tracees, without consuming = E CLD_TRAPPED 0x13
      R: wait for tracees = E CLD_TRAPPED 0x13
      R: wait for tracees = nothing
      R: wait for tracees, without consuming = E CLD_KILLED 0x9
      E: wait = killed by SIGKILL
      R: wait for tracees, of which there are none = ECHILD
      zombie: wait = exited 7
      stopped: wait = stopped by SIGSTOP
      continued: wait = continued
    `,
  }),
];
