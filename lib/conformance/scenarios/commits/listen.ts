/** PTRACE_LISTEN, of the series of June 2011. */
import { commit, scenario, type Scenario } from '../../scenario.js';

const implement = commit('544b2c91a9f1', 'ptrace: implement PTRACE_LISTEN');

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
];
