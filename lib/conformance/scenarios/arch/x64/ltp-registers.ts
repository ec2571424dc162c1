/** LTP's tests of the registers of x86-64, the debug registers and the extended state. */
import { X64_REGISTER_NAMES } from '../../../../kernel/arch/x64/registers.js';
import { PTRACE_X64 } from '../../../../kernel/arch/x64/requests.js';
import { debugRegisterOffset, USER_AREA_SIZE, userRegisterOffset } from '../../../../kernel/arch/x64/user-area.js';
import { NT } from '../../../../kernel/regsets.js';
import { PTRACE } from '../../../../kernel/requests.js';
import { getRegs, getRegset, peekUser, pokeUser, setRegset } from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { commit, manual, scenario, suite, type Scenario } from '../../../scenario.js';
import { byBadAddress, observeErrors } from '../../ltp/addresses.js';
import { DR7, peekDebug, pokeDebug } from './debug-slots.js';

const ltp = (test: string) => suite('ltp', test);

function observeDebug(e: Actor, index: number): void {
  e.observe(`dr${index}`, `0x${peekDebug(e, index).toString(16)}`);
}

const DEBUG0 = debugRegisterOffset(0);
const XSAVE_HEADER = 512;
const XCOMP_BV = XSAVE_HEADER + 8;
const RESERVED = XSAVE_HEADER + 16;

/** @param refused the tracee's state after the ones that are refused */
const refusedState = (refused: string): string => `
  E: CONT = 0
  E: wait = stopped by SIGUSR1
  E: SETREGSET with the compacted form = EINVAL
  E: SETREGSET with a reserved word = EINVAL
  E: SETREGSET with components that nobody has = EINVAL
  E: state = ${refused}
  E: SETREGSET of what was read = 0
  E: CONT = 0
  E: wait = stopped by SIGUSR2
  E: state = as before
`;

export const ltpRegisters: readonly Scenario[] = [
  scenario({
    id: 'ptrace04',
    title: 'GETREGS and PEEKUSER tell the same of every general register',
    source: [ltp('ptrace04'), manual('ptrace(2)', 'PTRACE_GETREGS')],
    tags: ['registers', 'peekuser'],
    rule: 'The user area begins with what GETREGS gives: two ways to the same words, of which neither may be stale.',
    arch: ['x64'],
    play(s) {
      const e = s.tracee('E', (c) => c.tgkillSelf('SIGUSR1').exitGroup(0));
      e.cont();
      e.wait();
      const regs = new BigUint64Array(getRegs(e.tid).buffer);
      const differing = X64_REGISTER_NAMES.filter(
        (name, index) => peekUser(e.tid, userRegisterOffset(name)) !== regs[index],
      );
      e.observe('registers', regs.length);
      e.observe('differing', differing.join(' ') || 'none');
      // Each word at its own place: some are not 0 and not each other's.
      e.observe(
        'instruction and stack pointer',
        peekUser(e.tid, userRegisterOffset('rip')) === e.registers().pc &&
          peekUser(e.tid, userRegisterOffset('rsp')) === e.registers().sp
          ? 'right'
          : 'wrong',
      );
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: registers = 27
      E: differing = none
      E: instruction and stack pointer = right
    `,
  }),

  scenario({
    id: 'ptrace06-user-area',
    title: 'PEEKUSER and POKEUSER beyond the user area or between its words are EIO',
    source: [ltp('ptrace06'), manual('ptrace(2)', 'ERRORS')],
    tags: ['peekuser', 'registers', 'errors'],
    rule: 'The offset must be a multiple of the word and inside of struct user. GETREGS and SETREGS take a pointer into the tracer, and EFAULT is for that.',
    arch: ['x64'],
    play(s) {
      const e = s.tracee('E', (c) => c.pause());
      const offsets = [1, 2, 3, 4, -1, -2, -3, -4, -8].flatMap((by) => [
        BigInt.asUintN(64, BigInt(by)),
        BigInt(USER_AREA_SIZE + Math.abs(by)),
      ]);
      const inside = s.unrecorded(() => e.request('', PTRACE.PEEKUSER, USER_AREA_SIZE - 8, new Uint8Array(8)));
      e.observe('PEEKUSER of the last word', inside);
      for (const [name, request, data] of [
        ['PEEKUSER', PTRACE.PEEKUSER, new Uint8Array(8)],
        ['POKEUSER', PTRACE.POKEUSER, 0],
      ] as const) {
        const results = s.unrecorded(() =>
          [...offsets, BigInt(USER_AREA_SIZE)].map((offset) => e.request(name, request, offset, data)),
        );
        e.observe(`${name} outside and between`, [...new Set(results)].join(' '));
      }
      const names = ['GETREGS', 'SETREGS', 'GETFPREGS', 'SETFPREGS'] as const;
      const t = s.child('T', byBadAddress(names.map((name) => [name, PTRACE_X64[name], 0])));
      for (const name of names) observeErrors(t, name);
    },
    expect: `
      E: PEEKUSER of the last word = 0
      E: PEEKUSER outside and between = EIO
      E: POKEUSER outside and between = EIO
      T: GETREGS with data 0 to 3 and -1 to -4 = EFAULT
      T: SETREGS with data 0 to 3 and -1 to -4 = EFAULT
      T: GETFPREGS with data 0 to 3 and -1 to -4 = EFAULT
      T: SETFPREGS with data 0 to 3 and -1 to -4 = EFAULT
    `,
  }),

  scenario({
    id: 'ptrace07',
    title: 'SETREGSET refuses an extended state whose header has reserved bits, and leaves the tracee’s as it was',
    source: [ltp('ptrace07'), commit('814fb7bb7db5', "x86/fpu: Don't let userspace set bogus xcomp_bv")],
    tags: ['regset', 'errors'],
    rule:
      'The state is loaded by an instruction that faults on a bad header; the registers kept what another process had left in them, and the tracee could read ' +
      'that (CVE-2017-15537). So the header is looked at before.',
    arch: ['x64'],
    since: '4.14',
    needs: ['regset.NT_X86_XSTATE'],
    play(s) {
      const e = s.tracee('E', (c) => c.tgkillSelf('SIGUSR1').tgkillSelf('SIGUSR2').exitGroup(0));
      e.cont();
      e.wait();
      const state = getRegset(e.tid, NT.X86_XSTATE);
      const set = (what: string, at: number, value: number): void => {
        const bytes = Uint8Array.from(state);
        bytes.fill(value, at, at + 8);
        e.observe(
          `SETREGSET with ${what}`,
          s.attempt(() => setRegset(e.tid, NT.X86_XSTATE, bytes)),
        );
      };
      set('the compacted form', XCOMP_BV, 0xff);
      set('a reserved word', RESERVED, 0xff);
      set('components that nobody has', XSAVE_HEADER, 0xff);
      e.observe('state', Buffer.compare(getRegset(e.tid, NT.X86_XSTATE), state) === 0 ? 'as before' : 'changed');
      e.observe(
        'SETREGSET of what was read',
        s.attempt(() => setRegset(e.tid, NT.X86_XSTATE, state)),
      );
      e.cont();
      e.wait();
      e.observe('state', Buffer.compare(getRegset(e.tid, NT.X86_XSTATE), state) === 0 ? 'as before' : 'changed');
    },
    expect: [
      {
        since: '5.14',
        because: 'a state that is refused leaves that of the tracee alone since 43be46e89698',
        transcript: refusedState('as before'),
      },
      {
        before: '5.14',
        because:
          'a state that was refused was copied first, and then the tracee got the one that a program begins with',
        transcript: refusedState('changed'),
      },
    ],
  }),

  scenario({
    id: 'ptrace08',
    title: 'A debug register that watches does not take an address of the kernel, and keeps the one it had',
    source: [ltp('ptrace08'), commit('f67b15037a7a', 'perf/hwbp: Simplify the perf-hwbp code, fix documentation')],
    tags: ['debug-registers', 'errors'],
    rule:
      'The address of a breakpoint in use is changed in place. A refused change had left the new address behind, so that a breakpoint of the tracee lay in the ' +
      'kernel (CVE-2018-1000199).',
    arch: ['x64'],
    since: '4.16',
    needs: ['debug.breakpoints'],
    play(s) {
      const e = s.tracee('E', (c) => c.pause());
      pokeDebug(e, 0, 1n, 'dr0 1');
      pokeDebug(e, DR7, 1n, 'dr7 enabled');
      const halves = [0xffff_8000_0000_0000n, 0xffff_a000_0000_0000n, 0xffff_ffff_8000_0000n, 0xffff_ffff_ffff_ffffn];
      const results = halves.map((address) =>
        s.attempt(() => {
          pokeUser(e.tid, DEBUG0, address);
        }),
      );
      e.observe('POKEUSER dr0 of the kernel', [...new Set(results)].join(' '));
      observeDebug(e, 0);
      pokeDebug(e, 0, 2n, 'dr0 2');
      observeDebug(e, 0);
    },
    expect: `
      E: POKEUSER dr0 1 = 0
      E: POKEUSER dr7 enabled = 0
      E: POKEUSER dr0 of the kernel = EINVAL
      E: dr0 = 0x1
      E: POKEUSER dr0 2 = 0
      E: dr0 = 0x2
    `,
  }),

  scenario({
    id: 'ptrace10',
    title: 'A debug register that is not in use takes another address',
    source: [
      ltp('ptrace10'),
      commit('bd14406b78e6', 'perf/hw_breakpoint: Modify breakpoint even if the new attr has disabled set'),
    ],
    tags: ['debug-registers'],
    rule: 'A debugger writes the address first and enables it then. For some releases the second address of a disabled breakpoint was taken and forgotten.',
    arch: ['x64'],
    needs: ['debug.breakpoints'],
    history: 'Broken in some releases before 4.19, which has bd14406b78e6.',
    play(s) {
      const e = s.tracee('E', (c) => c.pause());
      pokeDebug(e, 0, 1n, 'dr0 1');
      observeDebug(e, 0);
      pokeDebug(e, 0, 2n, 'dr0 2');
      observeDebug(e, 0);
      observeDebug(e, DR7);
    },
    expect: `
      E: POKEUSER dr0 1 = 0
      E: dr0 = 0x1
      E: POKEUSER dr0 2 = 0
      E: dr0 = 0x2
      E: dr7 = 0x0
    `,
  }),
];
