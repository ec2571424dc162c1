/** PTRACE_SEIZE, of the series of June 2011. */
import { beating, runs } from '../../parts/activity.js';
import { helper } from '../../parts/helper-process.js';
import { ask } from '../../parts/script-requests.js';
import { tell, waitInto } from '../../parts/script-waits.js';
import { commit, manual, scenario, type Scenario } from '../../scenario.js';
import { PTRACE } from '../../../kernel/requests.js';
import { W } from '../../../kernel/wait-flags.js';
import type { ChildScript } from '../../../raw/child.js';

const implement = commit('3544d72a0e10', 'ptrace: implement PTRACE_SEIZE');

function anyonesBeating(c: ChildScript): void {
  c.setPtracerAny();
  beating(c);
}

export const seize: readonly Scenario[] = [
  scenario({
    id: 'seize-running-no-stop',
    title: 'SEIZE of a running process does not stop it, nor does the death of the tracer',
    source: [implement, manual('ptrace(2)', 'Attaching and detaching')],
    tags: ['seize', 'tracer-death'],
    rule:
      'ATTACH sends SIGSTOP, which job control may confuse with a real one, and which is lost or left over when other stops are about. SEIZE only makes the ' +
      'task a tracee: it runs on and reports nothing. When the tracer dies it runs on, too.',
    since: '3.4',
    play(s) {
      const e = s.child('E', anyonesBeating);
      e.untilSet('beats');
      const x = s.child('X', (c) => {
        ask(c, 'SEIZE', PTRACE.SEIZE, e.tid);
        c.store('seized', 1);
        c.waitUntil('look', '!=', 0);
        waitInto(c, 'wait without hang', e.tid, W.__WALL | W.WNOHANG);
        c.store('looked', 1);
        c.waitUntil('gate', '!=', 0);
      });
      x.untilSet('seized');
      tell(x, 'SEIZE');
      e.tracer();
      e.pending();
      runs(e);
      x.setWord('look', 1n);
      x.untilSet('looked');
      tell(x, 'wait without hang');
      runs(e);
      x.setWord('gate', 1n);
      x.wait();
      runs(e);
      e.tracer();
    },
    expect: `
      X: SEIZE = 0
      E: tracer = X
      E: pending = none
      E: runs = true
      X: wait without hang = nothing
      E: runs = true
      X: wait = exited 0
      E: runs = true
      E: tracer = nobody
    `,
  }),

  scenario({
    id: 'seize-stopped-then-tracer-exit',
    title: 'A seized process that its tracer let run in a stopped group is stopped again when the tracer dies',
    source: [implement],
    tags: ['seize', 'tracer-death', 'group-stop'],
    rule:
      'SEIZE leaves job control alone: the group stays stopped while the tracee runs by CONT. What its parent wanted holds again as soon as no tracer ' +
      'keeps it from holding.',
    since: '3.4',
    play(s) {
      const e = s.child('E', anyonesBeating);
      e.untilSet('beats');
      e.kill('SIGSTOP');
      e.untilState('T');
      const x = helper(s, 'X', (c) => {
        ask(c, 'SEIZE', PTRACE.SEIZE, e.tid);
        waitInto(c, 'wait', e.tid);
        ask(c, 'CONT', PTRACE.CONT, e.tid);
      });
      tell(x, 'SEIZE', 'wait', 'CONT');
      runs(e);
      x.setWord('gate', 1n);
      x.wait();
      e.rest();
      e.state();
      e.kill('SIGCONT');
      runs(e);
    },
    expect: `
      E: kill SIGSTOP = 0
      X: SEIZE = 0
      X: wait = event STOP SIGSTOP
      X: CONT = 0
      E: runs = true
      X: wait = exited 0
      E: state = T (stopped)
      E: kill SIGCONT = 0
      E: runs = true
    `,
  }),

  scenario({
    id: 'seize-stopped-reports-group-stop',
    title: 'A process that was stopped when seized reports its group-stop at once, with EVENT_STOP and the stop signal',
    source: [implement, manual('ptrace(2)', 'Group-stop')],
    tags: ['seize', 'group-stop', 'event-stop'],
    rule:
      'SEIZE stops nobody, but one that stands already moves into a ptrace-stop, so that the tracer learns of it. The wait status tells the group-stop by ' +
      'its event; ATTACH has a plain SIGSTOP there, to be told from a signal only by GETSIGINFO’s EINVAL.',
    since: '3.4',
    play(s) {
      const e = s.pauser();
      e.kill('SIGSTOP');
      e.wait(W.WUNTRACED);
      e.seize();
      e.wait();
      e.siginfo();
      e.state();
      const a = s.pauser('A');
      a.kill('SIGSTOP');
      a.wait(W.WUNTRACED);
      a.attach();
      a.wait();
      a.siginfo();
    },
    expect: `
      E: kill SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: SEIZE = 0
      E: wait = event STOP SIGSTOP
      E: siginfo = SIGSTOP 0x8013 from E
      E: state = t (tracing stop)
      A: kill SIGSTOP = 0
      A: wait = stopped by SIGSTOP
      A: ATTACH = 0
      A: wait = stopped by SIGSTOP
      A: siginfo = EINVAL
    `,
  }),

  scenario({
    id: 'seize-does-not-touch-signals',
    title: 'SEIZE changes neither the pending signals nor the job-control state of its tracee',
    source: [implement],
    tags: ['seize', 'group-stop', 'signals'],
    rule:
      'No signal is queued, none is removed, and a running process is not stopped, a stopped one not continued: by what SEIZE and DETACH leave behind no ' +
      'one can tell that there was a tracer.',
    since: '3.4',
    play(s) {
      const e = s.child('E', (c) => c.block('SIGUSR1').loop((again) => again.pause()));
      e.untilAsleep();
      e.kill('SIGUSR1');
      e.seize();
      e.pending();
      e.poll();
      e.state();
      const t = s.pauser('T');
      t.kill('SIGSTOP');
      t.wait(W.WUNTRACED);
      t.seize();
      t.wait();
      t.pending();
      t.detach();
      t.rest();
      t.state();
      t.pending();
      t.poll(W.WUNTRACED);
      t.kill('SIGCONT');
      t.rest();
      t.state();
    },
    expect: `
      E: kill SIGUSR1 = 0
      E: SEIZE = 0
      E: pending = SIGUSR1
      E: poll = nothing
      E: state = S (sleeping)
      T: kill SIGSTOP = 0
      T: wait = stopped by SIGSTOP
      T: SEIZE = 0
      T: wait = event STOP SIGSTOP
      T: pending = none
      T: DETACH = 0
      T: state = T (stopped)
      T: pending = none
      T: poll = nothing
      T: kill SIGCONT = 0
      T: state = S (sleeping)
    `,
  }),
];
