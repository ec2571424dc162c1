/** execve(2) under ptrace: one event, no lock held at it, and tracees that have got another id. */
import { readFileSync } from 'node:fs';
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE } from '../../../kernel/requests.js';
import { hollowProgram } from '../../parts/programs.js';
import { executable, scratchDirectory } from '../../parts/scratch.js';
import { commit, manual, scenario, type Scenario } from '../../scenario.js';

/** What is never run: the tracee is killed at the event. */
const ANY_PROGRAM = '/proc/self/exe';

export const kernelExec: readonly Scenario[] = [
  scenario({
    id: 'exec-single-event-with-binfmt-interp',
    title: 'An execve that goes through interpreters reports one PTRACE_EVENT_EXEC, or one SIGTRAP without the option',
    source: [
      commit('85f334666a77', 'tracehook: exec double-reporting fix'),
      manual('ptrace(2)', 'execve(2) under ptrace'),
    ],
    tags: ['exec', 'event-stop'],
    rule:
      'A file that begins with #! is loaded by way of its interpreter, and that again may be such a file: each step searches for a binary format anew. ' +
      'To the tracer it is one execve. Kernels before 2.6.28 reported it once a step, and a tracer that counts images was off by one.',
    play(s) {
      const hollow = hollowProgram(s);
      const directory = scratchDirectory(s);
      const inner = executable(directory, 'inner', `#!${hollow}\n`);
      const outer = executable(directory, 'outer', `#!${inner}\n`);
      const e = s.tracee('E', (c) => c.exec(outer).exitGroup(99), { options: PTRACE_O.TRACEEXEC });
      e.cont();
      e.wait();
      e.eventMessage();
      e.cont();
      e.wait();
      const f = s.tracee('F', (c) => c.exec(outer).exitGroup(99), { by: 'attach' });
      f.cont();
      f.wait();
      f.cont();
      f.wait();
    },
    // The program's first instruction faults: that is the fence behind the execve.
    expect: `
      E: CONT = 0
      E: wait = event EXEC
      E: event message = E
      E: CONT = 0
      E: wait = stopped by SIGSEGV
      F: CONT = 0
      F: wait = stopped by SIGTRAP
      F: CONT = 0
      F: wait = stopped by SIGSEGV
    `,
  }),

  scenario({
    id: 'exec-stop-does-not-hold-cred-mutex',
    title: 'At PTRACE_EVENT_EXEC no lock of the execve is held: /proc can be read and another ATTACH fails at once',
    source: [
      commit('a2a8474c3fff', 'exec: do not sleep in TASK_TRACED under ->cred_guard_mutex'),
      manual('ptrace(2)', 'execve(2) under ptrace'),
    ],
    tags: ['exec', 'attach', 'proc'],
    rule:
      'The event is reported when the new image is complete and its credentials are set, so the mutex that guards them is free again. While it was held ' +
      '(before 2.6.32) whoever attached or read the memory map of a tracee in this stop hung until its tracer restarted it, and a tracer that did so ' +
      'itself waited for ever.',
    play(s) {
      const e = s.tracee('E', (c) => c.exec(ANY_PROGRAM).exitGroup(99), { options: PTRACE_O.TRACEEXEC });
      const other = s.child('X', (c) =>
        c
          .waitUntil('target', '!=', 0)
          .syscall('ptrace', PTRACE.ATTACH, c.word('target'), 0, 0)
          .store('attach')
          .store('done', 1)
          .loop((again) => again.pause()),
      );
      e.cont();
      e.wait();
      s.observe('R: E has a memory map', readFileSync(`/proc/${e.tid}/maps`, 'utf8') !== '');
      other.setWord('target', BigInt(e.tid));
      other.untilSet('done');
      other.result('attach', 'ATTACH of E');
      e.state();
    },
    expect: `
      E: CONT = 0
      E: wait = event EXEC
      R: E has a memory map = true
      X: ATTACH of E = EPERM
      E: state = t (tracing stop)
    `,
  }),

  scenario({
    id: 'request-fails-after-unconsumed-exec',
    title: 'A tracee that took over the id of its leader by execve gives ESRCH until the event was waited for',
    source: [commit('dbb5afad100a', 'ptrace: make ptrace() fail if the tracee changed its pid unexpectedly')],
    tags: ['exec', 'threads', 'errors'],
    rule:
      'When a thread that is not the leader executes a program it becomes the leader, with the id of the old one. A tracer that has not yet taken the ' +
      'event thinks that id to be the old leader, in the old address space: its requests would hit the wrong task and, with a signal, restart it. So they ' +
      'fail until the event is consumed, and the event message names the former id. The id of the thread itself is gone at once.',
    since: '5.13',
    history: 'Up to 5.12 the requests succeeded, on the task that had taken the id.',
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c.thread((t) => t.waitUntil('go', '!=', 0).exec(ANY_PROGRAM).exitGroup(99)).loop((again) => again.pause()),
        { options: PTRACE_O.TRACEEXEC | PTRACE_O.TRACECLONE },
      );
      const t = s.unrecorded(() => {
        e.cont();
        e.wait();
        const thread = e.newTask('T');
        thread.wait();
        thread.cont();
        e.cont();
        e.untilAsleep();
        e.setWord('go', 1n);
        // Only the new owner of the id can stop: nobody has stopped the old one.
        e.untilState('t');
        return thread;
      });
      e.cont();
      s.observe(
        'E: GETREGSET',
        s.attempt(() => e.registers()),
      );
      e.setOptions(0);
      t.cont();
      e.wait();
      e.eventMessage();
      e.setOptions(0);
      t.look();
    },
    expect: `
      E: CONT = ESRCH
      E: GETREGSET = ESRCH
      E: SETOPTIONS = ESRCH
      T: CONT = ESRCH
      E: wait = event EXEC
      E: event message = T
      E: SETOPTIONS = 0
      T: poll = ECHILD
    `,
  }),
];
