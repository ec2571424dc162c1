/** What a seized tracee reports of the beginning and the end of its group-stop, of the series of June 2011. */
import type { Actor } from '../../actor.js';
import { beating } from '../../parts/activity.js';
import { commit, scenario, type Scenario } from '../../scenario.js';
import type { Stage } from '../../stage.js';
import { SIG } from '../../../kernel/signals.js';

const notify = commit('fb1d910c178b', 'ptrace: implement TRAP_NOTIFY and use it for group stop events');
const listen = commit('544b2c91a9f1', 'ptrace: implement PTRACE_LISTEN');

/** The tracer of both commits: takes one report, passes signals on, and answers a group-stop in its own way. */
function takeReport(e: Actor, answerStop: () => void): void {
  e.wait();
  const { code = 0, signal = 0 } = e.siginfo() ?? {};
  if (code === 0) e.cont(signal);
  else if (signal === SIG.SIGTRAP) e.cont();
  else answerStop();
}

function threeRounds(s: Stage, listens: boolean): void {
  const e = s.child('E', beating);
  const answer = (): void => {
    if (listens) e.listen();
    else e.cont();
  };
  e.seize();
  e.interrupt();
  takeReport(e, answer);
  for (let round = 0; round < 3; round++) {
    e.kill('SIGSTOP');
    takeReport(e, answer);
    takeReport(e, answer);
    e.poll();
    const beats = e.word('beats');
    if (listens) e.state();
    else s.until('E runs', () => e.word('beats') > beats);
    e.observe('runs while its group is stopped', e.word('beats') > beats);
    e.kill('SIGCONT');
    takeReport(e, answer);
    takeReport(e, answer);
    e.poll();
  }
}

const round = (request: string, state: string, runs: boolean): string => `
  E: kill SIGSTOP = 0
  E: wait = stopped by SIGSTOP
  E: siginfo = SIGSTOP SI_USER from R
  E: CONT SIGSTOP = 0
  E: wait = event STOP SIGSTOP
  E: siginfo = SIGSTOP 0x8013 from E
  E: ${request} = 0
  E: poll = nothing
  ${state}
  E: runs while its group is stopped = ${runs}
  E: kill SIGCONT = 0
  E: wait = event STOP SIGTRAP
  E: siginfo = SIGTRAP 0x8005 from E
  E: CONT = 0
  E: wait = stopped by SIGCONT
  E: siginfo = SIGCONT SI_USER from R
  E: CONT SIGCONT = 0
  E: poll = nothing
`;

const BEGINNING = `
  E: SEIZE = 0
  E: INTERRUPT = 0
  E: wait = event STOP SIGTRAP
  E: siginfo = SIGTRAP 0x8005 from E
  E: CONT = 0
`;

export const groupStopNotification: readonly Scenario[] = [
  scenario({
    id: 'trap-notify-transcript',
    title:
      'A seized tracee that runs while its group is stopped reports once that the stop has begun, and once that it has ended',
    source: [notify],
    tags: ['seize', 'group-stop', 'event-stop', 'sigcont'],
    rule:
      'A group-stop that begins or ends makes a seized tracee trap with EVENT_STOP. Taking part in the stop is that trap, so there is no second. At ' +
      'SIGCONT the notification comes before the signal itself. Without SEIZE a tracer hears nothing of the end of a stop but that signal.',
    since: '3.4',
    play(s) {
      threeRounds(s, false);
    },
    expect: `${BEGINNING}${round('CONT', '', true).repeat(3)}`,
  }),

  scenario({
    id: 'listen-transcript',
    title: 'A tracer that listens hears of the end of a group-stop while its tracee does not run',
    source: [listen],
    tags: ['listen', 'seize', 'group-stop', 'event-stop', 'sigcont'],
    rule:
      'LISTEN instead of CONT gives the same reports in the same order, and the tracee stays where it is: a tracer can leave job control its effect and ' +
      'still see it.',
    since: '3.4',
    play(s) {
      threeRounds(s, true);
    },
    expect: `${BEGINNING}${round('LISTEN', 'E: state = t (tracing stop)', false).repeat(3)}`,
  }),

  scenario({
    id: 'notify-only-if-not-trapped',
    title: 'A tracee that stands in a stop does not report that its group-stop has ended',
    source: [notify, listen],
    tags: ['seize', 'group-stop', 'sigcont', 'event-stop'],
    rule:
      'A tracee in a ptrace-stop is quiet until its tracer does something: no new report comes of itself, and its siginfo is what it was when the stop ' +
      'began. The notification waits.',
    since: '3.4',
    play(s) {
      const e = s.pauser();
      e.seize();
      e.kill('SIGSTOP');
      e.wait();
      e.cont('SIGSTOP');
      e.wait();
      e.kill('SIGCONT');
      e.poll();
      e.siginfo();
      e.state();
    },
    expect: `
      E: SEIZE = 0
      E: kill SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: CONT SIGSTOP = 0
      E: wait = event STOP SIGSTOP
      E: kill SIGCONT = 0
      E: poll = nothing
      E: siginfo = SIGSTOP 0x8013 from E
      E: state = t (tracing stop)
    `,
  }),
];
