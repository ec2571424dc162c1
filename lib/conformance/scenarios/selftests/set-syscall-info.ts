/** PTRACE_SET_SYSCALL_INFO: a system call changed at its entry, its result changed at its exit. */
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE, STRUCT_SIZE } from '../../../kernel/requests.js';
import { encodeSyscallInfo, type SyscallArgs, type SyscallInfo } from '../../../kernel/syscall-info.js';
import { getSyscallInfo, getSyscallInfoInto } from '../../../raw/index.js';
import type { Actor } from '../../actor.js';
import { commit, scenario, suite, type Scenario } from '../../scenario.js';
import { seccompFilter, VERDICT } from '../seccomp-filter.js';
import { keepOutcome, observeOutcome, traceeAt } from './calls.js';

const implement = commit('26bb32768fe6', 'ptrace: introduce PTRACE_SET_SYSCALL_INFO request');
const selftest = suite('selftests', 'ptrace/set_syscall_info.c');

const DUMMIES = [0x1111111122222222n, 0x33333333n, 0x44444444n, 0x55555555n, 0x66666666n, 0x77777777n] as const;

/** What GET_SYSCALL_INFO gives, all 88 bytes. */
function infoBytes(e: Actor): Uint8Array {
  const bytes = new Uint8Array(STRUCT_SIZE.SYSCALL_INFO);
  getSyscallInfoInto(e.tid, bytes);
  return bytes;
}

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

  scenario({
    id: 'ssi-errors',
    title: 'SET_SYSCALL_INFO refuses another size, op or reserved field than those of the stop, and changes nothing',
    source: [implement],
    tags: ['syscall-info', 'syscall-stop', 'errors'],
    rule:
      'The structure must be whole, the reserved fields zero so that they can get a meaning, and the op that of the stop. A larger structure is taken, ' +
      'only its known part is read. At a stop without a system call there is nothing to set.',
    since: '6.16',
    play(s) {
      const e = traceeAt(s, 'gettid', (c) => keepOutcome(c.syscall('gettid', ...DUMMIES)));
      const right = infoBytes(e);
      new DataView(right.buffer).setBigUint64(24, BigInt(e.syscallNumber('getppid')), true);
      const set = (what: string, bytes: Uint8Array | null, size: number = STRUCT_SIZE.SYSCALL_INFO): void => {
        e.request(`SET_SYSCALL_INFO ${what}`, PTRACE.SET_SYSCALL_INFO, size, bytes);
      };
      const altered = (at: number, value: number): Uint8Array => {
        const bytes = Uint8Array.from(right);
        bytes[at] = value;
        return bytes;
      };
      for (const size of [0, 23, 24, 80, 87]) set(`of ${size} bytes`, right, size);
      set('from nowhere', null);
      set('with flags', altered(2, 1));
      set('with a reserved byte', altered(1, 1));
      set('op NONE', altered(0, 0));
      set('op EXIT', altered(0, 2));
      set('op SECCOMP', altered(0, 3));
      set('op 4', altered(0, 4));
      e.syscallInfo();
      const larger = new Uint8Array(128).fill(0xff);
      larger.set(right);
      set('of 128 bytes', larger, larger.length);
      e.syscallInfo();
      toExit(e);
      set('op ENTRY at the exit', right);
      e.interrupt();
      e.cont();
      e.wait();
      set('at a stop of an event', infoBytes(e));
    },
    expect: `
      E: SET_SYSCALL_INFO of 0 bytes = EINVAL
      E: SET_SYSCALL_INFO of 23 bytes = EINVAL
      E: SET_SYSCALL_INFO of 24 bytes = EINVAL
      E: SET_SYSCALL_INFO of 80 bytes = EINVAL
      E: SET_SYSCALL_INFO of 87 bytes = EINVAL
      E: SET_SYSCALL_INFO from nowhere = EFAULT
      E: SET_SYSCALL_INFO with flags = EINVAL
      E: SET_SYSCALL_INFO with a reserved byte = EINVAL
      E: SET_SYSCALL_INFO op NONE = EINVAL
      E: SET_SYSCALL_INFO op EXIT = EINVAL
      E: SET_SYSCALL_INFO op SECCOMP = EINVAL
      E: SET_SYSCALL_INFO op 4 = EINVAL
      E: syscall info = entry gettid
      E: SET_SYSCALL_INFO of 128 bytes = 0
      E: syscall info = entry getppid
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: SET_SYSCALL_INFO op ENTRY at the exit = EINVAL
      E: INTERRUPT = 0
      E: CONT = 0
      E: wait = event STOP SIGTRAP
      E: SET_SYSCALL_INFO at a stop of an event = EINVAL
    `,
  }),

  scenario({
    id: 'ssi-nr-range',
    title: 'SET_SYSCALL_INFO refuses a system call number that is no int with ERANGE',
    source: [implement],
    tags: ['syscall-info', 'syscall-stop', 'errors'],
    rule: 'The structure has 64 bits for the number, the kernel keeps an int. A number that would be cut is refused rather than becoming another one.',
    since: '6.16',
    play(s) {
      const e = traceeAt(s, 'gettid', (c) => keepOutcome(c.syscall('gettid', ...DUMMIES)));
      const bytes = infoBytes(e);
      const numbers = [
        1n << 31n,
        1n << 32n,
        -(1n << 31n) - 1n,
        (1n << 32n) | BigInt(e.syscallNumber('getppid')),
        (1n << 31n) - 1n,
      ];
      for (const [index, number] of numbers.entries()) {
        new DataView(bytes.buffer).setBigInt64(24, number, true);
        const what = ['2^31', '2^32', '-2^31 - 1', 'getppid and bit 32', '2^31 - 1'][index] ?? '';
        e.request(`SET_SYSCALL_INFO of ${what}`, PTRACE.SET_SYSCALL_INFO, bytes.length, bytes);
        e.syscallInfo();
      }
      goOn(e);
    },
    expect: `
      E: SET_SYSCALL_INFO of 2^31 = ERANGE
      E: syscall info = entry gettid
      E: SET_SYSCALL_INFO of 2^32 = ERANGE
      E: syscall info = entry gettid
      E: SET_SYSCALL_INFO of -2^31 - 1 = ERANGE
      E: syscall info = entry gettid
      E: SET_SYSCALL_INFO of getppid and bit 32 = ERANGE
      E: syscall info = entry gettid
      E: SET_SYSCALL_INFO of 2^31 - 1 = 0
      E: syscall info = entry 2147483647
      E: CONT = 0
      E: outcome = ENOSYS
    `,
  }),

  scenario({
    id: 'ssi-is-error',
    title:
      'At the exit any is_error but 0 makes an error of the result; without it a value in the range of errors stays one',
    source: [implement],
    tags: ['syscall-info', 'syscall-stop'],
    rule:
      'is_error is a truth value. Where a failed call shows only by its negative result it changes nothing about the number: a result of -5 is EIO to the ' +
      'tracee, whether or not is_error says so.',
    since: '6.16',
    play(s) {
      const e = traceeAt(s, 'gettid', (c) => keepOutcome(c.syscall('gettid', ...DUMMIES)));
      s.unrecorded(() => {
        toExit(e);
      });
      for (const isError of [1, 2, 0]) {
        const bytes = infoBytes(e);
        new DataView(bytes.buffer).setBigInt64(24, -5n, true);
        bytes[32] = isError;
        e.request(`SET_SYSCALL_INFO -5 with is_error ${isError}`, PTRACE.SET_SYSCALL_INFO, bytes.length, bytes);
        e.observe('result register', e.registers().result);
        e.observe('is_error read back', infoBytes(e)[32] ?? -1);
      }
      goOn(e);
    },
    expect: `
      E: SET_SYSCALL_INFO -5 with is_error 1 = 0
      E: result register = -5
      E: is_error read back = 1
      E: SET_SYSCALL_INFO -5 with is_error 2 = 0
      E: result register = -5
      E: is_error read back = 1
      E: SET_SYSCALL_INFO -5 with is_error 0 = 0
      E: result register = -5
      E: is_error read back = 1
      E: CONT = 0
      E: outcome = EIO
    `,
  }),
];
