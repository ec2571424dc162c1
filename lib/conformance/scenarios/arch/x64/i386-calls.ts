/** i386 tracees of a 64-bit tracer: register sets, system calls, an execve back to 64 bits. */
import { auditArchName } from '../../../../kernel/audit-arch.js';
import { PTRACE_O } from '../../../../kernel/options.js';
import { NT, type RegsetName } from '../../../../kernel/regsets.js';
import { syscallName, syscallNumber } from '../../../../kernel/syscalls.js';
import * as raw from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { TINY_EXIT, tinyProgram } from '../../../parts/programs.js';
import { commit, manual, scenario, type Scenario } from '../../../scenario.js';
import { argsText } from '../../selftests/calls.js';
import { I386Tracee } from './i386-tracee.js';

const getregset = manual('ptrace(2)', 'PTRACE_GETREGSET');
const implement = commit('201766a20e30', 'ptrace: add PTRACE_GET_SYSCALL_INFO request');
const syscallInfo = manual('ptrace(2)', 'PTRACE_GET_SYSCALL_INFO');

const ARGUMENTS = [0xffffffff, 0x80000000, 3, 4, 5] as const;
const BAD_FD = 0xffffffff;
/** Below its stack pointer, where nothing is. */
const SCRATCH = 8192n;
const ARGV_AT = 2048n;
const SETS = ['PRSTATUS', 'PRFPREG', 'PRXFPREG', '386_TLS'] as const satisfies readonly RegsetName[];

const callNumber = (name: string): number => syscallNumber('i386', name) ?? -1;

function toStop(e: Actor): void {
  e.syscall();
  e.wait();
}

/** At the entry of the call that its command is about. Not in the transcript. */
function atCall(tracee: I386Tracee, ...args: readonly (number | bigint)[]): void {
  const words = Uint32Array.from(args, (arg) => Number(BigInt.asUintN(32, BigInt(arg))));
  raw.processVmWrite(tracee.actor.tid, tracee.address('arguments'), words);
  tracee.actor.stage.unrecorded(() => {
    toStop(tracee.actor);
  });
}

/** `entry AUDIT_ARCH_I386 getppid` */
function observeInfo(e: Actor): ReturnType<typeof raw.getSyscallInfo> {
  const info = raw.getSyscallInfo(e.tid);
  const what =
    info.op === 'exit'
      ? ` ${e.stage.valueText(info.rval)}`
      : 'nr' in info
        ? ` ${syscallName('i386', info.nr) ?? info.nr}`
        : '';
  e.observe('syscall info', `${info.op} ${auditArchName(info.arch)}${what}`);
  return info;
}

const bytesOf = (e: Actor): number => raw.getRegset(e.tid, NT.PRSTATUS).length;

export const i386Calls: readonly Scenario[] = [
  scenario({
    id: 'i386-regsets',
    title:
      'The register sets of an i386 tracee are those of i386: 17 words, the FSAVE and the FXSAVE area, three TLS entries',
    source: [getregset],
    tags: ['registers', 'regset', 'i386'],
    rule:
      'The sets follow the tracee. Their unit is the 32-bit word, the 216 bytes of x86-64 are taken as far as there is a set: a tracer that does not notice an ' +
      'execve to the other ABI destroys the tracee’s registers without an error.',
    arch: ['x64'],
    needs: ['i386-programs'],
    play(s) {
      const tracee = new I386Tracee(s, 'E', 'stop');
      const e = tracee.actor;
      for (const name of SETS) {
        let size = 0;
        const result = s.attempt(() => {
          size = raw.getRegset(e.tid, NT[name]).length;
        });
        e.observe(`NT_${name}`, result === '0' ? size : result);
      }
      const registers = tracee.registers();
      const longer = new Uint8Array(216).fill(0xff);
      longer.set(registers.bytes);
      e.observe('SETREGSET of 216 bytes', raw.setRegset(e.tid, NT.PRSTATUS, longer));
      e.observe('SETREGSET of 8 bytes', raw.setRegset(e.tid, NT.PRSTATUS, registers.bytes.subarray(0, 8)));
      e.observe(
        'SETREGSET of 6 bytes',
        s.attempt(() => raw.setRegset(e.tid, NT.PRSTATUS, registers.bytes.subarray(0, 6))),
      );
      e.cont();
      e.wait();
    },
    expect: `
      E: NT_PRSTATUS = 68
      E: NT_PRFPREG = 108
      E: NT_PRXFPREG = 512
      E: NT_386_TLS = 48
      E: SETREGSET of 216 bytes = 68
      E: SETREGSET of 8 bytes = 8
      E: SETREGSET of 6 bytes = EINVAL
      E: CONT = 0
      E: wait = exited 0
    `,
  }),

  scenario({
    id: 'i386-syscall-info',
    title: 'GET_SYSCALL_INFO of an i386 tracee has AUDIT_ARCH_I386, numbers of i386, and arguments of 32 bits',
    source: [syscallInfo, implement],
    tags: ['syscall-info', 'syscall-stop', 'i386'],
    rule:
      'Arguments come without a sign, results with one: an error is a negative number of 64 bits. A tracer of both ABIs needs nothing but this to tell which ' +
      'table the number belongs to.',
    arch: ['x64'],
    since: '5.3',
    needs: ['i386-programs'],
    play(s) {
      const tracee = new I386Tracee(s, 'E', 'call', callNumber('getppid'));
      const e = tracee.actor;
      observeInfo(e);
      atCall(tracee, ...ARGUMENTS);
      const entry = observeInfo(e);
      if (entry.op === 'entry') e.observe('arguments', argsText(entry.args.slice(0, ARGUMENTS.length)));
      toStop(e);
      observeInfo(e);
      const failing = new I386Tracee(s, 'F', 'call', callNumber('close'));
      atCall(failing, BAD_FD);
      toStop(failing.actor);
      const exit = observeInfo(failing.actor);
      failing.actor.observe('is an error', exit.op === 'exit' && exit.isError);
      failing.actor.observe('eax', `0x${failing.registers().eax.toString(16)}`);
    },
    expect: `
      E: syscall info = none AUDIT_ARCH_I386
      E: syscall info = entry AUDIT_ARCH_I386 getppid
      E: arguments = ${argsText(ARGUMENTS.map(BigInt))}
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit AUDIT_ARCH_I386 R
      F: SYSCALL = 0
      F: wait = syscall-stop
      F: syscall info = exit AUDIT_ARCH_I386 EBADF
      F: is an error = true
      F: eax = 0xfffffff7
    `,
  }),

  scenario({
    id: 'i386-exec',
    title:
      'At PTRACE_EVENT_EXEC of an i386 tracee that executes a 64-bit program the registers are those of x86-64 already',
    source: [manual('ptrace(2)', 'execve(2) under ptrace'), getregset],
    tags: ['exec', 'registers', 'i386', 'syscall-info'],
    rule:
      'The call is entered by one ABI and left by the other, as if it had come from there: the number at its exit is execve of x86-64. The length of NT_PRSTATUS ' +
      'changes at the event.',
    arch: ['x64'],
    since: '5.3',
    needs: ['i386-programs'],
    play(s) {
      const tracee = new I386Tracee(s, 'E', 'call', callNumber('execve'), { options: PTRACE_O.TRACEEXEC });
      const e = tracee.actor;
      const scratch = (tracee.registers().esp - SCRATCH) & ~0xfffn;
      raw.processVmWrite(e.tid, scratch, Buffer.from(`${tinyProgram()}\0`));
      raw.processVmWrite(e.tid, scratch + ARGV_AT, new Uint32Array([Number(scratch), 0]));
      atCall(tracee, scratch, scratch + ARGV_AT, 0);
      e.observe('bytes', bytesOf(e));
      observeInfo(e);
      toStop(e);
      e.observe('bytes', bytesOf(e));
      toStop(e);
      e.observe('bytes', bytesOf(e));
      observeInfo(e);
      e.observe('orig_rax', e.syscallName(e.registers().syscallNumber));
      e.cont();
      e.wait();
    },
    expect: `
      E: bytes = 68
      E: syscall info = entry AUDIT_ARCH_I386 execve
      E: SYSCALL = 0
      E: wait = event EXEC
      E: bytes = 216
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: bytes = 216
      E: syscall info = exit AUDIT_ARCH_X86_64 0
      E: orig_rax = execve
      E: CONT = 0
      E: wait = exited ${TINY_EXIT}
    `,
  }),

  scenario({
    id: 'i386-number-change',
    title: 'orig_eax changes the call of an i386 tracee; with -1 the result is what the tracer puts into eax',
    source: [manual('ptrace(2)', 'Syscall-stops')],
    tags: ['syscall-stop', 'syscall-number', 'i386'],
    rule: 'Which table the number is for was decided by the way into the kernel: a number of x86-64 is taken for one of i386.',
    arch: ['x64'],
    needs: ['i386-programs'],
    play(s) {
      const play = (name: string, number: number, result?: number): void => {
        const tracee = new I386Tracee(s, name, 'call', callNumber('getpid'));
        atCall(tracee);
        tracee.change((registers) => {
          registers.orig_eax = number;
          if (result !== undefined) registers.result = result;
        });
        const e = tracee.actor;
        e.cont();
        e.wait();
        e.observe('outcome', s.valueText(BigInt(tracee.value())));
      };
      play('E', callNumber('getppid'));
      play('F', -1, -22);
      play('G', -1);
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGSTOP
      E: outcome = R
      F: CONT = 0
      F: wait = stopped by SIGSTOP
      F: outcome = EINVAL
      G: CONT = 0
      G: wait = stopped by SIGSTOP
      G: outcome = ENOSYS
    `,
  }),
];
