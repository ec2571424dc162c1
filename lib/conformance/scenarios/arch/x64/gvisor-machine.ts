/** gVisor's tests that know the system call convention of x86-64. */
import { PTRACE } from '../../../../kernel/requests.js';
import { X64_REGISTER_NAMES } from '../../../../kernel/arch/x64/registers.js';
import { toEntry } from '../../../parts/system-calls.js';
import { commit, manual, scenario, type Scenario } from '../../../scenario.js';
import { gvisorTest } from '../../gvisor/tools.js';

const RAX = X64_REGISTER_NAMES.indexOf('rax') * 8;

export const gvisorMachine: readonly Scenario[] = [
  scenario({
    id: 'Int3',
    title: 'int3 stops the tracee by a SIGTRAP behind the instruction, and CONT goes on there',
    source: [gvisorTest('Int3')],
    tags: ['breakpoint', 'siginfo'],
    rule:
      'The breakpoint instruction is executed: the program counter stands one byte further on. A debugger that has put it over another instruction must go ' +
      'back by one; for one that is part of the program there is nothing to do.',
    arch: ['x64'],
    play(s) {
      const e = s.tracee('E', (c) => c.trap().exitGroup(56));
      e.cont();
      e.wait();
      e.siginfo();
      e.observe('bytes behind int3', e.registers().pc - e.child.trap);
      e.cont();
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP SI_KERNEL from the kernel
      E: bytes behind int3 = 1
      E: CONT = 0
      E: wait = exited 56
    `,
  }),

  scenario({
    id: 'Sysemu_PokeUser',
    title:
      'A call that SYSEMU stopped at is not made, also when DETACH follows; its result is what the tracer has written',
    source: [gvisorTest('Sysemu_PokeUser'), manual('ptrace(2)', 'PTRACE_SYSEMU')],
    tags: ['sysemu', 'syscall-stop', 'detach'],
    rule:
      'SYSEMU decides at the entry that the call will be skipped: orig_rax tells which one it was, rax is -ENOSYS until somebody changes it. Even ' +
      'exit_group returns then.',
    arch: ['x64'],
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .exitGroup(126)
            .store('result')
            .store('done', 1)
            .loop((again) => again.pause()),
        {
          by: 'traceme',
        },
      );
      e.sysemu();
      e.wait();
      const { syscallNumber, result } = e.registers();
      e.observe('call', e.syscallName(syscallNumber));
      e.observe('rax', result);
      e.observe('argument', e.registers().arg(0));
      e.request('POKEUSER of rax', PTRACE.POKEUSER, RAX, 42);
      e.detach();
      e.untilSet('done');
      e.result('result', 'result of exit_group');
    },
    expect: `
      E: SYSEMU = 0
      E: wait = stopped by SIGTRAP
      E: call = exit_group
      # -ENOSYS
      E: rax = -38
      E: argument = 126
      E: POKEUSER of rax = 0
      E: DETACH = 0
      E: result of exit_group = 42
    `,
  }),

  scenario({
    id: 'ERESTART',
    title: 'A tracer that overwrites -ERESTARTNOHAND at the exit-stop keeps the call from being restarted',
    source: [gvisorTest('ERESTART'), commit('18c98b65279c', 'ptrace_signal subroutine')],
    tags: ['restart', 'syscall-stop', 'signals'],
    rule:
      'An ignored signal ends the sleep of a traced task all the same. The call’s result is a restart code, which no program ever sees: on the way out the ' +
      'kernel would go back and make the call again. It looks at rax then, and a tracer may have put another value there.',
    arch: ['x64'],
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .ignore('SIGUSR1')
            .pause()
            .store('result')
            .store('done', 1)
            .loop((again) => again.sigwait('SIGUSR2')),
        { by: 'traceme' },
      );
      toEntry(e, 'pause');
      e.syscall();
      e.poll();
      e.kill('SIGUSR1');
      e.wait();
      const { syscallNumber, result } = e.registers();
      e.observe('call', e.syscallName(syscallNumber));
      e.observe('rax', result);
      e.request('POKEUSER of rax', PTRACE.POKEUSER, RAX, 0);
      e.detach();
      e.untilSet('done');
      e.result('result', 'result of pause');
    },
    expect: `
      E: SYSCALL = 0
      E: poll = nothing
      E: kill SIGUSR1 = 0
      E: wait = stopped by SIGTRAP
      E: call = pause
      # -ERESTARTNOHAND
      E: rax = -514
      E: POKEUSER of rax = 0
      E: DETACH = 0
      E: result of pause = 0
    `,
  }),
];
