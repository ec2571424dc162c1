/** Attaching to what is stopped already. */
import { statusText } from '../../describe.js';
import { untilSleepsIn } from '../../parts/activity.js';
import { ask } from '../../parts/script-requests.js';
import { tell, waitInto } from '../../parts/script-waits.js';
import { commit, scenario, type Scenario } from '../../scenario.js';
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE } from '../../../kernel/requests.js';
import { W } from '../../../kernel/wait-flags.js';

const transitions = commit('d79fdd6d96f4', 'ptrace: Clean transitions between TASK_STOPPED and TRACED');

export const attachStopped: readonly Scenario[] = [
  scenario({
    id: 'attach-stopped-transitions-hidden',
    title: 'A stopped process that was attached to takes requests at once, without a wait',
    source: [transitions],
    tags: ['attach', 'group-stop', 'race'],
    rule:
      'ATTACH of a stopped process moves it from T (stopped) into a ptrace-stop, for which it has to run for a moment. The tracer does not see that ' +
      'moment: the request returns when it is over. The state used to be changed behind the tracee’s back, and requests could fail with ESRCH. ' +
      'The way back, at DETACH, may be seen.',
    since: '3.0',
    play(s) {
      const TIMES = 100;
      const e = s.pauser();
      e.kill('SIGSTOP');
      e.wait(W.WUNTRACED);
      const seen = { SETOPTIONS: new Set<string>(), wait: new Set<string>(), siginfo: new Set<string>() };
      for (let i = 0; i < TIMES; i++) {
        e.untilState('T');
        s.unrecorded(() => {
          e.mustSucceed(e.attach(), 'ATTACH');
          seen.SETOPTIONS.add(e.setOptions(0));
          seen.wait.add(statusText(e.look()));
          seen.siginfo.add(e.siginfo() === undefined ? 'none' : 'some');
          e.mustSucceed(e.detach(), 'DETACH');
        });
      }
      e.observe('SETOPTIONS at once', [...seen.SETOPTIONS].join(', '));
      e.observe('poll at once', [...seen.wait].join(', '));
      e.observe('siginfo', [...seen.siginfo].join(', '));
    },
    expect: `
      E: kill SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: SETOPTIONS at once = 0
      E: poll at once = stopped by SIGSTOP
      E: siginfo = none
    `,
  }),

  scenario({
    id: 'attach-stopped-uses-original-signal',
    title: 'The first stop of a process that was stopped when attached to has the signal that had stopped it',
    source: [transitions],
    tags: ['attach', 'seize', 'group-stop'],
    rule:
      'The group-stop that a tracer finds is reported with its own signal, though the real parent has consumed the stop, and though ATTACH sends ' +
      'SIGSTOP: that one stays pending and comes when the tracee is resumed.',
    since: '3.4',
    play(s) {
      for (const [signal, by] of [
        ['SIGTSTP', 'attach'],
        ['SIGTTIN', 'attach'],
        ['SIGTTOU', 'seize'],
      ] as const) {
        const e = s.pauser(signal);
        e.kill(signal);
        e.wait(W.WUNTRACED);
        if (by === 'attach') e.attach();
        else e.seize();
        e.wait();
        e.siginfo();
        e.pending();
      }
    },
    expect: `
      SIGTSTP: kill SIGTSTP = 0
      SIGTSTP: wait = stopped by SIGTSTP
      SIGTSTP: ATTACH = 0
      SIGTSTP: wait = stopped by SIGTSTP
      SIGTSTP: siginfo = EINVAL
      SIGTSTP: pending = SIGSTOP
      SIGTTIN: kill SIGTTIN = 0
      SIGTTIN: wait = stopped by SIGTTIN
      SIGTTIN: ATTACH = 0
      SIGTTIN: wait = stopped by SIGTTIN
      SIGTTIN: siginfo = EINVAL
      SIGTTIN: pending = SIGSTOP
      SIGTTOU: kill SIGTTOU = 0
      SIGTTOU: wait = stopped by SIGTTOU
      SIGTTOU: SEIZE = 0
      SIGTTOU: wait = event STOP SIGTTOU
      SIGTTOU: siginfo = SIGTTOU 0x8016 from SIGTTOU
      SIGTTOU: pending = none
    `,
  }),

  scenario({
    id: 'check-attach-never-stopped',
    title:
      'A tracee that was stopped when attached to stands in t (tracing stop), before the first request as after it',
    source: [commit('321fb561971b', 'ptrace: ptrace_check_attach() should not do s/STOPPED/TRACED/')],
    tags: ['attach', 'seize', 'group-stop'],
    rule:
      'What makes a stopped task a traced one is ATTACH, not the first request afterwards. While it was left in T (stopped), SIGCONT could let it run ' +
      'away from its tracer.',
    since: '3.4',
    play(s) {
      for (const by of ['attach', 'seize'] as const) {
        const e = s.pauser(by === 'attach' ? 'A' : 'S');
        e.kill('SIGSTOP');
        e.untilState('T');
        if (by === 'attach') e.attach();
        else e.seize();
        e.wait();
        e.state();
        e.setOptions(0);
        e.state();
        e.kill('SIGCONT');
        e.poll();
        e.state();
      }
    },
    expect: `
      A: kill SIGSTOP = 0
      A: ATTACH = 0
      A: wait = stopped by SIGSTOP
      A: state = t (tracing stop)
      A: SETOPTIONS = 0
      A: state = t (tracing stop)
      A: kill SIGCONT = 0
      A: poll = nothing
      A: state = t (tracing stop)
      S: kill SIGSTOP = 0
      S: SEIZE = 0
      S: wait = event STOP SIGSTOP
      S: state = t (tracing stop)
      S: SETOPTIONS = 0
      S: state = t (tracing stop)
      S: kill SIGCONT = 0
      S: poll = nothing
      S: state = t (tracing stop)
    `,
  }),

  scenario({
    id: 'attach-while-rp-waits-no-oops',
    title: 'A thread may attach to a stopped child while another thread of its process waits for any child',
    source: [
      commit('40ae717d1e78', 'ptrace: fix signal->wait_chldexit usage in task_clear_group_stop_trapping()'),
      commit('62c124ff3bcd', 'ptrace: use bit_waitqueue for TRAPPING instead of wait_chldexit'),
    ],
    tags: ['attach', 'group-stop', 'threads', 'wait'],
    rule:
      'ATTACH waits until the stopped task is in its ptrace-stop. It used to sleep on the queue of those who wait for children, and the wake-up, meant for ' +
      'it alone, upset the real waiters there. Both calls return: the waiter with the stop, as it belongs to the tracer’s process.',
    since: '3.1',
    play(s) {
      const r = s.child('X', (c) => {
        c.fork((e) => e.loop((again) => again.pause())).store('E');
        c.kill(c.word('E'), 'SIGSTOP');
        waitInto(c, 'wait for the stop', c.word('E'), W.WUNTRACED);
        c.thread((w) => {
          w.syscall('gettid').store('W');
          waitInto(w, 'wait of the other thread for any', -1);
          w.loop((again) => again.pause());
        });
        c.waitUntil('gate', '!=', 0);
        ask(c, 'ATTACH', PTRACE.ATTACH, c.word('E'));
        c.store('attached', 1);
        c.loop((again) => again.pause());
      });
      const w = s.adopt('W', Number(r.untilSet('W')));
      untilSleepsIn(w, 'wait4');
      r.setWord('gate', 1n);
      r.untilSet('attached');
      r.untilSet('wait of the other thread for any');
      tell(r, 'wait for the stop', 'ATTACH', 'wait of the other thread for any');
    },
    expect: `
      X: wait for the stop = stopped by SIGSTOP
      X: ATTACH = 0
      X: wait of the other thread for any = stopped by SIGSTOP
    `,
  }),

  scenario({
    id: 'detach-stopped-sigmask-nonzero',
    title:
      'A thread of a stopped process that was attached automatically and let go reports SIGSTOP when attached to again',
    source: [commit('8a88951b5878', 'ptrace: ensure JOBCTL_STOP_SIGMASK is not zero after detach')],
    tags: ['detach', 'attach', 'group-stop', 'threads', 'clone'],
    rule:
      'A thread that begins while its group is stopped, and is detached before it has stopped for that, has no stop signal of its own to remember. ' +
      'It joins the stop, and the next tracer must see a signal, not 0.',
    since: '3.4',
    play(s) {
      const e = s.child('E', (c) => {
        c.waitUntil('gate', '!=', 0);
        c.thread((t) => t.loop((again) => again.pause()));
        c.loop((again) => again.pause());
      });
      e.kill('SIGSTOP');
      e.wait(W.WUNTRACED);
      e.seize(PTRACE_O.TRACECLONE);
      e.wait();
      e.cont();
      e.setWord('gate', 1n);
      e.wait();
      const t = e.newTask('T');
      // SIGTRAP before Linux 5.10, since when a new thread joins the stop by itself.
      s.unrecorded(() => t.wait());
      t.detach();
      t.rest();
      t.state();
      t.attach();
      t.wait();
      t.siginfo();
      t.state();
    },
    expect: `
      E: kill SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: SEIZE = 0
      E: wait = event STOP SIGSTOP
      E: CONT = 0
      E: wait = event CLONE
      E: event message = T
      T: DETACH = 0
      T: state = T (stopped)
      T: ATTACH = 0
      T: wait = stopped by SIGSTOP
      T: siginfo = EINVAL
      T: state = t (tracing stop)
    `,
  }),
];
