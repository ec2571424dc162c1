/** Faults of INTERRUPT, LISTEN and group-stops. */
import { binding } from '../../binding.js';
import { ERRNO } from '../../kernel/errno.js';
import { PTRACE_EVENT } from '../../kernel/events.js';
import { PTRACE } from '../../kernel/requests.js';
import { SIG } from '../../kernel/signals.js';
import { type Fault, isEventStop, type Liar, stopWord } from './lying-kernel.js';

const EVENT_STOP = stopWord(SIG.SIGTRAP, PTRACE_EVENT.STOP);

const isGroupStop = (status: number): boolean =>
  status >>> 16 === PTRACE_EVENT.STOP && ((status >>> 8) & 0xff) !== SIG.SIGTRAP;

const onInterrupt = (lie: NonNullable<Liar['request']>): (() => Liar) => {
  return () => ({
    request: (call, pass, task, kernel) => (call.request === PTRACE.INTERRUPT ? lie(call, pass, task, kernel) : pass()),
  });
};

const onListen = (lie: NonNullable<Liar['request']>): (() => Liar) => {
  return () => ({
    request: (call, pass, task, kernel) => (call.request === PTRACE.LISTEN ? lie(call, pass, task, kernel) : pass()),
  });
};

export const interrupting: readonly Fault[] = [
  { id: 'interrupt-dropped', title: 'INTERRUPT does nothing', make: onInterrupt(() => 0) },
  {
    id: 'interrupt-as-sigstop',
    title: 'INTERRUPT sends a SIGSTOP',
    make: onInterrupt(({ tid }, pass, { how }) => {
      if (how !== 'seized') return pass();
      binding().kill(tid, SIG.SIGSTOP);
      return 0;
    }),
  },
  {
    id: 'interrupt-for-attached',
    title: 'INTERRUPT of a tracee that was not seized gives 0',
    make: onInterrupt((_call, pass) => {
      const result = pass();
      return result === -ERRNO.EIO ? 0 : result;
    }),
  },
  {
    id: 'interrupt-lost-in-stop',
    title: 'INTERRUPT of a tracee that stands already is forgotten',
    make: onInterrupt((_call, pass, { stop, listening }) => (stop !== undefined && !listening ? 0 : pass())),
  },
  {
    id: 'interrupt-refused-in-stop',
    title: 'INTERRUPT of a tracee that stands already gives ESRCH',
    make: onInterrupt((_call, pass, { stop, listening }) => (stop !== undefined && !listening ? -ERRNO.ESRCH : pass())),
  },
  {
    id: 'interrupt-twice',
    title: 'INTERRUPT makes two traps',
    make: () => {
      const again = new Set<number>();
      return {
        request({ request, tid }, pass) {
          const result = pass();
          if (request === PTRACE.INTERRUPT && result === 0) again.add(tid);
          return result;
        },
        found(status, { tid }, kernel) {
          if (again.delete(tid)) kernel.ptrace(PTRACE.INTERRUPT, tid, 0, 0);
          return status;
        },
      };
    },
  },
  {
    id: 'interrupt-not-answered-by-other-traps',
    title: 'An INTERRUPT stays pending when another trap has come',
    make: () => {
      const waiting = new Set<number>();
      return {
        request({ request, tid }, pass) {
          const result = pass();
          if (request === PTRACE.INTERRUPT && result === 0) waiting.add(tid);
          return result;
        },
        found(status, { tid }, kernel) {
          if (!waiting.has(tid)) return status;
          if (status >>> 16 === PTRACE_EVENT.STOP) waiting.delete(tid);
          else kernel.ptrace(PTRACE.INTERRUPT, tid, 0, 0);
          return status;
        },
      };
    },
  },
  {
    id: 'event-stop-as-sigtrap',
    title: 'The stop of an INTERRUPT is reported as a plain SIGTRAP',
    make: () => ({ found: (status) => (status === EVENT_STOP ? stopWord(SIG.SIGTRAP) : status) }),
  },
  {
    id: 'group-stop-as-signal',
    title: 'A group-stop of a seized tracee is reported without the event',
    make: () => ({ found: (status) => (isGroupStop(status) ? status & 0xffff : status) }),
  },
  {
    id: 'group-stop-as-sigtrap',
    title: 'A group-stop of a seized tracee is reported with SIGTRAP',
    make: () => ({ found: (status) => (isGroupStop(status) ? EVENT_STOP : status) }),
  },
  {
    id: 'group-stop-as-sigstop',
    title: 'A group-stop by another signal is reported as SIGSTOP',
    make: () => ({
      found: (status) => (isGroupStop(status) ? stopWord(SIG.SIGSTOP, PTRACE_EVENT.STOP) : status),
    }),
  },
  {
    id: 'group-stop-twice',
    title: 'A group-stop is reported twice',
    make: () => {
      let told: { readonly tid: number; readonly status: number } | undefined;
      return {
        wait(pid, _options, out, pass) {
          if (told === undefined || told.tid !== pid) return pass();
          out[0] = told.status;
          told = undefined;
          return pid;
        },
        found(status, task) {
          const again = isGroupStop(status) && task.count++ % 2 === 0;
          if (again) told = { tid: task.tid, status };
          return status;
        },
      };
    },
  },
  {
    id: 'group-stop-silent',
    title: 'A group-stop is not reported',
    make: () => ({ found: (status) => (isGroupStop(status) ? undefined : status) }),
  },
  {
    id: 'group-stop-skipped',
    title: 'A stop signal that is injected does not stop',
    make: () => ({
      request(call, pass) {
        const signal = Number(call.data);
        if (call.request === PTRACE.CONT && signal >= SIG.SIGSTOP && signal <= SIG.SIGTTOU) call.data = 0;
        return pass();
      },
    }),
  },
  {
    id: 'sigcont-not-told',
    title: 'A seized tracee is not told of a SIGCONT before it is delivered',
    make: () => ({
      found(status, { tid, interrupted, how }, kernel) {
        if (status !== EVENT_STOP || interrupted || how === 'auto') return status;
        kernel.ptrace(PTRACE.CONT, tid, 0, 0);
        return undefined;
      },
    }),
  },
  {
    id: 'listen-runs',
    title: 'LISTEN lets the tracee run',
    make: onListen((call, pass) => {
      call.request = PTRACE.CONT;
      return pass();
    }),
  },
  {
    id: 'listen-anywhere',
    title: 'LISTEN is accepted in every stop',
    make: onListen((_call, pass) => {
      const result = pass();
      return result === -ERRNO.EIO ? 0 : result;
    }),
  },
  { id: 'listen-refused', title: 'LISTEN gives EIO everywhere', make: onListen(() => -ERRNO.EIO) },
  {
    id: 'listen-does-nothing',
    title: 'LISTEN leaves the tracee in its stop',
    make: onListen((_call, _pass, { how, stop }) => (how === 'seized' && isEventStop(stop) ? 0 : -ERRNO.EIO)),
  },
  {
    id: 'listen-deaf',
    title: 'A listening tracee does not hear of SIGCONT',
    make: () => ({
      found: (status, { listening, interrupted }) =>
        listening && !interrupted && status === EVENT_STOP ? undefined : status,
    }),
  },
  {
    id: 'listen-answers-requests',
    title: 'A listening tracee answers requests with 0 in place of ESRCH',
    make: () => ({
      request({ request }, pass, { listening }) {
        const result = pass();
        return listening && result === -ERRNO.ESRCH && request !== PTRACE.KILL ? 0 : result;
      },
    }),
  },
  {
    id: 'listen-not-interrupted',
    title: 'INTERRUPT does not end a LISTEN',
    make: onInterrupt((_call, pass, { listening }) => (listening ? 0 : pass())),
  },
];
