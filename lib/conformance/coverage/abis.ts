/** Tracees of another ABI than their tracer's, and what is arm64's own beside the selftests. */
import type { Entry, Section } from './entry.js';

const itself = (...names: readonly string[]): readonly Entry[] => names.map((entry) => ({ entry, by: [entry] }));

export const coverAbis: readonly Section[] = [
  {
    title: 'AArch32 tracees under arm64',
    entries: [
      ...itself('arm32-prstatus', 'arm32-regsets', 'arm32-setregset-length', 'arm32-cpsr', 'arm32-vfp', 'arm32-tls'),
      ...itself('arm32-highmem', 'arm32-requests-of-arm', 'arm32-syscall-info', 'arm32-system-call-regset'),
      ...itself('arm32-r12-marker', 'arm32-private-call', 'arm32-seccomp', 'arm32-exec', 'arm32-restart'),
      ...itself('arm32-sysemu', 'arm32-set-syscall-info', 'arm32-breakpoint', 'arm32-watchpoint'),
      ...itself('arm32-breakpoint-lengths', 'arm32-step', 'arm32-signal-frame'),
      {
        entry: 'requests of a 32-bit tracer (PTRACE_GETREGS, PTRACE_SETHBPREGS)',
        not: 'The tracer is this package, which runs in a 64-bit Node',
      },
    ],
  },
  {
    title: 'i386 and x32 under x86-64',
    entries: [
      {
        entry: 'i386 tracees: registers, segments, memory',
        by: ['x86_64-ia32-gs', 'fsgsbase-restore-i386', 'highmem-debugger', 'watchpoint-32bit'],
      },
      { entry: 'i386 tracees: an execve between the ABIs', by: ['ptrace_exec32'] },
      {
        entry: 'i386 tracees: interrupted calls',
        by: ['erestartsys-debugger', 'erestartsys-trap-32fails-debugger'],
      },
      { entry: 'i386 calls of 64-bit tracees', by: ['int80-regs-preserved', 'single_step_syscall'] },
      ...itself('i386-regsets', 'i386-syscall-info', 'i386-exec', 'i386-number-change'),
      ...itself('x32-bit-at-stops', 'x32-seccomp', 'x32-number-change'),
      {
        entry: 'x32 calls that are made',
        not:
          'Debian’s cloud kernels 5.10 and 6.12 refuse them with syscall.x32=y too (measured), so x32-number-change is skipped there; its expectation comes ' +
          'from the rule and was never measured',
      },
    ],
  },
  {
    title: 'arm64: steps, registers, slots',
    entries: [
      ...itself(
        'arm64-step-siginfo',
        'arm64-step-syscall',
        'arm64-step-from-syscall-entry',
        'arm64-exec-syscall-number',
      ),
      ...itself('arm64-prstatus', 'arm64-pstate', 'arm64-requests-of-others'),
      ...itself('pac-keys-regsets', 'pac-enabled-keys-regset'),
      ...itself('hwbp-arm64-errors', 'hwbp-arm64-lifetime', 'hwbp-arm64-access'),
      { entry: 'NT_ARM_FPMR, NT_ARM_POE', not: 'No CPU that can be reached or emulated has them: nothing is measured' },
    ],
  },
];
