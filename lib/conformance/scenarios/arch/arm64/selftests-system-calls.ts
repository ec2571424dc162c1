/** System calls of arm64 as a tracer changes them: the register set that has the number, and the register that marks the stop. */
import { PTRACE_O } from '../../../../kernel/options.js';
import { NT } from '../../../../kernel/regsets.js';
import { getRegset, setRegset } from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { callBytes } from '../../../parts/instructions.js';
import { seccompFilter, VERDICT } from '../../../parts/seccomp-filter.js';
import { commit, manual, scenario, suite, type Scenario } from '../../../scenario.js';
import { keepOutcome, observeOutcome, traceeAt } from '../../selftests/calls.js';

/** The number in NT_ARM_SYSTEM_CALL: a call's name, or -1. */
function observeNumber(e: Actor): void {
  const bytes = getRegset(e.tid, NT.ARM_SYSTEM_CALL);
  e.observe('bytes', bytes.length);
  e.observe('number', e.syscallName(new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true)));
}

function setNumber(e: Actor, number: number): void {
  e.observe(
    'SETREGSET',
    e.stage.attempt(() => setRegset(e.tid, NT.ARM_SYSTEM_CALL, new Int32Array([number]))),
  );
}

const x7 = (e: Actor): string => `0x${e.registers().get('x7').toString(16)}`;

function setX7(e: Actor, value: bigint): void {
  e.changeRegisters((registers) => {
    registers.set('x7', value);
  });
}

export const systemCalls: readonly Scenario[] = [
  scenario({
    id: 'arm64-system-call-regset',
    title: 'NT_ARM_SYSTEM_CALL alone changes the call that is being entered; with -1 the result is what x0 holds',
    source: [
      commit('766a85d7bc5d', 'arm64: ptrace: add NT_ARM_SYSTEM_CALL regset'),
      suite('selftests', 'seccomp/seccomp_bpf.c TRACE_syscall'),
    ],
    tags: ['syscall-stop', 'regset'],
    rule:
      'The number is taken from x8 when the call begins, and x8 is an ordinary register from then on. A call that is left out returns x0 as it is: the first ' +
      'argument, unless the tracer has written a result. Outside of a call the number is -1.',
    arch: ['arm64'],
    since: '3.19',
    play(s) {
      const begin = (name: string): Actor =>
        traceeAt(s, 'getpid', (c) => keepOutcome(c.syscall('getpid', 0x1234)), { name });
      const finish = (actor: Actor): void => {
        actor.cont();
        observeOutcome(actor);
      };
      const byRegister = begin('E');
      observeNumber(byRegister);
      byRegister.changeRegisters((registers) => {
        registers.set('x8', byRegister.syscallNumber('getppid'));
      });
      observeNumber(byRegister);
      finish(byRegister);
      const bySet = begin('F');
      setNumber(bySet, bySet.syscallNumber('getppid'));
      observeNumber(bySet);
      finish(bySet);
      const leftOut = begin('G');
      setNumber(leftOut, -1);
      finish(leftOut);
      const answered = begin('H');
      setNumber(answered, -1);
      answered.changeRegisters((registers) => {
        registers.result = 77;
      });
      finish(answered);
      const outside = s.tracee('I', (c) => c.illegal());
      outside.cont();
      outside.wait();
      observeNumber(outside);
    },
    expect: `
      E: bytes = 4
      E: number = getpid
      E: bytes = 4
      E: number = getpid
      E: CONT = 0
      E: outcome = E
      F: SETREGSET = 0
      F: bytes = 4
      F: number = getppid
      F: CONT = 0
      F: outcome = R
      G: SETREGSET = 0
      G: CONT = 0
      G: outcome = ${String(0x1234)}
      H: SETREGSET = 0
      H: CONT = 0
      H: outcome = 77
      I: CONT = 0
      I: wait = stopped by SIGILL
      I: bytes = 4
      I: number = -1
    `,
  }),

  scenario({
    id: 'arm64-x7-marker',
    title: 'At a syscall-enter-stop x7 reads as 0, at a syscall-exit-stop as 1; what is written to it there is lost',
    source: [
      manual('ptrace(2)', 'Syscall-stops'),
      commit('59ee987ea47c', 'arm64: ptrace: Add a comment describing our syscall entry/exit trap ABI'),
    ],
    tags: ['syscall-stop', 'registers', 'seccomp'],
    rule:
      'The register tells which of the two stops it is, from times without another way to know. Its own value is put back when the stop is over, so it can ' +
      'neither be read nor changed there. A seccomp stop between them does not touch it.',
    arch: ['arm64'],
    since: '4.8',
    needs: ['seccomp-filters'],
    play(s) {
      const filter = seccompFilter([['getpid', VERDICT.trace(0)]]);
      const e = traceeAt(s, 'getpid', (c) => keepOutcome(c.seccompFilter(filter).syscall('getpid')), {
        options: PTRACE_O.TRACESECCOMP,
      });
      s.unrecorded(() => {
        // Through the call to a stop in user code behind its instruction, and back in front of it.
        e.cont();
        e.wait();
        e.interrupt();
        e.cont();
        e.wait();
        e.changeRegisters((registers) => {
          registers.pc -= callBytes(e);
          registers.set('x8', e.syscallNumber('getpid'));
          registers.set('x7', 0xabcn);
        });
      });
      e.syscall();
      e.wait();
      e.observe('x7 at the entry', x7(e));
      setX7(e, 0xdeadn);
      e.syscall();
      e.wait();
      e.observe('x7 at the filter', x7(e));
      e.syscall();
      e.wait();
      e.observe('x7 at the exit', x7(e));
      setX7(e, 0xdeadn);
      e.interrupt();
      e.cont();
      e.wait();
      e.observe('x7 afterwards', x7(e));
    },
    expect: `
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: x7 at the entry = 0x0
      E: SYSCALL = 0
      E: wait = event SECCOMP
      E: x7 at the filter = 0xabc
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: x7 at the exit = 0x1
      E: INTERRUPT = 0
      E: CONT = 0
      E: wait = event STOP SIGTRAP
      E: x7 afterwards = 0xabc
    `,
  }),
];
