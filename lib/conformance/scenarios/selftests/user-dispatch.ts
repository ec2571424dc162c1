/** Syscall user dispatch, read and set by a tracer. */
import { PTRACE, STRUCT_SIZE } from '../../../kernel/requests.js';
import {
  decodeSyscallUserDispatchConfig,
  encodeSyscallUserDispatchConfig,
  PR_SYS_DISPATCH,
  type SyscallUserDispatchConfig,
} from '../../../kernel/structs.js';
import type { Actor } from '../../actor.js';
import { toSyscallStop } from '../../parts/system-calls.js';
import { commit, scenario, suite, type Scenario } from '../../scenario.js';
import { keepOutcome, traceeAt } from './calls.js';

const implement = commit('3f67987cdc09', 'ptrace: Provide set/get interface for syscall user dispatch');
const selftest = suite('selftests', 'ptrace/get_set_sud.c');

const SIZE = STRUCT_SIZE.SYSCALL_USER_DISPATCH_CONFIG;
const OFF: SyscallUserDispatchConfig = { mode: BigInt(PR_SYS_DISPATCH.OFF), selector: 0n, offset: 0n, length: 0n };
const ON: SyscallUserDispatchConfig = { ...OFF, mode: BigInt(PR_SYS_DISPATCH.EXCLUSIVE_ON) };

function get(e: Actor, size: number = SIZE, room: Uint8Array | null = new Uint8Array(64)): void {
  const what = size === SIZE ? 'GET' : `GET of ${size} bytes`;
  const result = e.request(what, PTRACE.GET_SYSCALL_USER_DISPATCH_CONFIG, size, room);
  if (result !== '0' || room === null) return;
  const { mode, selector, offset, length } = decodeSyscallUserDispatchConfig(room);
  e.observe(
    'mode, selector, offset, length',
    [mode, selector, offset, length].map((word) => `0x${word.toString(16)}`).join(' '),
  );
}

function set(e: Actor, what: string, config: SyscallUserDispatchConfig | null, size: number = SIZE): void {
  const bytes = new Uint8Array(64);
  if (config !== null) bytes.set(encodeSyscallUserDispatchConfig(config));
  e.request(`SET ${what}`, PTRACE.SET_SYSCALL_USER_DISPATCH_CONFIG, size, config === null ? null : bytes);
}

export const userDispatch: readonly Scenario[] = [
  scenario({
    id: 'sud-get-set',
    title: 'A tracer reads and sets the syscall user dispatch of its tracee; both take the structure in no other size',
    source: [selftest, implement],
    tags: ['user-dispatch', 'errors'],
    rule:
      'prctl(2) can only set it, for the caller; a checkpoint needs to read it, and to switch it off while it has the tracee do system calls. The rules of ' +
      'prctl hold: OFF has no other fields, and the range of exempt code does not wrap.',
    since: '6.4',
    needs: ['request.PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG', 'request.PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG'],
    play(s) {
      const e = s.tracee('E', (c) => c.pause());
      get(e);
      set(e, 'ON', { ...ON, offset: 0x400000n, length: 0x1000n });
      get(e);
      get(e, SIZE - 1);
      get(e, SIZE + 1);
      get(e, SIZE, null);
      set(e, 'ON of 31 bytes', ON, SIZE - 1);
      set(e, 'ON of 33 bytes', ON, SIZE + 1);
      set(e, 'from nowhere', null);
      set(e, 'an unknown mode', { ...ON, mode: 99n });
      set(e, 'OFF with a range', { ...OFF, offset: 0x400000n, length: 0x1000n });
      set(e, 'OFF with a selector', { ...OFF, selector: 0x1000n });
      set(e, 'ON with a range that wraps', { ...ON, offset: 0xffff_ffff_ffff_0000n, length: 0x20000n });
      get(e);
      set(e, 'OFF', OFF);
      get(e);
    },
    expect: `
      E: GET = 0
      E: mode, selector, offset, length = 0x0 0x0 0x0 0x0
      E: SET ON = 0
      E: GET = 0
      E: mode, selector, offset, length = 0x1 0x0 0x400000 0x1000
      E: GET of 31 bytes = EINVAL
      E: GET of 33 bytes = EINVAL
      E: GET = EFAULT
      E: SET ON of 31 bytes = EINVAL
      E: SET ON of 33 bytes = EINVAL
      E: SET from nowhere = EFAULT
      E: SET an unknown mode = EINVAL
      E: SET OFF with a range = EINVAL
      E: SET OFF with a selector = EINVAL
      E: SET ON with a range that wraps = EINVAL
      E: GET = 0
      E: mode, selector, offset, length = 0x1 0x0 0x400000 0x1000
      E: SET OFF = 0
      E: GET = 0
      E: mode, selector, offset, length = 0x0 0x0 0x0 0x0
    `,
  }),

  scenario({
    id: 'sud-dispatch-precedes-syscall-stop',
    title: 'A system call that user dispatch turns into SIGSYS has no syscall-stops',
    source: [implement, commit('1446e1df9eb1', 'kernel: Implement selective syscall userspace redirection')],
    tags: ['user-dispatch', 'syscall-stop', 'signal-delivery-stop'],
    rule:
      'Dispatch comes before ptrace: what belongs to a foreign ABI is not a system call, and its number means nothing here. The tracer sees the SIGSYS. With ' +
      'the signal suppressed the tracee goes on behind the instruction, and what it takes for the result is the number that it had passed.',
    since: '6.4',
    needs: ['request.PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG', 'request.PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG'],
    play(s) {
      const e = traceeAt(s, 'getppid', (c) => keepOutcome(c.syscall('getppid').syscall('getpid')));
      toSyscallStop(e);
      set(e, 'ON', ON);
      e.syscall();
      e.wait();
      e.siginfo();
      e.syscallInfo();
      set(e, 'OFF', OFF);
      const number = e.syscallNumber('getpid');
      e.cont();
      e.untilWord('done', 1n);
      const outcome = e.word('outcome');
      e.observe('outcome', outcome === BigInt(number) ? 'the number of getpid' : outcome);
    },
    expect: `
      E: SET ON = 0
      E: SYSCALL = 0
      E: wait = stopped by SIGSYS
      E: siginfo = SIGSYS SYS_USER_DISPATCH
      E: syscall info = none
      E: SET OFF = 0
      E: CONT = 0
      E: outcome = the number of getpid
    `,
  }),
];
