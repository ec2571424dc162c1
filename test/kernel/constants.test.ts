import { describe, expect, it } from 'vitest';
import * as kernel from '../../lib/kernel/index.js';
import { compareWithHeaders, noHeaders } from './headers.js';

const onX64 = process.arch === 'x64';

/** Every table of constants, and how many of its names headers are sure to have; a guard against comparing nothing. */
const tables: readonly {
  readonly name: string;
  readonly prefix: string;
  readonly includes: readonly string[];
  readonly table: Readonly<Record<string, number>>;
  readonly atLeast: number;
  readonly skip?: string | undefined;
}[] = [
  { name: 'PTRACE', prefix: 'PTRACE_', includes: ['linux/ptrace.h'], table: kernel.PTRACE, atLeast: 24 },
  {
    name: 'PTRACE_X64',
    prefix: 'PTRACE_',
    includes: ['asm/ptrace-abi.h'],
    table: kernel.PTRACE_X64,
    atLeast: 13,
    skip: onX64 ? undefined : 'only x86 has them',
  },
  {
    name: 'PTRACE_ARM64',
    prefix: 'PTRACE_',
    includes: ['asm/ptrace.h'],
    table: kernel.PTRACE_ARM64,
    atLeast: 4,
    skip: onX64 ? 'only arm64 has them' : undefined,
  },
  { name: 'PTRACE_O', prefix: 'PTRACE_O_', includes: ['linux/ptrace.h'], table: kernel.PTRACE_O, atLeast: 10 },
  {
    name: 'PTRACE_EVENT',
    prefix: 'PTRACE_EVENT_',
    includes: ['linux/ptrace.h'],
    table: kernel.PTRACE_EVENT,
    atLeast: 8,
  },
  {
    name: 'PTRACE_EVENTMSG',
    prefix: 'PTRACE_EVENTMSG_',
    includes: ['linux/ptrace.h'],
    table: kernel.PTRACE_EVENTMSG,
    atLeast: 2,
  },
  {
    name: 'SYSCALL_INFO_OP',
    prefix: 'PTRACE_SYSCALL_INFO_',
    includes: ['linux/ptrace.h'],
    table: kernel.SYSCALL_INFO_OP,
    atLeast: 4,
  },
  { name: 'SIG', prefix: '', includes: ['asm/signal.h'], table: kernel.SIG, atLeast: 31 },
  { name: 'SI', prefix: 'SI_', includes: ['asm/siginfo.h'], table: kernel.SI, atLeast: 9 },
  { name: 'ILL', prefix: 'ILL_', includes: ['asm/siginfo.h'], table: kernel.ILL, atLeast: 9 },
  { name: 'FPE', prefix: 'FPE_', includes: ['asm/siginfo.h'], table: kernel.FPE, atLeast: 10 },
  { name: 'SEGV', prefix: 'SEGV_', includes: ['asm/siginfo.h'], table: kernel.SEGV, atLeast: 7 },
  { name: 'BUS', prefix: 'BUS_', includes: ['asm/siginfo.h'], table: kernel.BUS, atLeast: 5 },
  { name: 'TRAP', prefix: 'TRAP_', includes: ['asm/siginfo.h'], table: kernel.TRAP, atLeast: 6 },
  { name: 'POLL', prefix: 'POLL_', includes: ['asm/siginfo.h'], table: kernel.POLL, atLeast: 6 },
  { name: 'SYS', prefix: 'SYS_', includes: ['asm/siginfo.h'], table: kernel.SYS, atLeast: 1 },
  { name: 'CLD', prefix: 'CLD_', includes: ['asm/siginfo.h'], table: kernel.CLD, atLeast: 6 },
  { name: 'ERRNO', prefix: '', includes: ['asm/errno.h'], table: kernel.ERRNO, atLeast: 120 },
  { name: 'ERRNO_ALIAS', prefix: '', includes: ['errno.h'], table: kernel.ERRNO_ALIAS, atLeast: 3 },
  { name: 'W', prefix: '', includes: ['linux/wait.h'], table: kernel.W, atLeast: 9 },
  {
    name: 'idtypes',
    prefix: '',
    includes: ['linux/wait.h'],
    table: { P_ALL: kernel.P_ALL, P_PID: kernel.P_PID, P_PGID: kernel.P_PGID, P_PIDFD: kernel.P_PIDFD },
    atLeast: 4,
  },
  { name: 'NT', prefix: 'NT_', includes: ['linux/elf.h'], table: kernel.NT, atLeast: 14 },
  { name: 'AUDIT_ARCH', prefix: 'AUDIT_ARCH_', includes: ['linux/audit.h'], table: kernel.AUDIT_ARCH, atLeast: 8 },
  {
    name: 'PR_SYS_DISPATCH',
    prefix: 'PR_SYS_DISPATCH_',
    includes: ['linux/prctl.h'],
    table: kernel.PR_SYS_DISPATCH,
    atLeast: 1,
  },
];

describe.skipIf(noHeaders !== undefined)("constants equal those of the machine's headers", () => {
  for (const { name, prefix, includes, table, atLeast, skip } of tables) {
    it(name, (context) => {
      if (skip !== undefined) context.skip(skip);
      const { ours, theirs } = compareWithHeaders(includes, prefix, table);
      // The headers print 32-bit constants with or without sign.
      const unsigned = (all: Record<string, bigint>): Record<string, bigint> =>
        Object.fromEntries(Object.entries(all).map(([key, value]) => [key, BigInt.asUintN(32, value)]));
      expect(unsigned(ours)).toEqual(unsigned(theirs));
      expect(Object.keys(theirs).length).toBeGreaterThanOrEqual(atLeast);
    });
  }
});

describe('constants are told apart', () => {
  for (const { name, table } of tables.filter((each) => each.name !== 'W')) {
    it(`${name} gives no number two names`, () => {
      const numbers = Object.values(table);
      expect(new Set(numbers).size).toBe(numbers.length);
    });
  }
});
