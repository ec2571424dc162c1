/** AArch32 tracees of a 64-bit tracer: the register sets. */
import { NT, type RegsetName } from '../../../../kernel/regsets.js';
import { PTRACE } from '../../../../kernel/requests.js';
import * as raw from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { SHARED, TLS_WORD } from '../../../parts/program32.js';
import { commit, scenario, type Scenario } from '../../../scenario.js';
import { compat, getregset, ptraceView } from './arm32-sources.js';
import { ARM_BYTES, armCallName, Arm32Tracee } from './arm32-tracee.js';

/** Bits 0 to 4 of CPSR; 0x10 is the user's mode. */
const MODE = 0x1fn;
const SUPERVISOR = 0x13n;
/** CPSR: no interrupts, Thumb instructions, the condition flags N and C. */
const IRQ_OFF = 1n << 7n;
const THUMB = 1n << 5n;
const NEGATIVE_AND_CARRY = (1n << 31n) | (1n << 29n);
/** D0 to D31, FPSCR. */
const VFP_BYTES = 32 * 8 + 4;
const FPSCR_AT = 32 * 8;
/** FPSCR: N and Z; and a bit that no FPSCR has. */
const FPSCR = 0xc0000000;

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

/** The bytes of a set, or the error. */
function sizeOf(e: Actor, type: number): string {
  let size = 0;
  const result = e.stage.attempt(() => {
    size = raw.getRegset(e.tid, type).length;
  });
  return result === '0' ? String(size) : result;
}

function set(e: Actor, what: string, type: number, bytes: Uint8Array): void {
  let taken = 0;
  const result = e.stage.attempt(() => {
    taken = raw.setRegset(e.tid, type, bytes);
  });
  e.observe(what, result === '0' ? `${taken} bytes` : result);
}

const words32 = (...values: number[]): Uint8Array => new Uint8Array(new Uint32Array(values).buffer);

const SETS = [
  'PRSTATUS',
  'PRFPREG',
  'ARM_VFP',
  'ARM_TLS',
  'ARM_HW_BREAK',
  'ARM_HW_WATCH',
  'ARM_SYSTEM_CALL',
  'ARM_SVE',
  'ARM_PAC_MASK',
  'ARM_TAGGED_ADDR_CTRL',
] as const satisfies readonly RegsetName[];

export const arm32Registers: readonly Scenario[] = [
  scenario({
    id: 'arm32-prstatus',
    title: 'NT_PRSTATUS of an AArch32 tracee is 18 words of 32 bits, the registers of 32-bit ARM',
    source: [compat, getregset],
    tags: ['registers', 'regset', 'aarch32'],
    rule:
      'The length tells a tracer which of the two layouts it got, so it has to offer room for the larger one. Behind r0 to r15 are CPSR and the r0 that the last ' +
      'system call began with, which the result has overwritten. The number of the call is in r7.',
    arch: ['arm64'],
    since: '3.7',
    needs: ['arm32-programs'],
    play(s) {
      const tracee = new Arm32Tracee(s, 'E', 'stop');
      const e = tracee.actor;
      e.observe('bytes', sizeOf(e, NT.PRSTATUS));
      const registers = tracee.registers();
      e.observe('r7', armCallName(registers.syscallNumber));
      e.observe('r0', registers.r0);
      e.observe('orig_r0', s.nameOf(Number(registers.orig_r0)));
      e.observe('r2', registers.r2);
      e.observe('before pc', hex(BigInt.asUintN(32, raw.peekData(e.tid, registers.pc - ARM_BYTES))));
      e.observe('mode', hex(registers.cpsr & MODE));
      tracee.change((changed) => {
        for (let index = 4; index <= 11; index++) changed.set(`r${index}`, 0x8000_0000n + BigInt(index));
      });
      const again = tracee.registers();
      e.observe(
        'r4 to r11 as written',
        [4, 5, 6, 7, 8, 9, 10, 11].every((index) => again.get(`r${index}`) === 0x8000_0000n + BigInt(index)),
      );
    },
    expect: `
      E: bytes = 72
      E: r7 = tgkill
      E: r0 = 0
      E: orig_r0 = E
      E: r2 = 19
      E: before pc = 0xef000000
      E: mode = 0x10
      E: r4 to r11 as written = true
    `,
  }),

  scenario({
    id: 'arm32-regsets',
    title:
      'An AArch32 tracee has the sets of general, VFP, thread, debug and call registers, and none of those of AArch64',
    source: [ptraceView, compat],
    tags: ['regset', 'aarch32', 'errors'],
    rule:
      'The sets follow the tracee, not the tracer. NT_PRFPREG is the V registers of AArch64; the floating-point registers of AArch32 are in NT_ARM_VFP. A set ' +
      'of the other kind is EINVAL as one that does not exist.',
    history: 'Before Linux 4.2 a 64-bit tracer had the general registers and VFP alone.',
    arch: ['arm64'],
    since: '4.2',
    needs: ['arm32-programs', 'debug.breakpoints'],
    play(s) {
      const { actor: e } = new Arm32Tracee(s, 'E', 'stop');
      for (const name of SETS) e.observe(`NT_${name}`, sizeOf(e, NT[name]));
    },
    expect: `
      E: NT_PRSTATUS = 72
      E: NT_PRFPREG = EINVAL
      E: NT_ARM_VFP = 260
      E: NT_ARM_TLS = 4
      E: NT_ARM_HW_BREAK = 264
      E: NT_ARM_HW_WATCH = 264
      E: NT_ARM_SYSTEM_CALL = 4
      E: NT_ARM_SVE = EINVAL
      E: NT_ARM_PAC_MASK = EINVAL
      E: NT_ARM_TAGGED_ADDR_CTRL = EINVAL
    `,
  }),

  scenario({
    id: 'arm32-setregset-length',
    title: 'SETREGSET of an AArch32 tracee takes any number of words, and no more than the set has',
    source: [getregset, compat],
    tags: ['regset', 'aarch32', 'errors'],
    rule:
      'The unit is the 32-bit word of this ABI. What is behind the end of the set is not looked at: the 272 bytes of AArch64 are taken without an error, and ' +
      'their first 72 are the registers then. A tracer that does not notice an execve to the other ABI destroys the tracee.',
    arch: ['arm64'],
    since: '3.7',
    needs: ['arm32-programs'],
    play(s) {
      const tracee = new Arm32Tracee(s, 'E', 'stop');
      const e = tracee.actor;
      const observe = (): void => {
        const { r4, r5, r6 } = tracee.registers();
        e.observe('r4 r5 r6', [r4, r5, r6].map(hex).join(' '));
      };
      const whole = (): Uint8Array => tracee.registers().bytes.slice();
      tracee.change((registers) => {
        registers.r4 = 4n;
        registers.r5 = 5n;
        registers.r6 = 6n;
      });
      const begun = whole();
      new DataView(begun.buffer).setUint32(16, 0x44, true);
      new DataView(begun.buffer).setUint32(20, 0x55, true);
      set(e, 'SETREGSET of 20 bytes', NT.PRSTATUS, begun.subarray(0, 20));
      observe();
      set(e, 'SETREGSET of 22 bytes', NT.PRSTATUS, begun.subarray(0, 22));
      observe();
      const longer = new Uint8Array(272).fill(0xff);
      longer.set(begun);
      set(e, 'SETREGSET of 272 bytes', NT.PRSTATUS, longer);
      observe();
      const part = new Uint8Array(8);
      e.observe('GETREGSET of 8 bytes', raw.getRegsetInto(e.tid, NT.PRSTATUS, part));
      e.observe(
        'GETREGSET of 6 bytes',
        s.attempt(() => raw.getRegsetInto(e.tid, NT.PRSTATUS, part.subarray(0, 6))),
      );
      e.cont();
      e.wait();
    },
    expect: `
      E: SETREGSET of 20 bytes = 20 bytes
      E: r4 r5 r6 = 0x44 0x5 0x6
      E: SETREGSET of 22 bytes = EINVAL
      E: r4 r5 r6 = 0x44 0x5 0x6
      E: SETREGSET of 272 bytes = 72 bytes
      E: r4 r5 r6 = 0x44 0x55 0x6
      E: GETREGSET of 8 bytes = 8
      E: GETREGSET of 6 bytes = EINVAL
      E: CONT = 0
      E: wait = exited 0
    `,
  }),

  scenario({
    id: 'arm32-cpsr',
    title:
      'CPSR of an AArch32 tracee can be written, but for another mode or masked interrupts: EINVAL, and nothing is written',
    source: [commit('dbd4d7ca563f', 'arm64: Rework valid_user_regs'), compat],
    tags: ['registers', 'aarch32', 'errors'],
    rule:
      'Flags and the Thumb bit are the tracee’s. The mode and the masks are the kernel’s: a tracee in another mode than the user’s would be the kernel. Unlike on ' +
      'x86 the bits are not masked out; the whole set is refused, and also its valid registers stay as they were.',
    arch: ['arm64'],
    since: '4.6',
    needs: ['arm32-programs'],
    play(s) {
      const tracee = new Arm32Tracee(s, 'E', 'stop');
      const e = tracee.actor;
      const original = tracee.registers();
      const attempt = (what: string, cpsr: bigint): void => {
        const registers = tracee.registers();
        const r4 = registers.r4 ^ 1n;
        registers.r4 = r4;
        registers.cpsr = cpsr;
        e.observe(
          `SETREGSET, ${what}`,
          s.attempt(() => {
            e.setRegisters(registers);
          }),
        );
        const now = tracee.registers();
        e.observe('CPSR', now.cpsr === cpsr ? 'as written' : now.cpsr === original.cpsr ? 'as before' : hex(now.cpsr));
        e.observe('r4', now.r4 === r4 ? 'as written' : 'as before');
        e.setRegisters(original);
      };
      attempt('flags', original.cpsr ^ NEGATIVE_AND_CARRY);
      attempt('Thumb', original.cpsr | THUMB);
      attempt('the mode of the kernel', (original.cpsr & ~MODE) | SUPERVISOR);
      attempt('no interrupts', original.cpsr | IRQ_OFF);
      attempt('the mode of AArch64', original.cpsr & ~MODE);
    },
    expect: `
      E: SETREGSET, flags = 0
      E: CPSR = as written
      E: r4 = as written
      E: SETREGSET, Thumb = 0
      E: CPSR = as written
      E: r4 = as written
      E: SETREGSET, the mode of the kernel = EINVAL
      E: CPSR = as before
      E: r4 = as before
      E: SETREGSET, no interrupts = EINVAL
      E: CPSR = as before
      E: r4 = as before
      E: SETREGSET, the mode of AArch64 = EINVAL
      E: CPSR = as before
      E: r4 = as before
    `,
  }),

  scenario({
    id: 'arm32-vfp',
    title: 'NT_ARM_VFP has D0 to D31 and FPSCR of an AArch32 tracee, and can be written in part',
    source: [compat, getregset],
    tags: ['regset', 'floating-point', 'aarch32', 'errors'],
    rule:
      'The registers are those of the V registers’ lower halves. FPSCR lies behind them and is made of the two control registers of AArch64. A write that ends ' +
      'before FPSCR leaves it as it is.',
    arch: ['arm64'],
    since: '3.7',
    needs: ['arm32-programs'],
    play(s) {
      const tracee = new Arm32Tracee(s, 'E', 'stop');
      const e = tracee.actor;
      const written = Uint8Array.from({ length: VFP_BYTES }, (_, index) => (index * 7 + 1) & 0xff);
      new DataView(written.buffer).setUint32(FPSCR_AT, FPSCR, true);
      const observe = (): void => {
        const now = raw.getRegset(e.tid, NT.ARM_VFP);
        e.observe(
          'D registers',
          Buffer.compare(now.subarray(0, FPSCR_AT), written.subarray(0, FPSCR_AT)) === 0 ? 'as written' : 'others',
        );
        e.observe('FPSCR', hex(new DataView(now.buffer, now.byteOffset).getUint32(FPSCR_AT, true)));
      };
      set(e, 'SETREGSET', NT.ARM_VFP, written);
      observe();
      written.fill(0x5a, 0, FPSCR_AT);
      set(e, 'SETREGSET of the D registers', NT.ARM_VFP, written.subarray(0, FPSCR_AT));
      observe();
      set(e, 'SETREGSET of 258 bytes', NT.ARM_VFP, written.subarray(0, FPSCR_AT + 2));
      observe();
      // What it has when it has run: no call touches them.
      e.observe('getpid', s.nameOf(tracee.call('getpid')));
      observe();
    },
    expect: `
      E: SETREGSET = 260 bytes
      E: D registers = as written
      E: FPSCR = 0xc0000000
      E: SETREGSET of the D registers = 256 bytes
      E: D registers = as written
      E: FPSCR = 0xc0000000
      E: SETREGSET of 258 bytes = EINVAL
      E: D registers = as written
      E: FPSCR = 0xc0000000
      E: getpid = E
      E: D registers = as written
      E: FPSCR = 0xc0000000
    `,
  }),

  scenario({
    id: 'arm32-tls',
    title: 'NT_ARM_TLS of an AArch32 tracee is the one word that it set by its own call, and where its loads go',
    source: [ptraceView],
    tags: ['regset', 'tls', 'aarch32'],
    rule:
      'The word is TPIDRURO, which the tracee itself can only read: it sets it by set_tls, a call of this ABI alone. A tracer writes it directly, and the ' +
      'next access of the tracee goes there.',
    arch: ['arm64'],
    since: '4.2',
    needs: ['arm32-programs'],
    play(s) {
      for (const name of ['E', 'F']) {
        const tracee = new Arm32Tracee(s, name, 'tls');
        const e = tracee.actor;
        const bytes = raw.getRegset(e.tid, NT.ARM_TLS);
        const pointer = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
        e.observe('is what it has set', BigInt(pointer) === tracee.address('tls'));
        if (name === 'F') {
          tracee.write(tracee.address('arguments'), 5);
          set(e, 'SETREGSET', NT.ARM_TLS, words32(Number(tracee.address('arguments'))));
        }
        e.cont();
        e.wait();
      }
    },
    expect: `
      E: is what it has set = true
      E: CONT = 0
      E: wait = exited ${TLS_WORD}
      F: is what it has set = true
      F: SETREGSET = 4 bytes
      F: CONT = 0
      F: wait = exited 5
    `,
  }),

  scenario({
    id: 'arm32-highmem',
    title: 'PEEKDATA and POKEDATA of an AArch32 tracee take all 64 bits of the address, and 8 bytes of data',
    source: [compat, getregset],
    tags: ['memory', 'errors', 'aarch32'],
    rule:
      'The word of these requests is the tracer’s, not the tracee’s: two words of 32 bits at once. An address beyond the tracee’s 4 GiB is EIO, whatever is ' +
      'at its lower half.',
    arch: ['arm64'],
    since: '3.7',
    needs: ['arm32-programs'],
    play(s) {
      const tracee = new Arm32Tracee(s, 'E', 'stop');
      const e = tracee.actor;
      tracee.write(tracee.address('arguments'), 0x11111111, 0x22222222);
      const at = tracee.address('arguments');
      e.peek(at);
      e.poke(at, 0x4444444433333333n);
      e.observe('second word', hex(BigInt.asUintN(32, e.wordAt(at + 4n))));
      for (const high of [1n, 0xffff_ffffn]) {
        e.peek((high << 32n) | at, `PEEKDATA with ${hex(high)} above`);
        e.poke((high << 32n) | at, 1n, `POKEDATA with ${hex(high)} above`);
      }
      e.peek(tracee.shared + BigInt(SHARED.value), 'PEEKDATA of its value');
    },
    expect: `
      E: PEEKDATA = 0x2222222211111111
      E: POKEDATA = 0
      E: second word = 0x44444444
      E: PEEKDATA with 0x1 above = EIO
      E: POKEDATA with 0x1 above = EIO
      E: PEEKDATA with 0xffffffff above = EIO
      E: POKEDATA with 0xffffffff above = EIO
      E: PEEKDATA of its value = 0x0
    `,
  }),

  scenario({
    id: 'arm32-requests-of-arm',
    title: 'The requests of 32-bit ARM are unknown to a 64-bit tracer, also for an AArch32 tracee',
    source: [ptraceView, compat],
    tags: ['errors', 'aarch32'],
    rule:
      'Which requests there are depends on the tracer’s ABI, which sets on the tracee’s. arm64 has no user area, and the old requests for registers exist for ' +
      '32-bit tracers alone: EIO. The register sets take their place.',
    arch: ['arm64'],
    since: '3.7',
    needs: ['arm32-programs'],
    play(s) {
      const { actor: e } = new Arm32Tracee(s, 'E', 'stop');
      const room = new Uint8Array(512);
      const requests = {
        PEEKUSER: 3,
        GETREGS: 12,
        SETREGS: 13,
        GETFPREGS: 14,
        GET_THREAD_AREA: 22,
        SET_SYSCALL: 23,
        GETVFPREGS: 27,
        SETVFPREGS: 28,
        GETHBPREGS: 29,
        SETHBPREGS: 30,
      };
      for (const [name, number] of Object.entries(requests)) e.request(name, number, 0, room);
      e.request('POKEUSER', PTRACE.POKEUSER, 0, 0);
      e.request('GETSIGMASK', PTRACE.GETSIGMASK, 8, room);
    },
    expect: `
      E: PEEKUSER = EIO
      E: GETREGS = EIO
      E: SETREGS = EIO
      E: GETFPREGS = EIO
      E: GET_THREAD_AREA = EIO
      E: SET_SYSCALL = EIO
      E: GETVFPREGS = EIO
      E: SETVFPREGS = EIO
      E: GETHBPREGS = EIO
      E: SETHBPREGS = EIO
      E: POKEUSER = EIO
      E: GETSIGMASK = 0
    `,
  }),
];
