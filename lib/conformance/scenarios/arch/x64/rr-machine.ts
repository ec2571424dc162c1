/** rr's tests that know the registers of x86. */
import { encodeDr7 } from '../../../../kernel/arch/x64/debug-registers.js';
import { PTRACE_X64 } from '../../../../kernel/arch/x64/requests.js';
import { PTRACE_O } from '../../../../kernel/options.js';
import { NT } from '../../../../kernel/regsets.js';
import { PTRACE } from '../../../../kernel/requests.js';
import { getFpRegs, getRegs, getRegset, getSiginfo } from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { i386Program } from '../../../fixtures.js';
import { manual, scenario, suite, type Scenario } from '../../../scenario.js';
import { DR6, DR7, peekDebug, pokeDebug } from './debug-slots.js';

/** From a breakpoint to the next call of a script there are not many instructions. */
const MOST_STEPS = 20_000;
const WRONG_ADDRESS = 77n;
const FIRST_TLS_ENTRY = 12;

const poke = (e: Actor, index: number, value: bigint): void => {
  pokeDebug(e, index, value, `of DR${index}`);
};

function debugStatus(e: Actor): void {
  e.observe('slots that DR6 has', `0x${(peekDebug(e, DR6) & 0xfn).toString(16)}`);
}

export const rrMachine: readonly Scenario[] = [
  scenario({
    id: 'ptrace_singlestep',
    title: 'SYSEMU_SINGLESTEP steps, and stops at the entry of a call, which is not made',
    source: [suite('rr', 'ptrace_singlestep'), manual('ptrace(2)', 'PTRACE_SYSEMU_SINGLESTEP')],
    tags: ['sysemu', 'step', 'syscall-stop'],
    rule:
      'Each instruction is a stop by SIGTRAP, but the one that calls is a syscall-stop with the call skipped: its result is what the tracer writes. The ' +
      'next step is one instruction again.',
    arch: ['x64'],
    since: '5.3',
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .trap()
            .syscall('getppid')
            .store('getppid')
            .loop((again) => again.pause()),
        {
          options: PTRACE_O.TRACESYSGOOD,
        },
      );
      e.cont();
      e.wait();
      e.sysemuStep();
      e.wait();
      e.siginfo();
      const status = s.unrecorded(() => {
        for (let steps = 0; steps < MOST_STEPS; steps++) {
          e.mustSucceed(e.sysemuStep(), 'SYSEMU_SINGLESTEP');
          const next = e.wait();
          if (next?.kind !== 'stopped') return next;
        }
        return undefined;
      });
      e.observe('what is no step', status?.kind ?? 'nothing');
      e.syscallInfo();
      e.changeRegisters((registers) => {
        registers.result = 77;
      });
      const { pc } = e.registers();
      e.sysemuStep();
      e.wait();
      e.siginfo();
      e.observe('instructions begun', e.registers().pc === pc ? 0 : 1);
      e.cont();
      e.untilSet('getppid');
      e.result('getppid');
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: SYSEMU_SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_TRACE
      E: what is no step = syscall-stop
      E: syscall info = entry getppid
      E: SYSEMU_SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_TRACE
      E: instructions begun = 1
      E: CONT = 0
      E: getppid = 77
    `,
  }),

  scenario({
    id: 'ptrace_debug_regs',
    title: 'A hit sets the bit of its slot in DR6, for execution and for a write; DETACH does not disarm the slot',
    source: [suite('rr', 'ptrace_debug_regs')],
    tags: ['debug-registers', 'watchpoint', 'detach'],
    rule:
      'The tracer sees in DR6 which slot it was and has to clear it. An execution is reported before the instruction, a write behind it. What is armed ' +
      'when the tracer detaches stays so, and the next hit kills a process that nobody traces.',
    arch: ['x64'],
    needs: ['debug.breakpoints'],
    play(s) {
      const e = s.tracee('E', (c) => {
        c.nops()
          .store('watched', 5)
          .nops()
          .store('watched', 6)
          .store('done', 1)
          .loop((again) => again.pause());
      });
      const at = e.child.nops + 3n;
      poke(e, 0, at);
      poke(e, DR7, encodeDr7([{ slot: 0, access: 'execute', length: 1 }]));
      e.cont();
      e.wait();
      e.observe('it stands at the instruction', e.registers().pc === at);
      debugStatus(e);
      poke(e, DR6, 0n);
      poke(e, DR7, 0n);
      poke(e, 0, e.address('watched'));
      poke(e, DR7, encodeDr7([{ slot: 0, access: 'write', length: 8 }]));
      e.cont();
      e.wait();
      e.observe('siginfo', getSiginfo(e.tid).decoded.codeName);
      e.result('watched');
      debugStatus(e);
      e.detach();
      e.wait();
    },
    expect: `
      E: POKEUSER of DR0 = 0
      E: POKEUSER of DR7 = 0
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: it stands at the instruction = true
      E: slots that DR6 has = 0x1
      E: POKEUSER of DR6 = 0
      E: POKEUSER of DR7 = 0
      E: POKEUSER of DR0 = 0
      E: POKEUSER of DR7 = 0
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = TRAP_HWBKPT
      E: watched = 5
      E: slots that DR6 has = 0x1
      E: DETACH = 0
      E: wait = killed by SIGTRAP
    `,
  }),

  scenario({
    id: 'x86/ptrace.c',
    title: 'GETREGS gives what GETREGSET gives; a program counter that is no address faults there',
    source: [suite('rr', 'x86/ptrace')],
    tags: ['registers', 'regset', 'signals'],
    rule:
      'The old requests are views of the same registers; the FXSAVE one is for 32-bit tracers alone. Any program counter can be set: the fetch faults, ' +
      'and siginfo has the address.',
    arch: ['x64'],
    play(s) {
      const e = s.tracee('E', (c) => c.exitGroup(0));
      const same = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;
      e.observe('GETREGS is NT_PRSTATUS', same(getRegs(e.tid), getRegset(e.tid, NT.PRSTATUS)));
      e.observe('GETFPREGS is NT_PRFPREG', same(getFpRegs(e.tid), getRegset(e.tid, NT.PRFPREG)));
      e.request('GETFPXREGS', PTRACE_X64.GETFPXREGS, 0, new Uint8Array(512));
      e.request('PEEKDATA of the null pointer', PTRACE.PEEKDATA, 0, new Uint8Array(8));
      e.request('POKEDATA of the null pointer', PTRACE.POKEDATA, 0, 0);
      e.changeRegisters((registers) => {
        registers.pc = WRONG_ADDRESS;
      });
      e.cont();
      e.wait();
      e.siginfo();
      const { decoded } = getSiginfo(e.tid);
      e.observe('si_addr', 'addr' in decoded ? decoded.addr : 'none');
      e.observe('program counter', e.registers().pc);
    },
    expect: `
      E: GETREGS is NT_PRSTATUS = true
      E: GETFPREGS is NT_PRFPREG = true
      E: GETFPXREGS = EIO
      E: PEEKDATA of the null pointer = EIO
      E: POKEDATA of the null pointer = EIO
      E: CONT = 0
      E: wait = stopped by SIGSEGV
      E: siginfo = SIGSEGV SEGV_MAPERR
      E: si_addr = 77
      E: program counter = 77
    `,
  }),

  scenario({
    id: 'ptrace_tls',
    title: 'A TLS descriptor that SET_THREAD_AREA has written is what GET_THREAD_AREA gives',
    source: [suite('rr', 'ptrace_tls'), manual('ptrace(2)', 'PTRACE_GET_THREAD_AREA')],
    tags: ['registers', 'tls', 'errors'],
    rule: 'Three entries of the GDT are the thread’s own, 12 to 14 on x86-64. Any other gives EINVAL, a negative one EIO.',
    arch: ['x64'],
    needs: ['request.PTRACE_GET_THREAD_AREA'],
    play(s) {
      const e = s.tracee('E', (c) => c.exitGroup(0));
      // Entry, base, limit in pages; 32 bits, limit in pages, usable.
      const descriptor = new Uint32Array([FIRST_TLS_ENTRY, 0x1234_5000, 0xf_ffff, 0b101_0001]);
      e.request('SET_THREAD_AREA', PTRACE_X64.SET_THREAD_AREA, FIRST_TLS_ENTRY, descriptor);
      const read = new Uint32Array(4);
      e.request('GET_THREAD_AREA', PTRACE_X64.GET_THREAD_AREA, FIRST_TLS_ENTRY, read);
      e.observe('descriptor', Array.from(read, (word) => `0x${word.toString(16)}`).join(' '));
      e.request('GET_THREAD_AREA of entry 11', PTRACE_X64.GET_THREAD_AREA, FIRST_TLS_ENTRY - 1, read);
      e.request('GET_THREAD_AREA of entry 15', PTRACE_X64.GET_THREAD_AREA, FIRST_TLS_ENTRY + 3, read);
      e.request('GET_THREAD_AREA of entry -1', PTRACE_X64.GET_THREAD_AREA, -1, read);
    },
    expect: `
      E: SET_THREAD_AREA = 0
      E: GET_THREAD_AREA = 0
      E: descriptor = 0xc 0x12345000 0xfffff 0x51
      E: GET_THREAD_AREA of entry 11 = EINVAL
      E: GET_THREAD_AREA of entry 15 = EINVAL
      E: GET_THREAD_AREA of entry -1 = EIO
    `,
  }),

  scenario({
    id: 'ptrace_exec32',
    title: 'At EVENT_EXEC of an i386 program the registers have its layout, and the call is i386’s execve',
    source: [suite('rr', 'ptrace_exec32')],
    tags: ['exec', 'i386', 'registers', 'syscall-stop'],
    rule:
      'GETREGSET gives the layout of the program that will run. Its execve was called by the number of x86-64, which means another call to i386; the ' +
      'kernel puts the one of the new ABI in its place, so that the exit-stop makes sense in it.',
    arch: ['x64'],
    needs: ['i386-programs'],
    since: '5.3',
    play(s) {
      const program = i386Program();
      if ('missing' in program) return s.skip(program.missing);
      const e = s.tracee('E', (c) => c.exec(program.path, ['i386', 'exit', '5']), {
        options: PTRACE_O.TRACEEXEC | PTRACE_O.TRACESYSGOOD,
      });
      e.cont();
      e.wait();
      e.observe('ABI', e.registers().abi);
      e.observe('call', e.registers().syscallNumber);
      e.syscall();
      e.wait();
      e.syscallInfo();
      e.syscall();
      e.wait();
      e.observe('next call', e.registers().syscallNumber);
      e.cont();
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = event EXEC
      E: ABI = i386
      # execve of i386
      E: call = 11
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit 0
      E: SYSCALL = 0
      E: wait = syscall-stop
      # exit_group of i386
      E: next call = 252
      E: CONT = 0
      E: wait = exited 5
    `,
  }),
];
