/** The ways to become a tracer but SEIZE: TRACEME, ATTACH; and what ends a tracee: KILL. */
import { SIG } from '../../kernel/signals.js';
import { result, script } from '../../raw/child.js';
import { attach, cont, ptraceKill } from '../../raw/index.js';
import { requestId } from '../catalogue.js';
import { unexpected } from '../lab.js';
import { failed, no, yes } from '../notes.js';
import type { Section } from '../section.js';

const EXIT_CODE = 3;

export const traceme: Section = {
  ids: [requestId('TRACEME'), requestId('CONT')],
  run(lab, notes) {
    // Without a tracer the SIGSTOP would be a job-control stop, which nobody here waits for.
    const { pid } = lab.start(
      script()
        .traceme()
        .when(result, '!=', 0, (s) => s.compute(0, 'subtract', result).exitGroup(result))
        .tgkillSelf('SIGSTOP')
        .exitGroup(EXIT_CODE),
    );
    const stop = lab.await(pid, 'PTRACE_TRACEME');
    if (stop.kind === 'exited') {
      notes.set(requestId('TRACEME'), failed(stop.code));
      return;
    }
    if (stop.kind !== 'stopped' || stop.signal !== SIG.SIGSTOP) throw unexpected('PTRACE_TRACEME', pid, stop);
    notes.set(requestId('TRACEME'), yes());
    notes.try(requestId('CONT'), () => {
      cont(pid);
      const end = lab.await(pid, 'PTRACE_CONT');
      return end.kind === 'exited' && end.code === EXIT_CODE ? yes() : no(`${end.kind} came instead of the exit`);
    });
  },
};

export const attaching: Section = {
  ids: [requestId('ATTACH'), requestId('KILL')],
  run(lab, notes) {
    const { pid } = lab.start(script().loop((s) => s.pause()));
    notes.try(requestId('ATTACH'), () => {
      attach(pid);
      const stop = lab.await(pid, 'PTRACE_ATTACH');
      return stop.kind === 'stopped' && stop.signal === SIG.SIGSTOP
        ? yes()
        : no(`${stop.kind} came instead of SIGSTOP`);
    });
    notes.try(requestId('KILL'), () => {
      ptraceKill(pid);
      const end = lab.await(pid, 'PTRACE_KILL');
      return end.kind === 'killed' ? yes() : no(`${end.kind} came instead of the death`);
    });
  },
};
