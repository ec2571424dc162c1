/** The result register of system calls that do not exist. */
import { ERRNO } from '../../../../kernel/errno.js';
import { PTRACE_O } from '../../../../kernel/options.js';
import { toEntry, toSyscallStop } from '../../../parts/system-calls.js';
import { commit, scenario, suite, type Scenario } from '../../../scenario.js';
import { resultText } from '../../../describe.js';

const NO_CALLS = [-1, -23, -38, 99_999, 500_000] as const;

export const kernelSyscallsX64: readonly Scenario[] = [
  scenario({
    id: 'bad-syscall-nr-rax-preservation',
    title:
      'A result that the tracer sets at the entry of a call that does not exist is kept for number -1, for others on some kernels',
    source: [
      commit('b337b4965e3a', 'x86/entry: Treat out of range and gap system calls the same'),
      suite('ptrace-tests', 'syscall-reset'),
    ],
    also: ['syscall-reset'],
    tags: ['syscall-stop', 'registers', 'syscall-number'],
    arch: ['x64'],
    rule:
      'To skip a call a tracer sets its number to -1 at the entry and the result beside it. With any other number that is no call, kernels from 5.14 to 7.2 ' +
      'answer ENOSYS themselves, over what the tracer wrote.',
    history:
      'From 2.6.26 to 5.13 the result was kept for every number out of range, but not for the gaps in the table; 7.3 keeps it for every number that is no call.',
    play(s) {
      const e = s.tracee('E', (c) => c.loop((again) => again.syscall('getuid'), NO_CALLS.length).exitGroup(0), {
        by: 'traceme',
        options: PTRACE_O.TRACESYSGOOD,
      });
      for (const number of NO_CALLS) {
        toEntry(e, 'getuid');
        e.changeRegisters((registers) => {
          registers.syscallNumber = number;
          registers.result = -ERRNO.ENOTTY;
        });
        toSyscallStop(e);
        e.observe(`result of call ${number}`, resultText(e.registers().result));
      }
    },
    expect: [
      {
        since: '7.3',
        because:
          'seen on 7.3-rc7 and 7.3.4: whether a call is made is no longer told by the number -1, and the result is left alone again',
        transcript: `
          E: result of call -1 = ENOTTY
          E: result of call -23 = ENOTTY
          E: result of call -38 = ENOTTY
          E: result of call 99999 = ENOTTY
          E: result of call 500000 = ENOTTY
        `,
      },
      {
        since: '5.14',
        because: 'all calls that do not exist but -1 are answered by the kernel since b337b4965e3a',
        transcript: `
          E: result of call -1 = ENOTTY
          E: result of call -23 = ENOSYS
          E: result of call -38 = ENOSYS
          E: result of call 99999 = ENOSYS
          E: result of call 500000 = ENOSYS
        `,
      },
      {
        before: '5.14',
        because: 'the kernel left the result alone for numbers out of range until b337b4965e3a',
        transcript: `
          E: result of call -1 = ENOTTY
          E: result of call -23 = ENOTTY
          E: result of call -38 = ENOTTY
          E: result of call 99999 = ENOTTY
          E: result of call 500000 = ENOTTY
        `,
      },
    ],
  }),
];
