/** What becomes of tracees whose tracer dies without having detached them. */
import { PTRACE } from '../../../kernel/requests.js';
import { SIG } from '../../../kernel/signals.js';
import { dismiss, helper } from '../../parts/helper-process.js';
import { ask } from '../../parts/script-requests.js';
import { tellFound, waitInto } from '../../parts/script-waits.js';
import { anyonesPauser } from '../../parts/sleepers.js';
import { scenario, type Scenario } from '../../scenario.js';
import { page } from './tools.js';

const detaching = page('Attaching and detaching');

export const tracerDeaths: readonly Scenario[] = [
  scenario({
    id: 'tracer-death',
    title: 'When its tracer dies a tracee is detached: it goes on, or is stopped if its process is',
    source: [detaching],
    tags: ['tracer-death', 'detach', 'group-stop', 'event-stop'],
    rule:
      'The death of the tracer is an implicit detach with no signal. What had been reported is gone, the SIGSTOP of ATTACH too, so nothing stays stopped but ' +
      'what job control has stopped: whatever the tracer had let run, its process is stopped until SIGCONT.',
    since: '3.4',
    play(s) {
      const attached = anyonesPauser(s, 'in the stop of ATTACH');
      const a = helper(s, `T of ${attached.name}`, (c) => {
        ask(c, 'ATTACH', PTRACE.ATTACH, attached.tid);
        waitInto(c, 'wait', attached.tid);
      });
      tellFound(a, 'wait');
      attached.tracer();
      dismiss(a);
      attached.untilAsleep();
      attached.state();
      attached.tracer();

      const interrupted = anyonesPauser(s, 'in EVENT_STOP');
      const b = helper(s, `T of ${interrupted.name}`, (c) => {
        ask(c, 'SEIZE', PTRACE.SEIZE, interrupted.tid);
        ask(c, 'INTERRUPT', PTRACE.INTERRUPT, interrupted.tid);
        waitInto(c, 'wait', interrupted.tid);
      });
      tellFound(b, 'wait');
      dismiss(b);
      interrupted.untilAsleep();
      interrupted.state();

      for (const runs of [false, true]) {
        const stopped = anyonesPauser(s, runs ? 'let run out of a group-stop' : 'in a group-stop');
        const c = helper(s, `T of ${stopped.name}`, (t) => {
          ask(t, 'SEIZE', PTRACE.SEIZE, stopped.tid);
          t.kill(stopped.tid, 'SIGSTOP');
          waitInto(t, 'wait', stopped.tid);
          ask(t, 'CONT', PTRACE.CONT, stopped.tid, 0, SIG.SIGSTOP);
          waitInto(t, 'wait', stopped.tid);
          if (runs) ask(t, 'CONT', PTRACE.CONT, stopped.tid);
        });
        tellFound(c, 'wait');
        if (runs) stopped.untilAsleep();
        stopped.state();
        dismiss(c);
        stopped.untilState('T');
        stopped.state();
      }
    },
    expect: `
      T of in the stop of ATTACH: wait = in the stop of ATTACH stopped by SIGSTOP
      in the stop of ATTACH: tracer = T of in the stop of ATTACH
      in the stop of ATTACH: state = S (sleeping)
      in the stop of ATTACH: tracer = nobody
      T of in EVENT_STOP: wait = in EVENT_STOP event STOP SIGTRAP
      in EVENT_STOP: state = S (sleeping)
      T of in a group-stop: wait = in a group-stop event STOP SIGSTOP
      in a group-stop: state = t (tracing stop)
      in a group-stop: state = T (stopped)
      T of let run out of a group-stop: wait = let run out of a group-stop event STOP SIGSTOP
      let run out of a group-stop: state = S (sleeping)
      let run out of a group-stop: state = T (stopped)
    `,
  }),

  scenario({
    id: 'tracer-death-implicit-detach-delivers',
    title: 'A signal whose stop the dying tracer had not consumed is delivered; one that it had consumed is gone',
    source: [detaching],
    tags: ['tracer-death', 'detach', 'signals', 'wait'],
    rule:
      'The wait takes the signal out of the stop, and an implicit detach injects none: what the tracer has seen and not yet decided about is lost with it. ' +
      'DETACH decides by its own number, whether the stop was consumed or not.',
    since: '3.4',
    play(s) {
      const cases = [
        ['not consumed', false, false],
        ['consumed', true, false],
        ['not consumed, detached', false, true],
      ] as const;
      for (const [name, consumed, detached] of cases) {
        const e = anyonesPauser(s, name);
        const t = s.child(`T of ${name}`, (c) => {
          ask(c, 'SEIZE', PTRACE.SEIZE, e.tid);
          c.store('done', 1);
          c.waitUntil('consume', '!=', 0);
          if (consumed) waitInto(c, 'wait', e.tid);
          if (detached) ask(c, 'DETACH', PTRACE.DETACH, e.tid);
          c.set(2).store('done').waitUntil('gate', '!=', 0).exitGroup(0);
        });
        t.untilWord('done', 1n);
        e.kill('SIGUSR1');
        e.untilState('t');
        t.setWord('consume', 1n);
        t.untilWord('done', 2n);
        if (consumed) tellFound(t, 'wait');
        if (detached) t.result('DETACH');
        dismiss(t);
        if (!consumed && !detached) e.wait();
        else {
          e.untilAsleep();
          e.state();
          e.pending();
        }
      }
    },
    expect: `
      not consumed: kill SIGUSR1 = 0
      not consumed: wait = killed by SIGUSR1
      consumed: kill SIGUSR1 = 0
      T of consumed: wait = consumed stopped by SIGUSR1
      consumed: state = S (sleeping)
      consumed: pending = none
      not consumed, detached: kill SIGUSR1 = 0
      T of not consumed, detached: DETACH = 0
      not consumed, detached: state = S (sleeping)
      not consumed, detached: pending = none
    `,
  }),
];
