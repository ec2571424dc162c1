/** What PTRACE_SET_SYSCALL_INFO refuses, and what it makes of odd values. */
import { PTRACE, STRUCT_SIZE } from '../../../kernel/requests.js';
import { toSyscallStop } from '../../parts/system-calls.js';
import { commit, scenario, type Scenario } from '../../scenario.js';
import { infoBytes, keepOutcome, observeOutcome, traceeAt } from './calls.js';

const implement = commit('26bb32768fe6', 'ptrace: introduce PTRACE_SET_SYSCALL_INFO request');

export const setSyscallInfoErrors: readonly Scenario[] = [
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
      const e = traceeAt(s, 'gettid', (c) => keepOutcome(c.syscall('gettid')));
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
      e.syscall();
      e.wait();
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
      const e = traceeAt(s, 'gettid', (c) => keepOutcome(c.syscall('gettid')));
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
      e.cont();
      observeOutcome(e);
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
      const e = traceeAt(s, 'gettid', (c) => keepOutcome(c.syscall('gettid')));
      toSyscallStop(e);
      for (const isError of [1, 2, 0]) {
        const bytes = infoBytes(e);
        new DataView(bytes.buffer).setBigInt64(24, -5n, true);
        bytes[32] = isError;
        e.request(`SET_SYSCALL_INFO -5 with is_error ${isError}`, PTRACE.SET_SYSCALL_INFO, bytes.length, bytes);
        const { result } = e.registers();
        // Older kernels leave the one of gettid.
        e.observe('result register', result === BigInt(e.tid) ? e.name : result);
        e.observe('is_error read back', infoBytes(e)[32] ?? -1);
      }
      e.cont();
      observeOutcome(e);
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
