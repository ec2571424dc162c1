/** Faults of requests: signals that are injected, what is read and written, errors. */
import { binding } from '../../binding.js';
import { ERRNO } from '../../kernel/errno.js';
import { PTRACE } from '../../kernel/requests.js';
import { type Call, type Fault, isEventStop, type Liar } from './lying-kernel.js';

const RESTARTS: readonly number[] = [PTRACE.CONT, PTRACE.SYSCALL, PTRACE.SINGLESTEP];

const when = (wanted: (call: Call) => boolean, lie: NonNullable<Liar['request']>): (() => Liar) => {
  return () => ({
    request: (call, pass, task, kernel) => (wanted(call) ? lie(call, pass, task, kernel) : pass()),
  });
};
const on = (number: number, lie: NonNullable<Liar['request']>): (() => Liar) =>
  when(({ request }) => request === number, lie);
const onRestart = (lie: NonNullable<Liar['request']>): (() => Liar) =>
  when(({ request }) => RESTARTS.includes(request), lie);

/** The request succeeds where it would, and has done nothing. */
const idle = (number: number, harmless: number = PTRACE.GETEVENTMSG): (() => Liar) =>
  on(number, ({ tid }, _pass, _task, kernel) => {
    const error = kernel.ptraceBuffer(harmless, tid, 0, new Uint8Array(8));
    return error < 0 ? error : 0;
  });

/** What was read is something else. */
const read = (number: number, lie: (bytes: Uint8Array) => void): (() => Liar) =>
  on(number, ({ bytes }, pass) => {
    const result = pass();
    if (result >= 0 && bytes !== undefined) lie(bytes);
    return result;
  });

const errorFor = (number: number, error: number, result: number): (() => Liar) =>
  on(number, (_call, pass) => {
    const given = pass();
    return given === -error ? result : given;
  });

const SI_CODE = 8;
const SI_PID = 16;

export const requests: readonly Fault[] = [
  {
    id: 'injected-dropped',
    title: 'A signal that the tracee is resumed with is not delivered',
    make: onRestart((call, pass) => {
      if (Number(call.data) <= 64) call.data = 0;
      return pass();
    }),
  },
  {
    id: 'suppressed-delivered',
    title: 'A signal that is suppressed is delivered all the same',
    make: onRestart((call, pass, { stop }) => {
      if (Number(call.data) === 0 && stop?.kind === 'stopped' && stop.signal !== 5) call.data = stop.signal;
      return pass();
    }),
  },
  {
    id: 'injected-at-event-stop',
    title: 'A signal is injected from a stop with PTRACE_EVENT_STOP',
    make: onRestart(({ tid, data }, pass, { stop }) => {
      const result = pass();
      if (result === 0 && data !== 0 && isEventStop(stop)) binding().kill(tid, Number(data));
      return result;
    }),
  },
  {
    id: 'injected-at-syscall-stop-dropped',
    title: 'A signal that is injected at the stop of a system call is forgotten',
    make: onRestart((call, pass, { stop }) => {
      if (stop?.kind === 'syscall-stop' && Number(call.data) <= 64) call.data = 0;
      return pass();
    }),
  },
  {
    id: 'injected-changes-nothing',
    title: 'The signal of the stop is delivered, whatever the tracee is resumed with',
    make: onRestart((call, pass, { stop }) => {
      if (Number(call.data) !== 0 && Number(call.data) <= 64 && stop?.kind === 'stopped') call.data = stop.signal;
      return pass();
    }),
  },
  {
    id: 'bad-signal-taken',
    title: 'CONT with a number that is no signal lets the tracee run',
    make: onRestart((call, pass) => {
      if (Number(call.data) > 64 || Number(call.data) < 0) call.data = 0;
      return pass();
    }),
  },
  {
    id: 'bad-signal-einval',
    title: 'CONT with a number that is no signal gives EINVAL',
    make: onRestart((_call, pass) => {
      const result = pass();
      return result === -ERRNO.EIO ? -ERRNO.EINVAL : result;
    }),
  },
  {
    id: 'running-eperm',
    title: 'Requests that want a stop give EPERM where the tracee runs',
    make: () => ({
      request(_call, pass) {
        const result = pass();
        return result === -ERRNO.ESRCH ? -ERRNO.EPERM : result;
      },
    }),
  },
  {
    id: 'unknown-request-einval',
    title: 'Unknown requests give EINVAL',
    make: when(
      ({ request }) => request >= 0x4300,
      (_call, pass) => {
        const result = pass();
        return result === -ERRNO.EIO ? -ERRNO.EINVAL : result;
      },
    ),
  },
  {
    id: 'unknown-options-taken',
    title: 'SETOPTIONS takes unknown options',
    make: errorFor(PTRACE.SETOPTIONS, ERRNO.EINVAL, 0),
  },
  { id: 'setoptions-ignored', title: 'SETOPTIONS does nothing', make: idle(PTRACE.SETOPTIONS) },
  {
    id: 'setoptions-added',
    title: 'SETOPTIONS adds to the options that are set',
    make: on(PTRACE.SETOPTIONS, (call, pass, { options }) => {
      if (Number(call.data) < 0x400000) call.data = Number(call.data) | options;
      return pass();
    }),
  },
  {
    id: 'siginfo-in-group-stop',
    title: 'GETSIGINFO succeeds in a group-stop of a tracee that was not seized',
    make: errorFor(PTRACE.GETSIGINFO, ERRNO.EINVAL, 0),
  },
  {
    id: 'siginfo-code-lost',
    title: 'GETSIGINFO gives 0 for si_code',
    make: read(PTRACE.GETSIGINFO, (bytes) => {
      bytes.fill(0, SI_CODE, SI_CODE + 4);
    }),
  },
  {
    id: 'siginfo-sender-lost',
    title: 'GETSIGINFO gives 0 for si_pid',
    make: read(PTRACE.GETSIGINFO, (bytes) => {
      bytes.fill(0, SI_PID, SI_PID + 4);
    }),
  },
  { id: 'setsiginfo-ignored', title: 'SETSIGINFO does nothing', make: idle(PTRACE.SETSIGINFO) },
  {
    id: 'peeksiginfo-empty',
    title: 'PEEKSIGINFO finds nothing',
    make: on(PTRACE.PEEKSIGINFO, (_call, pass) => Math.min(pass(), 0)),
  },
  {
    id: 'sigmask-empty',
    title: 'GETSIGMASK finds no signal blocked',
    make: read(PTRACE.GETSIGMASK, (bytes) => {
      bytes.fill(0, 0, 8);
    }),
  },
  { id: 'setsigmask-ignored', title: 'SETSIGMASK does nothing', make: idle(PTRACE.SETSIGMASK) },
  {
    id: 'peek-zero',
    title: 'PEEKDATA reads zeros',
    make: on(PTRACE.PEEKDATA, ({ bytes }, pass) => {
      const result = pass();
      if (result >= 0) bytes?.fill(0, 0, 8);
      return result;
    }),
  },
  {
    id: 'peek-bad-address-efault',
    title: 'PEEKDATA and POKEDATA give EFAULT where nothing is mapped',
    make: when(
      ({ request }) => request === PTRACE.PEEKDATA || request === PTRACE.POKEDATA,
      (_call, pass) => {
        const result = pass();
        return result === -ERRNO.EIO ? -ERRNO.EFAULT : result;
      },
    ),
  },
  { id: 'poke-ignored', title: 'POKEDATA does nothing', make: idle(PTRACE.POKEDATA) },
  { id: 'registers-not-written', title: 'SETREGSET does nothing', make: idle(PTRACE.SETREGSET) },
  {
    id: 'regset-length-lost',
    title: 'GETREGSET tells a length of 8',
    make: on(PTRACE.GETREGSET, (_call, pass) => Math.min(pass(), 8)),
  },
  {
    id: 'syscall-info-none',
    title: 'GET_SYSCALL_INFO knows of no system call',
    make: read(PTRACE.GET_SYSCALL_INFO, (bytes) => {
      bytes[0] = 0;
    }),
  },
  {
    id: 'syscall-info-always-entry',
    title: 'GET_SYSCALL_INFO takes every stop of a system call for its entry',
    make: read(PTRACE.GET_SYSCALL_INFO, (bytes) => {
      if (bytes[0] === 2) bytes[0] = 1;
    }),
  },
  {
    id: 'syscall-info-no-error',
    title: 'GET_SYSCALL_INFO does not tell errors',
    make: read(PTRACE.GET_SYSCALL_INFO, (bytes) => {
      if (bytes[0] === 2) bytes[32] = 0;
    }),
  },
  {
    id: 'set-syscall-info-ignored',
    title: 'SET_SYSCALL_INFO does nothing',
    make: idle(PTRACE.SET_SYSCALL_INFO),
  },
  {
    id: 'step-runs',
    title: 'SINGLESTEP lets the tracee run',
    make: on(PTRACE.SINGLESTEP, (call, pass) => {
      call.request = PTRACE.CONT;
      return pass();
    }),
  },
  {
    id: 'syscall-runs',
    title: 'SYSCALL lets the tracee run',
    make: on(PTRACE.SYSCALL, (call, pass) => {
      call.request = PTRACE.CONT;
      return pass();
    }),
  },
  {
    id: 'cont-as-syscall',
    title: 'CONT stops at system calls',
    make: on(PTRACE.CONT, (call, pass) => {
      call.request = PTRACE.SYSCALL;
      return pass();
    }),
  },
  {
    id: 'sysemu-makes-the-call',
    title: 'SYSEMU makes the system call',
    make: on(31, (call, pass) => {
      call.request = PTRACE.SYSCALL;
      return pass();
    }),
  },
  {
    id: 'filter-empty',
    title: 'SECCOMP_GET_FILTER finds a filter of no instruction',
    make: on(PTRACE.SECCOMP_GET_FILTER, (_call, pass) => Math.min(pass(), 0)),
  },
  {
    id: 'dispatch-config-not-set',
    title: 'SET_SYSCALL_USER_DISPATCH_CONFIG does nothing',
    make: idle(PTRACE.SET_SYSCALL_USER_DISPATCH_CONFIG),
  },
  {
    id: 'rseq-size-wrong',
    title: 'GET_RSEQ_CONFIGURATION gives another size',
    make: on(PTRACE.GET_RSEQ_CONFIGURATION, (_call, pass) => {
      const result = pass();
      return result > 0 ? result - 8 : result;
    }),
  },
];
