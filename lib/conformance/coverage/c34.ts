/** The kernel's selftests of x86, and of breakpoints. */
import type { Entry, Section } from './entry.js';

const itself = (...names: readonly string[]): readonly Entry[] => names.map((entry) => ({ entry, by: [entry] }));

export const coverC34: readonly Section[] = [
  {
    title: 'selftests: x86',
    entries: [
      ...itself('sysemu-restart-nr-args', 'restart-under-ptrace', 'int80-regs-preserved'),
      { entry: 'fsgsbase-restore', by: ['fsgsbase-restore', 'fsgsbase-restore-i386'] },
      ...itself('ptrace-write-gs'),
      { entry: 'ptrace-write-gsbase', by: ['ptrace-write-gs'] },
      { entry: 'syscall_numbering under ptrace', by: ['syscall_numbering'] },
      {
        entry: 'mov_ss_trap',
        not: 'A crash test for the host too: a watchpoint on the operand of MOV SS took down kernels and hypervisors (CVE-2018-8897, CVE-2018-1087)',
      },
      ...itself('single_step_syscall', 'syscall_nt', 'check_initial_reg_state'),
      { entry: 'amx ptrace', by: ['amx-ptrace'] },
      { entry: 'shadow-stack regset', by: ['shadow-stack-regset'] },
    ],
  },
  {
    title: 'selftests: breakpoints',
    entries: [
      { entry: 'hwbp-matrix', by: ['hwbp-matrix', 'hwbp-icebp'] },
      { entry: 'hwbp-arm64', by: ['hwbp-arm64', 'hwbp-arm64-execute'] },
      { entry: 'step_after_suspend_test', not: 'It suspends the machine to RAM' },
    ],
  },
];
