/** The Linux Test Project's testcases/kernel/syscalls/ptrace. */
import type { Section } from './entry.js';

export const coverD: readonly Section[] = [
  {
    title: 'LTP',
    entries: [
      { entry: 'ptrace01', by: ['ptrace01'] },
      { entry: 'ptrace02', by: ['ptrace02'] },
      { entry: 'ptrace03', by: ['ptrace03'] },
      { entry: 'ptrace04', by: ['ptrace04'] },
      { entry: 'ptrace05', by: ['ptrace05'] },
      { entry: 'ptrace06', by: ['ptrace06', 'ptrace06-user-area'] },
      { entry: 'ptrace07', by: ['ptrace07'] },
      { entry: 'ptrace08', by: ['ptrace08'] },
      { entry: 'ptrace10', by: ['ptrace10'] },
      { entry: 'ptrace11', by: ['init-traceable'] },
    ],
  },
];
