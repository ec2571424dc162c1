/** Red Hat's ptrace-tests: attach, stop and detach; signals; fork, clone, execve and the end. */
import type { Section } from './entry.js';

const POWERPC = 'about registers of PowerPC';

export const coverB13: readonly Section[] = [
  {
    title: 'ptrace-tests: attach, stop, detach',
    entries: [
      { entry: 'attach-into-signal', by: ['attach-into-signal'] },
      { entry: 'attach-sigcont-wait', by: ['attach-sigcont-wait-3x'] },
      { entry: 'attach-sigcont-wait-3x', by: ['attach-sigcont-wait-3x'] },
      { entry: 'attach-wait-on-stopped', by: ['attach-wait-on-stopped'] },
      { entry: 'stop-attach-then-wait', by: ['stop-attach-then-wait'] },
      { entry: 'attach-stop-then-wait', by: ['stop-attach-then-wait'] },
      { entry: 'ptrace-on-job-control-stopped', by: ['ptrace-on-job-control-stopped'] },
      { entry: 'ptrace-cont-sigstop-detach', by: ['ptrace-cont-sigstop-detach'] },
      { entry: 'detach-stopped', by: ['detach-stopped'] },
      { entry: 'detach-stopped-rhel5', by: ['detach-stopped-rhel5'] },
      { entry: 'stopped-attach-transparency', by: ['stopped-attach-transparency'] },
      { entry: 'stopped-detach-sleeping', by: ['stopped-detach-sleeping-3x'] },
      { entry: 'stopped-detach-sleeping-3x', by: ['stopped-detach-sleeping-3x'] },
      { entry: 'detach-can-signal', by: ['detach-can-signal'] },
      { entry: 'detach-parting-signal', by: ['detach-parting-signal'] },
      { entry: 'detach-sigkill-race', by: ['detach-sigkill-race'] },
      { entry: 'late-ptrace-may-attach-check', by: ['late-ptrace-may-attach-check'] },
      { entry: 'tif-syscall-trace-after-detach', by: ['detach-attach-no-stray-syscall-trap'] },
      { entry: 'eintr-on-attach', by: ['eintr-on-attach'] },
      { entry: 'bogus-echild', by: ['traced-forker-wait-never-echild'] },
      { entry: 'clone-get-signal', by: ['clone-get-signal'] },
      { entry: 'waitpid-double-report', by: ['waitpid-double-report'] },
      { entry: 'state-tracing-stop', by: ['state-tracing-stop'] },
    ],
  },
  {
    title: 'ptrace-tests: signals',
    entries: [
      { entry: 'sa-resethand-on-cont-signal', by: ['sa-resethand-on-cont-signal'] },
      { entry: 'ptrace_cont-defeats-sigblock', by: ['ptrace_cont-defeats-sigblock'] },
      { entry: 'signal-loss', by: ['signal-loss'] },
      { entry: 'sigint-before-syscall-exit', by: ['sigint-before-syscall-exit'] },
      { entry: 'tracer-lockup-on-sighandler-kill', by: ['tracer-lockup-on-sighandler-kill'] },
      { entry: 'pid-namespace', by: ['pid-ns-event-messages'] },
    ],
  },
  {
    title: 'ptrace-tests: fork, clone, execve, exit',
    entries: [
      { entry: 'clone-ptrace', by: ['clone-ptrace'] },
      { entry: 'clone-multi-ptrace', by: ['clone-multi-ptrace'] },
      { entry: 'ptrace_event_clone', by: ['ptrace_event_clone'] },
      { entry: 'o_tracevfork', by: ['o_tracevfork'] },
      { entry: 'o_tracevfork-parent', by: ['o_tracevfork-parent'] },
      { entry: 'o_tracevforkdone', by: ['o_tracevforkdone'] },
      { entry: 'syscall-from-clone', by: ['clone-event-then-syscall-reports-exit'] },
      { entry: 'step-from-clone', by: ['clone-event-then-syscall-reports-exit'] },
      { entry: 'step-fork', by: ['step-fork'] },
      { entry: 'reparent-zombie', by: ['reparent-zombie'] },
      { entry: 'reparent-zombie-clone', by: ['reparent-zombie-clone'] },
      { entry: 'event-exit-proc-maps', by: ['event-exit-proc-maps'] },
      { entry: 'event-exit-proc-environ', by: ['event-exit-proc-environ'] },
      { entry: 'ppc-ptrace-exec-full-regs', not: POWERPC },
      { entry: 'ppc-dabr-race', not: POWERPC },
      { entry: 'powerpc-altivec', not: POWERPC },
    ],
  },
];
