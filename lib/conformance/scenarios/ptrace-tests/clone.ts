/** CLONE_PTRACE and the events of fork, vfork and clone. */
import { PTRACE_O } from '../../../kernel/options.js';
import { SIG } from '../../../kernel/signals.js';
import { W } from '../../../kernel/wait-flags.js';
import { CLONE } from '../../../raw/child.js';
import { syscall } from '../../../raw/index.js';
import { statusText } from '../../describe.js';
import { THREAD_FLAGS } from '../../parts/clone-flags.js';
import { storedStatus } from '../../parts/script-waits.js';
import { observeCall } from '../../parts/system-calls.js';
import { manual, scenario, suite, type Scenario } from '../../scenario.js';
import { others } from './rounds.js';

const events = manual('ptrace(2)', 'PTRACE_EVENT stops');

const THREADS = 32;

/** So many instructions a short script has at most. */
const MOST_STEPS = 20_000;

export const clone: readonly Scenario[] = [
  scenario({
    id: 'clone-ptrace',
    title: 'A child made with CLONE_PTRACE starts with a SIGSTOP, is found by a wait for any, and obeys requests',
    source: [suite('ptrace-tests', 'clone-ptrace'), manual('clone(2)', 'CLONE_PTRACE')],
    tags: ['clone', 'auto-attach', 'syscall-stop'],
    rule:
      'The call has its entry and exit as any other, there is no event between them without an option. The child is a tracee of the same tracer in its own ' +
      'right; it does not take over that its parent was restarted with SYSCALL.',
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .clone(CLONE.PTRACE | SIG.SIGCHLD, (k) => k.syscall('getpid').loop((again) => again.pause()))
            .store('child')
            .loop((again) => again.pause()),
        { by: 'traceme' },
      );
      e.syscall();
      e.wait();
      observeCall(e);
      e.syscall();
      e.wait();
      observeCall(e);
      const k = s.adopt('K', Number(e.registers().result));
      s.waitAny();
      k.tracer();
      k.syscall();
      k.wait();
      observeCall(k);
      k.syscall();
      k.wait();
      observeCall(k);
    },
    expect: `
      E: SYSCALL = 0
      E: wait = stopped by SIGTRAP
      E: call = clone
      E: SYSCALL = 0
      E: wait = stopped by SIGTRAP
      E: call = clone
      R: wait for any = K stopped by SIGSTOP
      K: tracer = R
      K: SYSCALL = 0
      K: wait = stopped by SIGTRAP
      K: call = getpid
      K: SYSCALL = 0
      K: wait = stopped by SIGTRAP
      K: call = getpid
    `,
  }),

  scenario({
    id: 'clone-multi-ptrace',
    title: 'Each of many threads made with CLONE_PTRACE reports its SIGSTOP and its system calls, and none is lost',
    source: [suite('ptrace-tests', 'clone-multi-ptrace'), manual('clone(2)', 'CLONE_PTRACE')],
    tags: ['clone', 'threads', 'auto-attach', 'race'],
    rule:
      'A thread that a wait has reported as stopped takes requests, however many others come into being meanwhile. Kernels have given ESRCH there, and ' +
      'threads have run on unseen.',
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .loop((again) => again.clone(THREAD_FLAGS | CLONE.PTRACE, (t) => t.syscall('getpid').exit(3)), THREADS)
            .loop((again) => again.pause()),
        { by: 'traceme' },
      );
      e.cont();
      const first = new Map<number, string>();
      const second = new Map<number, string>();
      const failed: string[] = [];
      while (second.size < THREADS) {
        const progress = `more than ${first.size} threads begin, more than ${second.size} make a call`;
        const { tid, status } = s.require(s.await(-1, W.__WALL), progress);
        if (!first.has(tid)) {
          first.set(tid, statusText(status));
          failed.push(
            s.attempt(() => {
              syscall(tid);
            }),
          );
        } else second.set(tid, statusText(status));
      }
      s.observe('threads', first.size);
      s.observe('first stop, other than by SIGSTOP', others(first.values(), 'stopped by SIGSTOP'));
      s.observe('SYSCALL, other than 0', others(failed, '0'));
      s.observe('next stop, other than by SIGTRAP', others(second.values(), 'stopped by SIGTRAP'));
      e.poll();
    },
    expect: `
      E: CONT = 0
      threads = ${THREADS}
      first stop, other than by SIGSTOP = none
      SYSCALL, other than 0 = none
      next stop, other than by SIGTRAP = none
      E: poll = nothing
    `,
  }),

  scenario({
    id: 'ptrace_event_clone',
    title:
      'With TRACECLONE and CLONE_PTRACE at once the clone event comes before the exit of the call, and the thread once',
    source: [suite('ptrace-tests', 'ptrace_event_clone'), events],
    tags: ['clone', 'threads', 'event-stop', 'syscall-stop', 'auto-attach'],
    rule:
      'The event is reported from within the call, so it comes between entry and exit; the flag of the tracee adds nothing to the option of the tracer. ' +
      'A kernel that went by the flag alone left the event out.',
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c.clone(THREAD_FLAGS | CLONE.PTRACE, (t) => t.loop((again) => again.pause())).loop((again) => again.pause()),
        { by: 'traceme', options: PTRACE_O.TRACESYSGOOD | PTRACE_O.TRACECLONE },
      );
      e.syscall();
      e.wait();
      observeCall(e);
      e.syscall();
      e.wait();
      const t = e.newTask('T');
      t.wait();
      t.siginfo();
      t.poll();
      e.syscall();
      e.wait();
      observeCall(e);
    },
    expect: `
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: call = clone
      E: SYSCALL = 0
      E: wait = event CLONE
      E: event message = T
      T: wait = stopped by SIGSTOP
      T: siginfo = SIGSTOP SI_USER from the kernel
      T: poll = nothing
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: call = clone
    `,
  }),

  scenario({
    id: 'o_tracevfork',
    title: 'A vfork event is reported while the child has not run yet, and the child is a tracee in a stop',
    source: [suite('ptrace-tests', 'o_tracevfork'), events],
    tags: ['vfork', 'event-stop', 'auto-attach'],
    rule:
      'TRACEFORK, TRACEVFORK and TRACECLONE each have their event; a vfork has that of TRACEVFORK when all are set. It comes before the parent begins to wait ' +
      'for the child, so a tracer can follow the child from its first instruction.',
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .block('SIGCHLD')
            .vfork((v) => v.store('ran', 1).exitGroup(3))
            .exitGroup(4),
        { by: 'traceme', options: PTRACE_O.TRACEFORK | PTRACE_O.TRACEVFORK | PTRACE_O.TRACECLONE },
      );
      e.cont();
      e.wait();
      const v = e.newTask('V');
      v.wait();
      v.observe('ran', e.word('ran'));
      e.cont();
      v.cont();
      v.wait();
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = event VFORK
      E: event message = V
      V: wait = stopped by SIGSTOP
      V: ran = 0
      E: CONT = 0
      V: CONT = 0
      V: wait = exited 3
      E: wait = exited 4
    `,
  }),

  scenario({
    id: 'o_tracevfork-parent',
    title:
      'With TRACEVFORK and TRACEVFORKDONE the parent reports the vfork at once, and its end when the child lets it go',
    source: [suite('ptrace-tests', 'o_tracevfork-parent'), events],
    tags: ['vfork', 'event-stop'],
    rule:
      'Two events frame the time in which the parent lends its memory to the child. A wait for the parent finds the first of them whatever the child does; ' +
      'once the child has executed or ended, the second one comes, with the same message.',
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .block('SIGCHLD')
            .vfork((v) => v.exitGroup(3))
            .exitGroup(4),
        {
          by: 'traceme',
          options: PTRACE_O.TRACEVFORK | PTRACE_O.TRACEVFORKDONE,
        },
      );
      e.cont();
      e.wait();
      const v = e.newTask('V');
      e.cont();
      v.wait();
      e.look();
      v.cont();
      v.wait();
      e.wait();
      e.eventMessage();
      e.cont();
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = event VFORK
      E: event message = V
      E: CONT = 0
      V: wait = stopped by SIGSTOP
      E: poll = nothing
      V: CONT = 0
      V: wait = exited 3
      E: wait = event VFORK_DONE
      E: event message = V
      E: CONT = 0
      E: wait = exited 4
    `,
  }),

  scenario({
    id: 'o_tracevforkdone',
    title: 'TRACEVFORKDONE alone reports the end of a vfork, with CONT and with SYSCALL, and leaves the child untraced',
    source: [suite('ptrace-tests', 'o_tracevforkdone'), events],
    tags: ['vfork', 'event-stop', 'syscall-stop'],
    rule:
      'It is an option of its own, and does not need TRACEVFORK. The signal of the child that has ended waits until the event is over; with SYSCALL the event ' +
      'stands between the entry and the exit of the call.',
    play(s) {
      for (const request of ['cont', 'syscall'] as const) {
        const e = s.tracee(
          'E',
          (c) =>
            c
              .vfork((v) => v.syscall('getpid').store('V').waitUntil('go', '!=', 0).exitGroup(3))
              .wait4()
              .exitGroup(42),
          { by: 'traceme', options: PTRACE_O.TRACEVFORKDONE | PTRACE_O.TRACESYSGOOD },
        );
        s.unrecorded(() => {
          e[request]();
          // With SYSCALL that is the entry of the vfork.
          if (request === 'syscall') {
            e.wait();
            e[request]();
          }
        });
        const v = s.adopt('V', Number(e.untilSet('V')));
        v.tracer();
        e.look();
        e.setWord('go', 1n);
        e.wait();
        e.eventMessage();
        let calls = 0;
        /** Restarts it until a stop that is not of a system call. */
        const goOn = (): string => {
          for (;;) {
            e.mustSucceed(e[request](), request);
            const status = e.wait();
            if (status?.kind !== 'syscall-stop') return statusText(status);
            calls++;
          }
        };
        for (let i = 0; i < 2; i++) e.observe('goes on to', s.unrecorded(goOn));
        e.observe('syscall-stops on the way', calls > 0);
      }
    },
    expect: `
      V: tracer = nobody
      E: poll = nothing
      E: wait = event VFORK_DONE
      E: event message = V
      E: goes on to = stopped by SIGCHLD
      E: goes on to = exited 42
      E: syscall-stops on the way = false
      # The same by SYSCALL.
      V: tracer = nobody
      E: poll = nothing
      E: wait = event VFORK_DONE
      E: event message = V
      E: goes on to = stopped by SIGCHLD
      E: goes on to = exited 42
      E: syscall-stops on the way = true
    `,
  }),

  scenario({
    id: 'step-fork',
    title: 'A child that nobody traces does not inherit that its parent is stepped through the fork',
    source: [suite('ptrace-tests', 'step-fork'), manual('ptrace(2)', 'PTRACE_SINGLESTEP')],
    tags: ['step', 'fork'],
    rule:
      'Stepping is a state of the registers on most machines, and a fork copies the registers. The kernel has to take it out of the copy: else the child traps ' +
      'after its first instruction, and a SIGTRAP without a tracer kills it.',
    needs: ['step.single'],
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .block('SIGCHLD')
            .fork((k) => k.syscall('read', -1, 0, 0).exitGroup(22))
            .store('child')
            .wait4()
            .store('status', c.status)
            .store('over', 1)
            .loop((again) => again.pause()),
        { by: 'traceme' },
      );
      const stops: string[] = [];
      s.unrecorded(() => {
        for (let steps = 0; steps < MOST_STEPS && e.word('child') === 0n; steps++) {
          e.step();
          stops.push(statusText(e.wait()));
        }
      });
      e.observe('steps that ended otherwise than by SIGTRAP', others(stops, 'stopped by SIGTRAP'));
      e.cont();
      e.untilSet('over');
      e.observe('its child', storedStatus(e, 'status'));
    },
    expect: `
      E: steps that ended otherwise than by SIGTRAP = none
      E: CONT = 0
      E: its child = exited 22
    `,
  }),
];
