/** Group-stop: of several threads, for the real parent, and what SIGCONT does to it. */
import { W } from '../../../kernel/wait-flags.js';
import { tellFound, waitInto } from '../../parts/script-waits.js';
import { sleepingPair } from '../../parts/sleepers.js';
import { scenario, type Scenario } from '../../scenario.js';
import { page } from './tools.js';

const groupStop = page('Group-stop');

export const groupStops: readonly Scenario[] = [
  scenario({
    id: 'mt-group-stop-each-reports',
    title: 'One thread reports the stop signal, every traced thread of the process the group-stop and its end',
    source: [groupStop],
    tags: ['group-stop', 'threads', 'seize', 'listen', 'event-stop'],
    rule:
      'A stop signal is delivered to one thread, and only there the tracer decides. When it is let through, all threads stop and each tracee reports its ' +
      'EVENT_STOP with that signal. SIGCONT ends the stop for all: those that listen report it, and those that were let run report it, too.',
    since: '3.4',
    play(s) {
      const [leader, other] = sleepingPair(s, 'leader', 'other');
      s.unrecorded(() => {
        leader.seize();
        other.seize();
      });
      leader.tgkill('SIGTSTP');
      leader.wait();
      other.poll();
      leader.cont('SIGTSTP');
      leader.wait();
      other.wait();
      leader.siginfo();
      other.siginfo();
      leader.listen();
      other.cont();
      other.untilAsleep();
      leader.poll();
      leader.tgkill('SIGCONT');
      leader.wait();
      other.wait();
      leader.siginfo();
      other.siginfo();
      leader.cont();
      leader.wait();
      other.cont();
      other.poll();
    },
    expect: `
      leader: tgkill SIGTSTP = 0
      leader: wait = stopped by SIGTSTP
      other: poll = nothing
      leader: CONT SIGTSTP = 0
      leader: wait = event STOP SIGTSTP
      other: wait = event STOP SIGTSTP
      leader: siginfo = SIGTSTP 0x8014 from leader
      other: siginfo = SIGTSTP 0x8014 from other
      leader: LISTEN = 0
      other: CONT = 0
      leader: poll = nothing
      leader: tgkill SIGCONT = 0
      leader: wait = event STOP SIGTRAP
      other: wait = event STOP SIGTRAP
      leader: siginfo = SIGTRAP 0x8005 from leader
      other: siginfo = SIGTRAP 0x8005 from other
      leader: CONT = 0
      leader: wait = stopped by SIGCONT
      other: CONT = 0
      other: poll = nothing
    `,
  }),

  scenario({
    id: 'getsiginfo-discriminates',
    title:
      'A group-stop is told from a signal-delivery-stop by GETSIGINFO, or by its event where the tracee was seized',
    source: [groupStop],
    tags: ['group-stop', 'attach', 'seize', 'siginfo'],
    rule:
      'Of a tracee of ATTACH or TRACEME both stops have the same wait status; GETSIGINFO gives EINVAL in the group-stop, which has no signal to deliver. ' +
      'That works for the four stop signals only because no other gives a group-stop. With SEIZE the wait status has PTRACE_EVENT_STOP.',
    since: '3.4',
    play(s) {
      for (const by of ['traceme', 'attach', 'seize'] as const) {
        const e = s.tracee(by, (c) => c.loop((again) => again.pause()), { by });
        s.unrecorded(() => e.cont());
        e.tgkill('SIGTTOU');
        e.wait();
        e.siginfo();
        e.cont('SIGTTOU');
        e.wait();
        e.siginfo();
      }
    },
    expect: `
      traceme: tgkill SIGTTOU = 0
      traceme: wait = stopped by SIGTTOU
      traceme: siginfo = SIGTTOU SI_TKILL from R
      traceme: CONT SIGTTOU = 0
      traceme: wait = stopped by SIGTTOU
      traceme: siginfo = EINVAL
      attach: tgkill SIGTTOU = 0
      attach: wait = stopped by SIGTTOU
      attach: siginfo = SIGTTOU SI_TKILL from R
      attach: CONT SIGTTOU = 0
      attach: wait = stopped by SIGTTOU
      attach: siginfo = EINVAL
      seize: tgkill SIGTTOU = 0
      seize: wait = stopped by SIGTTOU
      seize: siginfo = SIGTTOU SI_TKILL from R
      seize: CONT SIGTTOU = 0
      seize: wait = event STOP SIGTTOU
      seize: siginfo = SIGTTOU 0x8016 from seize
    `,
  }),

  scenario({
    id: 'cont-from-group-stop-then-sigcont',
    title: 'A seized tracee that CONT has let run out of a group-stop reports the end of that stop all the same',
    source: [groupStop],
    tags: ['group-stop', 'seize', 'sigcont'],
    rule:
      'CONT lets one thread run although its process is stopped, so the stop loses its effect: LISTEN would keep it. The process counts as stopped until ' +
      'SIGCONT, and that is reported twice: as the end of the group-stop, then as a signal.',
    since: '3.4',
    play(s) {
      const e = s.pauser();
      e.seize();
      e.kill('SIGSTOP');
      e.wait();
      e.cont('SIGSTOP');
      e.wait();
      e.cont();
      e.untilAsleep();
      e.state();
      e.poll();
      e.kill('SIGCONT');
      e.wait();
      e.cont();
      e.wait();
      e.cont();
      e.poll();
    },
    expect: `
      E: SEIZE = 0
      E: kill SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: CONT SIGSTOP = 0
      E: wait = event STOP SIGSTOP
      E: CONT = 0
      E: state = S (sleeping)
      E: poll = nothing
      E: kill SIGCONT = 0
      E: wait = event STOP SIGTRAP
      E: CONT = 0
      E: wait = stopped by SIGCONT
      E: CONT = 0
      E: poll = nothing
    `,
  }),

  scenario({
    id: 'sigcont-wake-before-delivery',
    title: 'SIGCONT ends the group-stop when it is sent, long before it is delivered',
    source: [page('Signal-delivery-stop'), page('Group-stop')],
    tags: ['group-stop', 'sigcont', 'signals', 'threads'],
    rule:
      'SIGCONT has two effects. The process goes on at once, whether the signal is blocked, ignored or suppressed by the tracer; the delivery comes later, ' +
      'after signals of lower numbers. So suppressing SIGCONT keeps nothing stopped.',
    since: '3.4',
    play(s) {
      const [leader, other] = sleepingPair(s, 'leader', 'other');
      s.unrecorded(() => {
        leader.seize();
        leader.tgkill('SIGSTOP');
        leader.wait();
        leader.cont('SIGSTOP');
      });
      leader.wait();
      other.untilState('T');
      other.state();
      leader.tgkill('SIGTERM');
      leader.tgkill('SIGCONT');
      other.untilAsleep();
      other.state();
      leader.pending();
      leader.cont();
      leader.wait();
      leader.cont();
      leader.wait();
      leader.cont();
      leader.wait();
      leader.cont();
      leader.poll();
    },
    expect: `
      leader: wait = event STOP SIGSTOP
      other: state = T (stopped)
      leader: tgkill SIGTERM = 0
      leader: tgkill SIGCONT = 0
      other: state = S (sleeping)
      leader: pending = SIGTERM SIGCONT
      leader: CONT = 0
      leader: wait = event STOP SIGTRAP
      leader: CONT = 0
      leader: wait = stopped by SIGTERM
      leader: CONT = 0
      leader: wait = stopped by SIGCONT
      leader: CONT = 0
      leader: poll = nothing
    `,
  }),

  scenario({
    id: 'rp-sees-both',
    title: 'The real parent sees the stop and the end of the stop of its child, the tracer its own stops',
    source: [page('Real parent')],
    tags: ['group-stop', 'real-parent', 'wait', 'sigcont'],
    rule:
      'Where the tracer is no thread of the parent’s process, job control goes on for the parent as if there were no tracer: the group-stop once it is ' +
      'complete, with WUNTRACED, and its end, with WCONTINUED, when a thread of the child has gone on. Signal-delivery-stops are for the tracer alone.',
    since: '3.4',
    play(s) {
      const rp = s.child('RP', (c) => {
        c.fork((e) => e.setPtracerAny().loop((again) => again.pause())).store('E');
        c.waitUntil('gate', '!=', 0);
        waitInto(c, 'wait at the signal-delivery-stop', c.word('E'), W.WUNTRACED | W.WCONTINUED | W.WNOHANG);
        c.store('at the signal', 1);
        waitInto(c, 'wait at the group-stop', c.word('E'), W.WUNTRACED | W.WCONTINUED);
        c.store('stopped', 1);
        waitInto(c, 'wait after SIGCONT', c.word('E'), W.WUNTRACED | W.WCONTINUED);
        c.store('continued', 1);
        c.loop((again) => again.pause());
      });
      const e = s.adopt('E', Number(rp.untilSet('E')));
      e.untilAsleep();
      e.seize();
      e.kill('SIGSTOP');
      e.wait();
      rp.setWord('gate', 1n);
      rp.untilSet('at the signal');
      tellFound(rp, 'wait at the signal-delivery-stop');
      e.cont('SIGSTOP');
      e.wait();
      rp.untilSet('stopped');
      tellFound(rp, 'wait at the group-stop');
      e.kill('SIGCONT');
      e.poll();
      e.cont();
      e.wait();
      rp.untilSet('continued');
      tellFound(rp, 'wait after SIGCONT');
    },
    expect: `
      E: SEIZE = 0
      E: kill SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      RP: wait at the signal-delivery-stop = nothing
      E: CONT SIGSTOP = 0
      E: wait = event STOP SIGSTOP
      RP: wait at the group-stop = E stopped by SIGSTOP
      E: kill SIGCONT = 0
      E: poll = nothing
      E: CONT = 0
      E: wait = event STOP SIGTRAP
      RP: wait after SIGCONT = E continued
    `,
  }),
];
