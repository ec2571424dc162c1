/**
 * Every situation that a tracee can be in when a request or a signal comes.
 *
 * Behind each stop the tracee goes on to a mark, a SIGUSR2 that it sends itself: under its tracer it stops there, left alone it dies of it. So what a
 * request has changed is seen by what comes next.
 */
import { PTRACE_EVENT } from '../../kernel/events.js';
import { PTRACE_O } from '../../kernel/options.js';
import { SIG } from '../../kernel/signals.js';
import { type ChildScript, CLONE, type Part } from '../../raw/child.js';
import type { Actor } from '../actor.js';
import type { Need } from '../needs.js';
import { tinyProgram } from '../parts/programs.js';
import { seccompFilter, VERDICT } from '../parts/seccomp-filter.js';
import { toEntry, toSyscallStop } from '../parts/system-calls.js';
import { otherTracer } from '../parts/tracing.js';
import type { Stage } from '../stage.js';

/** What the rules need to know of a situation. */
export interface Situation {
  readonly id: string;
  readonly title: string;
  /** How it stands to its tracer; `none` where that is not this thread. */
  readonly tracing: 'seized' | 'attached' | 'none';
  /** In a ptrace-stop in which requests are answered. */
  readonly stopped: boolean;
  /** Where it is not in such a stop, or in a special one. */
  readonly special?:
    | 'event-stop'
    | 'group-stop'
    | 'exec'
    | 'exit'
    | 'syscall-entry'
    | 'syscall-exit'
    | 'seccomp'
    | 'in-handler'
    | 'new-child'
    | 'listening'
    | 'running'
    | 'zombie'
    | 'dead'
    | 'foreign'
    | 'untraced';
  readonly options: number;
  readonly needs?: readonly Need[];
  /** Brings a tracee into it. */
  enter(stage: Stage): Actor;
}

const SYSGOOD = PTRACE_O.TRACESYSGOOD;

/** The exit code of the tracee when nothing kills it. */
const EXIT = 9;

/** The end of every part: the mark, then the exit. */
const toTheMark = (c: ChildScript): ChildScript => c.tgkillSelf('SIGUSR2').exitGroup(EXIT);

function started(s: Stage, options: number, part: Part, by: 'seize' | 'attach' = 'seize'): Actor {
  return s.tracee(
    'E',
    (c) => {
      part(c);
      toTheMark(c);
    },
    { by, options },
  );
}

/** Runs a tracee to its next report, which must be the event. */
function toEvent(e: Actor, event: number): Actor {
  e.cont();
  const status = e.wait();
  if (status?.kind !== 'event' || status.event !== event) throw new Error(`event ${event} did not come`);
  return e;
}

function toStop(e: Actor, signal: number): Actor {
  e.cont();
  e.expectStop(signal);
  return e;
}

/** A system call that does nothing, needs nothing and gives 0. */
const CALL = 'munlockall';

/** At the entry of that call. */
function inCall(s: Stage): Actor {
  const e = started(s, SYSGOOD, (c) => c.syscall(CALL));
  toEntry(e, CALL);
  return e;
}

/** A group-stop by its own SIGSTOP. */
function toGroupStop(e: Actor): Actor {
  toStop(e, SIG.SIGSTOP).cont('SIGSTOP');
  e.expectStop(SIG.SIGSTOP);
  return e;
}

const stop = (
  id: string,
  title: string,
  enter: (stage: Stage) => Actor,
  more: Partial<Omit<Situation, 'id' | 'title' | 'enter'>> = {},
): Situation => ({
  id,
  title,
  tracing: 'seized',
  stopped: true,
  options: SYSGOOD,
  ...more,
  enter: (stage) => stage.unrecorded(() => enter(stage)),
});

const withOption = (option: number): { readonly options: number } => ({ options: SYSGOOD | option });

/** A child without an exit signal: its end disturbs nobody. */
const quietClone = (flags: number) => (c: ChildScript) => c.clone(flags, (child) => child.exitGroup(0));
/** A child that stays. */
const lastingFork = (c: ChildScript): ChildScript => c.fork((child) => child.loop((again) => again.pause()));

export const situations: readonly Situation[] = [
  stop('signal', 'in a signal-delivery-stop', (s) =>
    toStop(
      started(s, SYSGOOD, (c) => c.tgkillSelf('SIGUSR1')),
      SIG.SIGUSR1,
    ),
  ),
  stop(
    'group-stop-attached',
    'in a group-stop, attached',
    (s) => toGroupStop(started(s, SYSGOOD, (c) => c.tgkillSelf('SIGSTOP'), 'attach')),
    { tracing: 'attached', special: 'group-stop' },
  ),
  stop(
    'group-stop-seized',
    'in a group-stop, seized',
    (s) => toGroupStop(started(s, SYSGOOD, (c) => c.tgkillSelf('SIGSTOP'))),
    { special: 'group-stop' },
  ),
  stop('interrupt', 'in the stop of PTRACE_INTERRUPT', (s) => started(s, SYSGOOD, (c) => c), { special: 'event-stop' }),
  stop(
    'new-child',
    'a new child of a tracee in its first stop',
    (s) => {
      const parent = s.tracee('P', (c) => c.fork((child) => toTheMark(child)).loop((again) => again.pause()), {
        options: SYSGOOD | PTRACE_O.TRACEFORK,
      });
      const child = toEvent(parent, PTRACE_EVENT.FORK).newTask('E');
      child.expectStop(SIG.SIGTRAP);
      return child;
    },
    { special: 'new-child' },
  ),
  stop(
    'fork',
    'at PTRACE_EVENT_FORK',
    (s) => toEvent(started(s, SYSGOOD | PTRACE_O.TRACEFORK, lastingFork), PTRACE_EVENT.FORK),
    withOption(PTRACE_O.TRACEFORK),
  ),
  stop(
    'vfork',
    'at PTRACE_EVENT_VFORK, its child being gone',
    (s) => {
      const e = started(s, SYSGOOD | PTRACE_O.TRACEVFORK, quietClone(CLONE.VM | CLONE.VFORK));
      const child = toEvent(e, PTRACE_EVENT.VFORK).newTask('child');
      child.expectStop(SIG.SIGTRAP);
      child.cont();
      child.wait();
      return e;
    },
    withOption(PTRACE_O.TRACEVFORK),
  ),
  stop(
    'clone',
    'at PTRACE_EVENT_CLONE',
    (s) => toEvent(started(s, SYSGOOD | PTRACE_O.TRACECLONE, quietClone(0)), PTRACE_EVENT.CLONE),
    withOption(PTRACE_O.TRACECLONE),
  ),
  stop(
    'vfork-done',
    'at PTRACE_EVENT_VFORK_DONE',
    (s) =>
      toEvent(
        started(s, SYSGOOD | PTRACE_O.TRACEVFORKDONE, quietClone(CLONE.VM | CLONE.VFORK)),
        PTRACE_EVENT.VFORK_DONE,
      ),
    withOption(PTRACE_O.TRACEVFORKDONE),
  ),
  stop(
    'exec',
    'at PTRACE_EVENT_EXEC',
    (s) => {
      const program = tinyProgram();
      return toEvent(
        started(s, SYSGOOD | PTRACE_O.TRACEEXEC, (c) => c.exec(program)),
        PTRACE_EVENT.EXEC,
      );
    },
    { special: 'exec', ...withOption(PTRACE_O.TRACEEXEC) },
  ),
  stop(
    'exit',
    'at PTRACE_EVENT_EXIT',
    (s) =>
      toEvent(
        started(s, SYSGOOD | PTRACE_O.TRACEEXIT, (c) => c.exitGroup(EXIT)),
        PTRACE_EVENT.EXIT,
      ),
    { special: 'exit', ...withOption(PTRACE_O.TRACEEXIT) },
  ),
  stop(
    'seccomp',
    'at PTRACE_EVENT_SECCOMP',
    (s) => {
      const filter = seccompFilter([[CALL, VERDICT.trace(1)]]);
      return toEvent(
        started(s, SYSGOOD | PTRACE_O.TRACESECCOMP, (c) => c.seccompFilter(filter).syscall(CALL)),
        PTRACE_EVENT.SECCOMP,
      );
    },
    { special: 'seccomp', needs: ['event.PTRACE_EVENT_SECCOMP'], ...withOption(PTRACE_O.TRACESECCOMP) },
  ),
  stop('syscall-entry', 'in a syscall-enter-stop', inCall, {
    special: 'syscall-entry',
  }),
  stop(
    'syscall-exit',
    'in a syscall-exit-stop',
    (s) => {
      const e = inCall(s);
      toSyscallStop(e);
      return e;
    },
    { special: 'syscall-exit' },
  ),
  stop(
    'step',
    'in the stop of a single-step',
    (s) => {
      const e = toStop(
        started(s, SYSGOOD, (c) => c.tgkillSelf('SIGUSR1')),
        SIG.SIGUSR1,
      );
      e.step();
      e.expectStop(SIG.SIGTRAP);
      return e;
    },
    { needs: ['step.single'] },
  ),
  stop(
    'handler-step',
    'in the stop of a single-step into a handler',
    (s) => {
      const part: Part = (c) => c.handle('SIGUSR1', (h) => h.syscall(CALL)).tgkillSelf('SIGUSR1');
      const e = toStop(started(s, SYSGOOD, part), SIG.SIGUSR1);
      e.step('SIGUSR1');
      e.expectStop(SIG.SIGTRAP);
      return e;
    },
    { needs: ['step.single'], special: 'in-handler' },
  ),
  stop(
    'listening',
    'listening in a group-stop',
    (s) => {
      const e = toGroupStop(started(s, SYSGOOD, (c) => c.tgkillSelf('SIGSTOP')));
      e.listen();
      return e;
    },
    { stopped: false, special: 'listening' },
  ),
  stop(
    'running',
    'running',
    (s) => {
      const e = s.pauser();
      e.seize(SYSGOOD);
      return e;
    },
    { stopped: false, special: 'running' },
  ),
  stop(
    'zombie',
    'dead and not yet waited for',
    (s) => {
      const e = s.tracee('E', (c) => c.exitGroup(EXIT));
      e.cont();
      e.untilState('Z');
      return e;
    },
    { stopped: false, special: 'zombie' },
  ),
  stop(
    'dead',
    'dead and waited for',
    (s) => {
      const e = s.tracee('E', (c) => c.exitGroup(EXIT));
      e.cont();
      e.wait();
      return e;
    },
    { stopped: false, special: 'dead' },
  ),
  stop(
    'foreign',
    'traced by another process',
    (s) => {
      const e = s.pauser();
      otherTracer(s, e);
      return e;
    },
    { tracing: 'none', stopped: false, special: 'foreign', needs: ['free-attach'] },
  ),
  stop('untraced', 'running, traced by nobody', (s) => s.pauser(), {
    tracing: 'none',
    stopped: false,
    special: 'untraced',
  }),
];
