/** The registers of system calls as a tracer sees and sets them, and of programs that have begun. */
import { X64_REGISTER_NAMES, type X64Registers } from '../../../../kernel/arch/x64/registers.js';
import { PTRACE_O } from '../../../../kernel/options.js';
import { SIG } from '../../../../kernel/signals.js';
import { syscallNumber } from '../../../../kernel/syscalls.js';
import type { Actor } from '../../../actor.js';
import { resultText } from '../../../describe.js';
import { toNextReport, toSyscallStop } from '../../../parts/system-calls.js';
import { manual, scenario, suite, type Scenario } from '../../../scenario.js';
import { type CodeTracee, change, codeTracee, I, registersOf } from './machine-code.js';

const TRAP_FLAG = 0x100n;
const NESTED_TASK = 0x4000n;
const HIGH_BITS = 0x5555_5555_0000_0000n;
const SYSCALL_BYTES = 2n;

const ARGUMENTS = [0, 1, 2, 3, 4, 5] as const;

/** Number and arguments of the call that is being entered: `gettid(10, 11, 12, 13, 14, 15)`. */
function callOf(e: Actor): string {
  const registers = registersOf(e);
  const args = ARGUMENTS.map((index) => registers.arg(index));
  return `${e.syscallName(registers.syscallNumber)}(${args.join(', ')})`;
}

function setCall(e: Actor, registers: X64Registers, name: string, first: number): void {
  registers.rax = e.syscallNumber(name);
  for (const index of ARGUMENTS) registers.setArg(index, first + index);
}

const resultOf = (e: Actor): string => e.stage.valueText(registersOf(e).result);

/** Runs one system call instruction with a number in all 64 bits, up to its entry; what follows it is a breakpoint. */
function enter(tracee: CodeTracee, number: bigint): void {
  const e = tracee.actor;
  tracee.goTo(0, (registers) => (registers.rax = number));
  toSyscallStop(e);
}

/** Goes on from the entry up to the breakpoint; the result of the call. */
function finish(e: Actor): string {
  toNextReport(e);
  return resultOf(e);
}

export const syscallRegisters: readonly Scenario[] = [
  scenario({
    id: 'sysemu-restart-nr-args',
    title:
      'At each SYSEMU stop number and arguments are those of the tracee’s registers, also of a call that is repeated',
    source: [suite('selftests', 'ptrace_syscall.c'), manual('ptrace(2)', 'PTRACE_SYSEMU')],
    tags: ['sysemu', 'syscall-stop', 'registers'],
    rule:
      'A tracer that plays the kernel has the tracee make the same call again by setting the program counter back to the instruction. The second stop ' +
      'must be like the first, and one with other registers must have those.',
    arch: ['x64'],
    needs: ['step.sysemu'],
    play(s) {
      // 0 syscall; 2 exit_group(0)
      const tracee = codeTracee(s, 'E', []);
      const e = tracee.actor;
      tracee.write([I.syscall, I.setRdi(0), I.setRax(e.syscallNumber('exit_group')), I.syscall]);
      s.unrecorded(() => e.mustSucceed(e.setOptions(PTRACE_O.TRACESYSGOOD), 'SETOPTIONS'));
      tracee.goTo(0, (registers) => setCall(e, registers, 'gettid', 10));
      e.sysemu();
      e.wait();
      e.observe('call', callOf(e));
      change(e, (registers) => {
        registers.rax = registers.orig_rax;
        registers.rip -= SYSCALL_BYTES;
      });
      e.sysemu();
      e.wait();
      e.observe('call', callOf(e));
      change(e, (registers) => {
        setCall(e, registers, 'getpid', 20);
        registers.rip -= SYSCALL_BYTES;
      });
      e.sysemu();
      e.wait();
      e.observe('call', callOf(e));
      e.cont();
      e.wait();
    },
    expect: `
      E: SYSEMU = 0
      E: wait = syscall-stop
      E: call = gettid(10, 11, 12, 13, 14, 15)
      E: SYSEMU = 0
      E: wait = syscall-stop
      E: call = gettid(10, 11, 12, 13, 14, 15)
      E: SYSEMU = 0
      E: wait = syscall-stop
      E: call = getpid(20, 21, 22, 23, 24, 25)
      E: CONT = 0
      E: wait = exited 0
    `,
  }),

  scenario({
    id: 'restart-under-ptrace',
    title:
      'A call that an ignored signal has interrupted shows its code at the exit, and is entered again with the same registers',
    source: [suite('selftests', 'ptrace_syscall.c')],
    tags: ['syscall-stop', 'restart', 'registers', 'signals'],
    rule:
      'A tracee is woken by a signal that it ignores, since its tracer is to see it. pause(2) then ends with -ERESTARTNOHAND, number and arguments still in ' +
      'place. Writing back the registers changes nothing of that: after the signal the call begins anew.',
    arch: ['x64'],
    play(s) {
      const tracee = codeTracee(s, 'E', [I.syscall, I.int3], (c) => c.ignore('SIGUSR1'));
      const e = tracee.actor;
      s.unrecorded(() => e.mustSucceed(e.setOptions(PTRACE_O.TRACESYSGOOD), 'SETOPTIONS'));
      tracee.goTo(0, (registers) => {
        registers.rax = e.syscallNumber('pause');
        for (const index of ARGUMENTS) registers.setArg(index, 0);
      });
      const observe = (): void => {
        e.observe('call', `${callOf(e)}, rax ${resultText(registersOf(e).result)}`);
      };
      e.syscall();
      e.wait();
      observe();
      e.syscall();
      e.untilAsleep();
      e.tgkill('SIGUSR1');
      e.wait();
      observe();
      e.setRegisters(registersOf(e));
      observe();
      e.cont();
      e.wait();
      e.syscall();
      e.wait();
      observe();
    },
    expect: `
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: call = pause(0, 0, 0, 0, 0, 0), rax ENOSYS
      E: SYSCALL = 0
      E: tgkill SIGUSR1 = 0
      E: wait = syscall-stop
      E: call = pause(0, 0, 0, 0, 0, 0), rax ERESTARTNOHAND
      E: call = pause(0, 0, 0, 0, 0, 0), rax ERESTARTNOHAND
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: call = pause(0, 0, 0, 0, 0, 0), rax ENOSYS
    `,
  }),

  scenario({
    id: 'int80-regs-preserved',
    title: 'An i386 system call of a 64-bit tracee leaves all its argument registers as they were',
    source: [suite('selftests', 'ptrace_syscall.c')],
    tags: ['syscall-stop', 'registers', 'i386'],
    rule:
      'INT $0x80 takes its arguments from the low halves of rbx, rcx, rdx, rsi, rdi, rbp. The tracer sees them at the entry, and the program finds the whole ' +
      'registers again behind the call.',
    arch: ['x64'],
    needs: ['i386-calls'],
    play(s) {
      const tracee = codeTracee(s, 'E', [I.int80, I.int3]);
      const e = tracee.actor;
      const names = ['rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp'] as const;
      const wanted = (at: number): bigint => 0x1122_3344_5566_7700n + BigInt(at);
      const kept = (): string => {
        const registers = registersOf(e);
        const changed = names.filter((name, at) => registers[name] !== wanted(at));
        return changed.length === 0 ? 'none' : changed.join(' ');
      };
      s.unrecorded(() => e.mustSucceed(e.setOptions(PTRACE_O.TRACESYSGOOD), 'SETOPTIONS'));
      tracee.goTo(0, (registers) => {
        registers.rax = syscallNumber('i386', 'getppid') ?? -1;
        names.forEach((name, at) => (registers[name] = wanted(at)));
      });
      for (const stop of ['entry', 'exit']) {
        e.syscall();
        e.wait();
        e.observe(`changed at the ${stop}`, kept());
      }
      e.cont();
      e.wait();
      e.observe('changed behind it', kept());
      e.observe('result', resultOf(e));
    },
    expect: `
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: changed at the entry = none
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: changed at the exit = none
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: changed behind it = none
      E: result = R
    `,
  }),

  scenario({
    id: 'syscall_numbering',
    title: 'Of the number of a system call only the low 32 bits count, whether the tracee or its tracer has set it',
    source: [suite('selftests', 'syscall_numbering.c')],
    tags: ['syscall-number', 'syscall-stop', 'registers'],
    rule:
      'The number is a signed integer of 32 bits: the upper half of rax is ignored, and -1 skips the call, also as 0xffffffff. At the entry the tracer sees ' +
      'all 64 bits in orig_rax; writing them back, or other ones, follows the same rule.',
    arch: ['x64'],
    since: '5.14',
    play(s) {
      const tracee = codeTracee(s, 'E', [I.syscall, I.int3]);
      const e = tracee.actor;
      const getppid = BigInt(e.syscallNumber('getppid'));
      s.unrecorded(() => e.mustSucceed(e.setOptions(PTRACE_O.TRACESYSGOOD), 'SETOPTIONS'));
      const poked = (what: string, number: bigint, value: bigint | undefined): void => {
        enter(tracee, number);
        if (value === undefined) e.setRegisters(registersOf(e));
        else change(e, (registers) => (registers.orig_rax = value));
        e.observe(`result ${what}`, finish(e));
      };
      enter(tracee, HIGH_BITS | getppid);
      e.observe('orig_rax has the upper bits', registersOf(e).orig_rax === (HIGH_BITS | getppid));
      e.observe('result', finish(e));
      poked('with the same registers set', HIGH_BITS | getppid, undefined);
      poked('of a number poked with upper bits', 0n, HIGH_BITS | getppid);
      poked('of -1 poked', getppid, 0xffff_ffff_ffff_ffffn);
      poked('of 0xffffffff poked', getppid, 0xffff_ffffn);
      poked('of -1 of its own', -1n, undefined);
    },
    expect: `
      E: orig_rax has the upper bits = true
      E: result = R
      E: result with the same registers set = R
      E: result of a number poked with upper bits = R
      E: result of -1 poked = ENOSYS
      E: result of 0xffffffff poked = ENOSYS
      E: result of -1 of its own = ENOSYS
    `,
  }),

  scenario({
    id: 'single_step_syscall',
    title: 'A tracee with a trap flag of its own goes on trapping behind its system calls, by either instruction',
    source: [suite('selftests', 'single_step_syscall.c')],
    tags: ['step', 'syscall', 'eflags', 'i386'],
    rule:
      'SYSCALL and INT $0x80 clear TF on the way in, and the kernel brings it back on the way out; no trap comes from within it. Unlike a SINGLESTEP, ' +
      'this trap is not right behind the call: IRET sets TF for the instruction that follows, and traps behind that.',
    arch: ['x64'],
    needs: ['i386-calls'],
    play(s) {
      const tracee = codeTracee(s, 'E', []);
      const e = tracee.actor;
      const native = [I.setRax(e.syscallNumber('getppid')), I.syscall, I.nop];
      const compat = [I.setRax(syscallNumber('i386', 'getppid') ?? -1), I.int80, I.nop];
      for (const [name, code] of [
        ['SYSCALL', native],
        ['INT $0x80', compat],
      ] as const) {
        tracee.write(code);
        tracee.goTo(0, (registers) => (registers.eflags |= TRAP_FLAG));
        const places: string[] = [];
        s.unrecorded(() => {
          for (let stop = 0; stop < 3; stop++) {
            e.mustSucceed(e.cont(), 'CONT');
            const status = e.wait();
            const trapped = status?.kind === 'stopped' && status.signal === SIG.SIGTRAP;
            places.push(`${tracee.place}${trapped ? '' : ' by another signal'}`);
            if (stop === 1) places.push(`result ${resultOf(e)}`);
          }
        });
        e.observe(`${name}: stops at`, places.join(', '));
      }
    },
    expect: [
      {
        since: '4.16',
        because: 'system calls made with TF return by IRET',
        transcript: `
          E: SYSCALL: stops at = 7, 10, result R, 11
          E: INT $0x80: stops at = 7, 10, result R, 11
        `,
      },
      {
        before: '4.16',
        because: 'a system call could return by SYSRET, which traps at once, until 21d375b6b34f',
        transcript: `
          E: SYSCALL: stops at = 7, 9, result R, 10 | 7, 10, result R, 11
          E: INT $0x80: stops at = 7, 10, result R, 11
        `,
      },
    ],
  }),

  scenario({
    id: 'syscall_nt',
    title: 'A tracee whose NT flag its tracer has set makes a system call and keeps the flag',
    source: [suite('selftests', 'syscall_nt.c')],
    tags: ['registers', 'eflags', 'syscall'],
    rule:
      'With NT the kernel’s IRET would try to change to another task; since 3.18 SYSCALL masks the flag on entry. SETREGS may set it, so the way back from the stop must ' +
      'bear it too.',
    arch: ['x64'],
    since: '3.18',
    play(s) {
      const tracee = codeTracee(s, 'E', []);
      const e = tracee.actor;
      tracee.write([I.setRax(e.syscallNumber('getppid')), I.syscall, I.int3]);
      tracee.goTo(0, (registers) => (registers.eflags |= NESTED_TASK));
      e.observe('NT', (registersOf(e).eflags & NESTED_TASK) !== 0n);
      e.cont();
      e.wait();
      e.observe('result', resultOf(e));
      e.observe('NT', (registersOf(e).eflags & NESTED_TASK) !== 0n);
    },
    expect: `
      E: NT = true
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: result = R
      E: NT = true
    `,
  }),

  scenario({
    id: 'check_initial_reg_state',
    title: 'A new program begins with all its general registers 0, as its tracer sees at the exec stop',
    source: [suite('selftests', 'check_initial_reg_state.c')],
    tags: ['registers', 'exec'],
    rule:
      'Nothing of the old program may be left in the registers. At the SIGTRAP after execve(2) only the stack pointer, the program counter, flags, CS, SS and ' +
      'the number of the call differ from 0.',
    arch: ['x64'],
    play(s) {
      const e = s.tracee('E', (c) => c.exec(process.execPath, ['node', '--version']).exitGroup(127), { by: 'traceme' });
      e.cont();
      e.wait();
      const registers = registersOf(e).toObject();
      e.observe(
        'not 0',
        X64_REGISTER_NAMES.filter((name) => registers[name] !== 0n && !name.endsWith('_base')).join(' '),
      );
      e.observe('orig_rax', e.syscallName(Number(registers.orig_rax)));
      // Bit 1 is always 1 in the CPU; kernels differ in whether they have it there already.
      e.observe('eflags', `0x${(registers.eflags & ~2n).toString(16)}`);
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: not 0 = orig_rax rip cs eflags rsp ss
      E: orig_rax = execve
      E: eflags = 0x200
    `,
  }),
];
