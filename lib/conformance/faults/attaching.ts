/** Faults of becoming and ceasing to be a tracer. */
import { binding } from '../../binding.js';
import { ERRNO } from '../../kernel/errno.js';
import { PTRACE } from '../../kernel/requests.js';
import { SIG } from '../../kernel/signals.js';
import { type Fault, isEventStop, type Liar, stopWord } from './lying-kernel.js';

const send = (tid: number, signal: number): void => {
  binding().kill(tid, signal);
};

/** Lies about one request. */
const on = (number: number, lie: NonNullable<Liar['request']>): (() => Liar) => {
  return () => ({
    request: (call, pass, task, kernel) => (call.request === number ? lie(call, pass, task, kernel) : pass()),
  });
};

/** An error of one request becomes another result. */
const instead = (number: number, error: number, result: number): (() => Liar) =>
  on(number, (_call, pass) => {
    const given = pass();
    return given === -error ? result : given;
  });

export const attaching: readonly Fault[] = [
  {
    id: 'seize-stops',
    title: 'SEIZE stops the tracee',
    make: on(PTRACE.SEIZE, ({ tid }, pass, _task, kernel) => {
      const result = pass();
      if (result === 0) kernel.ptrace(PTRACE.INTERRUPT, tid, 0, 0);
      return result;
    }),
  },
  {
    id: 'seize-sends-sigstop',
    title: 'SEIZE sends a SIGSTOP as ATTACH does',
    make: on(PTRACE.SEIZE, ({ tid }, pass) => {
      const result = pass();
      if (result === 0) send(tid, SIG.SIGSTOP);
      return result;
    }),
  },
  {
    id: 'seize-options-lost',
    title: 'SEIZE forgets the options',
    make: on(PTRACE.SEIZE, (call, pass) => {
      call.data = 0;
      return pass();
    }),
  },
  {
    id: 'seize-address-taken',
    title: 'SEIZE takes an address that is not 0',
    make: on(PTRACE.SEIZE, (call, pass) => {
      call.addr = 0;
      return pass();
    }),
  },
  {
    id: 'seize-unknown-options-einval',
    title: 'SEIZE gives EINVAL for unknown options',
    make: instead(PTRACE.SEIZE, ERRNO.EIO, -ERRNO.EINVAL),
  },
  {
    id: 'attach-silent',
    title: 'ATTACH does not stop the tracee',
    make: () => {
      const fresh = new Set<number>();
      return {
        request({ request, tid }, pass) {
          const result = pass();
          if (request === PTRACE.ATTACH && result === 0) fresh.add(tid);
          return result;
        },
        found(status, { tid }, kernel) {
          if (!fresh.delete(tid) || status !== stopWord(SIG.SIGSTOP)) return status;
          kernel.ptrace(PTRACE.CONT, tid, 0, 0);
          return undefined;
        },
      };
    },
  },
  {
    id: 'attach-of-traced-esrch',
    title: 'ATTACH of a process that is traced already gives ESRCH',
    make: instead(PTRACE.ATTACH, ERRNO.EPERM, -ERRNO.ESRCH),
  },
  {
    id: 'seize-of-traced-taken',
    title: 'SEIZE of a process that is traced already says that it has succeeded',
    make: instead(PTRACE.SEIZE, ERRNO.EPERM, 0),
  },
  {
    id: 'detach-stops',
    title: 'DETACH leaves the tracee stopped',
    make: on(PTRACE.DETACH, ({ tid }, pass) => {
      const result = pass();
      if (result === 0) send(tid, SIG.SIGSTOP);
      return result;
    }),
  },
  {
    id: 'detach-continues',
    title: 'DETACH ends the group-stop',
    make: on(PTRACE.DETACH, ({ tid }, pass) => {
      const result = pass();
      if (result === 0) send(tid, SIG.SIGCONT);
      return result;
    }),
  },
  {
    id: 'detach-signal-lost',
    title: 'DETACH forgets its signal',
    make: on(PTRACE.DETACH, (call, pass) => {
      if (call.data !== 0 && Number(call.data) <= 64) call.data = 0;
      return pass();
    }),
  },
  {
    id: 'detach-signal-from-event-stop',
    title: 'DETACH delivers its signal from an event stop',
    make: on(PTRACE.DETACH, ({ tid, data }, pass, { stop }) => {
      const result = pass();
      if (result === 0 && data !== 0 && isEventStop(stop)) send(tid, Number(data));
      return result;
    }),
  },
  {
    id: 'detach-keeps',
    title: 'DETACH resumes the tracee but does not let it go',
    make: on(PTRACE.DETACH, ({ tid, data }, pass, _task, kernel) =>
      Number(data) <= 64 ? kernel.ptrace(PTRACE.CONT, tid, 0, data) : pass(),
    ),
  },
  {
    id: 'kill-does-nothing',
    title: 'KILL of a tracee does nothing, as before Linux 5.19 where it ran',
    make: on(PTRACE.KILL, ({ tid }, _pass, _task, kernel) =>
      // Only whether it could be asked.
      kernel.ptrace(PTRACE.INTERRUPT, tid, 0, 0) === -ERRNO.ESRCH ? -ERRNO.ESRCH : 0,
    ),
  },
];
