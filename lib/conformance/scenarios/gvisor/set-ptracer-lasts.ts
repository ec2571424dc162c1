/** How long the exception of PR_SET_PTRACER lasts: over the ends of threads, over execve, and for a tracer that is attached. */
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE } from '../../../kernel/requests.js';
import { SIG } from '../../../kernel/signals.js';
import { result } from '../../../raw/child.js';
import type { Actor } from '../../actor.js';
import { unprivileged } from '../../parts/credentials.js';
import { tinyProgram } from '../../parts/programs.js';
import { ask } from '../../parts/script-requests.js';
import { tellFound, waitInto } from '../../parts/script-waits.js';
import { toSyscallStop } from '../../parts/system-calls.js';
import { needsScope } from '../../parts/yama.js';
import { manual, scenario, type Scenario } from '../../scenario.js';
import type { Stage } from '../../stage.js';
import { ANY_PTRACER, gvisorTest, inTurns, setPtracer, tryAttach, turn, withoutCapability } from './tools.js';

const page = manual('prctl(2)', 'PR_SET_PTRACER');

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

/** A process without privileges that makes an exception for the task that its word `thread` names. */
function namesThread(s: Stage): Actor {
  return s.child('E', (c) => {
    unprivileged(c);
    inTurns(c, () => {
      setPtracer(c, 'PR_SET_PTRACER of the thread', c.word('thread'));
    });
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

export const setPtracerLasts: readonly Scenario[] = [
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
          thread.store('set', 1).waitUntil('gate', '!=', 0).exec(tinyProgram());
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
      '(an RCU grace period), the exception goes; the tracer tries until it is refused.',
    since: '3.4',
    needs: ['yama'],
    play(s) {
      needsScope(s, 1, 1);
      withoutCapability(s);
      const e = namesThread(s);
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
      'It is for the task, not for the number: the thread has another id after its execve, and its old leader is no more. The tracer is traced itself here, so that ' +
      'the first system call of its new program can be made an ATTACH.',
    since: '3.4',
    needs: ['yama'],
    play(s) {
      needsScope(s, 1, 1);
      withoutCapability(s);
      const e = namesThread(s);
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
      // The end of the execve, then the program's first call.
      for (const _ of ['exit', 'entry']) toSyscallStop(t);
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
      'Yama decides when somebody attaches, not at every request. The other accesses that it decides on, such as opening /proc/PID/mem, are allowed to the ' +
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
            waitInto(c, 'first wait', e.tid);
            ask(c, 'CONT', PTRACE.CONT, e.tid);
          },
          () => {
            c.syscall('openat', -100, `/proc/${e.tid}/mem`, 0).set(0, 1);
            c.when(result, '<', 0, (failed) => failed.set(result, 1)).store('open of /proc/E/mem', c.register(1));
            c.kill(e.tid, SIG.SIGUSR1);
            waitInto(c, 'second wait', e.tid);
            ask(c, 'second CONT', PTRACE.CONT, e.tid);
          },
        );
      });
      turn(t);
      t.result('ATTACH');
      tellFound(t, 'first wait');
      t.result('CONT');
      turn(e);
      e.result('PR_SET_PTRACER of 0');
      turn(t);
      t.result('open of /proc/E/mem');
      tellFound(t, 'second wait');
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
