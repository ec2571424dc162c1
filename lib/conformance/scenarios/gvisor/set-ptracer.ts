/** PR_SET_PTRACER: the exception that a process makes from Yama's ptrace_scope 1, whom it is for, and how long it lasts. */
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE } from '../../../kernel/requests.js';
import { SIG } from '../../../kernel/signals.js';
import { W } from '../../../kernel/wait-flags.js';
import { result } from '../../../raw/child.js';
import type { Actor } from '../../actor.js';
import { manual, scenario, type Scenario } from '../../scenario.js';
import type { Stage } from '../../stage.js';
import { tinyProgram } from '../../tiny-program.js';
import { ask, reap, reaped } from '../manual/tools.js';
import {
  ANY_PTRACER,
  gvisorTest,
  inTurns,
  needsScope,
  setPtracer,
  tryAttach,
  turn,
  unprivileged,
  withoutCapability,
} from './tools.js';

const page = manual('prctl(2)', 'PR_SET_PTRACER');
/** No process: above every limit of process ids. */
const NO_PROCESS = 123456789;

/** A process without privileges that tries to attach to another, once in every turn, and writes down whether it may. */
function siblingTracer(s: Stage, e: Actor, turns: readonly string[]): Actor {
  return s.child('T', (c) => {
    unprivileged(c);
    inTurns(
      c,
      ...turns.map((word) => () => {
        tryAttach(c, word, e.tid);
      }),
    );
  });
}

/** After its execve E stands in a stop by SIGSTOP and is nobody's tracee: it has no program that would wait. */
function leaveStopped(e: Actor): void {
  e.stage.unrecorded(() => {
    e.wait();
    e.kill('SIGSTOP');
    e.mustSucceed(e.detach(), 'DETACH');
    e.untilState('T');
  });
}

export const setPtracerScenarios: readonly Scenario[] = [
  scenario({
    id: 'PrctlSetPtracerInvalidPID',
    title: 'PR_SET_PTRACER with the id of no process gives EINVAL, and so it does where there is no Yama',
    source: [gvisorTest('PrctlSetPtracerInvalidPID'), page],
    tags: ['yama', 'errors'],
    rule:
      'The id is looked up when the call is made. A kernel without Yama does not know the option at all, which is EINVAL too: the error does not tell ' +
      'the two apart.',
    since: '3.4',
    play(s) {
      needsScope(s, 0, 2);
      const e = s.child('E', (c) => {
        inTurns(c, () => {
          setPtracer(c, 'PR_SET_PTRACER of no process', NO_PROCESS);
        });
      });
      turn(e);
      e.result('PR_SET_PTRACER of no process');
    },
    expect: `
      E: PR_SET_PTRACER of no process = EINVAL
    `,
  }),

  scenario({
    id: 'PrctlSetPtracer',
    title:
      'PR_SET_PTRACER lets the named process, its descendants or anybody attach to the caller’s process, until another call',
    source: [gvisorTest('PrctlSetPtracerPID'), gvisorTest('PrctlSetPtracerAny'), gvisorTest('PrctlClearPtracer'), page],
    also: ['PrctlSetPtracerPID', 'PrctlSetPtracerAny', 'PrctlClearPtracer', 'PrctlReplacePtracer', 'set_ptracer'],
    tags: ['yama', 'attach', 'threads'],
    rule:
      'A crash handler calls it so that a sibling may trace it. The exception is made by any thread for the whole process, allows the named process with ' +
      'all its threads and descendants, and replaces the one before; 0 takes it away. It does not reach to the parent or the children of the caller.',
    since: '3.4',
    needs: ['yama'],
    play(s) {
      needsScope(s, 1, 1);
      withoutCapability(s);
      const p = s.child('P', (c) => {
        unprivileged(c);
        c.syscall('getpid').store('P');
        c.fork((e) => {
          e.thread((thread) => {
            inTurns(
              thread,
              () => {
                setPtracer(thread, 'PR_SET_PTRACER of T', thread.word('T'));
              },
              () => {
                setPtracer(thread, 'PR_SET_PTRACER of P', thread.word('P'));
              },
              () => {
                setPtracer(thread, 'PR_SET_PTRACER of any', ANY_PTRACER);
              },
              () => {
                setPtracer(thread, 'PR_SET_PTRACER of U', thread.word('U'));
              },
              () => {
                setPtracer(thread, 'PR_SET_PTRACER of any again', ANY_PTRACER);
                setPtracer(thread, 'PR_SET_PTRACER of 0', 0);
              },
            );
          });
          e.loop((again) => again.pause());
        }).store('E');
        c.fork((t) => {
          t.thread((thread) => {
            thread.waitUntil('thread', '!=', 0);
            tryAttach(thread, 'E named T: ATTACH by a thread of T', thread.word('E'));
            thread
              .set(1)
              .store('thread done')
              .loop((again) => again.pause());
          });
          inTurns(
            t,
            ...[
              'at first',
              'E named T',
              'E named P',
              'E named any',
              'E named U',
              'E named 0',
              'P named T',
              'P named 0',
            ].map((when) => () => {
              tryAttach(t, `${when}: ATTACH of E`, t.word('E'));
              tryAttach(t, `${when}: ATTACH of P`, t.word('P'));
            }),
          );
        }).store('T');
        inTurns(
          c,
          () => {
            setPtracer(c, 'PR_SET_PTRACER of T', c.word('T'));
          },
          () => {
            setPtracer(c, 'PR_SET_PTRACER of 0', 0);
          },
        );
      });
      const t = s.adoptFork('T', Number(p.untilSet('T')), p);
      const e = s.adoptFork('E', Number(p.word('E')), p);
      const tryBoth = (when: string): void => {
        turn(t);
        t.result(`${when}: ATTACH of E`);
        t.result(`${when}: ATTACH of P`);
      };
      tryBoth('at first');
      e.setWord('T', BigInt(t.tid));
      e.setWord('U', BigInt(s.pauser('U').tid));
      turn(e);
      e.result('PR_SET_PTRACER of T');
      tryBoth('E named T');
      t.setWord('thread', 1n);
      t.untilSet('thread done');
      t.result('E named T: ATTACH by a thread of T');
      turn(e);
      e.result('PR_SET_PTRACER of P');
      tryBoth('E named P');
      turn(e);
      e.result('PR_SET_PTRACER of any');
      tryBoth('E named any');
      turn(e);
      e.result('PR_SET_PTRACER of U');
      tryBoth('E named U');
      turn(e);
      e.result('PR_SET_PTRACER of any again');
      e.result('PR_SET_PTRACER of 0');
      tryBoth('E named 0');
      turn(p);
      p.result('PR_SET_PTRACER of T');
      tryBoth('P named T');
      turn(p);
      p.result('PR_SET_PTRACER of 0');
      tryBoth('P named 0');
    },
    expect: `
      T: at first: ATTACH of E = EPERM
      T: at first: ATTACH of P = EPERM
      E: PR_SET_PTRACER of T = 0
      T: E named T: ATTACH of E = 0
      T: E named T: ATTACH of P = EPERM
      T: E named T: ATTACH by a thread of T = 0
      E: PR_SET_PTRACER of P = 0
      T: E named P: ATTACH of E = 0
      T: E named P: ATTACH of P = EPERM
      E: PR_SET_PTRACER of any = 0
      T: E named any: ATTACH of E = 0
      T: E named any: ATTACH of P = EPERM
      E: PR_SET_PTRACER of U = 0
      T: E named U: ATTACH of E = EPERM
      T: E named U: ATTACH of P = EPERM
      E: PR_SET_PTRACER of any again = 0
      E: PR_SET_PTRACER of 0 = 0
      T: E named 0: ATTACH of E = EPERM
      T: E named 0: ATTACH of P = EPERM
      P: PR_SET_PTRACER of T = 0
      T: P named T: ATTACH of E = EPERM
      T: P named T: ATTACH of P = 0
      P: PR_SET_PTRACER of 0 = 0
      T: P named 0: ATTACH of E = EPERM
      T: P named 0: ATTACH of P = EPERM
    `,
  }),

  scenario({
    id: 'PrctlSetPtracerPersistsPastTraceeThreadExit',
    title: 'An exception of PR_SET_PTRACER outlives the thread that made it',
    source: [gvisorTest('PrctlSetPtracerPersistsPastTraceeThreadExit'), page],
    tags: ['yama', 'threads', 'exit'],
    rule: 'Yama notes it for the leader of the caller’s thread group, whichever thread calls. It goes when the leader’s task goes.',
    since: '3.4',
    needs: ['yama'],
    play(s) {
      needsScope(s, 1, 1);
      withoutCapability(s);
      const e = s.child('E', (c) => {
        unprivileged(c);
        c.thread((thread) => {
          setPtracer(thread, 'PR_SET_PTRACER', ANY_PTRACER);
        }).store('thread');
        c.loop((again) => again.pause());
      });
      s.adopt('the thread', Number(e.untilSet('thread'))).untilState('gone');
      e.result('PR_SET_PTRACER');
      const t = siblingTracer(s, e, ['ATTACH']);
      turn(t);
      t.result('ATTACH');
    },
    expect: `
      E: PR_SET_PTRACER = 0
      T: ATTACH = 0
    `,
  }),

  scenario({
    id: 'PrctlSetPtracerPersistsPastLeaderExec',
    title: 'An exception of PR_SET_PTRACER outlives an execve of the leader',
    source: [gvisorTest('PrctlSetPtracerPersistsPastLeaderExec'), page],
    tags: ['yama', 'exec'],
    rule: 'An execve changes the program, not the task that the exception was noted for.',
    since: '3.4',
    needs: ['yama'],
    play(s) {
      needsScope(s, 1, 1);
      withoutCapability(s);
      const e = s.tracee(
        'E',
        (c) => {
          unprivileged(c);
          c.setPtracerAny().exec(tinyProgram());
        },
        { options: PTRACE_O.TRACEEXEC },
      );
      e.cont();
      leaveStopped(e);
      const t = siblingTracer(s, e, ['ATTACH']);
      turn(t);
      t.result('ATTACH');
    },
    expect: `
      E: CONT = 0
      T: ATTACH = 0
    `,
  }),

  scenario({
    id: 'PrctlSetPtracerDoesNotPersistPastNonLeaderExec',
    title: 'An exception of PR_SET_PTRACER ends when another thread than the leader executes a program',
    source: [gvisorTest('PrctlSetPtracerDoesNotPersistPastNonLeaderExec'), page],
    tags: ['yama', 'exec', 'threads'],
    rule:
      'That execve ends the leader and gives its id to the calling thread. The exception was noted for the leader’s task and goes with it, although the ' +
      'process id is the same.',
    since: '3.4',
    needs: ['yama'],
    play(s) {
      needsScope(s, 1, 1);
      withoutCapability(s);
      const e = s.child('E', (c) => {
        unprivileged(c);
        c.thread((thread) => {
          setPtracer(thread, 'PR_SET_PTRACER', ANY_PTRACER);
          thread.set(1).store('set').waitUntil('gate', '!=', 0).exec(tinyProgram());
        }).store('thread');
        c.loop((again) => again.pause());
      });
      const thread = s.adopt('the thread', Number(e.untilSet('thread')));
      e.untilSet('set');
      e.result('PR_SET_PTRACER');
      const t = siblingTracer(s, e, ['ATTACH before the execve', 'ATTACH after it']);
      turn(t);
      t.result('ATTACH before the execve');
      s.unrecorded(() => {
        thread.mustSucceed(thread.seize(PTRACE_O.TRACEEXEC), 'SEIZE');
      });
      e.setWord('gate', 1n);
      leaveStopped(e);
      turn(t);
      t.result('ATTACH after it');
    },
    expect: `
      E: PR_SET_PTRACER = 0
      T: ATTACH before the execve = 0
      T: ATTACH after it = EPERM
    `,
  }),

  scenario({
    id: 'PrctlSetPtracerDoesNotPersistPastTracerThreadExit',
    title: 'An exception of PR_SET_PTRACER for a thread serves its whole process, and ends with that thread',
    source: [gvisorTest('PrctlSetPtracerDoesNotPersistPastTracerThreadExit'), page],
    tags: ['yama', 'threads', 'exit'],
    rule:
      'Yama notes the very task that was named, but looks for its process when somebody attaches. When the task is freed, which is some time after its end ' +
      '(an RCU grace period), the exception goes; T tries until it is refused.',
    since: '3.4',
    needs: ['yama'],
    play(s) {
      needsScope(s, 1, 1);
      withoutCapability(s);
      const e = s.child('E', (c) => {
        unprivileged(c);
        inTurns(c, () => {
          setPtracer(c, 'PR_SET_PTRACER of the thread', c.word('thread'));
        });
      });
      const t = s.child('T', (c) => {
        unprivileged(c);
        c.thread((thread) => thread.waitUntil('exit', '!=', 0)).store('thread');
        inTurns(
          c,
          () => {
            tryAttach(c, 'ATTACH while the thread lives', e.tid);
          },
          () => {
            c.label('again');
            tryAttach(c, 'ATTACH after its end', e.tid);
            c.nanosleep(1).jumpIf(c.word('ATTACH after its end'), '==', 0, 'again');
          },
        );
      });
      e.setWord('thread', t.untilSet('thread'));
      turn(e);
      e.result('PR_SET_PTRACER of the thread');
      turn(t);
      t.result('ATTACH while the thread lives');
      t.setWord('exit', 1n);
      s.adopt('the thread', Number(t.word('thread'))).untilState('gone');
      turn(t);
      t.result('ATTACH after its end');
    },
    expect: `
      E: PR_SET_PTRACER of the thread = 0
      T: ATTACH while the thread lives = 0
      T: ATTACH after its end = EPERM
    `,
  }),

  scenario({
    id: 'PrctlSetPtracerRespectsTracerThreadID',
    title:
      'An exception of PR_SET_PTRACER for a thread lasts when that thread executes a program and becomes the leader',
    source: [gvisorTest('PrctlSetPtracerRespectsTracerThreadID'), page],
    tags: ['yama', 'exec', 'threads'],
    rule:
      'It is for the task, not for the number: the thread has another id after its execve, and its old leader is no more. T is traced itself here, so that ' +
      'the first system call of its new program can be made an ATTACH.',
    since: '3.4',
    needs: ['yama'],
    play(s) {
      needsScope(s, 1, 1);
      withoutCapability(s);
      const e = s.child('E', (c) => {
        unprivileged(c);
        inTurns(c, () => {
          setPtracer(c, 'PR_SET_PTRACER of the thread', c.word('thread'));
        });
      });
      const t = s.child('T', (c) => {
        unprivileged(c);
        c.thread((thread) => thread.waitUntil('gate', '!=', 0).exec(tinyProgram())).store('thread');
        c.loop((again) => again.pause());
      });
      e.setWord('thread', t.untilSet('thread'));
      turn(e);
      e.result('PR_SET_PTRACER of the thread');
      const thread = s.adopt('the thread', Number(t.word('thread')));
      s.unrecorded(() => {
        thread.mustSucceed(thread.seize(PTRACE_O.TRACEEXEC | PTRACE_O.TRACESYSGOOD), 'SEIZE');
      });
      t.setWord('gate', 1n);
      t.wait();
      s.unrecorded(() => {
        // The end of the execve, then the program's first call.
        for (const _ of ['exit', 'entry']) {
          t.syscall();
          t.wait();
        }
      });
      t.changeRegisters((registers) => {
        for (const [index, value] of [PTRACE.ATTACH, e.tid, 0, 0].entries()) registers.setArg(index, value);
      });
      t.setSyscallNumber(t.syscallNumber('ptrace'));
      t.syscall();
      t.wait();
      t.syscallInfo();
      e.tracer();
    },
    expect: `
      E: PR_SET_PTRACER of the thread = 0
      T: wait = event EXEC
      T: SYSCALL = 0
      T: wait = syscall-stop
      T: syscall info = exit 0
      E: tracer = T
    `,
  }),

  scenario({
    id: 'PrctlClearPtracerDoesNotAffectCurrentTracer',
    title: 'PR_SET_PTRACER 0 takes nothing from a tracer that is attached already',
    source: [gvisorTest('PrctlClearPtracerDoesNotAffectCurrentTracer'), page],
    tags: ['yama', 'attach', 'proc'],
    rule:
      'Yama decides when somebody attaches, not at every request. The other accesses that it decides on, such as opening /proc/E/mem, are allowed to the ' +
      'tracer because it is the tracer.',
    since: '3.4',
    needs: ['yama'],
    play(s) {
      needsScope(s, 1, 1);
      withoutCapability(s);
      const e = s.child('E', (c) => {
        unprivileged(c);
        inTurns(
          c,
          () => {
            setPtracer(c, 'PR_SET_PTRACER of any', ANY_PTRACER);
          },
          () => {
            setPtracer(c, 'PR_SET_PTRACER of 0', 0);
          },
        );
      });
      turn(e);
      e.result('PR_SET_PTRACER of any');
      const t = s.child('T', (c) => {
        unprivileged(c);
        inTurns(
          c,
          () => {
            ask(c, 'ATTACH', PTRACE.ATTACH, e.tid);
            reap(c, 'first wait', e.tid, W.__WALL);
            ask(c, 'CONT', PTRACE.CONT, e.tid);
          },
          () => {
            c.syscall('openat', -100, `/proc/${e.tid}/mem`, 0).set(0, 1);
            c.when(result, '<', 0, (failed) => failed.set(result, 1)).store('open of /proc/E/mem', c.register(1));
            c.kill(e.tid, SIG.SIGUSR1);
            reap(c, 'second wait', e.tid, W.__WALL);
            ask(c, 'second CONT', PTRACE.CONT, e.tid);
          },
        );
      });
      turn(t);
      t.result('ATTACH');
      reaped(s, t, 'first wait');
      t.result('CONT');
      turn(e);
      e.result('PR_SET_PTRACER of 0');
      turn(t);
      t.result('open of /proc/E/mem');
      reaped(s, t, 'second wait');
      t.result('second CONT');
    },
    expect: `
      E: PR_SET_PTRACER of any = 0
      T: ATTACH = 0
      T: first wait = E stopped by SIGSTOP
      T: CONT = 0
      E: PR_SET_PTRACER of 0 = 0
      T: open of /proc/E/mem = 0
      T: second wait = E stopped by SIGUSR1
      T: second CONT = 0
    `,
  }),
];
