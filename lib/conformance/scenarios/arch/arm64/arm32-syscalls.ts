/** AArch32 tracees of a 64-bit tracer: their system calls. */
import { auditArchName } from '../../../../kernel/audit-arch.js';
import { PTRACE_EVENT } from '../../../../kernel/events.js';
import { PTRACE_O } from '../../../../kernel/options.js';
import { NT } from '../../../../kernel/regsets.js';
import { encodeSyscallInfo } from '../../../../kernel/syscall-info.js';
import * as raw from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { arm32Program } from '../../../fixtures.js';
import { tinyProgram, TINY_EXIT } from '../../../parts/programs.js';
import { seccompFilter, VERDICT } from '../../../parts/seccomp-filter.js';
import { commit, manual, scenario, suite, type Scenario } from '../../../scenario.js';
import { argsText } from '../../selftests/calls.js';
import { compat, ptraceView } from './arm32-sources.js';
import { ARM_BYTES, armCall, armCallName, Arm32Tracee } from './arm32-tracee.js';

const syscallInfoPage = manual('ptrace(2)', 'PTRACE_GET_SYSCALL_INFO');
const implement = commit('201766a20e30', 'ptrace: add PTRACE_GET_SYSCALL_INFO request');
const numberSet = commit('766a85d7bc5d', 'arm64: ptrace: add NT_ARM_SYSTEM_CALL regset');
const execNumber = commit('de6921856f99', 'arm64: Do not forget syscall when starting a new thread.');

const BAD_FD = -1;
const ARGUMENTS = [0xffffffff, 0x80000000, 3, 4, 5] as const;

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

function toStop(e: Actor): void {
  e.syscall();
  e.wait();
}

/** At the entry of the call that its command is about: behind the two that stop it. Not in the transcript. */
function atCall(tracee: Arm32Tracee, ...args: readonly number[]): void {
  const { actor: e } = tracee;
  tracee.write(tracee.address('arguments'), ...args);
  e.stage.unrecorded(() => {
    toStop(e);
  });
}

/** Its result, as the program has it: behind the exit, in its next stop. */
function observeOutcome(tracee: Arm32Tracee): void {
  const { actor: e } = tracee;
  e.cont();
  e.wait();
  e.observe('outcome', e.stage.valueText(BigInt(tracee.field('value'))));
}

const r12 = (tracee: Arm32Tracee): string => hex(tracee.registers().r12);

export const arm32Syscalls: readonly Scenario[] = [
  scenario({
    id: 'arm32-syscall-info',
    title: 'GET_SYSCALL_INFO of an AArch32 tracee has AUDIT_ARCH_ARM, numbers of the EABI, and arguments of 32 bits',
    source: [syscallInfoPage, implement, commit('e30e8d46cf60', 'arm64: fix compat syscall return truncation')],
    tags: ['syscall-info', 'syscall-stop', 'aarch32'],
    rule:
      'Arguments come without a sign, results with one: an error is a negative number of 64 bits and marked as an error, as for every ABI. The stack pointer is ' +
      'r13. A tracer of several ABIs needs nothing but this to tell which table the number belongs to.',
    arch: ['arm64'],
    since: '5.3',
    needs: ['arm32-programs'],
    play(s) {
      const tracee = new Arm32Tracee(s, 'E', 'call', armCall('getppid'));
      const e = tracee.actor;
      e.observe('at a signal', tracee.observeInfo().op);
      atCall(tracee, ...ARGUMENTS);
      const entry = tracee.observeInfo();
      if (entry.op === 'entry') e.observe('arguments', argsText(entry.args.slice(0, ARGUMENTS.length)));
      const { pc, sp } = tracee.registers();
      e.observe('instruction pointer is pc', entry.instructionPointer === pc);
      e.observe('stack pointer is r13', entry.stackPointer === sp);
      toStop(e);
      tracee.observeInfo();
      const failing = new Arm32Tracee(s, 'F', 'call', armCall('close'));
      atCall(failing, BAD_FD);
      failing.observeInfo();
      toStop(failing.actor);
      const exit = failing.observeInfo();
      failing.actor.observe('is an error', exit.op === 'exit' && exit.isError);
      failing.actor.observe('r0', hex(failing.registers().r0));
      failing.actor.observe('orig_r0', hex(failing.registers().orig_r0));
    },
    expect: `
      E: syscall info = none AUDIT_ARCH_ARM
      E: at a signal = none
      E: syscall info = entry AUDIT_ARCH_ARM getppid
      E: arguments = ${argsText(ARGUMENTS.map(BigInt))}
      E: instruction pointer is pc = true
      E: stack pointer is r13 = true
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit AUDIT_ARCH_ARM R
      F: syscall info = entry AUDIT_ARCH_ARM close
      F: SYSCALL = 0
      F: wait = syscall-stop
      F: syscall info = exit AUDIT_ARCH_ARM EBADF
      F: is an error = true
      F: r0 = 0xfffffff7
      F: orig_r0 = 0xffffffff
    `,
  }),

  scenario({
    id: 'arm32-system-call-regset',
    title:
      'NT_ARM_SYSTEM_CALL changes the call of an AArch32 tracee; r7 does not, and with -1 the result is what r0 holds',
    source: [ptraceView, numberSet],
    tags: ['syscall-stop', 'regset', 'aarch32'],
    rule:
      'The set is the same as that of AArch64 tracees, and the number in it one of the EABI. A 32-bit tracer has PTRACE_SET_SYSCALL for it. A call that is left ' +
      'out gives back its first argument, unless the tracer has put a result into r0.',
    arch: ['arm64'],
    since: '4.2',
    needs: ['arm32-programs'],
    play(s) {
      const begin = (name: string): Arm32Tracee => {
        const tracee = new Arm32Tracee(s, name, 'call', armCall('getpid'));
        atCall(tracee, 0x1234);
        return tracee;
      };
      const byRegister = begin('E');
      byRegister.change((registers) => {
        registers.r7 = armCall('getppid');
      });
      byRegister.actor.observe('number', armCallName(byRegister.number()));
      observeOutcome(byRegister);
      const bySet = begin('F');
      bySet.actor.observe('SETREGSET', bySet.setNumber(armCall('getppid')));
      bySet.actor.observe('number', armCallName(bySet.number()));
      observeOutcome(bySet);
      const leftOut = begin('G');
      leftOut.actor.observe('SETREGSET', leftOut.setNumber(-1));
      observeOutcome(leftOut);
      const answered = begin('H');
      answered.actor.observe('SETREGSET', answered.setNumber(-1));
      answered.change((registers) => {
        registers.result = -22;
      });
      observeOutcome(answered);
    },
    expect: `
      E: number = getpid
      E: CONT = 0
      E: wait = stopped by SIGSTOP
      E: outcome = E
      F: SETREGSET = 0
      F: number = getppid
      F: CONT = 0
      F: wait = stopped by SIGSTOP
      F: outcome = R
      G: SETREGSET = 0
      G: CONT = 0
      G: wait = stopped by SIGSTOP
      G: outcome = ${String(0x1234)}
      H: SETREGSET = 0
      H: CONT = 0
      H: wait = stopped by SIGSTOP
      H: outcome = EINVAL
    `,
  }),

  scenario({
    id: 'arm32-r12-marker',
    title:
      'At a syscall-enter-stop r12 of an AArch32 tracee reads as 0, at a syscall-exit-stop as 1; what is written to it is lost',
    source: [
      manual('ptrace(2)', 'Syscall-stops'),
      commit('59ee987ea47c', 'arm64: ptrace: Add a comment describing our syscall entry/exit trap ABI'),
    ],
    tags: ['syscall-stop', 'registers', 'seccomp', 'aarch32'],
    rule: 'The marker of 32-bit ARM is in ip, which no system call of the EABI takes an argument in; that of AArch64 is in x7. r7, the number, keeps its value.',
    arch: ['arm64'],
    since: '3.7',
    needs: ['arm32-programs'],
    play(s) {
      const tracee = new Arm32Tracee(s, 'E', 'call', armCall('getpid'));
      const e = tracee.actor;
      tracee.change((registers) => {
        registers.r12 = 0xabcn;
      });
      const setR12 = (): void => {
        tracee.change((registers) => {
          registers.r12 = 0xdeadn;
        });
      };
      const restore = tracee.enter('getpid');
      e.observe('r12 at the entry', r12(tracee));
      e.observe('r7 at the entry', armCallName(tracee.registers().syscallNumber));
      setR12();
      toStop(e);
      e.observe('r12 at the exit', r12(tracee));
      setR12();
      e.kill('SIGUSR1');
      e.cont();
      e.wait();
      e.observe('r12 afterwards', r12(tracee));
      restore();
    },
    expect: `
      E: r12 at the entry = 0x0
      E: r7 at the entry = getpid
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: r12 at the exit = 0x1
      E: kill SIGUSR1 = 0
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: r12 afterwards = 0xabc
    `,
  }),

  scenario({
    id: 'arm32-private-call',
    title:
      'The calls that 32-bit ARM has beside its table are syscall-stops like any other, with numbers from 0xf0000 on',
    source: [compat, syscallInfoPage],
    tags: ['syscall-stop', 'syscall-info', 'aarch32'],
    rule: 'set_tls and cacheflush are made with numbers far behind the table. A tracer that looks names up in an array has to expect them.',
    arch: ['arm64'],
    since: '5.3',
    needs: ['arm32-programs'],
    play(s) {
      const tracee = new Arm32Tracee(s, 'E', 'stop');
      const e = tracee.actor;
      const restore = tracee.enter('set_tls', tracee.address('tls'));
      const entry = tracee.observeInfo();
      e.observe('number', entry.op === 'entry' ? hex(entry.nr) : 'none');
      toStop(e);
      tracee.observeInfo();
      restore();
      const bytes = raw.getRegset(e.tid, NT.ARM_TLS);
      const pointer = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
      e.observe('NT_ARM_TLS is its argument', BigInt(pointer) === tracee.address('tls'));
    },
    expect: `
      E: syscall info = entry AUDIT_ARCH_ARM set_tls
      E: number = 0xf0005
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit AUDIT_ARCH_ARM 0
      E: NT_ARM_TLS is its argument = true
    `,
  }),

  scenario({
    id: 'arm32-seccomp',
    title:
      'A seccomp filter that was installed before an execve of an AArch32 program judges its calls by the numbers of the EABI',
    source: [manual('seccomp(2)', 'SECCOMP_SET_MODE_FILTER'), syscallInfoPage],
    tags: ['seccomp', 'syscall-info', 'aarch32'],
    rule:
      'Filters stay through execve, and numbers mean something else then: a filter that does not look at the architecture hits the wrong call. The tracer ' +
      'sees which one it is.',
    arch: ['arm64'],
    since: '5.3',
    needs: ['arm32-programs', 'seccomp-filters'],
    play(s) {
      // As a call of AArch64 the number is that of write, which nobody makes here.
      const filter = seccompFilter([[armCall('getppid'), VERDICT.trace(0x123)]]);
      const tracee = new Arm32Tracee(s, 'E', 'stop', 0, {
        prepare: (c) => c.seccompFilter(filter),
        options: PTRACE_O.TRACESECCOMP,
      });
      const e = tracee.actor;
      tracee.change((registers) => {
        registers.pc -= ARM_BYTES;
        registers.r7 = armCall('getppid');
      });
      e.cont();
      const status = e.wait();
      e.observe('is the event', status?.kind === 'event' && status.event === PTRACE_EVENT.SECCOMP);
      e.eventMessage();
      tracee.observeInfo();
      e.observe('r12', tracee.registers().r12 === 1n ? 'the marker of an exit' : 'no marker');
      toStop(e);
      tracee.observeInfo();
    },
    expect: `
      E: CONT = 0
      E: wait = event SECCOMP
      E: is the event = true
      E: event message = 0x123
      E: syscall info = seccomp AUDIT_ARCH_ARM getppid data 0x123
      E: r12 = no marker
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit AUDIT_ARCH_ARM R
    `,
  }),

  scenario({
    id: 'arm32-exec',
    title:
      'At PTRACE_EVENT_EXEC the register sets are those of the new program’s ABI already, from 64 to 32 bits and back',
    source: [compat, manual('ptrace(2)', 'execve(2) under ptrace')],
    tags: ['exec', 'registers', 'aarch32', 'syscall-info'],
    rule:
      'The execve is entered by one ABI and left by the other. From the event on the length of NT_PRSTATUS and the architecture of GET_SYSCALL_INFO are the new ' +
      'ones, so a tracer has to look at the length each time and not keep what it knew of the tracee.',
    arch: ['arm64'],
    since: '5.3',
    needs: ['arm32-programs'],
    play(s) {
      const program = arm32Program();
      const path32 = 'path' in program ? program.path : s.skip(program.missing);
      const f = s.tracee('F', (c) => c.exec(path32, ['tracee', 'exit', '3']).exitGroup(1), {
        options: PTRACE_O.TRACEEXEC | PTRACE_O.TRACESYSGOOD,
      });
      f.observe('bytes', raw.getRegset(f.tid, NT.PRSTATUS).length);
      f.cont();
      f.wait();
      f.observe('bytes', raw.getRegset(f.tid, NT.PRSTATUS).length);
      toStop(f);
      f.observe('architecture', auditArchName(raw.getSyscallInfo(f.tid).arch));
      f.cont();
      f.wait();
      const tracee = new Arm32Tracee(s, 'E', 'stop', 0, { options: PTRACE_O.TRACEEXEC });
      const e = tracee.actor;
      const observe = (): void => {
        e.observe('bytes', raw.getRegset(e.tid, NT.PRSTATUS).length);
        tracee.observeInfo();
      };
      const path = Buffer.from(`${tinyProgram()}\0`);
      tracee.writeBytes(tracee.scratch, path);
      tracee.write(tracee.scratch + 2048n, tracee.scratch, 0);
      tracee.enter('execve', tracee.scratch, tracee.scratch + 2048n, 0);
      observe();
      toStop(e);
      e.observe('bytes', raw.getRegset(e.tid, NT.PRSTATUS).length);
      toStop(e);
      e.observe('bytes', raw.getRegset(e.tid, NT.PRSTATUS).length);
      e.observe('architecture', auditArchName(raw.getSyscallInfo(e.tid).arch));
      e.cont();
      e.wait();
    },
    expect: `
      F: bytes = 272
      F: CONT = 0
      F: wait = event EXEC
      F: bytes = 72
      F: SYSCALL = 0
      F: wait = syscall-stop
      F: architecture = AUDIT_ARCH_ARM
      F: CONT = 0
      F: wait = exited 3
      E: bytes = 72
      E: syscall info = entry AUDIT_ARCH_ARM execve
      E: SYSCALL = 0
      E: wait = event EXEC
      E: bytes = 272
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: bytes = 272
      E: architecture = AUDIT_ARCH_AARCH64
      E: CONT = 0
      E: wait = exited ${TINY_EXIT}
    `,
  }),

  scenario({
    id: 'arm32-restart',
    title:
      'An interrupted call of an AArch32 tracee is set up to be made again before the stop; what is made again is restart_syscall',
    source: [compat, manual('restart_syscall(2)', 'DESCRIPTION')],
    tags: ['restart', 'signal-delivery-stop', 'aarch32'],
    rule:
      'At the stop of the signal pc is back at the instruction and r0 has the first argument: unlike on x86 a tracer does not see the code of the restart. A ' +
      'signal that it suppresses leads to restart_syscall, number 0 of this ABI, in r7.',
    arch: ['arm64'],
    since: '5.3',
    needs: ['arm32-programs'],
    play(s) {
      const tracee = new Arm32Tracee(s, 'E', 'sleep', 600_000);
      const e = tracee.actor;
      s.unrecorded(() => {
        toStop(e);
      });
      const { r0, pc } = tracee.registers();
      e.syscall();
      s.unrecorded(() => {
        e.untilAsleep();
        e.kill('SIGUSR1');
      });
      e.wait();
      tracee.observeInfo();
      e.observe('r0', tracee.registers().result === -516n ? 'ERESTART_RESTARTBLOCK' : 'another');
      toStop(e);
      const stopped = tracee.registers();
      e.observe('pc at the signal', stopped.pc === pc - ARM_BYTES ? 'at the instruction' : 'another');
      e.observe('r0 at the signal', stopped.r0 === r0 ? 'its first argument' : hex(stopped.r0));
      e.observe('number at the signal', tracee.number());
      toStop(e);
      tracee.observeInfo();
      e.observe('r7', tracee.registers().r7);
    },
    expect: `
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit AUDIT_ARCH_ARM ERESTART_RESTARTBLOCK
      E: r0 = ERESTART_RESTARTBLOCK
      E: SYSCALL = 0
      E: wait = stopped by SIGUSR1
      E: pc at the signal = at the instruction
      E: r0 at the signal = its first argument
      E: number at the signal = -1
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = entry AUDIT_ARCH_ARM restart_syscall
      E: r7 = 0
    `,
  }),

  scenario({
    id: 'arm32-sysemu',
    title: 'SYSEMU stops an AArch32 tracee at the entry of a call, which is not made and gives what r0 holds',
    source: [commit('f086f67485c5', 'arm64: ptrace: add support for syscall emulation')],
    tags: ['sysemu', 'syscall-stop', 'aarch32'],
    rule: 'One request serves both ABIs. The tracer plays the call and writes the result into r0.',
    arch: ['arm64'],
    since: '5.3',
    needs: ['arm32-programs', 'step.sysemu'],
    play(s) {
      const tracee = new Arm32Tracee(s, 'E', 'call', armCall('getpid'));
      const e = tracee.actor;
      e.sysemu();
      e.wait();
      tracee.observeInfo();
      tracee.change((registers) => {
        registers.result = 77;
      });
      observeOutcome(tracee);
    },
    expect: `
      E: SYSEMU = 0
      E: wait = syscall-stop
      E: syscall info = entry AUDIT_ARCH_ARM getpid
      E: CONT = 0
      E: wait = stopped by SIGSTOP
      E: outcome = 77
    `,
  }),

  scenario({
    id: 'arm32-set-syscall-info',
    title: 'SET_SYSCALL_INFO changes number, arguments and result of an AArch32 tracee’s call',
    source: [
      commit('26bb32768fe6', 'ptrace: introduce PTRACE_SET_SYSCALL_INFO request'),
      suite('selftests', 'ptrace/set_syscall_info.c'),
    ],
    tags: ['syscall-info', 'syscall-stop', 'aarch32'],
    rule: 'Numbers are those of the tracee’s ABI, arguments are cut to its 32 bits. No other way changes both at once, and none is the same for all ABIs.',
    arch: ['arm64'],
    since: '6.16',
    needs: ['arm32-programs', 'request.PTRACE_SET_SYSCALL_INFO'],
    play(s) {
      const tracee = new Arm32Tracee(s, 'E', 'call', armCall('getppid'));
      const e = tracee.actor;
      atCall(tracee, 1, 2, 3);
      const entry = raw.getSyscallInfo(e.tid);
      if (entry.op !== 'entry') throw new Error('it is not at an entry');
      const [, second, , ...others] = entry.args;
      const args = [0xffffffffn, second, 0x1_0000_0007n, ...others] as unknown as typeof entry.args;
      e.observe(
        'SET_SYSCALL_INFO at the entry',
        s.attempt(() => {
          raw.setSyscallInfo(e.tid, encodeSyscallInfo({ ...entry, nr: armCall('close'), args }));
        }),
      );
      const { r0, r2 } = tracee.registers();
      e.observe('r0 r2', `${hex(r0)} ${hex(r2)}`);
      tracee.observeInfo();
      toStop(e);
      const exit = tracee.observeInfo();
      if (exit.op !== 'exit') throw new Error('it is not at an exit');
      e.observe(
        'SET_SYSCALL_INFO at the exit',
        s.attempt(() => {
          raw.setSyscallInfo(e.tid, encodeSyscallInfo({ ...exit, rval: 5n, isError: false }));
        }),
      );
      observeOutcome(tracee);
    },
    expect: `
      E: SET_SYSCALL_INFO at the entry = 0
      E: r0 r2 = 0xffffffff 0x7
      E: syscall info = entry AUDIT_ARCH_ARM close
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit AUDIT_ARCH_ARM EBADF
      E: SET_SYSCALL_INFO at the exit = 0
      E: CONT = 0
      E: wait = stopped by SIGSTOP
      E: outcome = 5
    `,
  }),

  scenario({
    id: 'arm64-exec-syscall-number',
    title:
      'The number of the call stays that of execve through an execve: in NT_ARM_SYSTEM_CALL at the event and at the exit',
    source: [execNumber],
    tags: ['exec', 'regset', 'syscall-stop'],
    rule:
      'The registers of the new program are all 0, also x8, so the set alone says which call it is that ends. While it said -1, tools saw the end of a call that ' +
      'nobody had begun.',
    history: 'Before Linux 6.0 the number was -1 from the event on.',
    arch: ['arm64'],
    since: '3.19',
    play(s) {
      const e = s.tracee('E', (c) => c.exec(tinyProgram(), ['tiny']).exitGroup(1), {
        options: PTRACE_O.TRACEEXEC | PTRACE_O.TRACESYSGOOD,
      });
      const observe = (): void => {
        const bytes = raw.getRegset(e.tid, NT.ARM_SYSTEM_CALL);
        e.observe('number', e.syscallName(new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true)));
        e.observe('x8', e.registers().get('x8') === 0n ? '0' : 'another');
      };
      e.cont();
      e.wait();
      observe();
      toStop(e);
      observe();
      e.cont();
      e.wait();
    },
    expect: [
      { since: '6.0', because: 'de6921856f99 keeps the number', transcript: execTranscript('execve') },
      { before: '6.0', because: 'the kernel forgot the number with the registers', transcript: execTranscript('-1') },
    ],
  }),
];

function execTranscript(number: string): string {
  return `
    E: CONT = 0
    E: wait = event EXEC
    E: number = ${number}
    E: x8 = 0
    E: SYSCALL = 0
    E: wait = syscall-stop
    E: number = ${number}
    E: x8 = 0
    E: CONT = 0
    E: wait = exited ${TINY_EXIT}
  `;
}
