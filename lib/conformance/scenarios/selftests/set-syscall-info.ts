/** PTRACE_SET_SYSCALL_INFO: a system call changed at its entry, its result changed at its exit. */
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE } from '../../../kernel/requests.js';
import { encodeSyscallInfo, type SyscallArgs, type SyscallInfo } from '../../../kernel/syscall-info.js';
import { getSyscallInfo } from '../../../raw/index.js';
import type { Actor } from '../../actor.js';
import { seccompFilter, VERDICT } from '../../parts/seccomp-filter.js';
import { commit, scenario, suite, type Scenario } from '../../scenario.js';
import { infoBytes, keepOutcome, observeOutcome, traceeAt } from './calls.js';

const implement = commit('26bb32768fe6', 'ptrace: introduce PTRACE_SET_SYSCALL_INFO request');
const selftest = suite('selftests', 'ptrace/set_syscall_info.c');

const DUMMIES = [0x1111111122222222n, 0x33333333n, 0x44444444n, 0x55555555n, 0x66666666n, 0x77777777n] as const;

/** Reads, changes, writes, and reads again what was written. */
function change(e: Actor, altered: (info: SyscallInfo) => SyscallInfo): void {
  e.syscallInfo();
  const wanted = encodeSyscallInfo(altered(getSyscallInfo(e.tid)));
  const result = e.request('SET_SYSCALL_INFO', PTRACE.SET_SYSCALL_INFO, wanted.length, wanted);
  if (result !== '0') return;
  e.syscallInfo();
  e.observe('read back', Buffer.compare(infoBytes(e), wanted) === 0 ? 'as written' : 'otherwise');
}

interface Call {
  readonly name?: string;
  readonly number?: number;
  readonly args?: SyscallArgs;
}

/** At the entry: another call. What is not given stays. */
function changeCall(e: Actor, { name, number, args }: Call): void {
  change(e, (info) => {
    if (info.op !== 'entry' && info.op !== 'seccomp') return info;
    const nr = name === undefined ? (number ?? info.nr) : e.syscallNumber(name);
    return { ...info, nr, args: args ?? info.args };
  });
}

/** At the exit: another result. */
function changeResult(e: Actor, rval: bigint, isError = false): void {
  change(e, (info) => (info.op === 'exit' ? { ...info, rval, isError } : info));
}

function toExit(e: Actor): void {
  e.syscall();
  e.wait();
}

/** Lets it go on with what it has got, and tells what that is. */
function goOn(e: Actor): void {
  e.cont();
  observeOutcome(e);
}

const EISDIR = -21n;

const whole =
  'A tracer changes the call by the same structure that GET_SYSCALL_INFO fills: the same code for every architecture, and what is read afterwards is ' +
  'what was written.';

export const setSyscallInfo: readonly Scenario[] = [
  scenario({
    id: 'ssi-nr-changed',
    title: 'SET_SYSCALL_INFO at the entry makes the tracee do another system call',
    source: [selftest, implement],
    tags: ['syscall-info', 'syscall-stop'],
    rule: whole,
    since: '6.16',
    play(s) {
      const e = traceeAt(s, 'gettid', (c) => keepOutcome(c.syscall('gettid', ...DUMMIES)));
      changeCall(e, { name: 'getppid' });
      toExit(e);
      e.syscallInfo();
      goOn(e);
    },
    expect: `
      E: syscall info = entry gettid
      E: SET_SYSCALL_INFO = 0
      E: syscall info = entry getppid
      E: read back = as written
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit R
      E: CONT = 0
      E: outcome = R
    `,
  }),

  scenario({
    id: 'ssi-nr-cancelled',
    title: 'A number of -1 at the entry cancels the call: ENOSYS, and the exit is reported all the same',
    source: [selftest, implement],
    tags: ['syscall-info', 'syscall-stop'],
    rule:
      'With the number -1 the arguments are not written: where result and first argument share a register that would spoil the result, which is set to ' +
      'ENOSYS at once.',
    since: '6.16',
    play(s) {
      const e = traceeAt(s, 'chdir', (c) => keepOutcome(c.syscall('chdir', '.')));
      changeCall(e, { number: -1 });
      toExit(e);
      changeResult(e, -38n, true);
      goOn(e);
    },
    expect: `
      E: syscall info = entry chdir
      E: SET_SYSCALL_INFO = 0
      E: syscall info = entry -1
      E: read back = as written
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit ENOSYS
      E: SET_SYSCALL_INFO = 0
      E: syscall info = exit ENOSYS
      E: read back = as written
      E: CONT = 0
      E: outcome = ENOSYS
    `,
  }),

  scenario({
    id: 'ssi-result-changed',
    title: 'SET_SYSCALL_INFO at the exit changes the result that the tracee gets',
    source: [selftest, implement],
    tags: ['syscall-info', 'syscall-stop'],
    rule: 'The call was made; only what its caller sees of it is another value.',
    since: '6.16',
    play(s) {
      const e = traceeAt(s, 'getppid', (c) => keepOutcome(c.syscall('getppid', ...DUMMIES)));
      toExit(e);
      changeResult(e, 0x1234567890n);
      goOn(e);
    },
    expect: `
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit R
      E: SET_SYSCALL_INFO = 0
      E: syscall info = exit 78187493520
      E: read back = as written
      E: CONT = 0
      E: outcome = 78187493520
    `,
  }),

  scenario({
    id: 'ssi-args-changed',
    title: 'SET_SYSCALL_INFO at the entry changes an argument and leaves the number',
    source: [selftest, implement],
    tags: ['syscall-info', 'syscall-stop'],
    rule: 'An argument is all that differs between a call that fails and one that does not: the path "" gives ENOENT, "." does not.',
    since: '6.16',
    play(s) {
      const e = traceeAt(s, 'chdir', (c) =>
        keepOutcome(c.buffer('here', '.\0').buffer('nothing', '\0').syscall('chdir', c.address('nothing'))),
      );
      changeCall(e, { args: [e.address('here'), 0n, 0n, 0n, 0n, 0n] });
      toExit(e);
      e.syscallInfo();
      goOn(e);
    },
    expect: `
      E: syscall info = entry chdir
      E: SET_SYSCALL_INFO = 0
      E: syscall info = entry chdir
      E: read back = as written
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit 0
      E: CONT = 0
      E: outcome = 0
    `,
  }),

  scenario({
    id: 'ssi-cancelled-and-answered',
    title: 'A call that was cancelled at the entry gets its result from the tracer at the exit',
    source: [selftest, implement],
    tags: ['syscall-info', 'syscall-stop'],
    rule: 'So a tracer does a system call in the place of the kernel: -1 at the entry, an answer of its own at the exit.',
    since: '6.16',
    play(s) {
      const e = traceeAt(s, 'gettid', (c) => keepOutcome(c.syscall('gettid', ...DUMMIES)));
      changeCall(e, { number: -1 });
      toExit(e);
      changeResult(e, BigInt(e.tid));
      goOn(e);
    },
    expect: `
      E: syscall info = entry gettid
      E: SET_SYSCALL_INFO = 0
      E: syscall info = entry -1
      E: read back = as written
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit ENOSYS
      E: SET_SYSCALL_INFO = 0
      E: syscall info = exit E
      E: read back = as written
      E: CONT = 0
      E: outcome = E
    `,
  }),

  scenario({
    id: 'ssi-success-to-error',
    title: 'SET_SYSCALL_INFO at the exit makes an error of a success',
    source: [selftest, implement],
    tags: ['syscall-info', 'syscall-stop'],
    rule: 'With is_error the result is a negative error number, and the tracee sees a failed call.',
    since: '6.16',
    play(s) {
      const e = traceeAt(s, 'chdir', (c) => keepOutcome(c.syscall('chdir', ...DUMMIES)));
      changeCall(e, { name: 'getppid' });
      toExit(e);
      changeResult(e, EISDIR, true);
      goOn(e);
    },
    expect: `
      E: syscall info = entry chdir
      E: SET_SYSCALL_INFO = 0
      E: syscall info = entry getppid
      E: read back = as written
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit R
      E: SET_SYSCALL_INFO = 0
      E: syscall info = exit EISDIR
      E: read back = as written
      E: CONT = 0
      E: outcome = EISDIR
    `,
  }),

  scenario({
    id: 'ssi-all-args',
    title: 'SET_SYSCALL_INFO writes all six arguments: gettid becomes a splice that moves 48 bytes',
    source: [selftest, implement],
    tags: ['syscall-info', 'syscall-stop'],
    rule:
      'A splice from a file at an offset into a pipe needs every one of its six arguments, the last as zero: any that did not arrive would change the ' +
      'result, the offset that it leaves or the number of bytes.',
    since: '6.16',
    play(s) {
      const e = traceeAt(s, 'gettid', (c) =>
        keepOutcome(
          c
            .buffer('name', 'file\0')
            .buffer('content', 100)
            .syscall('memfd_create', c.address('name'), 0)
            .store('file')
            .syscall('pwrite64', c.word('file'), c.address('content'), 100, 0)
            .store('offset', 10)
            .pipe('pipe')
            .store('pipe out', c.pipeEnd('pipe', 'write'))
            .syscall('gettid', ...DUMMIES),
        ),
      );
      const args = [e.word('file'), e.address('offset'), e.word('pipe out'), 0n, 48n, 0n] as const;
      changeCall(e, { name: 'splice', args });
      toExit(e);
      changeResult(e, 49n);
      goOn(e);
      e.observe('offset', e.word('offset'));
    },
    expect: `
      E: syscall info = entry gettid
      E: SET_SYSCALL_INFO = 0
      E: syscall info = entry splice
      E: read back = as written
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit 48
      E: SET_SYSCALL_INFO = 0
      E: syscall info = exit 49
      E: read back = as written
      E: CONT = 0
      E: outcome = 49
      E: offset = 58
    `,
  }),

  scenario({
    id: 'ssi-exit-group',
    title: 'SET_SYSCALL_INFO changes the code that a process exits with',
    source: [selftest, implement],
    tags: ['syscall-info', 'syscall-stop', 'exit'],
    rule: 'There is no exit-stop of a call that does not return: the next report is the end, with the code that the tracer wrote.',
    since: '6.16',
    play(s) {
      const e = traceeAt(s, 'exit_group', (c) => c.exitGroup(0x33));
      changeCall(e, { args: [0n, 0n, 0n, 0n, 0n, 0n] });
      e.syscall();
      e.wait();
    },
    expect: `
      E: syscall info = entry exit_group
      E: SET_SYSCALL_INFO = 0
      E: syscall info = entry exit_group
      E: read back = as written
      E: SYSCALL = 0
      E: wait = exited 0
    `,
  }),

  scenario({
    id: 'ssi-at-seccomp-stop',
    title: 'SET_SYSCALL_INFO at PTRACE_EVENT_SECCOMP changes the call with op SECCOMP, and refuses op ENTRY',
    source: [implement],
    tags: ['syscall-info', 'seccomp', 'errors'],
    rule:
      'The op says what the tracer takes the stop for. It must be that of the stop; the data of the filter in the structure is not looked at, it cannot ' +
      'be changed.',
    since: '6.16',
    needs: ['seccomp-filters'],
    play(s) {
      const e = s.tracee(
        'E',
        (c) => keepOutcome(c.seccompFilter(seccompFilter([['gettid', VERDICT.trace(7)]])).syscall('gettid')),
        { options: PTRACE_O.TRACESECCOMP },
      );
      e.cont();
      e.wait();
      const asEntry = infoBytes(e);
      asEntry[0] = 1;
      e.request('SET_SYSCALL_INFO as an entry', PTRACE.SET_SYSCALL_INFO, asEntry.length, asEntry);
      changeCall(e, { name: 'getppid' });
      goOn(e);
    },
    expect: `
      E: CONT = 0
      E: wait = event SECCOMP
      E: SET_SYSCALL_INFO as an entry = EINVAL
      E: syscall info = seccomp gettid data 0x7
      E: SET_SYSCALL_INFO = 0
      E: syscall info = seccomp getppid data 0x7
      E: read back = as written
      E: CONT = 0
      E: outcome = R
    `,
  }),
];
