/** System calls of x32: those of x86-64 with a bit in their number. */
import { auditArchName, X32_SYSCALL_BIT } from '../../../../kernel/audit-arch.js';
import { PTRACE_O } from '../../../../kernel/options.js';
import { NT } from '../../../../kernel/regsets.js';
import { syscallNumber } from '../../../../kernel/syscalls.js';
import type { Part } from '../../../../raw/child.js';
import * as raw from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { toSyscallStop } from '../../../parts/system-calls.js';
import { seccompFilter, VERDICT } from '../../../parts/seccomp-filter.js';
import { commit, manual, scenario, type Scenario } from '../../../scenario.js';
import type { Stage } from '../../../stage.js';
import { keepOutcome, observeOutcome, traceeBefore } from '../../selftests/calls.js';

const flag = commit('fca460f95e92', 'x32: Handle the x32 system call flag');
const page = manual('syscall(2)', 'Architecture calling conventions');

const GETPPID = syscallNumber('x86_64', 'getppid') ?? -1;
const GETPID = syscallNumber('x86_64', 'getpid') ?? -1;

/** `x32 + getppid` */
function numberText(e: Actor, number: number): string {
  const marked = number >= 0 && (number & X32_SYSCALL_BIT) !== 0;
  return marked ? `x32 + ${e.syscallName(number & ~X32_SYSCALL_BIT)}` : e.syscallName(number);
}

/** GET_SYSCALL_INFO: what it is, the ABI and the number. */
function observeInfo(e: Actor): void {
  const info = raw.getSyscallInfo(e.tid);
  const what = 'nr' in info ? ` ${numberText(e, info.nr)}` : '';
  e.observe('syscall info', `${info.op} ${auditArchName(info.arch)}${what}`);
}

/** A tracee before a call by x32 of getppid. */
function beforeCall(s: Stage, name = 'E', prepare: Part = () => undefined, options = 0): Actor {
  return traceeBefore(
    s,
    (c) => {
      prepare(c);
      keepOutcome(c.syscall(X32_SYSCALL_BIT | GETPPID));
    },
    { name, options },
  );
}

export const x32: readonly Scenario[] = [
  scenario({
    id: 'x32-bit-at-stops',
    title: 'A system call with the bit of x32 has the number with the bit at its stops, and the architecture of x86-64',
    source: [flag, page],
    tags: ['x32', 'syscall-stop', 'syscall-info'],
    rule:
      'The ABI is told by bit 30 of the number alone: registers, code segment and AUDIT_ARCH are those of x86-64. A tracer that looks the number up as it is ' +
      'finds nothing. The stops come also where the kernel does not have the ABI: the call ends with ENOSYS then.',
    arch: ['x64'],
    since: '5.3',
    play(s) {
      const e = beforeCall(s);
      e.syscall();
      e.wait();
      observeInfo(e);
      e.observe('bytes', raw.getRegset(e.tid, NT.PRSTATUS).length);
      e.observe('orig_rax', numberText(e, e.registers().syscallNumber));
      e.syscall();
      e.wait();
      observeInfo(e);
      e.cont();
      observeOutcome(e);
    },
    expect: `
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = entry AUDIT_ARCH_X86_64 x32 + getppid
      E: bytes = 216
      E: orig_rax = x32 + getppid
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit AUDIT_ARCH_X86_64
      E: CONT = 0
      E: outcome = R | ENOSYS
    `,
  }),

  scenario({
    id: 'x32-number-change',
    title: 'A tracer changes a call of x32 into one of x86-64 and back by the bit in the number',
    source: [flag, page],
    tags: ['x32', 'syscall-stop', 'syscall-number'],
    rule: 'The number is looked at after the stop, with the bit in it. Which instruction the tracee used is the same for both.',
    arch: ['x64'],
    needs: ['x32-calls'],
    play(s) {
      const change = (name: string, from: number, to: number): void => {
        const e = traceeBefore(s, (c) => keepOutcome(c.syscall(from)), { name });
        toSyscallStop(e);
        e.setSyscallNumber(to);
        e.observe('number', numberText(e, e.registers().syscallNumber));
        e.cont();
        observeOutcome(e);
      };
      change('E', X32_SYSCALL_BIT | GETPPID, X32_SYSCALL_BIT | GETPID);
      change('F', X32_SYSCALL_BIT | GETPPID, GETPID);
      change('G', GETPPID, X32_SYSCALL_BIT | GETPID);
    },
    expect: `
      E: number = x32 + getpid
      E: CONT = 0
      E: outcome = E
      F: number = getpid
      F: CONT = 0
      F: outcome = F
      G: number = x32 + getpid
      G: CONT = 0
      G: outcome = G
    `,
  }),

  scenario({
    id: 'x32-seccomp',
    title: 'A seccomp filter sees the bit of x32 in the number, so a rule for the plain number does not hold for it',
    source: [manual('seccomp(2)', 'SECCOMP_SET_MODE_FILTER'), flag],
    tags: ['x32', 'seccomp', 'syscall-info'],
    rule:
      'Filters have to name both numbers, or refuse all with the bit: the architecture does not tell. The filter comes before the kernel looks for the call, also ' +
      'where it has none.',
    arch: ['x64'],
    since: '5.3',
    needs: ['seccomp-filters'],
    play(s) {
      for (const [name, number] of [
        ['E', X32_SYSCALL_BIT | GETPPID],
        ['F', GETPPID],
      ] as const) {
        const filter = seccompFilter([[number, VERDICT.trace(0x32)]]);
        const e = beforeCall(s, name, (c) => c.seccompFilter(filter), PTRACE_O.TRACESECCOMP);
        e.cont();
        if (name === 'F') {
          observeOutcome(e);
          continue;
        }
        e.wait();
        observeInfo(e);
        e.cont();
        observeOutcome(e);
      }
    },
    expect: `
      E: CONT = 0
      E: wait = event SECCOMP
      E: syscall info = seccomp AUDIT_ARCH_X86_64 x32 + getppid
      E: CONT = 0
      E: outcome = R | ENOSYS
      F: CONT = 0
      F: outcome = R | ENOSYS
    `,
  }),
];
