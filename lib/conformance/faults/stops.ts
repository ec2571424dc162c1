/** Faults of what waits report: events, stops of system calls, ends. */
import { ERRNO } from '../../kernel/errno.js';
import { PTRACE_EVENT } from '../../kernel/events.js';
import { PTRACE } from '../../kernel/requests.js';
import { SIG } from '../../kernel/signals.js';
import { W } from '../../kernel/wait-flags.js';
import { type Fault, type Liar, stopWord } from './lying-kernel.js';

const eventOf = (status: number): number => ((status & 0xff) === 0x7f ? status >>> 16 : 0);
const isEnd = (status: number): boolean => (status & 0xff) !== 0x7f && status !== 0xffff;
const SYSCALL_STOP = stopWord(SIG.SIGTRAP | 0x80);

/** An event is not reported: the tracee goes on. */
const without = (event: number): (() => Liar) => {
  return () => ({
    found(status, { tid }, kernel) {
      if (eventOf(status) !== event) return status;
      kernel.ptrace(PTRACE.CONT, tid, 0, 0);
      return undefined;
    },
  });
};

const renamed = (from: number, to: number): (() => Liar) => {
  return () => ({ found: (status) => (eventOf(status) === from ? stopWord(SIG.SIGTRAP, to) : status) });
};

/** GETEVENTMSG says something else at an event. */
const message = (event: number, lie: (message: bigint) => bigint): (() => Liar) => {
  return () => ({
    request({ request, bytes }, pass, { stop }) {
      const result = pass();
      if (request === PTRACE.GETEVENTMSG && result >= 0 && bytes !== undefined) {
        const at = stop?.kind === 'event' ? stop.event : 0;
        const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
        if (at === event) view.setBigUint64(0, lie(view.getBigUint64(0, true)), true);
      }
      return result;
    },
  });
};

const { FORK, VFORK, CLONE, EXEC, VFORK_DONE, EXIT, SECCOMP, STOP } = PTRACE_EVENT;

export const stops: readonly Fault[] = [
  { id: 'fork-event-missing', title: 'There is no PTRACE_EVENT_FORK', make: without(FORK) },
  { id: 'vfork-event-missing', title: 'There is no PTRACE_EVENT_VFORK', make: without(VFORK) },
  { id: 'clone-event-missing', title: 'There is no PTRACE_EVENT_CLONE', make: without(CLONE) },
  { id: 'exec-event-missing', title: 'There is no PTRACE_EVENT_EXEC', make: without(EXEC) },
  { id: 'vfork-done-missing', title: 'There is no PTRACE_EVENT_VFORK_DONE', make: without(VFORK_DONE) },
  { id: 'exit-event-missing', title: 'There is no PTRACE_EVENT_EXIT', make: without(EXIT) },
  { id: 'seccomp-event-missing', title: 'There is no PTRACE_EVENT_SECCOMP', make: without(SECCOMP) },
  { id: 'vfork-as-fork', title: 'A vfork is reported as a fork', make: renamed(VFORK, FORK) },
  { id: 'clone-as-fork', title: 'A clone is reported as a fork', make: renamed(CLONE, FORK) },
  { id: 'exec-as-sigtrap', title: 'An exec is reported as a plain SIGTRAP', make: renamed(EXEC, 0) },
  { id: 'fork-message-lost', title: 'The message of a fork is 0', make: message(FORK, () => 0n) },
  { id: 'clone-message-lost', title: 'The message of a clone is 0', make: message(CLONE, () => 0n) },
  { id: 'vfork-done-message-lost', title: 'The message of VFORK_DONE is 0', make: message(VFORK_DONE, () => 0n) },
  {
    id: 'exec-message-lost',
    title: 'The message of an exec is 0',
    make: message(EXEC, () => 0n),
  },
  { id: 'exit-message-lost', title: 'The message of EXIT is 0', make: message(EXIT, () => 0n) },
  {
    id: 'exit-message-shifted',
    title: 'The message of EXIT is the exit code, not the status word',
    make: message(EXIT, (status) => (status > 0xffn ? status >> 8n : status)),
  },
  { id: 'seccomp-message-lost', title: 'The message of SECCOMP is 0', make: message(SECCOMP, () => 0n) },
  {
    id: 'exec-exit-stop-forgotten',
    title: 'The syscall-exit-stop after PTRACE_EVENT_EXEC does not come',
    make: () => {
      const executed = new Set<number>();
      return {
        found(status, { tid }, kernel) {
          if (eventOf(status) === EXEC) executed.add(tid);
          else if (executed.delete(tid) && status === SYSCALL_STOP) {
            kernel.ptrace(PTRACE.SYSCALL, tid, 0, 0);
            return undefined;
          }
          return status;
        },
      };
    },
  },
  {
    id: 'new-child-sigstop',
    title: 'A new child of a seized tracee stops with SIGSTOP',
    make: () => ({
      found: (status, { how }) =>
        how === 'auto' && eventOf(status) === STOP && ((status >>> 8) & 0xff) === SIG.SIGTRAP
          ? stopWord(SIG.SIGSTOP)
          : status,
    }),
  },
  {
    id: 'new-child-runs',
    title: 'A new child of a tracee does not stop',
    make: () => ({
      found(status, task, kernel) {
        const first = task.how === 'auto' && task.count++ === 0;
        const signal = (status >>> 8) & 0xff;
        if (!first || isEnd(status) || (eventOf(status) !== STOP && signal !== SIG.SIGSTOP)) return status;
        kernel.ptrace(PTRACE.CONT, task.tid, 0, 0);
        return undefined;
      },
    }),
  },
  {
    id: 'sysgood-ignored',
    title: 'PTRACE_O_TRACESYSGOOD sets no bit',
    make: () => ({ found: (status) => (status === SYSCALL_STOP ? stopWord(SIG.SIGTRAP) : status) }),
  },
  {
    id: 'syscall-stops-by-half',
    title: 'Of every two stops of a system call one is missing',
    make: () => ({
      found(status, task, kernel) {
        if (status !== SYSCALL_STOP || task.count++ % 2 === 0) return status;
        kernel.ptrace(PTRACE.SYSCALL, task.tid, 0, 0);
        return undefined;
      },
    }),
  },
  {
    id: 'signal-stop-missing',
    title: 'Signals that the tracee ignores are not reported',
    make: () => ({
      found(status, { tid }, kernel) {
        const signal = (status >>> 8) & 0xff;
        const ignored = [SIG.SIGCHLD, SIG.SIGWINCH, SIG.SIGURG, SIG.SIGCONT].some((each) => each === signal);
        if ((status & 0xff) !== 0x7f || eventOf(status) !== 0 || !ignored) return status;
        kernel.ptrace(PTRACE.CONT, tid, 0, signal);
        return undefined;
      },
    }),
  },
  {
    id: 'exit-code-lost',
    title: 'Every exit is reported with 0',
    make: () => ({ found: (status) => (isEnd(status) && (status & 0x7f) === 0 ? 0 : status) }),
  },
  {
    id: 'death-as-exit',
    title: 'A death by a signal is reported as an exit, as a shell does',
    make: () => ({
      found: (status) => (isEnd(status) && (status & 0x7f) !== 0 ? (128 + (status & 0x7f)) << 8 : status),
    }),
  },
  {
    id: 'end-twice',
    title: 'An end can be waited for twice',
    make: () => {
      const ends = new Map<number, number>();
      return {
        wait(pid, _options, out, pass) {
          const result = pass();
          const end = result === -ERRNO.ECHILD ? ends.get(pid) : undefined;
          if (end === undefined) return result;
          out[0] = end;
          return pid;
        },
        found(status, { tid }) {
          if (isEnd(status)) ends.set(tid, status);
          return status;
        },
      };
    },
  },
  {
    id: 'stop-twice',
    title: 'A stop can be waited for twice',
    make: () => ({
      wait(pid, _options, out, pass, tasks) {
        const result = pass();
        const stop = tasks.get(pid)?.stop;
        if (result !== 0 || stop?.kind !== 'stopped') return result;
        out[0] = stopWord(stop.signal);
        return pid;
      },
    }),
  },
  {
    id: 'stops-need-wuntraced',
    title: 'Ptrace-stops are reported only with WUNTRACED',
    make: () => {
      const hidden = new Map<number, number>();
      return {
        wait(pid, options, out, pass) {
          const kept = hidden.get(pid);
          if (kept !== undefined && (options & W.WUNTRACED) !== 0) {
            hidden.delete(pid);
            out[0] = kept;
            return pid;
          }
          const result = pass();
          const word = out[0] ?? 0;
          if (result <= 0 || isEnd(word) || (options & W.WUNTRACED) !== 0) return result;
          hidden.set(result, word);
          return 0;
        },
      };
    },
  },
  {
    id: 'waitid-consumes',
    title: 'waitid consumes in spite of WNOWAIT',
    make: () => ({ waitidOptions: (options) => options & ~W.WNOWAIT }),
  },
  {
    id: 'kill-told-as-term',
    title: 'A death by SIGKILL is reported as one by SIGTERM',
    make: () => ({ found: (status) => (isEnd(status) && (status & 0x7f) === SIG.SIGKILL ? SIG.SIGTERM : status) }),
  },
];
