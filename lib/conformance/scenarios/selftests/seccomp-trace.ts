/** What a tracer can do at the stop of a seccomp filter, and at that of the system call itself. */
import { PTRACE_O } from '../../../kernel/options.js';
import type { ChildScript } from '../../../raw/child.js';
import type { Actor } from '../../actor.js';
import { callBytes } from '../../parts/instructions.js';
import { observeCall, throughCall } from '../../parts/system-calls.js';
import { seccompFilter, VERDICT, type Rule } from '../../parts/seccomp-filter.js';
import { commit, manual, scenario, suite, type Scenario } from '../../scenario.js';
import type { Stage } from '../../stage.js';
import { answerInstead, keepOutcome, observeOutcome, traceeAt, traceeBefore } from './calls.js';

const implement = commit('fb0fadf9b213', 'ptrace,seccomp: Add PTRACE_SECCOMP support');
const recheck = commit('ce6526e8afa4', 'seccomp: recheck the syscall after RET_TRACE');
const order = commit('93e35efb8de4', 'x86/ptrace: run seccomp after ptrace');
const selftest = (test: string) => suite('selftests', `seccomp/seccomp_bpf.c ${test}`);
const newPage = manual('ptrace(2)', 'PTRACE_EVENT_SECCOMP stops (since Linux 4.8)');

/** What is played once the filter is there. */
type Play = (c: ChildScript) => ChildScript;

const ESRCH = 3;
const REDIRECTED = VERDICT.errno(1);

/** E, at the stop of a filter that wants this call traced. */
function atEvent(s: Stage, call: string, part: Play, rules: readonly Rule[] = []): Actor {
  const filter = seccompFilter([[call, VERDICT.trace(0x1001)], ...rules]);
  const e = s.tracee('E', (c) => keepOutcome(part(c.seccompFilter(filter))), { options: PTRACE_O.TRACESECCOMP });
  e.cont();
  e.wait();
  observeCall(e);
  return e;
}

/** F, at the entry of the call. */
function atEntry(s: Stage, call: string, part: Play, rules?: readonly Rule[]): Actor {
  const f = traceeAt(
    s,
    call,
    (c) => keepOutcome(part(rules === undefined ? c : c.seccompFilter(seccompFilter(rules)))),
    { name: 'F' },
  );
  observeCall(f);
  return f;
}

/** The same at both kinds of stop; and what becomes of it. */
function atBoth(s: Stage, call: string, part: Play, change: (actor: Actor) => void): void {
  for (const actor of [atEvent(s, call, part), atEntry(s, call, part)]) {
    change(actor);
    actor.cont();
    observeOutcome(actor);
  }
}

const both = (call: string, outcomes: readonly [e: string, f: string]): string => `
  E: CONT = 0
  E: wait = event SECCOMP
  E: call = ${call}
  F: call = ${call}
  E: CONT = 0
  E: outcome = ${outcomes[0]}
  F: CONT = 0
  F: outcome = ${outcomes[1]}
`;

const callGetpid: Play = (c) => c.syscall('getpid');

export const seccompTrace: readonly Scenario[] = [
  scenario({
    id: 'TRACE_poke.read_has_side_effects',
    title:
      'At PTRACE_EVENT_SECCOMP a tracer changes the memory of the tracee; calls that the filter allows have no stop',
    source: [selftest('TRACE_poke.read_has_side_effects'), implement],
    also: ['TRACE_poke.getpid_runs_normally'],
    tags: ['seccomp', 'memory'],
    rule:
      'RET_TRACE stops the tracee before the call, with the low 16 bits of the verdict as the message: the filter picks the calls, in the kernel, and only ' +
      'those cost a stop.',
    since: '3.5',
    needs: ['seccomp-filters'],
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          keepOutcome(
            c
              .seccompFilter(seccompFilter([['read', VERDICT.trace(0x1001)]]))
              .store('poked', 0)
              .syscall('getpid')
              .store('id')
              .syscall('read', -1, 0, 0),
          ),
        { options: PTRACE_O.TRACESECCOMP },
      );
      e.cont();
      e.wait();
      observeCall(e);
      const message = e.eventMessage();
      const before = e.peek(e.address('poked'));
      e.poke(e.address('poked'), (before ?? 0n) + (message ?? 0n));
      e.cont();
      observeOutcome(e);
      e.observe('poked', `0x${e.word('poked').toString(16)}`);
      e.observe('its id', e.word('id') === BigInt(e.tid) ? 'right' : 'wrong');
    },
    expect: `
      E: CONT = 0
      E: wait = event SECCOMP
      E: call = read
      E: event message = 0x1001
      E: PEEKDATA = 0x0
      E: POKEDATA = 0
      E: CONT = 0
      E: outcome = EBADF
      E: poked = 0x1001
      E: its id = right
    `,
  }),

  scenario({
    id: 'TRACE_syscall.negative_ENOSYS',
    title: 'A tracee that calls number -1 itself gets ENOSYS, and has both syscall-stops',
    source: [selftest('TRACE_syscall.negative_ENOSYS')],
    tags: ['syscall-stop', 'seccomp'],
    rule:
      'The number -1 is the one by which a tracer cancels a call, keeping the result that it has put there. From the tracee it is a wrong number as any ' +
      'other: without a change by the tracer the result is ENOSYS, not what happened to be in the register.',
    play(s) {
      const e = traceeAt(s, 'getpid', (c) => keepOutcome(c.syscall('getpid')));
      s.unrecorded(() => {
        e.syscall();
        e.wait();
        // Back to the instruction, with another number where it takes it from.
        e.changeRegisters((registers) => {
          registers.pc -= callBytes(e);
          registers.syscallNumber = -1;
          registers.result = -1;
        });
      });
      e.syscall();
      e.wait();
      e.observe('number', e.registers().syscallNumber);
      e.syscall();
      e.wait();
      e.observe('number', e.registers().syscallNumber);
      e.cont();
      observeOutcome(e);
    },
    expect: `
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: number = -1
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: number = -1
      E: CONT = 0
      E: outcome = ENOSYS
    `,
  }),

  scenario({
    id: 'TRACE_syscall.syscall_allowed',
    title: 'A call that the tracer leaves alone is made as it is, after a filter’s stop as after a syscall-enter-stop',
    source: [selftest('TRACE_syscall.syscall_allowed'), implement],
    tags: ['seccomp', 'syscall-stop'],
    rule: 'The stop alone changes nothing: the tracer decides by what it writes, not by how it resumes.',
    since: '3.5',
    needs: ['seccomp-filters'],
    play(s) {
      atBoth(s, 'getpid', callGetpid, () => undefined);
    },
    expect: both('getpid', ['E', 'F']),
  }),

  scenario({
    id: 'TRACE_syscall.syscall_redirected',
    title: 'A tracer that changes the number makes the tracee do another call',
    source: [selftest('TRACE_syscall.syscall_redirected'), implement],
    tags: ['seccomp', 'syscall-stop'],
    rule: 'At both stops the number is read again when the tracee is resumed.',
    since: '3.5',
    needs: ['seccomp-filters'],
    play(s) {
      atBoth(s, 'getpid', callGetpid, (actor) => {
        actor.setSyscallNumber(actor.syscallNumber('getppid'));
      });
    },
    expect: both('getpid', ['R', 'R']),
  }),

  scenario({
    id: 'TRACE_syscall.syscall_errno',
    title: 'With the number -1 the call is left out, and the error that the tracer has put there is its result',
    source: [selftest('TRACE_syscall.syscall_errno'), implement, newPage],
    tags: ['seccomp', 'syscall-stop'],
    rule: 'So a tracer refuses a call with whatever error it likes.',
    since: '3.5',
    needs: ['seccomp-filters'],
    play(s) {
      const open: Play = (c) => c.syscall('openat', -100, '/dev/null', 0);
      atBoth(s, 'openat', open, (actor) => {
        answerInstead(actor, -ESRCH);
      });
    },
    expect: both('openat', ['ESRCH', 'ESRCH']),
  }),

  scenario({
    id: 'TRACE_syscall.syscall_faked',
    title: 'With the number -1 the call is left out, and the value that the tracer has put there is its result',
    source: [selftest('TRACE_syscall.syscall_faked'), implement, newPage],
    tags: ['seccomp', 'syscall-stop'],
    rule: 'So a tracer does a call in the place of the kernel.',
    since: '3.5',
    needs: ['seccomp-filters'],
    play(s) {
      const gettid: Play = (c) => c.syscall('gettid');
      atBoth(s, 'gettid', gettid, (actor) => {
        answerInstead(actor, 45000);
      });
    },
    expect: both('gettid', ['45000', '45000']),
  }),

  scenario({
    id: 'TRACE_syscall.skip_after',
    title: 'The call that a tracer has put in the place of another is judged by the filters itself',
    source: [selftest('TRACE_syscall.skip_after'), recheck, order],
    tags: ['seccomp', 'syscall-stop'],
    rule:
      'Filters run after the syscall-enter-stop, and again after a stop of their own. Before, a tracee whose filter lets its tracer in could have it do what ' +
      'the filter denies: ptrace was a way out of seccomp.',
    since: '3.5',
    needs: ['seccomp-filters'],
    play(s) {
      const rules: readonly Rule[] = [['getppid', REDIRECTED]];
      for (const actor of [atEvent(s, 'getpid', callGetpid, rules), atEntry(s, 'getpid', callGetpid, rules)]) {
        actor.setSyscallNumber(actor.syscallNumber('getppid'));
        actor.cont();
        observeOutcome(actor);
      }
    },
    expect: [
      { since: '4.8', because: 'filters judge the call that is made', transcript: both('getpid', ['EPERM', 'EPERM']) },
      {
        before: '4.8',
        because: 'filters had judged before the tracer changed it',
        transcript: both('getpid', ['R', 'R']),
      },
    ],
  }),

  scenario({
    id: 'TRACE_syscall.kill_after',
    title:
      'A tracee that its tracer redirects to a call that is killed for dies of SIGSYS, and no stop tells of the signal',
    source: [selftest('TRACE_syscall.kill_after'), recheck, order],
    tags: ['seccomp', 'syscall-stop', 'death'],
    rule: 'RET_KILL ends the task as by an uncaught SIGSYS. It is no signal that a tracer could suppress.',
    since: '4.8',
    needs: ['seccomp-filters'],
    play(s) {
      const rules: readonly Rule[] = [['getppid', VERDICT.KILL_THREAD]];
      for (const actor of [atEvent(s, 'getpid', callGetpid, rules), atEntry(s, 'getpid', callGetpid, rules)]) {
        actor.setSyscallNumber(actor.syscallNumber('getppid'));
        actor.cont();
        actor.wait();
      }
    },
    expect: `
      E: CONT = 0
      E: wait = event SECCOMP
      E: call = getpid
      F: call = getpid
      E: CONT = 0
      E: wait = killed by SIGSYS
      F: CONT = 0
      F: wait = killed by SIGSYS
    `,
  }),

  scenario({
    id: 'TRACE_syscall.kill_immediate',
    title: 'A call that the filter kills for has its syscall-enter-stop first, and no other report but the death',
    source: [selftest('TRACE_syscall.kill_immediate'), order, newPage],
    tags: ['seccomp', 'syscall-stop', 'death'],
    rule:
      'Filters run after the syscall-enter-stop since Linux 4.8, so a tracer can still see which call it was, and save the tracee by changing it. Before, the ' +
      'tracee was dead before any stop.',
    since: '3.5',
    needs: ['seccomp-filters'],
    play(s) {
      const filter = seccompFilter([['getppid', VERDICT.KILL_THREAD]]);
      const part = (c: ChildScript) => keepOutcome(c.seccompFilter(filter).syscall('geteuid').syscall('getppid'));
      const e = s.tracee('E', part, { options: PTRACE_O.TRACESECCOMP });
      e.cont();
      e.wait();
      const f = traceeBefore(s, part, { name: 'F' });
      throughCall(f, 'geteuid');
      f.syscall();
      if (f.wait()?.kind !== 'syscall-stop') return;
      observeCall(f);
      f.cont();
      f.wait();
    },
    expect: [
      {
        since: '4.8',
        because: 'filters run after the syscall-enter-stop',
        transcript: `
          E: CONT = 0
          E: wait = killed by SIGSYS
          F: SYSCALL = 0
          F: wait = syscall-stop
          F: call = getppid
          F: CONT = 0
          F: wait = killed by SIGSYS
        `,
      },
      {
        before: '4.8',
        because: 'filters ran before the syscall-enter-stop',
        transcript: `
          E: CONT = 0
          E: wait = killed by SIGSYS
          F: SYSCALL = 0
          F: wait = killed by SIGSYS
        `,
      },
    ],
  }),
];
