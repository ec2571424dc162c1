/** PTRACE_GET_SYSCALL_INFO: what it tells at each kind of stop. */
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE, STRUCT_SIZE } from '../../../kernel/requests.js';
import type { SyscallInfo } from '../../../kernel/syscall-info.js';
import type { Actor } from '../../actor.js';
import { toEntry } from '../../parts/system-calls.js';
import { seccompFilter, VERDICT } from '../../parts/seccomp-filter.js';
import { commit, manual, scenario, suite, type Scenario } from '../../scenario.js';
import { argsText, keepOutcome, readInfo, traceeAt } from './calls.js';

const implement = commit('201766a20e30', 'ptrace: add PTRACE_GET_SYSCALL_INFO request');
const selftest = suite('selftests', 'ptrace/get_syscall_info.c');
const page = manual('ptrace(2)', 'PTRACE_GET_SYSCALL_INFO');

const FILL = 0xa5;

/** Six arguments that use all 64 bits and are all different. */
const DUMMIES = [
  0xdad0bef0bad0fed0n,
  0xdad1bef1bad1fed1n,
  0xdad2bef2bad2fed2n,
  0xdad3bef3bad3fed3n,
  0xdad4bef4bad4fed4n,
  0xdad5bef5bad5fed5n,
] as const;

/** What every stop has: the ABI, and where the tracee is. */
function observeWhere(e: Actor, info: SyscallInfo): void {
  const registers = e.registers();
  e.observe('arch', info.arch === e.stage.arch.auditArchs[e.stage.arch.nativeAbi] ? 'its own' : info.arch);
  e.observe('instruction pointer', info.instructionPointer === registers.pc ? 'as in its registers' : 'another');
  e.observe('stack pointer', info.stackPointer === registers.sp ? 'as in its registers' : 'another');
}

/** The next syscall-stop, and what GET_SYSCALL_INFO says there. */
function next(e: Actor): SyscallInfo {
  e.syscall();
  e.wait();
  return readInfo(e).info;
}

export const syscallInfo: readonly Scenario[] = [
  scenario({
    id: 'psi-none',
    title: 'GET_SYSCALL_INFO at a stop that is not about a system call tells op NONE, the ABI and where the tracee is',
    source: [selftest, implement, page],
    tags: ['syscall-info', 'signal-delivery-stop'],
    rule:
      'The request works at every ptrace-stop. Without a system call there is only the head of the structure, 24 bytes; what lies behind it in the ' +
      'buffer is left alone.',
    since: '5.3',
    play(s) {
      const e = s.tracee('E', (c) => c.tgkillSelf('SIGUSR1').exitGroup(0));
      e.cont();
      e.wait();
      const { info, bytes } = readInfo(e, FILL);
      e.observe('op', info.op);
      observeWhere(e, info);
      e.observe('bytes behind', bytes.subarray(24).every((byte) => byte === FILL) ? 'untouched' : 'changed');
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: GET_SYSCALL_INFO = 24
      E: op = none
      E: arch = its own
      E: instruction pointer = as in its registers
      E: stack pointer = as in its registers
      E: bytes behind = untouched
    `,
  }),

  scenario({
    id: 'psi-entry',
    title: 'GET_SYSCALL_INFO at a syscall-enter-stop tells the number and all six arguments as they were passed',
    source: [selftest, implement, page],
    tags: ['syscall-info', 'syscall-stop'],
    rule:
      'Number and arguments come in a form that is the same on every architecture, with all 64 bits of an argument. No tracer has to know the ' +
      'registers, nor to count stops to tell an entry from an exit.',
    since: '5.3',
    play(s) {
      const e = traceeAt(s, 'chdir', (c) =>
        c
          .buffer('nothing', 1)
          .syscall('chdir', c.address('nothing'))
          .syscall('gettid', ...DUMMIES)
          .exitGroup(0),
      );
      const chdir = readInfo(e).info;
      e.observe('op', chdir.op);
      observeWhere(e, chdir);
      if (chdir.op === 'entry') {
        e.observe('number', e.syscallName(chdir.nr));
        e.observe('argument 0', chdir.args[0] === e.address('nothing') ? 'as passed' : 'another');
      }
      s.unrecorded(() => next(e));
      for (const call of ['gettid', 'exit_group']) {
        const info = next(e);
        if (info.op !== 'entry') e.observe('op', info.op);
        else {
          e.observe('entry', e.syscallName(info.nr));
          e.observe('arguments', argsText(call === 'gettid' ? info.args : info.args.slice(0, 1)));
        }
        if (call === 'gettid') s.unrecorded(() => next(e));
      }
    },
    expect: `
      E: GET_SYSCALL_INFO = 80
      E: op = entry
      E: arch = its own
      E: instruction pointer = as in its registers
      E: stack pointer = as in its registers
      E: number = chdir
      E: argument 0 = as passed
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: GET_SYSCALL_INFO = 80
      E: entry = gettid
      E: arguments = ${argsText(DUMMIES)}
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: GET_SYSCALL_INFO = 80
      E: entry = exit_group
      E: arguments = 0x0
    `,
  }),

  scenario({
    id: 'psi-exit',
    title:
      'GET_SYSCALL_INFO at a syscall-exit-stop tells the result and whether it is an error; exit_group has no such stop',
    source: [selftest, implement, page],
    tags: ['syscall-info', 'syscall-stop'],
    rule:
      'A failed call has the negative error number as its result, and is_error set: a tracer need not guess from the number whether a large unsigned ' +
      'value is one. A call that does not return has no exit to stop at: the report after the entry of exit_group is the end.',
    since: '5.3',
    play(s) {
      const e = traceeAt(s, 'chdir', (c) =>
        c
          .syscall('chdir', '')
          .syscall('gettid', ...DUMMIES)
          .exitGroup(5),
      );
      const exit = (): void => {
        const info = next(e);
        e.observe('op', info.op);
        if (info.op !== 'exit') return;
        const own = info.rval === BigInt(e.tid);
        e.observe('result', own ? 'its own id' : info.rval);
        e.observe('is error', info.isError);
        observeWhere(e, info);
      };
      exit();
      toEntry(e, 'gettid');
      exit();
      toEntry(e, 'exit_group');
      e.syscall();
      e.wait();
    },
    expect: `
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: GET_SYSCALL_INFO = 33
      E: op = exit
      E: result = -2
      E: is error = true
      E: arch = its own
      E: instruction pointer = as in its registers
      E: stack pointer = as in its registers
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: GET_SYSCALL_INFO = 33
      E: op = exit
      E: result = its own id
      E: is error = false
      E: arch = its own
      E: instruction pointer = as in its registers
      E: stack pointer = as in its registers
      E: SYSCALL = 0
      E: wait = exited 5
    `,
  }),

  scenario({
    id: 'psi-seccomp',
    title: 'GET_SYSCALL_INFO at PTRACE_EVENT_SECCOMP tells the call and the low 16 bits of the verdict',
    source: [implement, page],
    tags: ['syscall-info', 'seccomp'],
    rule:
      'The stop is one of its own kind, op SECCOMP: it has what an entry has, and SECCOMP_RET_DATA of the filter, the same number that GETEVENTMSG ' +
      'gives.',
    since: '5.3',
    needs: ['seccomp-filters'],
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .seccompFilter(seccompFilter([['gettid', VERDICT.trace(0xbeef)]]))
            .syscall('gettid', ...DUMMIES)
            .exitGroup(0),
        { options: PTRACE_O.TRACESECCOMP },
      );
      e.cont();
      e.wait();
      const { info } = readInfo(e);
      e.observe('op', info.op);
      observeWhere(e, info);
      if (info.op === 'seccomp') {
        e.observe('number', e.syscallName(info.nr));
        e.observe('arguments', argsText(info.args));
        e.observe('data', `0x${info.retData.toString(16)}`);
      }
      e.eventMessage();
    },
    expect: `
      E: CONT = 0
      E: wait = event SECCOMP
      E: GET_SYSCALL_INFO = 84
      E: op = seccomp
      E: arch = its own
      E: instruction pointer = as in its registers
      E: stack pointer = as in its registers
      E: number = gettid
      E: arguments = ${argsText(DUMMIES)}
      E: data = 0xbeef
      E: event message = 0xbeef
    `,
  }),

  scenario({
    id: 'psi-truncation',
    title: 'GET_SYSCALL_INFO answers the whole size whatever the buffer has, and writes no more than there is room for',
    source: [implement, page, suite('rr', 'ptrace_syscall.c')],
    tags: ['syscall-info', 'errors'],
    rule:
      'The size goes in as addr, and the answer is what the kernel has, so that the structure can grow: an old program gets the part it knows, a new ' +
      'one sees how much an old kernel has filled. Memory that cannot be written is EFAULT.',
    since: '5.3',
    play(s) {
      const e = traceeAt(s, 'gettid', (c) => c.syscall('gettid', ...DUMMIES).exitGroup(0));
      const whole = s.unrecorded(() => readInfo(e)).bytes;
      for (const size of [0, 1, 24, 80, 88, 200]) {
        const bytes = new Uint8Array(256).fill(FILL);
        e.request(`GET_SYSCALL_INFO into ${size}`, PTRACE.GET_SYSCALL_INFO, size, bytes);
        const written = bytes.findLastIndex((byte) => byte !== FILL) + 1;
        const same = bytes.subarray(0, written).every((byte, index) => byte === whole[index]);
        e.observe('written', `${written} ${same ? 'of the same' : 'of something else'}`);
      }
      e.request('GET_SYSCALL_INFO into nowhere', PTRACE.GET_SYSCALL_INFO, STRUCT_SIZE.SYSCALL_INFO, null);
      e.request('GET_SYSCALL_INFO of 0 into nowhere', PTRACE.GET_SYSCALL_INFO, 0, null);
    },
    expect: `
      E: GET_SYSCALL_INFO into 0 = 80
      E: written = 0 of the same
      E: GET_SYSCALL_INFO into 1 = 80
      E: written = 1 of the same
      E: GET_SYSCALL_INFO into 24 = 80
      E: written = 24 of the same
      E: GET_SYSCALL_INFO into 80 = 80
      E: written = 80 of the same
      E: GET_SYSCALL_INFO into 88 = 80
      E: written = 80 of the same
      E: GET_SYSCALL_INFO into 200 = 80
      E: written = 80 of the same
      E: GET_SYSCALL_INFO into nowhere = EFAULT
      E: GET_SYSCALL_INFO of 0 into nowhere = 80
    `,
  }),

  scenario({
    id: 'psi-eventmsg-syscall',
    title: 'GETEVENTMSG is 1 at a syscall-enter-stop and 2 at a syscall-exit-stop',
    source: [implement, manual('ptrace(2)', 'PTRACE_GETEVENTMSG')],
    tags: ['syscall-info', 'syscall-stop', 'event-message'],
    rule:
      'GET_SYSCALL_INFO needs to know which of the two a stop is, and keeps it where the message of an event is kept. So GETEVENTMSG tells it too; ' +
      'before it was the message of some former event.',
    since: '5.3',
    play(s) {
      const e = traceeAt(s, 'getpid', (c) => keepOutcome(c.syscall('getpid')));
      e.eventMessage();
      e.syscall();
      e.wait();
      e.eventMessage();
      // The entry of pause(2).
      e.syscall();
      e.wait();
      e.eventMessage();
    },
    expect: `
      E: event message = 0x1
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: event message = 0x2
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: event message = 0x1
    `,
  }),
];
