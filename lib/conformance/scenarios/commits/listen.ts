/** PTRACE_LISTEN, of the series of June 2011. */
import type { Actor } from '../../actor.js';
import { toGroupStop } from '../../parts/tracing.js';
import { commit, scenario, type Scenario } from '../../scenario.js';
import type { Stage } from '../../stage.js';

const implement = commit('544b2c91a9f1', 'ptrace: implement PTRACE_LISTEN');

/** A seized tracee in its group-stop, EVENT_STOP with SIGSTOP. How it got there is not in the transcript. */
function groupStopped(s: Stage): Actor {
  return s.unrecorded(() => {
    const e = s.pauser();
    e.mustSucceed(e.seize(), 'SEIZE');
    toGroupStop(e);
    return e;
  });
}

export const listen: readonly Scenario[] = [
  scenario({
    id: 'listen-is-not-a-ptrace-stop',
    title: 'While it listens a tracee refuses every request but INTERRUPT and KILL',
    source: [implement],
    tags: ['listen', 'group-stop', 'errors'],
    rule:
      'A listening tracee never runs, yet wait and ptrace take it for running: requests that need a stop give ESRCH and a wait finds nothing. ' +
      'Only /proc shows that it still stands.',
    since: '3.4',
    play(s) {
      const e = s.pauser();
      e.seize();
      e.kill('SIGSTOP');
      e.wait();
      e.cont('SIGSTOP');
      e.wait();
      e.listen();
      e.cont();
      e.detach();
      e.siginfo();
      e.setOptions(0);
      e.listen();
      e.poll();
      e.state();
      e.interrupt();
      e.wait();
    },
    expect: `
      E: SEIZE = 0
      E: kill SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: CONT SIGSTOP = 0
      E: wait = event STOP SIGSTOP
      E: LISTEN = 0
      E: CONT = ESRCH
      E: DETACH = ESRCH
      E: siginfo = ESRCH
      E: SETOPTIONS = ESRCH
      E: LISTEN = ESRCH
      E: poll = nothing
      E: state = t (tracing stop)
      E: INTERRUPT = 0
      E: wait = event STOP SIGSTOP
    `,
  }),

  scenario({
    id: 'listen-after-missed-notify-retraps-at-once',
    title: 'LISTEN at a group-stop that has ended meanwhile makes the tracee report at once',
    source: [implement],
    tags: ['listen', 'group-stop', 'sigcont'],
    rule:
      'The end of the stop cannot be missed: what happened between the report and LISTEN is kept, and LISTEN delivers it. The tracer then has to let the ' +
      'tracee run to get the SIGCONT itself.',
    since: '3.4',
    play(s) {
      const e = groupStopped(s);
      e.kill('SIGCONT');
      e.poll();
      e.listen();
      e.wait();
      e.siginfo();
      e.cont();
      e.wait();
      e.cont();
      e.poll();
    },
    expect: `
      E: kill SIGCONT = 0
      E: poll = nothing
      E: LISTEN = 0
      E: wait = event STOP SIGTRAP
      E: siginfo = SIGTRAP 0x8005 from E
      E: CONT = 0
      E: wait = stopped by SIGCONT
      E: CONT = 0
      E: poll = nothing
    `,
  }),

  scenario({
    id: 'listen-cleared-by-first-notification',
    title: 'The first notification ends the listening: to hear of the next change the tracer must listen again',
    source: [implement],
    tags: ['listen', 'group-stop', 'sigcont'],
    rule:
      'With the report the tracee stands in an ordinary EVENT_STOP again, and requests work. What happens from then on is kept until the next LISTEN or ' +
      'CONT.',
    since: '3.4',
    play(s) {
      const e = groupStopped(s);
      e.listen();
      e.kill('SIGCONT');
      e.wait();
      e.siginfo();
      e.setOptions(0);
      // Another SIGSTOP, and the SIGCONT that ends it: the tracee does not say so until it is asked.
      e.kill('SIGSTOP');
      e.kill('SIGCONT');
      e.poll();
      e.listen();
      e.wait();
      e.siginfo();
    },
    expect: `
      E: LISTEN = 0
      E: kill SIGCONT = 0
      E: wait = event STOP SIGTRAP
      E: siginfo = SIGTRAP 0x8005 from E
      E: SETOPTIONS = 0
      E: kill SIGSTOP = 0
      E: kill SIGCONT = 0
      E: poll = nothing
      E: LISTEN = 0
      E: wait = event STOP SIGTRAP
      E: siginfo = SIGTRAP 0x8005 from E
    `,
  }),

  scenario({
    id: 'listen-only-in-event-stop',
    title:
      'LISTEN is for tracees in EVENT_STOP; in another stop it gives EIO and leaves the tracee alone, out of a stop ESRCH',
    source: [implement, commit('f9d81f61c84', 'ptrace: PTRACE_LISTEN forgets to unlock ->siglock')],
    also: ['listen-unlock-bug'],
    tags: ['listen', 'errors', 'event-stop', 'signal-delivery-stop'],
    rule:
      'Only EVENT_STOP can be taken up again by a change of job control. The group need not be stopped. The refusal once kept a lock of the tracee’s signals: ' +
      'whatever touched these next hung, the CPU with it.',
    since: '3.4',
    play(s) {
      const e = s.pauser();
      e.seize();
      e.listen();
      e.tgkill('SIGUSR1');
      e.wait();
      e.listen();
      e.siginfo();
      e.pending();
      e.tgkill('SIGUSR2');
      e.cont();
      e.wait();
      e.listen();
      e.interrupt();
      e.cont();
      e.wait();
      e.listen();
      e.poll();
    },
    expect: `
      E: SEIZE = 0
      E: LISTEN = ESRCH
      E: tgkill SIGUSR1 = 0
      E: wait = stopped by SIGUSR1
      E: LISTEN = EIO
      E: siginfo = SIGUSR1 SI_TKILL from R
      E: pending = none
      E: tgkill SIGUSR2 = 0
      E: CONT = 0
      E: wait = stopped by SIGUSR2
      E: LISTEN = EIO
      E: INTERRUPT = 0
      E: CONT = 0
      E: wait = event STOP SIGTRAP
      E: LISTEN = 0
      E: poll = nothing
    `,
  }),

  scenario({
    id: 'interrupt-ends-listen',
    title: 'INTERRUPT ends the listening with an EVENT_STOP that tells the state of the group',
    source: [implement],
    tags: ['listen', 'interrupt', 'group-stop', 'event-stop'],
    rule:
      'A tracer must be able to get a listening tracee back, for it can make no other request of it. The tracee traps again where it stands: with the stop ' +
      'signal while its group is stopped, else with SIGTRAP.',
    since: '3.4',
    play(s) {
      const e = groupStopped(s);
      e.listen();
      e.interrupt();
      e.wait();
      e.siginfo();
      const other = s.pauser('F');
      other.seize();
      other.interrupt();
      other.wait();
      other.listen();
      other.poll();
      other.interrupt();
      other.wait();
      other.siginfo();
      other.cont();
      other.poll();
    },
    expect: `
      E: LISTEN = 0
      E: INTERRUPT = 0
      E: wait = event STOP SIGSTOP
      E: siginfo = SIGSTOP 0x8013 from E
      F: SEIZE = 0
      F: INTERRUPT = 0
      F: wait = event STOP SIGTRAP
      F: LISTEN = 0
      F: poll = nothing
      F: INTERRUPT = 0
      F: wait = event STOP SIGTRAP
      F: siginfo = SIGTRAP 0x8005 from F
      F: CONT = 0
      F: poll = nothing
    `,
  }),

  scenario({
    id: 'listen-blocks-signals',
    title: 'A listening tracee takes no signal: SIGTERM waits until it is resumed',
    source: [implement],
    tags: ['listen', 'group-stop', 'signals', 'sigcont'],
    rule:
      'Listening is no way of running, so nothing is delivered but the changes of job control, and SIGKILL. What is sent meanwhile comes in its own stop when ' +
      'the tracer resumes the tracee, before the SIGCONT that has ended the stop.',
    since: '3.4',
    play(s) {
      const e = groupStopped(s);
      e.listen();
      e.kill('SIGTERM');
      e.poll();
      e.state();
      e.pending();
      e.kill('SIGCONT');
      e.wait();
      e.cont();
      e.wait();
      e.cont();
      e.wait();
      e.cont();
      e.poll();
    },
    expect: `
      E: LISTEN = 0
      E: kill SIGTERM = 0
      E: poll = nothing
      E: state = t (tracing stop)
      E: pending = SIGTERM
      E: kill SIGCONT = 0
      E: wait = event STOP SIGTRAP
      E: CONT = 0
      E: wait = stopped by SIGTERM
      E: CONT = 0
      E: wait = stopped by SIGCONT
      E: CONT = 0
      E: poll = nothing
    `,
  }),

  scenario({
    id: 'listen-at-plain-interrupt-stop',
    title:
      'A tracee that listens in a group that runs does not report SIGSTOP, which it would have to take first, but SIGCONT',
    source: [implement],
    tags: ['listen', 'interrupt', 'signals', 'sigcont'],
    rule:
      'A group-stop begins when a thread takes the stop signal, and a listening thread takes none. SIGCONT acts when it is sent: it notifies, and it removes the ' +
      'SIGSTOP that is still waiting.',
    since: '3.4',
    play(s) {
      const e = s.pauser();
      e.seize();
      e.interrupt();
      e.wait();
      e.listen();
      e.kill('SIGUSR1');
      e.poll();
      e.kill('SIGSTOP');
      e.poll();
      e.pending();
      e.kill('SIGCONT');
      e.wait();
      e.pending();
      e.cont();
      e.wait();
      e.cont();
      e.wait();
      e.cont();
      e.poll();
    },
    expect: `
      E: SEIZE = 0
      E: INTERRUPT = 0
      E: wait = event STOP SIGTRAP
      E: LISTEN = 0
      E: kill SIGUSR1 = 0
      E: poll = nothing
      E: kill SIGSTOP = 0
      E: poll = nothing
      E: pending = SIGUSR1 SIGSTOP
      E: kill SIGCONT = 0
      E: wait = event STOP SIGTRAP
      E: pending = SIGUSR1 SIGCONT
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: CONT = 0
      E: wait = stopped by SIGCONT
      E: CONT = 0
      E: poll = nothing
    `,
  }),

  scenario({
    id: 'listen-sigkill',
    title: 'SIGKILL ends a listening tracee',
    source: [implement],
    tags: ['listen', 'sigkill'],
    rule: 'SIGKILL ends every stop; the listening one is none the less a stop to it.',
    since: '3.4',
    play(s) {
      const e = groupStopped(s);
      e.listen();
      e.kill('SIGKILL');
      e.wait();
    },
    expect: `
      E: LISTEN = 0
      E: kill SIGKILL = 0
      E: wait = killed by SIGKILL
    `,
  }),
];
