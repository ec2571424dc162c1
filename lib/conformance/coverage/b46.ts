/** Red Hat's ptrace-tests: steps, registers and memory, restarts of system calls. */
import type { Entry, Section } from './entry.js';

const itself = (...names: readonly string[]): readonly Entry[] => names.map((entry) => ({ entry, by: [entry] }));

export const coverB46: readonly Section[] = [
  {
    title: 'ptrace-tests: stepping',
    entries: [
      ...itself('step-simple', 'step-into-handler', 'step-into-handler-cont', 'step-through-sigret', 'step-jump-cont'),
      ...itself('step-jump-cont-strict', 'step-detach', 'step-to-breakpoint', 'block-step', 'ret-to-nxpage'),
      ...itself('watchpoint-step'),
    ],
  },
  {
    title: 'ptrace-tests: registers and memory',
    entries: [
      ...itself('peekpokeusr', 'user-regs-peekpoke'),
      { entry: 'user-area-access', not: 's390 only: its user area and PEEKUSR_AREA' },
      { entry: 'user-area-padding', not: 's390 only: the padding of its access registers' },
      ...itself('fpregs-smp', 'x86_64-cs', 'x86_64-gsbase', 'x86_64-ia32-gs'),
      { entry: 'syscall-reset', by: ['bad-syscall-nr-rax-preservation'] },
      ...itself('watchpoint', 'watchpoint-32bit', 'watchpoint-zeroaddr', 'aarch64-watchpoint'),
    ],
  },
  {
    title: 'ptrace-tests: restarts of system calls',
    entries: [
      ...itself('erestartsys', 'erestartsys-trap', 'erestartsys-debugger'),
      { entry: 'erestartsys-trap-debugger', by: ['erestartsys-debugger'] },
      ...itself('erestartsys-trap-32fails-debugger', 'highmem-debugger', 'restart_block'),
    ],
  },
];
