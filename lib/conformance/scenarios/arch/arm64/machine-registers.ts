/** The general registers of arm64, and the keys of pointer authentication. */
import { NT } from '../../../../kernel/regsets.js';
import { PTRACE } from '../../../../kernel/requests.js';
import * as raw from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { commit, manual, scenario, type Scenario } from '../../../scenario.js';

const getregset = manual('ptrace(2)', 'PTRACE_GETREGSET');
const validRegisters = commit('dbd4d7ca563f', 'arm64: Rework valid_user_regs');

const BYTES = 272;
const X0_TO_X30 = 31;
/** PSTATE: the flags N and C, the kernel's mode, AArch32, masked interrupts. Bits 22 and 23 are nobody's. */
const NEGATIVE_AND_CARRY = (1n << 31n) | (1n << 29n);
const KERNEL_MODE = 0x5n;
const AARCH32 = 0x10n;
const IRQ_OFF = 1n << 7n;
const RESERVED = 3n << 22n;

const PR_PAC_GET_ENABLED_KEYS = 61;
/** The four keys for addresses; the one for data is always on. */
const ALL_KEYS = 0xfn;
const GENERIC_KEY = 0x10n;

const hex = (value: bigint): string => `0x${value.toString(16)}`;

function set(e: Actor, what: string, type: number, bytes: NodeJS.ArrayBufferView): void {
  let taken = 0;
  const result = e.stage.attempt(() => {
    taken = raw.setRegset(e.tid, type, bytes);
  });
  e.observe(what, result === '0' ? `${taken} bytes` : result);
}

function words(e: Actor, type: number): BigUint64Array {
  const bytes = Uint8Array.from(raw.getRegset(e.tid, type));
  return new BigUint64Array(bytes.buffer, 0, bytes.length >> 3);
}

export const armRegisters: readonly Scenario[] = [
  scenario({
    id: 'arm64-prstatus',
    title: 'NT_PRSTATUS of arm64 has 34 words, and takes any number of them from the first on',
    source: [getregset],
    tags: ['registers', 'regset', 'errors'],
    rule: 'The unit is 8 bytes: what is no multiple of it is EINVAL. What is longer than the set is taken as far as there is a set.',
    arch: ['arm64'],
    play(s) {
      const e = s.tracee('E', (c) => c.pause());
      const original = e.registers();
      e.observe('bytes', original.bytes.length);
      const changed = BigUint64Array.from({ length: 35 }, (_, index) => 0x0102030405060700n + BigInt(index));
      const observe = (): void => {
        const now = e.registers();
        const written = Array.from({ length: X0_TO_X30 }, (_, index) => now.get(`x${index}`) === changed[index]);
        e.observe('registers as written', written.filter(Boolean).length);
      };
      set(e, 'SETREGSET of 24 bytes', NT.PRSTATUS, changed.subarray(0, 3));
      observe();
      set(e, 'SETREGSET of 28 bytes', NT.PRSTATUS, new Uint8Array(changed.buffer, 0, 28));
      observe();
      changed[31] = original.sp;
      changed[32] = original.pc;
      changed[33] = original.flags;
      set(e, 'SETREGSET of 280 bytes', NT.PRSTATUS, changed);
      observe();
      const part = new Uint8Array(24);
      e.observe('GETREGSET of 24 bytes', raw.getRegsetInto(e.tid, NT.PRSTATUS, part));
      e.observe(
        'GETREGSET of 28 bytes',
        s.attempt(() => raw.getRegsetInto(e.tid, NT.PRSTATUS, new Uint8Array(28))),
      );
    },
    expect: `
      E: bytes = ${BYTES}
      E: SETREGSET of 24 bytes = 24 bytes
      E: registers as written = 3
      E: SETREGSET of 28 bytes = EINVAL
      E: registers as written = 3
      E: SETREGSET of 280 bytes = ${BYTES} bytes
      E: registers as written = ${X0_TO_X30}
      E: GETREGSET of 24 bytes = 24
      E: GETREGSET of 28 bytes = EINVAL
    `,
  }),

  scenario({
    id: 'arm64-pstate',
    title: 'PSTATE can be written, but for another mode, AArch32 or masked interrupts: EINVAL, and nothing is written',
    source: [validRegisters],
    tags: ['registers', 'errors'],
    rule:
      'Bits without a meaning are dropped. Those that would make the tracee something else than a user’s task have the whole set refused, with all of its valid ' +
      'registers. A tracer cannot move a task to the other ABI; only execve does.',
    arch: ['arm64'],
    since: '4.6',
    play(s) {
      const e = s.tracee('E', (c) => c.pause());
      const original = e.registers();
      const attempt = (what: string, pstate: bigint): void => {
        const registers = e.registers();
        const x20 = registers.get('x20') ^ 1n;
        registers.set('x20', x20);
        registers.flags = pstate;
        e.observe(
          `SETREGSET, ${what}`,
          s.attempt(() => {
            e.setRegisters(registers);
          }),
        );
        const now = e.registers();
        e.observe(
          'PSTATE',
          now.flags === pstate ? 'as written' : now.flags === original.flags ? 'as before' : hex(now.flags),
        );
        e.observe('x20', now.get('x20') === x20 ? 'as written' : 'as before');
        e.setRegisters(original);
      };
      attempt('flags', original.flags ^ NEGATIVE_AND_CARRY);
      attempt('reserved bits', original.flags | RESERVED);
      attempt('the mode of the kernel', original.flags | KERNEL_MODE);
      attempt('AArch32', original.flags | AARCH32);
      attempt('no interrupts', original.flags | IRQ_OFF);
    },
    expect: `
      E: SETREGSET, flags = 0
      E: PSTATE = as written
      E: x20 = as written
      E: SETREGSET, reserved bits = 0
      E: PSTATE = as before
      E: x20 = as written
      ${['the mode of the kernel', 'AArch32', 'no interrupts']
        .map(
          (what) => `
          E: SETREGSET, ${what} = EINVAL
          E: PSTATE = as before
          E: x20 = as before`,
        )
        .join('')}
    `,
  }),

  scenario({
    id: 'arm64-requests-of-others',
    title: 'arm64 has no requests for a user area and none for registers but the register sets: EIO',
    source: [getregset],
    tags: ['errors', 'registers'],
    rule: 'The requests that other machines have from older times were left out. A tracer for several machines uses GETREGSET and SETREGSET everywhere.',
    arch: ['arm64'],
    play(s) {
      const e = s.tracee('E', (c) => c.pause());
      const room = new Uint8Array(1024);
      const requests = { PEEKUSER: PTRACE.PEEKUSER, GETREGS: 12, SETREGS: 13, GETFPREGS: 14, SETFPREGS: 15 };
      for (const [name, number] of Object.entries(requests)) e.request(name, number, 0, room);
      e.request('POKEUSER', PTRACE.POKEUSER, 0, 0);
    },
    expect: `
      E: PEEKUSER = EIO
      E: GETREGS = EIO
      E: SETREGS = EIO
      E: GETFPREGS = EIO
      E: SETFPREGS = EIO
      E: POKEUSER = EIO
    `,
  }),

  scenario({
    id: 'pac-keys-regsets',
    title: 'NT_ARM_PACA_KEYS and NT_ARM_PACG_KEYS are the tracee’s keys, and can be written',
    source: [commit('d0a060be573b', 'arm64: add ptrace regsets for ptrauth key management')],
    tags: ['regset', 'pac'],
    rule:
      'Four keys for addresses and one for data, of 16 bytes each. A checkpoint has to keep them: the signed addresses on the stack of the tracee are worth ' +
      'nothing without. The sets are there where the kernel is built for checkpoints.',
    arch: ['arm64'],
    since: '5.1',
    needs: ['regset.NT_ARM_PACA_KEYS', 'regset.NT_ARM_PACG_KEYS'],
    play(s) {
      const e = s.tracee('E', (c) => c.pause());
      for (const [name, type] of [
        ['NT_ARM_PACA_KEYS', NT.ARM_PACA_KEYS],
        ['NT_ARM_PACG_KEYS', NT.ARM_PACG_KEYS],
      ] as const) {
        const keys = words(e, type);
        e.observe(`${name}, words`, keys.length);
        const others = keys.map((word, index) => word ^ BigInt(index + 1));
        set(e, `SETREGSET of ${name}`, type, others);
        e.observe(
          'as written',
          words(e, type).every((word, index) => word === others[index]),
        );
      }
    },
    expect: `
      E: NT_ARM_PACA_KEYS, words = 8
      E: SETREGSET of NT_ARM_PACA_KEYS = 64 bytes
      E: as written = true
      E: NT_ARM_PACG_KEYS, words = 2
      E: SETREGSET of NT_ARM_PACG_KEYS = 16 bytes
      E: as written = true
    `,
  }),

  scenario({
    id: 'pac-enabled-keys-regset',
    title: 'NT_ARM_PAC_ENABLED_KEYS is what the tracee sees by prctl, and refuses keys that cannot be switched',
    source: [commit('201698626fbc', 'arm64: Introduce prctl(PR_PAC_{SET,GET}_ENABLED_KEYS)')],
    tags: ['regset', 'pac', 'errors'],
    rule: 'The four keys for addresses can be switched off one by one; the one for data cannot.',
    arch: ['arm64'],
    since: '5.13',
    needs: ['regset.NT_ARM_PAC_ENABLED_KEYS'],
    play(s) {
      const e = s.unrecorded(() => {
        const tracee = s.tracee('E', (c) =>
          c
            .tgkillSelf('SIGUSR1')
            .prctl(PR_PAC_GET_ENABLED_KEYS, 0, 0, 0, 0)
            .store('prctl')
            .tgkillSelf('SIGUSR2')
            .exitGroup(0),
        );
        tracee.cont();
        tracee.wait();
        return tracee;
      });
      const read = (): void => {
        e.observe('keys', [...words(e, NT.ARM_PAC_ENABLED_KEYS)].map(hex).join(' '));
      };
      read();
      set(e, 'SETREGSET of two', NT.ARM_PAC_ENABLED_KEYS, BigUint64Array.of(ALL_KEYS & 0x5n));
      read();
      set(e, 'SETREGSET of the data key', NT.ARM_PAC_ENABLED_KEYS, BigUint64Array.of(GENERIC_KEY));
      read();
      e.cont();
      e.wait();
      e.result('prctl');
    },
    expect: `
      E: keys = 0xf
      E: SETREGSET of two = 8 bytes
      E: keys = 0x5
      E: SETREGSET of the data key = EINVAL
      E: keys = 0x5
      E: CONT = 0
      E: wait = stopped by SIGUSR2
      E: prctl = 5
    `,
  }),
];
