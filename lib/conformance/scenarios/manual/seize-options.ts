/** The arguments of SEIZE, and options: refused, replaced, inherited. */
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE } from '../../../kernel/requests.js';
import { toEntry } from '../../parts/system-calls.js';
import { scenario, type Scenario } from '../../scenario.js';
import { page } from './tools.js';

/** No option of any kernel so far. */
const UNKNOWN = 1 << 30;

export const seizeAndOptions: readonly Scenario[] = [
  scenario({
    id: 'seize-args',
    title: 'SEIZE with an address, or with an unknown option, gives EIO and attaches nothing',
    source: [page('ERRORS')],
    tags: ['seize', 'options', 'errors'],
    rule:
      'SEIZE takes the options in data, and addr must be 0. What is wrong with either gives EIO, although SETOPTIONS says EINVAL of the same options. ' +
      'That is how a tracer asks for an option that an older kernel may not have.',
    since: '3.8',
    play(s) {
      const e = s.pauser();
      e.request('SEIZE with an address', PTRACE.SEIZE, 1, 0);
      e.request('SEIZE with an unknown option', PTRACE.SEIZE, 0, UNKNOWN);
      e.request('SEIZE with an unknown option beside a known one', PTRACE.SEIZE, 0, UNKNOWN | PTRACE_O.TRACEFORK);
      e.tracer();
      e.seize(PTRACE_O.TRACESYSGOOD | PTRACE_O.EXITKILL);
      e.tracer();
    },
    expect: `
      E: SEIZE with an address = EIO
      E: SEIZE with an unknown option = EIO
      E: SEIZE with an unknown option beside a known one = EIO
      E: tracer = nobody
      E: SEIZE = 0
      E: tracer = R
    `,
  }),

  scenario({
    id: 'setoptions-invalid-einval-no-change',
    title: 'SETOPTIONS with an unknown option gives EINVAL, and the options stay as they were',
    source: [page('ERRORS')],
    tags: ['options', 'errors'],
    rule:
      'One unknown bit refuses the whole mask: neither are the known bits beside it set, nor those of before cleared. Until 3.4 the known ones were set ' +
      'and EINVAL was given all the same.',
    since: '3.4',
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .fork((f) => f.exitGroup(0))
            .syscall('getppid')
            .exitGroup(0),
        {
          by: 'traceme',
          options: PTRACE_O.TRACESYSGOOD,
        },
      );
      e.setOptions(UNKNOWN);
      e.setOptions(UNKNOWN | PTRACE_O.TRACEFORK);
      e.syscall();
      e.wait();
      // Neither a new option nor none: no event of the fork, and a system call stop with its mark.
      e.syscall();
      e.wait();
    },
    expect: `
      E: SETOPTIONS = EINVAL
      E: SETOPTIONS = EINVAL
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: SYSCALL = 0
      E: wait = syscall-stop
    `,
  }),

  scenario({
    id: 'setoptions-replaces',
    title: 'SETOPTIONS replaces all options, and children that are attached automatically inherit them',
    source: [page('PTRACE_SETOPTIONS')],
    tags: ['options', 'fork'],
    rule:
      'The mask is set, not added to what is there. A new child that comes with a tracer has the options that its parent had at the fork; later changes ' +
      'concern one tracee only.',
    play(s) {
      const e = s.tracee(
        'E',
        (c) => {
          c.syscall('getppid').fork((f) => {
            f.fork((g) => g.exitGroup(0)).exitGroup(0);
          });
          c.loop((again) => again.pause());
        },
        { by: 'attach', options: PTRACE_O.TRACESYSGOOD },
      );
      toEntry(e, 'getppid');
      e.syscall();
      e.wait();
      e.setOptions(PTRACE_O.TRACEFORK);
      e.syscall();
      e.wait();
      e.cont();
      e.wait();
      const f = e.newTask('F');
      e.setOptions(0);
      f.wait();
      f.cont();
      f.wait();
      const g = f.newTask('G');
      g.wait();
    },
    expect: `
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: SETOPTIONS = 0
      E: SYSCALL = 0
      E: wait = stopped by SIGTRAP
      E: CONT = 0
      E: wait = event FORK
      E: event message = F
      E: SETOPTIONS = 0
      F: wait = stopped by SIGSTOP
      F: CONT = 0
      F: wait = event FORK
      F: event message = G
      G: wait = stopped by SIGSTOP
    `,
  }),
];
