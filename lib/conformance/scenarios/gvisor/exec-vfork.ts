/** An execve by another thread than the leader, and a vfork child that is traced by its grandparent. */
import { PTRACE_O } from '../../../kernel/options.js';
import { W } from '../../../kernel/wait-flags.js';
import type { Actor } from '../../actor.js';
import { tinyProgram } from '../../parts/programs.js';
import { commit, manual, scenario, type Scenario } from '../../scenario.js';
import type { Stage } from '../../stage.js';
import { gvisorTest } from './tools.js';

const execOfThread = gvisorTest('Execve_GetRegs_PeekUser_SIGKILL_TraceClone_TraceExit');

/** Up to where the new program would begin, with or without TRACEEXEC; then SIGKILL. */
function playExec(s: Stage, options: number): Actor {
  const e = s.tracee(
    'E',
    (c) => {
      c.thread((thread) => thread.exec(tinyProgram()));
      c.loop((again) => again.pause());
    },
    { by: 'traceme', options: PTRACE_O.TRACECLONE | PTRACE_O.TRACEEXIT | options },
  );
  e.cont();
  e.wait();
  const thread = e.newTask('thread');
  thread.wait(W.__WCLONE);
  e.cont();
  thread.cont();
  e.wait();
  e.eventMessage();
  // In the execve, where it waits for the others to end.
  thread.untilState('D');
  thread.look(W.__WCLONE);
  e.cont();
  e.wait();
  return e;
}

function killInExit(e: Actor): void {
  e.kill('SIGKILL');
  e.wait();
  e.eventMessage();
  e.cont();
  e.wait();
}

const UP_TO_EXEC = `
  E: CONT = 0
  E: wait = event CLONE
  E: event message = thread
  thread: wait = stopped by SIGSTOP
  E: CONT = 0
  thread: CONT = 0
  E: wait = event EXIT
  E: event message = 0x0
  thread: poll = nothing
  E: CONT = 0
`;

const KILLED = `
  E: kill SIGKILL = 0
  E: wait = event EXIT
  E: event message = 0x9
  E: CONT = 0
  E: wait = killed by SIGKILL
`;

export const execVfork: readonly Scenario[] = [
  scenario({
    id: 'PtraceExecveTest/TraceExec',
    title:
      'When a thread executes a program the leader stops at its exit, is gone without an end, and EVENT_EXEC comes on its id',
    source: [execOfThread, manual('ptrace(2)', 'execve(2) under ptrace')],
    tags: ['exec', 'threads', 'event-exit', 'sigkill'],
    rule:
      'The execve ends all other threads, the leader too: it passes EVENT_EXIT with the status 0, and until it is resumed the execve waits. Then its task is ' +
      'released without a report and the calling thread has its id; the event message is the id that it had. SIGKILL at that stop leads to EVENT_EXIT.',
    since: '3.1',
    play(s) {
      const e = playExec(s, PTRACE_O.TRACEEXEC);
      e.eventMessage();
      killInExit(e);
    },
    expect: `
      ${UP_TO_EXEC}
      E: wait = event EXEC
      E: event message = thread
      ${KILLED}
    `,
  }),

  scenario({
    id: 'PtraceExecveTest/NoTraceExec',
    title: 'Without TRACEEXEC the thread that executed a program stops by a SIGTRAP, on the id of the leader',
    source: [execOfThread, manual('ptrace(2)', 'execve(2) under ptrace')],
    tags: ['exec', 'threads', 'event-exit', 'sigkill'],
    rule:
      'The SIGTRAP is a real signal, sent by the kernel in the name of the tracee to a tracee that was not seized. Options live on through an execve: ' +
      'EVENT_EXIT comes still.',
    since: '3.1',
    play(s) {
      const e = playExec(s, 0);
      e.siginfo();
      killInExit(e);
    },
    expect: `
      ${UP_TO_EXEC}
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP SI_USER from E
      ${KILLED}
    `,
  }),

  scenario({
    id: 'ExitWhenParentIsNotTracer_Syscall_TraceVfork_TraceVforkDone',
    title:
      'A traced vfork child that ends is its tracer’s first: the parent’s wait4 sees the end when the tracer has consumed it',
    source: [
      gvisorTest('ExitWhenParentIsNotTracer_Syscall_TraceVfork_TraceVforkDone'),
      commit('45cb24a1da53', 'job control: Allow access to job control events through ptracees'),
      manual('ptrace(2)', 'PTRACE_O_TRACEVFORKDONE'),
    ],
    tags: ['vfork', 'syscall-stop', 'wait', 'real-parent', 'exit'],
    rule:
      'The parent stays in vfork until its child has let go of the memory, then reports VFORK_DONE with the child’s id, and the end of its call if it is ' +
      'resumed by SYSCALL. The zombie is reported to the tracer; only when that one has reaped it the real parent may.',
    since: '3.0',
    play(s) {
      const e = s.tracee(
        'E',
        (c) => {
          c.block('SIGCHLD').vfork((child) => child.exitGroup(99));
          c.wait4(-1, 0).exitGroup(0);
        },
        { by: 'traceme', options: PTRACE_O.TRACEVFORK | PTRACE_O.TRACEVFORKDONE | PTRACE_O.TRACESYSGOOD },
      );
      e.cont();
      e.wait();
      const child = e.newTask('child');
      child.wait();
      e.syscall();
      // The vfork is not to be interrupted: it shows as D.
      e.untilState('DS');
      e.look();
      child.cont();
      child.waitid(W.WEXITED | W.WNOWAIT);
      e.wait();
      e.eventMessage();
      e.syscall();
      e.wait();
      e.syscallInfo();
      e.syscall();
      e.wait();
      e.syscallInfo();
      e.syscall();
      e.poll();
      child.wait();
      e.wait();
      e.observe('its wait4', s.nameOf(Number(e.registers().result)));
      e.detach();
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = event VFORK
      E: event message = child
      child: wait = stopped by SIGSTOP
      E: SYSCALL = 0
      E: poll = nothing
      child: CONT = 0
      child: waitid = CLD_EXITED 0x63
      E: wait = event VFORK_DONE
      E: event message = child
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit child
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = entry wait4
      E: SYSCALL = 0
      E: poll = nothing
      child: wait = exited 99
      E: wait = syscall-stop
      E: its wait4 = child
      E: DETACH = 0
      E: wait = exited 0
    `,
  }),
];
