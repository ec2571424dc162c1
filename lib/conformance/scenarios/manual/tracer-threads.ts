/** A tracer is a thread: what its siblings can do, and what becomes of its tracees when it ends or executes a program. */
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE } from '../../../kernel/requests.js';
import { W } from '../../../kernel/wait-flags.js';
import { tinyProgram } from '../../parts/programs.js';
import { ask } from '../../parts/script-requests.js';
import { tellFound, waitInto } from '../../parts/script-waits.js';
import { anyonesPauser } from '../../parts/sleepers.js';
import { toSyscallStop } from '../../parts/system-calls.js';
import { scenario, type Scenario } from '../../scenario.js';
import { page } from './tools.js';

export const tracerThreads: readonly Scenario[] = [
  scenario({
    id: 'tracer-thread-binding',
    title: 'Requests are the attaching thread’s alone; waits are any thread’s of its process, but with __WNOTHREAD',
    source: [page('DESCRIPTION')],
    tags: ['tracer', 'threads', 'wait', 'errors'],
    rule:
      'The tracer of a tracee is one thread, not its process: another thread’s request gives ESRCH. The stops are reported to the whole process, where ' +
      'any thread may consume them, unless it waits with __WNOTHREAD: then only its own tracees and children count.',
    since: '3.4',
    play(s) {
      const e = anyonesPauser(s, 'E');
      const t = s.child('T', (c) => {
        c.thread((b) => {
          ask(b, 'SEIZE by thread B', PTRACE.SEIZE, e.tid);
          ask(b, 'INTERRUPT by thread B', PTRACE.INTERRUPT, e.tid);
          b.store('seized', 1);
          b.waitUntil('waited', '!=', 0);
          ask(b, 'CONT by thread B', PTRACE.CONT, e.tid);
          ask(b, 'INTERRUPT again', PTRACE.INTERRUPT, e.tid);
          waitInto(b, 'wait of thread B with __WNOTHREAD', e.tid, W.__WALL | W.__WNOTHREAD);
          b.store('done', 1);
          b.loop((again) => again.pause());
        });
        c.waitUntil('seized', '!=', 0);
        waitInto(c, 'wait of the main thread with __WNOTHREAD', e.tid, W.__WALL | W.__WNOTHREAD);
        waitInto(c, 'wait of the main thread', e.tid);
        ask(c, 'CONT by the main thread', PTRACE.CONT, e.tid);
        ask(c, 'INTERRUPT by the main thread', PTRACE.INTERRUPT, e.tid);
        ask(c, 'DETACH by the main thread', PTRACE.DETACH, e.tid);
        c.store('waited', 1);
        c.loop((again) => again.pause());
      });
      t.untilSet('done');
      t.result('SEIZE by thread B');
      t.result('INTERRUPT by thread B');
      tellFound(t, 'wait of the main thread with __WNOTHREAD');
      tellFound(t, 'wait of the main thread');
      t.result('CONT by the main thread');
      t.result('INTERRUPT by the main thread');
      t.result('DETACH by the main thread');
      t.result('CONT by thread B');
      t.result('INTERRUPT again');
      tellFound(t, 'wait of thread B with __WNOTHREAD');
    },
    expect: `
      T: SEIZE by thread B = 0
      T: INTERRUPT by thread B = 0
      T: wait of the main thread with __WNOTHREAD = ECHILD
      T: wait of the main thread = E event STOP SIGTRAP
      T: CONT by the main thread = ESRCH
      T: INTERRUPT by the main thread = ESRCH
      T: DETACH by the main thread = ESRCH
      T: CONT by thread B = 0
      T: INTERRUPT again = 0
      T: wait of thread B with __WNOTHREAD = E event STOP SIGTRAP
    `,
  }),

  scenario({
    id: 'tracer-thread-exit-detaches',
    title: 'When the attaching thread ends, its tracees are detached and go on, although its process lives',
    source: [page('Attaching and detaching')],
    tags: ['tracer', 'threads', 'detach'],
    rule:
      'Tracees belong to the thread that attached them, and nobody inherits them: not the main thread, not the process. One that stood in a stop goes on ' +
      'as if the tracer had died, and may be attached anew.',
    since: '3.4',
    play(s) {
      const e = anyonesPauser(s, 'E');
      const t = s.child('T', (c) => {
        c.thread((b) => {
          b.syscall('gettid').store('B');
          ask(b, 'SEIZE', PTRACE.SEIZE, e.tid);
          ask(b, 'INTERRUPT', PTRACE.INTERRUPT, e.tid);
          waitInto(b, 'wait', e.tid);
          b.store('done', 1);
          b.waitUntil('gate', '!=', 0).exit(0);
        });
        c.loop((again) => again.pause());
      });
      t.untilSet('done');
      const b = s.adopt('thread B of T', Number(t.word('B')));
      t.result('SEIZE');
      tellFound(t, 'wait');
      e.state();
      e.tracer();
      t.setWord('gate', 1n);
      b.untilState('gone');
      e.untilAsleep();
      e.state();
      e.tracer();
      t.state();
      e.seize();
      e.interrupt();
      e.wait();
    },
    expect: `
      T: SEIZE = 0
      T: wait = E event STOP SIGTRAP
      E: state = t (tracing stop)
      E: tracer = thread B of T
      E: state = S (sleeping)
      E: tracer = nobody
      T: state = S (sleeping)
      E: SEIZE = 0
      E: INTERRUPT = 0
      E: wait = event STOP SIGTRAP
    `,
  }),

  scenario({
    id: 'tracer-exec-keeps',
    title: 'A tracer that executes another program is the tracer still',
    source: [page('DESCRIPTION')],
    tags: ['tracer', 'exec'],
    rule:
      'The tracer is the thread, not the program that it runs. The tracer is traced itself here, so that it stands when its execve is done; the first system call ' +
      'of the new program is then made a request of its tracee.',
    since: '3.4',
    play(s) {
      const e = anyonesPauser(s, 'E');
      const t = s.tracee(
        'T',
        (c) => {
          c.block('SIGCHLD'); // of the stop of its tracee
          ask(c, 'SEIZE', PTRACE.SEIZE, e.tid);
          ask(c, 'INTERRUPT', PTRACE.INTERRUPT, e.tid);
          c.exec(tinyProgram());
        },
        { options: PTRACE_O.TRACEEXEC | PTRACE_O.TRACESYSGOOD },
      );
      t.cont();
      t.wait();
      e.tracer();
      // The end of the execve, then the new program's first call.
      for (const _ of ['exit', 'entry']) toSyscallStop(t);
      e.untilState('t');
      t.changeRegisters((registers) => {
        for (const [index, value] of [PTRACE.DETACH, e.tid, 0, 0].entries()) registers.setArg(index, value);
      });
      t.setSyscallNumber(t.syscallNumber('ptrace'));
      t.syscall();
      t.wait();
      t.observe('DETACH by the new program', t.registers().result);
      e.tracer();
    },
    expect: `
      T: CONT = 0
      T: wait = event EXEC
      E: tracer = T
      T: SYSCALL = 0
      T: wait = syscall-stop
      T: DETACH by the new program = 0
      E: tracer = nobody
    `,
  }),
];
