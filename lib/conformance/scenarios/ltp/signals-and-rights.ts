/** LTP's tests of signals that a tracee gets, and of who may trace whom. */
import { PTRACE } from '../../../kernel/requests.js';
import { SIG, SIGRTMAX, signalSet } from '../../../kernel/signals.js';
import type { Part } from '../../../raw/child.js';
import { signalSetText } from '../../describe.js';
import { NOBODY } from '../../parts/credentials.js';
import { NO_SUCH_TID } from '../../parts/nothing.js';
import { manual, scenario, suite, type Scenario } from '../../scenario.js';

const ltp = (test: string) => suite('ltp', test);

export const signalsAndRights: readonly Scenario[] = [
  scenario({
    id: 'ptrace01',
    title:
      'A signal stops a tracee whether it ignores the signal or has a handler; KILL then ends it, CONT lets it go on',
    source: [ltp('ptrace01'), manual('ptrace(2)', 'Signal-delivery-stop')],
    tags: ['signal-delivery-stop', 'traceme', 'kill'],
    rule:
      'The tracer is asked before anybody looks at the disposition, so that it can deliver even what the tracee ignores. PTRACE_KILL at a stop resumes with ' +
      'SIGKILL.',
    play(s) {
      const ways: readonly [name: string, part: Part][] = [
        ['ignorer', (c) => c.ignore('SIGUSR2')],
        ['handler', (c) => c.handle('SIGUSR2', (h) => h.store('handled', 1))],
      ];
      for (const [name, prepare] of ways) {
        for (const end of ['KILL', 'CONT']) {
          const e = s.tracee(
            name,
            (c) => {
              prepare(c);
              c.killSelf('SIGUSR2').exitGroup(0);
            },
            { by: 'traceme' },
          );
          e.cont();
          e.wait();
          if (end === 'KILL') e.ptraceKill();
          else e.cont('SIGUSR2');
          e.wait();
        }
      }
    },
    expect: `
      ignorer: CONT = 0
      ignorer: wait = stopped by SIGUSR2
      ignorer: KILL = 0
      ignorer: wait = killed by SIGKILL
      ignorer: CONT = 0
      ignorer: wait = stopped by SIGUSR2
      ignorer: CONT SIGUSR2 = 0
      ignorer: wait = exited 0
      handler: CONT = 0
      handler: wait = stopped by SIGUSR2
      handler: KILL = 0
      handler: wait = killed by SIGKILL
      handler: CONT = 0
      handler: wait = stopped by SIGUSR2
      handler: CONT SIGUSR2 = 0
      handler: wait = exited 0
    `,
  }),

  scenario({
    id: 'ptrace02',
    title: 'A process that has given up root cannot trace one of root: EPERM',
    source: [ltp('ptrace02'), manual('ptrace(2)', 'Ptrace access mode checking')],
    tags: ['attach', 'seize', 'credentials', 'errors'],
    rule: 'All the ids of the target must be those of the tracer, unless it has CAP_SYS_PTRACE. Not even the own parent is excepted. The target does not notice.',
    needs: ['root'],
    play(s) {
      const e = s.pauser();
      const t = s.child('T', (c) =>
        c
          .syscall('setresuid', NOBODY, NOBODY, NOBODY)
          .store('setresuid')
          .syscall('ptrace', PTRACE.ATTACH, e.tid, 0, 0)
          .store('attach')
          .syscall('ptrace', PTRACE.SEIZE, e.tid, 0, 0)
          .store('seize')
          .store('done', 1)
          .loop((again) => again.pause()),
      );
      t.untilWord('done', 1n);
      t.result('setresuid');
      t.result('attach', 'ATTACH');
      t.result('seize', 'SEIZE');
      e.tracer();
      e.poll();
    },
    expect: `
      T: setresuid = 0
      T: ATTACH = EPERM
      T: SEIZE = EPERM
      E: tracer = nobody
      E: poll = nothing
    `,
  }),

  scenario({
    id: 'ptrace03',
    title: 'ATTACH to an id that nobody has is ESRCH, TRACEME of a process that is traced is EPERM',
    source: [ltp('ptrace03'), manual('ptrace(2)', 'ERRORS')],
    tags: ['attach', 'seize', 'traceme', 'errors'],
    rule: 'A process has one tracer at most, and it stays the first one, whichever way it came.',
    play(s) {
      const unused = s.adopt('unused id', NO_SUCH_TID);
      unused.attach();
      unused.seize();
      const own = s.child('E', (c) =>
        c
          .traceme()
          .store('first')
          .traceme()
          .store('second')
          .store('done', 1)
          .loop((again) => again.pause()),
      );
      own.untilWord('done', 1n);
      own.result('first', 'TRACEME');
      own.result('second', 'TRACEME again');
      const seized = s.child('F', (c) =>
        c
          .label('gate')
          .syscall('sched_yield')
          .jumpIf(c.word('gate'), '==', 0, 'gate')
          .traceme()
          .store('traceme')
          .store('done', 1)
          .loop((again) => again.pause()),
      );
      seized.seize();
      seized.setWord('gate', 1n);
      seized.untilWord('done', 1n);
      seized.result('traceme', 'TRACEME');
      seized.tracer();
    },
    expect: `
      unused id: ATTACH = ESRCH
      unused id: SEIZE = ESRCH
      E: TRACEME = 0
      E: TRACEME again = EPERM
      F: SEIZE = 0
      F: TRACEME = EPERM
      F: tracer = R
    `,
  }),

  scenario({
    id: 'ptrace05',
    title: 'Every signal that a tracee sends itself stops it, but SIGKILL, which kills it; 0 does nothing',
    source: [ltp('ptrace05'), manual('ptrace(2)', 'Signal-delivery-stop')],
    tags: ['signal-delivery-stop', 'traceme'],
    rule:
      'Also those that would end the process, those that stop or continue it, those that are ignored by default, and the realtime signals down to the two that ' +
      'the C library keeps for itself. Suppressed, none of them has an effect.',
    play(s) {
      const signals = Array.from({ length: SIGRTMAX }, (_, index) => index + 1).filter(
        (signal) => signal !== SIG.SIGKILL,
      );
      const e = s.tracee(
        'E',
        (c) => {
          for (const signal of [0, ...signals]) c.syscall('getpid').store('pid').kill(c.word('pid'), signal);
          c.store('last').exitGroup(0);
        },
        { by: 'traceme' },
      );
      const seen: number[] = [];
      const others = new Set<string>();
      const end = s.unrecorded(() => {
        for (;;) {
          e.cont();
          const status = e.wait();
          if (status?.kind !== 'stopped') return status;
          if (status.signal !== signals[seen.length])
            others.add(`another than signal ${signals[seen.length] ?? 'none'}`);
          seen.push(status.signal);
        }
      });
      e.observe('stopped by', signalSetText(signalSet(seen)));
      e.observe('stops', seen.length);
      e.observe('order', [...others].join(', ') || 'as sent');
      e.observe('end', end?.kind === 'exited' ? `exited ${end.code}` : (end?.kind ?? 'none'));
      const f = s.tracee('F', (c) => c.killSelf('SIGKILL').exitGroup(0), { by: 'traceme' });
      f.cont();
      f.wait();
    },
    expect: `
      E: stopped by = all but SIGKILL
      E: stops = 63
      E: order = as sent
      E: end = exited 0
      F: CONT = 0
      F: wait = killed by SIGKILL
    `,
  }),
];
