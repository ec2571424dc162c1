/** SEIZE with its options, INTERRUPT and LISTEN. */
import { PTRACE_O } from '../../../kernel/options.js';
import { statusText } from '../../describe.js';
import { scenario, type Scenario } from '../../scenario.js';
import { gvisorTest } from './tools.js';

export const seize: readonly Scenario[] = [
  scenario({
    id: 'Seize_Interrupt_Listen',
    title: 'A signal that comes while a tracee listens is delivered when DETACH follows the end of its group-stop',
    source: [gvisorTest('Seize_Interrupt_Listen')],
    tags: ['seize', 'interrupt', 'listen', 'group-stop', 'detach'],
    rule:
      'A listening tracee stays in its group-stop: signals wait, none is reported. SIGCONT ends the stop with one EVENT_STOP; what has waited is still there, ' +
      'and a DETACH from that stop lets it take effect on the process, which nobody traces any more.',
    since: '3.4',
    play(s) {
      const e = s.pauser();
      e.seize();
      e.poll();
      e.interrupt();
      e.wait();
      e.kill('SIGSTOP');
      e.cont();
      e.wait();
      e.cont('SIGSTOP');
      e.wait();
      e.listen();
      e.cont();
      e.poll();
      e.kill('SIGTERM');
      e.poll();
      e.kill('SIGCONT');
      e.wait();
      e.detach();
      e.wait();
    },
    expect: `
      E: SEIZE = 0
      E: poll = nothing
      E: INTERRUPT = 0
      E: wait = event STOP SIGTRAP
      E: kill SIGSTOP = 0
      E: CONT = 0
      E: wait = stopped by SIGSTOP
      E: CONT SIGSTOP = 0
      E: wait = event STOP SIGSTOP
      E: LISTEN = 0
      E: CONT = ESRCH
      E: poll = nothing
      E: kill SIGTERM = 0
      E: poll = nothing
      E: kill SIGCONT = 0
      E: wait = event STOP SIGTRAP
      E: DETACH = 0
      E: wait = killed by SIGTERM
    `,
  }),

  scenario({
    id: 'SeizeSetOptions',
    title: 'The options of SEIZE hold from the first stop on; SIGKILL at a system call’s entry ends the tracee',
    source: [gvisorTest('SeizeSetOptions')],
    tags: ['seize', 'options', 'syscall-stop', 'sigkill'],
    rule:
      'SEIZE takes the mask of SETOPTIONS in its data, so there is no moment without them. A task that SIGKILL takes from its entry-stop passes the exit of ' +
      'the call: a wait that looks just then may still find a syscall-stop that never was, at most one, before the death.',
    since: '3.4',
    play(s) {
      const e = s.pauser();
      e.seize(PTRACE_O.TRACESYSGOOD);
      e.interrupt();
      e.wait();
      e.syscall();
      e.wait();
      e.kill('SIGKILL');
      const status = s.unrecorded(() => {
        const first = e.wait();
        return first?.kind === 'syscall-stop' ? e.wait() : first;
      });
      e.observe('end', statusText(status));
    },
    expect: `
      E: SEIZE = 0
      E: INTERRUPT = 0
      E: wait = event STOP SIGTRAP
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: kill SIGKILL = 0
      E: end = killed by SIGKILL
    `,
  }),
];
